package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// object is a mapping of gateway.yaml, in order. Its values are string, bool, int,
// [object], [inline] and []any.
type object []field

type field struct {
	key   string
	value any
}

// inline is a mapping that is written on one line.
type inline object

// with is the object with one more member, unless the value is nothing.
func (o object) with(key string, value any) object {
	switch v := value.(type) {
	case string:
		if v == "" {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	case inline:
		if len(v) == 0 {
			return o
		}
	case []any:
		if len(v) == 0 {
			return o
		}
	case int:
		if v == 0 {
			return o
		}
	case nil:
		return o
	}
	return append(o, field{key, value})
}

// yamlWriter writes gateway.yaml.
type yamlWriter struct{ strings.Builder }

// members writes the members of an object, each on a line of its own.
func (w *yamlWriter) members(o object, depth int) {
	for _, f := range o {
		w.WriteString(strings.Repeat("  ", depth) + scalar(f.key) + ":")
		switch v := f.value.(type) {
		case object:
			w.WriteString("\n")
			w.members(v, depth+1)
			continue
		case []any:
			if ofObjects(v) {
				w.WriteString("\n")
				for _, item := range v {
					w.WriteString(strings.Repeat("  ", depth+1) + "- " + flow(item) + "\n")
				}
				continue
			}
		}
		w.WriteString(" " + flow(f.value) + "\n")
	}
}

func ofObjects(items []any) bool {
	for _, item := range items {
		if _, ok := item.(string); !ok {
			return true
		}
	}
	return false
}

// flow is a value on one line.
func flow(value any) string {
	switch v := value.(type) {
	case string:
		return scalar(v)
	case object:
		return flow(inline(v))
	case inline:
		parts := make([]string, 0, len(v))
		for _, f := range v {
			parts = append(parts, scalar(f.key)+": "+flow(f.value))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, flow(item))
		}
		return "[ " + strings.Join(parts, ", ") + " ]"
	default:
		return fmt.Sprint(v) // a number or a boolean
	}
}

var (
	// plain are texts that need no quotes anywhere in YAML.
	plain = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)
	// secretScalar are references to secrets, in which a colon is no separator: one at
	// the end would be.
	secretScalar = regexp.MustCompile(`^[a-z]+:[A-Za-z0-9_./:-]*[A-Za-z0-9_./-]$`)
	// otherwise are texts that YAML, of some version, takes for something else.
	otherwise = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n|inf|nan)$`)
)

// scalar is a text. What is in doubt is quoted; escapes of Go are those of YAML.
func scalar(s string) string {
	if (plain.MatchString(s) || secretScalar.MatchString(s)) && !otherwise.MatchString(s) {
		return s
	}
	return strconv.Quote(strings.ToValidUTF8(s, "\uFFFD"))
}
