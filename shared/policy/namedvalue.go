package policy

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"toolgate/shared/fault"
)

// putNamedValues replaces each {{name}} of the text by its value, before
// anything else is read, as API Management does. Inside comments and Liquid
// templates, which have braces of their own, an unknown name is no fault.
func (s *source) putNamedValues(values map[string]string) fault.Faults {
	var faults fault.Faults
	var out strings.Builder
	var segments []segment
	own := ownBraces(s.original)
	copied := 0
	for at, name := range references(s.original) {
		value, known := values[name]
		if !known {
			if !within(own, at.from) {
				faults.Add(s.at(at.from), `unknown named value "`+name+`"`, fault.Suggest(name, slices.Sorted(maps.Keys(values)), "declare it among the named values"))
			}
			continue
		}
		segments = append(segments,
			segment{text: out.Len(), original: copied},
			segment{text: out.Len() + at.from - copied, original: at.from, replaced: true})
		out.WriteString(s.original[copied:at.from])
		out.WriteString(value)
		copied = at.to
	}
	if len(segments) > 0 {
		s.segments = append(segments, segment{text: out.Len(), original: copied})
		out.WriteString(s.original[copied:])
		s.text = out.String()
	}
	return faults
}

// references are where a text refers to named values, braces included, and to which.
func references(text string) iter.Seq2[stretch, string] {
	return func(yield func(stretch, string) bool) {
		for at := 0; ; {
			n := strings.Index(text[at:], "{{")
			if n < 0 {
				return
			}
			at += n
			name, end := namedValue(text, at)
			if name == "" {
				at++
				continue
			}
			if !yield(stretch{at, end}, name) {
				return
			}
			at = end
		}
	}
}

// namedValue is the name in the braces at a place, and the place behind them.
// Names are letters, digits, dots, hyphens and underscores; other braces are
// not those of a named value.
func namedValue(text string, at int) (name string, end int) {
	from := at + len("{{")
	to := from
	for to < len(text) && (isName(text[to]) && text[to] != ':' && text[to] < 0x80) {
		to++
	}
	if to == from || !strings.HasPrefix(text[to:], "}}") {
		return "", 0
	}
	return text[from:to], to + len("}}")
}

// stretch is a part of a text.
type stretch struct{ from, to int }

func within(stretches []stretch, at int) bool {
	i, _ := slices.BinarySearchFunc(stretches, at, func(s stretch, at int) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	return i < len(stretches) && stretches[i].from <= at
}

// ownBraces finds the comments and the Liquid templates of a text.
func ownBraces(text string) []stretch {
	var list []stretch
	for at := 0; at < len(text); {
		n := strings.IndexByte(text[at:], '<')
		if n < 0 {
			break
		}
		at += n
		end := at + 1
		switch {
		case strings.HasPrefix(text[at:], "<!--"):
			end = len(text)
			if n := strings.Index(text[at:], "-->"); n > 0 {
				end = at + n
			}
		case strings.HasPrefix(text[at:], "<set-body"):
			end = liquidEnd(text, at)
		}
		if end > at+1 {
			list = append(list, stretch{at, end})
		}
		at = end
	}
	return list
}

// liquidEnd is the end of the Liquid template in the set-body at a place, or
// the place behind its < when there is none.
func liquidEnd(text string, at int) int {
	n := strings.IndexAny(text[at+1:], "<>")
	if n < 0 || text[at+1+n] == '<' {
		return at + 1
	}
	behind := at + 1 + n
	tag := strings.Join(strings.Fields(text[at:behind]), "")
	if !strings.Contains(tag, `template="liquid"`) && !strings.Contains(tag, `template='liquid'`) {
		return at + 1
	}
	if end := closingSetBody(text, behind); end > 0 {
		return end
	}
	return len(text)
}

// namedValues are the names of the named values that a document refers to and
// that were left in it, in order of their names.
func namedValues(text string) []string {
	names := map[string]bool{}
	own := ownBraces(text)
	for at, name := range references(text) {
		if !within(own, at.from) {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
