package config

import (
	"cmp"
	"slices"
	"strings"

	"toolgate/shared/pattern"
)

// overrideKeys change one tool, whatever it is made from.
var overrideKeys = []key[Selection]{
	{name: "name", decode: func(d *decoder, v value, s *Selection) {
		s.Override.Name = d.matching(v, toolName, `use letters, digits, "_" and "-", 64 at most`)
	}},
	{name: "title", decode: func(d *decoder, v value, s *Selection) { s.Override.Title = d.str(v) }},
	{name: "description", decode: func(d *decoder, v value, s *Selection) { s.Override.Description = d.str(v) }},
	{name: "annotations", decode: func(d *decoder, v value, s *Selection) {
		decodeMapping(d, v, annotationsKeys, &s.Override.Annotations)
	}},
	{name: "policy", decode: func(d *decoder, v value, s *Selection) { s.Override.Policy = d.localFile(v, "policy document") }},
	{name: "allow", decode: func(d *decoder, v value, s *Selection) { s.Override.Allow = d.allow(v) }},
	{name: "approval", decode: func(d *decoder, v value, s *Selection) { s.Override.Approval = d.approval(v) }},
	{name: "result", decode: func(d *decoder, v value, s *Selection) { s.Override.Result = d.result(v) }},
}

// operationOverrideKeys change how an operation is called.
var operationOverrideKeys = []key[Selection]{
	{name: "longRunning", decode: func(d *decoder, v value, s *Selection) { s.Override.LongRunning = d.longRunning(v) }},
	{name: "defaults", decode: func(d *decoder, v value, s *Selection) { s.Override.Defaults = d.jsonValues(v) }},
	{name: "hidden", decode: func(d *decoder, v value, s *Selection) { s.Override.Hidden = d.jsonValues(v) }},
}

// criterionKeys choose operations.
var criterionKeys = []key[Selection]{
	{name: "operation", decode: func(d *decoder, v value, s *Selection) { s.setOperation(d, v) }},
	{name: "tag", decode: func(d *decoder, v value, s *Selection) { s.Tag = d.str(v) }},
	{name: "method", decode: func(d *decoder, v value, s *Selection) {
		s.Method = d.matching(v, method, "write an HTTP method in capitals, such as GET")
	}},
	{name: "path", decode: func(d *decoder, v value, s *Selection) { s.Path = d.pathPattern(v) }},
}

// The keys of an item of "tools" and "exclude" of a server over an API, and of
// "tools" of a server in front of an MCP server.
var (
	operationKeys = vocabulary[Selection]{
		kind: "selection", keys: slices.Concat(criterionKeys, overrideKeys, operationOverrideKeys), check: checkCriteria,
	}
	exclusionKeys = vocabulary[Selection]{
		kind: "selection", keys: criterionKeys, elsewhere: overridesElsewhere(), check: checkCriteria,
	}
	toolKeys = vocabulary[Selection]{kind: "selection", keys: slices.Concat([]key[Selection]{
		{name: "tool", required: true, decode: func(d *decoder, v value, s *Selection) { s.setTool(d, v) }},
	}, overrideKeys)}
)

func overridesElsewhere() map[string]string {
	elsewhere := map[string]string{}
	for _, k := range slices.Concat(overrideKeys, operationOverrideKeys) {
		elsewhere[k.name] = `belongs to "tools": what is excluded is not shown`
	}
	return elsewhere
}

var annotationsKeys = vocabulary[Annotations]{kind: "annotations", keys: []key[Annotations]{
	{name: "readOnly", decode: func(d *decoder, v value, a *Annotations) { a.ReadOnly = d.boolean(v) }},
	{name: "destructive", decode: func(d *decoder, v value, a *Annotations) { a.Destructive = d.boolean(v) }},
	{name: "idempotent", decode: func(d *decoder, v value, a *Annotations) { a.Idempotent = d.boolean(v) }},
	{name: "openWorld", decode: func(d *decoder, v value, a *Annotations) { a.OpenWorld = d.boolean(v) }},
}}

var (
	// toolName is what every known client accepts as the name of a tool.
	toolName = pattern.Lazy(`^[A-Za-z0-9_-]{1,64}$`)
	// method is an HTTP method. Documents of OpenAPI 3.2 may have others than
	// the nine that have a key of their own.
	method = pattern.Lazy(`^[A-Z][A-Z0-9_-]*$`)
)

// setOperation takes v for an operationId, or for "METHOD /path".
func (s *Selection) setOperation(d *decoder, v value) {
	operation := d.str(v)
	if !ValidOperation(operation) {
		d.fault(v.at, "write the method in capitals, as in GET /orders", "%s is %s", v.what, quote(operation))
		return
	}
	s.Operation = operation
}

// setTool takes v for the name of an upstream's tool.
func (s *Selection) setTool(d *decoder, v value) { s.Tool = d.str(v) }

// pathPattern returns a pattern of paths in which * and ** stand for whole
// segments.
func (d *decoder) pathPattern(v value) string {
	pattern := d.str(v)
	if pattern == "" {
		return ""
	}
	if !strings.HasPrefix(pattern, "/") || strings.ContainsAny(pattern, "?# \t\r\n") {
		d.fault(v.at, "write the path as in the document, as in /orders/**", "%s is %s, which is not a path", v.what, quote(pattern))
		return ""
	}
	for segment := range strings.SplitSeq(pattern[1:], "/") {
		if strings.Contains(segment, "*") && segment != "*" && segment != "**" {
			d.fault(v.at, `let "*" stand for one whole segment, or "**" for any number`,
				"%s has the segment %s", v.what, quote(segment))
			return ""
		}
	}
	return pattern
}

// selections decodes a list of selections. An item that is text is given to
// choose.
func (d *decoder) selections(
	v value, y vocabulary[Selection], choose func(*Selection, *decoder, value),
) []Selection {
	var selections []Selection
	chosen, published := map[string]bool{}, map[string]bool{}
	for item := range d.list(v) {
		s := Selection{At: item.at}
		nameAt := item.at
		if !isMapping(item.node) {
			choose(&s, d, item)
		} else {
			present := decodeMapping(d, item, y, &s)
			if name, ok := present["name"]; ok {
				nameAt = name.at
			}
		}
		selections = append(selections, s)
		one, name := cmp.Or(s.Operation, s.Tool), cmp.Or(s.Override.Name, s.Tool)
		switch {
		case one != "" && chosen[one]:
			d.fault(item.at, "remove one", "%s chooses %s, which an item before it chooses", item.what, quote(one))
		case name != "" && published[name]:
			d.fault(nameAt, `give one of them another "name"`, "%s publishes %s, as an item before it does", item.what, quote(name))
		}
		chosen[one], published[name] = true, true
	}
	return selections
}

// checkCriteria checks that operations are chosen in one way, and changed where
// one is chosen.
func checkCriteria(d *decoder, v value, present map[string]value, _ *Selection) {
	var criteria []string
	for _, k := range criterionKeys {
		if _, ok := present[k.name]; ok && !(k.name == "path" && slices.Contains(criteria, "method")) {
			criteria = append(criteria, k.name)
		}
	}
	if len(criteria) != 1 {
		d.fault(v.at, `give exactly one of "operation", "tag", "method" and "path"; "method" and "path" may stand together`,
			"%s chooses by %s", v.what, cmp.Or(strings.Join(criteria, " and "), "nothing"))
		return
	}
	if criteria[0] == "operation" {
		return
	}
	for _, name := range []string{"name", "title", "description", "policy", "defaults", "hidden"} {
		if given, ok := present[name]; ok {
			d.fault(given.key, `remove it, or choose by "operation"`, "%s is for one tool, but %q may choose several", given.what, criteria[0])
		}
	}
}
