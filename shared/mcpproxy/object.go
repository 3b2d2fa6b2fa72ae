package mcpproxy

import (
	"slices"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// rebuild writes a JSON object anew, member by member. change gives the value
// that a member is to have: the one it has, which leaves its bytes as they are,
// another, or nil to leave the member out. The texts of add, each a whole
// member, follow.
func rebuild(raw jsontext.Value, change func(name string, value jsontext.Value) (jsontext.Value, error), add ...string) (jsontext.Value, error) {
	out := append(make([]byte, 0, len(raw)+256), '{')
	err := mcp.EachMember(raw, func(m mcp.Member) error {
		value, err := change(m.Name, raw[m.Value.Start:m.Value.End])
		if value == nil || err != nil {
			return err
		}
		out = separate(out)
		out = append(out, raw[m.Whole.Start:m.Value.Start]...)
		out = append(out, value...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, text := range add {
		out = append(separate(out), text...)
	}
	return append(out, '}'), nil
}

// keep is the change that changes nothing.
func keep(_ string, value jsontext.Value) (jsontext.Value, error) { return value, nil }

// withMeta adds members to the _meta of a result, which is made if need be.
func withMeta(result jsontext.Value, add ...string) (jsontext.Value, error) {
	if lookup(result, "_meta").Kind() != '{' {
		meta, err := rebuild(jsontext.Value("{}"), keep, add...)
		if err != nil {
			return nil, err
		}
		if result, err = without(result, "_meta"); err != nil {
			return nil, err
		}
		return rebuild(result, keep, `"_meta":`+string(meta))
	}
	return rebuild(result, func(name string, value jsontext.Value) (jsontext.Value, error) {
		if name == "_meta" {
			return rebuild(value, keep, add...)
		}
		return value, nil
	})
}

// separate appends the comma that the next member or element needs.
func separate(out []byte) []byte {
	if last := out[len(out)-1]; last == '{' || last == '[' {
		return out
	}
	return append(out, ',')
}

// without leaves the named members out of an object.
func without(raw jsontext.Value, names ...string) (jsontext.Value, error) {
	return rebuild(raw, func(name string, value jsontext.Value) (jsontext.Value, error) {
		if slices.Contains(names, name) {
			return nil, nil
		}
		return value, nil
	})
}

// lookup returns the value of a member; nil when raw is no object or has no
// such member.
func lookup(raw jsontext.Value, name string) jsontext.Value {
	span, ok := mcp.Lookup(raw, name)
	if !ok {
		return nil
	}
	return raw[span.Start:span.End]
}

// text is the value of a JSON string; empty for anything else.
func text(raw jsontext.Value) string {
	m := mcp.Message{Raw: raw}
	return m.Text(mcp.Span{End: len(raw)})
}

// quote is s as a JSON string.
func quote(s string) jsontext.Value { return mcp.AppendString(nil, s) }

// elements rewrites the array of tools of a result: change appends to dst what a
// tool becomes, any number of tools with [separate] before each. A result without
// such an array is returned as it is.
func elements(raw jsontext.Value, change func(dst []byte, element jsontext.Value) ([]byte, error)) (jsontext.Value, error) {
	span, ok := mcp.Lookup(raw, "tools")
	if !ok || raw[span.Start] != '[' {
		return raw, nil
	}
	out := append(make([]byte, 0, span.End-span.Start), '[')
	err := mcp.EachElement(raw[span.Start:span.End], func(element jsontext.Value) (err error) {
		out, err = change(out, element)
		return err
	})
	if err != nil {
		return nil, err
	}
	return mcp.Splice(raw, mcp.Edit{Span: span, Text: append(out, ']')}), nil
}
