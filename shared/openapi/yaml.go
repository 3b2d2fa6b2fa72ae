package openapi

import (
	"errors"
	"math/big"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// yamlReader makes nodes of YAML's. An alias becomes the very node of its
// anchor, so that aliases of aliases cannot blow the tree up.
type yamlReader struct {
	file     *file
	anchored map[*yaml.Node]anchored
}

// anchored is what an anchor stands for, and how deep that is nested; a nil
// value marks one that is still being read, which only a cycle can ask for.
type anchored struct {
	value  *node
	height int
}

// readYAML makes the tree of the first document of a YAML file.
func (f *file) readYAML(data []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return f.yamlFault(err)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return &Error{File: f.location, Message: "the file holds no value", Fix: "give an OpenAPI document in JSON or YAML"}
	}
	r := &yamlReader{file: f, anchored: make(map[*yaml.Node]anchored)}
	root, _, err := r.value(document.Content[0], 0)
	if err != nil {
		return err
	}
	f.root = root
	return nil
}

// yamlFault turns an error of the parser into one with a position.
func (f *file) yamlFault(err error) error {
	fault := &Error{File: f.location, Message: "invalid YAML: " + err.Error()}
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		fault.Line, fault.Column = load.Mark.Line, load.Mark.Column
		fault.Message = "invalid YAML: " + load.Message
	}
	return fault
}

// value converts y, which is nested in depth others, and says how deep it is
// nested itself.
func (r *yamlReader) value(y *yaml.Node, depth int) (n *node, height int, err error) {
	if depth > maxNesting {
		return nil, 0, r.fault(y, "nested too deep", "keep the nesting within 500 levels")
	}
	if y.Kind == yaml.AliasNode && y.Alias != nil {
		return r.alias(y, depth)
	}
	if y.Anchor != "" {
		r.anchored[y] = anchored{}
	}
	n = &node{file: r.file, line: y.Line, column: y.Column}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = objectNode
		height, err = r.mapping(n, y, depth)
	case yaml.SequenceNode:
		n.kind = arrayNode
		height, err = r.sequence(n, y, depth)
	default:
		setYAMLScalar(n, y)
	}
	if err != nil {
		return nil, 0, err
	}
	if y.Anchor != "" {
		r.anchored[y] = anchored{n, height}
	}
	return n, height, nil
}

// alias is the value of the anchor that y names.
func (r *yamlReader) alias(y *yaml.Node, depth int) (*node, int, error) {
	known, ok := r.anchored[y.Alias]
	if !ok {
		n, height, err := r.value(y.Alias, depth)
		if err != nil {
			return nil, 0, err
		}
		known = anchored{n, height}
		r.anchored[y.Alias] = known
	}
	if known.value == nil {
		return nil, 0, r.fault(y, "the alias *"+y.Value+" stands inside its own anchor", "use $ref for recursive schemas")
	}
	if depth+known.height > maxNesting {
		return nil, 0, r.fault(y, "nested too deep", "keep the nesting within 500 levels")
	}
	markShared(known.value)
	return known.value, known.height, nil
}

// markShared marks a node that has got another parent, and all below it.
func markShared(n *node) {
	if n.shared {
		return
	}
	n.shared = true
	for _, m := range n.members {
		markShared(m.value)
	}
}

func (r *yamlReader) sequence(n *node, y *yaml.Node, depth int) (height int, err error) {
	n.members = make([]member, 0, len(y.Content))
	for _, item := range y.Content {
		value, h, err := r.value(item, depth+1)
		if err != nil {
			return 0, err
		}
		height = max(height, h+1)
		n.add("", value)
	}
	return height, nil
}

func (r *yamlReader) mapping(n *node, y *yaml.Node, depth int) (height int, err error) {
	n.members = make([]member, 0, len(y.Content)/2)
	var merged []member
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, item := y.Content[i], y.Content[i+1]
		value, h, err := r.value(item, depth+1)
		if err != nil {
			return 0, err
		}
		height = max(height, h+1)
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			merged = append(merged, mergeSources(value)...)
			continue
		}
		name, ok := yamlKey(key)
		if !ok {
			return 0, r.fault(key, "a key must be a scalar", "write a string")
		}
		n.add(name, value)
	}
	r.file.finishObject(n)
	if len(merged) == 0 {
		return height, nil
	}
	delete(r.file.indexes, n) // it is made anew with the merged members
	present := make(map[string]bool, len(n.members)+len(merged))
	for _, m := range n.members {
		present[m.name] = true
	}
	for _, m := range merged {
		if !present[m.name] {
			present[m.name] = true
			n.members = append(n.members, m)
			markShared(m.value)
		}
	}
	return height, nil
}

// mergeSources are the members that a merge key brings in, the more important
// first.
func mergeSources(value *node) (members []member) {
	switch value.kind {
	case objectNode:
		return value.members
	case arrayNode:
		for _, m := range value.members {
			if m.value.kind == objectNode {
				members = append(members, m.value.members...)
			}
		}
	}
	return members
}

// yamlKey is the text of a scalar key: 200 and "200" are the same name.
func yamlKey(key *yaml.Node) (string, bool) {
	if key.Kind == yaml.AliasNode && key.Alias != nil {
		key = key.Alias
	}
	return key.Value, key.Kind == yaml.ScalarNode
}

// setYAMLScalar fills n with the JSON value that y stands for. Timestamps and
// everything that JSON does not know are strings.
func setYAMLScalar(n *node, y *yaml.Node) {
	n.kind, n.text = stringNode, y.Value
	switch y.ShortTag() {
	case "!!null":
		n.kind, n.text = nullNode, ""
	case "!!bool":
		switch strings.ToLower(y.Value) {
		case "true", "yes", "on", "y":
			n.kind, n.text = boolNode, "true"
		case "false", "no", "off", "n":
			n.kind, n.text = boolNode, "false"
		}
	case "!!int", "!!float":
		if text, ok := jsonNumber(y.Value); ok {
			n.kind, n.text = numberNode, text
		}
	}
}

// jsonNumber writes a number of YAML as one of JSON, without changing the text
// of one that is both. ok is false for infinities and not-a-number.
func jsonNumber(text string) (number string, ok bool) {
	if v := jsontext.Value(text); v.Kind() == '0' && v.IsValid() {
		return text, true
	}
	plain := strings.ReplaceAll(text, "_", "")
	if i, ok := new(big.Int).SetString(plain, 0); ok && len(plain) < 1000 {
		return i.String(), true
	}
	plain = strings.TrimPrefix(plain, "+")
	sign := ""
	if rest, negative := strings.CutPrefix(plain, "-"); negative {
		sign, plain = "-", rest
	}
	if strings.HasPrefix(plain, ".") {
		plain = "0" + plain
	}
	plain = strings.Replace(plain, ".e", ".0e", 1)
	plain = strings.Replace(plain, ".E", ".0E", 1)
	if strings.HasSuffix(plain, ".") {
		plain += "0"
	}
	for len(plain) > 1 && plain[0] == '0' && plain[1] >= '0' && plain[1] <= '9' {
		plain = plain[1:]
	}
	number = sign + plain
	return number, jsontext.Value(number).Kind() == '0' && jsontext.Value(number).IsValid()
}

func (r *yamlReader) fault(y *yaml.Node, message, fix string) error {
	return &Error{File: r.file.location, Line: y.Line, Column: y.Column, Message: message, Fix: fix}
}
