package toolslock

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxNested is how deep the properties of schemas are told apart.
const maxNested = 16

// schemas compares two schemas; what names their properties: parameter or result.
func schemas(what, schema string, before, after jsontext.Value) []Detail {
	c := schemaComparison{what: what, schema: schema}
	c.object("", before, after, 0)
	if c.list == nil {
		c.list = append(c.list, Detail{Text: schema, Old: string(before), New: string(after)})
	}
	return c.list
}

type schemaComparison struct {
	what, schema string
	list         []Detail
}

func (c *schemaComparison) add(d Detail, format string, args ...any) {
	d.Text = fmt.Sprintf(format, args...)
	c.list = append(c.list, d)
}

// object compares the properties below a path, which is empty or ends in a dot,
// and then whatever else the two schemas say.
func (c *schemaComparison) object(path string, before, after jsontext.Value, depth int) {
	a, b := members(before), members(after)
	if a == nil || b == nil || depth > maxNested {
		if !bytes.Equal(before, after) {
			c.add(Detail{Old: string(before), New: string(after)}, "%s %s", c.schema, path)
		}
		return
	}
	c.properties(path, a, b, depth)
	for _, keyword := range unionOf(a, b) {
		switch keyword {
		case "properties", "required":
			continue
		case "type", "description", "title":
			if path != "" {
				continue // of a property: compared with it
			}
		case "items":
			if members(a[keyword]) != nil && members(b[keyword]) != nil {
				c.object(path+"[].", a[keyword], b[keyword], depth+1)
				continue
			}
		}
		if bytes.Equal(a[keyword], b[keyword]) {
			continue
		}
		if path == "" {
			c.add(Detail{Old: shown(a[keyword]), New: shown(b[keyword])}, "%s: %s", c.schema, keyword)
		} else {
			c.add(Detail{Old: shown(a[keyword]), New: shown(b[keyword])}, "%s %q: %s", c.what, path[:len(path)-1], keyword)
		}
	}
}

func (c *schemaComparison) properties(path string, a, b map[string]jsontext.Value, depth int) {
	before, after := members(a["properties"]), members(b["properties"])
	wasRequired, isRequired := namesIn(a["required"]), namesIn(b["required"])
	for _, name := range unionOf(before, after) {
		full := path + name
		was, is := slices.Contains(wasRequired, name), slices.Contains(isRequired, name)
		switch {
		case before[name] == nil && is:
			c.add(Detail{New: description(after[name])}, "%s %q was added, and is required", c.what, full)
			continue
		case before[name] == nil:
			c.add(Detail{New: description(after[name])}, "%s %q was added", c.what, full)
			continue
		case after[name] == nil:
			c.add(Detail{}, "%s %q was removed", c.what, full)
			continue
		case is && !was:
			c.add(Detail{}, "%s %q is required now", c.what, full)
		case was && !is:
			c.add(Detail{}, "%s %q is not required any more", c.what, full)
		}
		if !bytes.Equal(before[name], after[name]) {
			c.property(full, before[name], after[name], depth)
		}
	}
	if !bytes.Equal(a["required"], b["required"]) && slices.Equal(wasRequired, isRequired) {
		c.add(Detail{Old: string(a["required"]), New: string(b["required"])}, "%s: required", c.schema)
	}
}

// property compares a property that both have.
func (c *schemaComparison) property(name string, before, after jsontext.Value, depth int) {
	a, b := members(before), members(after)
	if !bytes.Equal(a["type"], b["type"]) {
		c.add(Detail{}, "%s %q is of type %s, was %s", c.what, name, typeOf(b), typeOf(a))
	}
	for _, keyword := range []string{"title", "description"} {
		if !bytes.Equal(a[keyword], b[keyword]) {
			c.add(Detail{Old: shown(a[keyword]), New: shown(b[keyword])}, "%s %q: %s", c.what, name, keyword)
		}
	}
	c.object(name+".", before, after, depth+1)
}

func typeOf(schema map[string]jsontext.Value) string {
	switch value := schema["type"]; value.Kind() {
	case '"':
		return text(value)
	case '[':
		return string(value)
	}
	return "any"
}

// description is that of a schema.
func description(schema jsontext.Value) string { return text(members(schema)["description"]) }

// shown is a value for a reader: text without quotation marks.
func shown(value jsontext.Value) string {
	if value.Kind() == '"' {
		return text(value)
	}
	return string(value)
}

// namesIn are the texts of an array, in order.
func namesIn(value jsontext.Value) []string {
	var list []string
	if value.Kind() != '[' || json.Unmarshal(value, &list) != nil {
		return nil
	}
	slices.Sort(list)
	return list
}
