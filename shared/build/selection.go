package build

import (
	"path"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/openapi"
)

// selects reports whether a selection covers an operation.
func selects(sel config.Selection, o *openapi.Operation) bool {
	switch {
	case sel.Operation != "":
		return sel.Operation == o.ID || sel.Operation == o.Method+" "+o.Path
	case sel.Tag != "":
		return slices.Contains(o.Tags, sel.Tag)
	}
	return (sel.Method == "" || sel.Method == o.Method) && (sel.Path == "" || matchPath(sel.Path, o.Path))
}

// named reports whether a selection asks for an operation itself, rather than
// for a group it is in.
func named(list []config.Selection, o *openapi.Operation) bool {
	return slices.ContainsFunc(list, func(s config.Selection) bool { return s.Operation != "" && selects(s, o) })
}

// matchPath matches segment by segment: * stands for one segment or a part of
// one, ** for any number of segments.
func matchPath(pattern, p string) bool {
	return matchSegments(strings.Split(pattern, "/"), strings.Split(p, "/"))
}

func matchSegments(pattern, segments []string) bool {
	for i, want := range pattern {
		if want == "**" {
			for skip := i; skip <= len(segments); skip++ {
				if matchSegments(pattern[i+1:], segments[skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(segments) {
			return false
		}
		if ok, err := path.Match(want, segments[i]); err != nil || !ok {
			return false
		}
	}
	return len(pattern) == len(segments)
}

func describe(sel config.Selection) string {
	switch {
	case sel.Operation != "":
		return "operation \"" + sel.Operation + "\""
	case sel.Tag != "":
		return "tag \"" + sel.Tag + "\""
	case sel.Method != "" && sel.Path != "":
		return "method " + sel.Method + " and path \"" + sel.Path + "\""
	case sel.Method != "":
		return "method " + sel.Method
	}
	return "path \"" + sel.Path + "\""
}
