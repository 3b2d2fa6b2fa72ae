package projection

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

// Schema is the JSON Schema of [Expression.Apply]'s results for values of a schema,
// and the definitions that it refers to by #/$defs; nil where there are none. It
// describes without constraining, since what is selected may be missing, and then is
// null. A nil expression selects the whole value.
func (e *Expression) Schema(schema jsontext.Value) (result, definitions jsontext.Value, err error) {
	var decoded any
	if err := json.Unmarshal(schema, &decoded); err != nil {
		return nil, nil, err
	}
	root, _ := decoded.(map[string]any)
	t := &typing{root: root, room: maxDescription}
	t.definitions, _ = root["$defs"].(map[string]any)
	found := root
	if e != nil {
		found = t.of(e.root, root)
	}
	used := map[string]any{}
	made := t.describe(found, used)
	if result, err = json.Marshal(made, json.Deterministic(true)); err != nil || len(used) == 0 {
		return result, nil, err
	}
	definitions, err = json.Marshal(used, json.Deterministic(true))
	return result, definitions, err
}

// typing finds the schema of what an expression selects. A nil schema is that of any
// value.
type typing struct {
	root        map[string]any
	definitions map[string]any
	// looked counts the schemas that were looked into, and room is what is left of
	// maxDescription: a server behind may give a schema that unfolds without end.
	looked, room int
}

// of is the schema of a node's results for values of a schema.
func (t *typing) of(n parsing.ASTNode, in map[string]any) map[string]any {
	child := func(i int) parsing.ASTNode {
		if i < len(n.Children) {
			return n.Children[i]
		}
		return parsing.ASTNode{NodeType: parsing.ASTLiteral}
	}
	switch n.NodeType {
	case parsing.ASTIdentity, parsing.ASTCurrentNode, parsing.ASTSlice:
		return in
	case parsing.ASTRootNode:
		return t.root
	case parsing.ASTField:
		name, _ := n.Value.(string)
		return t.property(in, name)
	case parsing.ASTSubexpression, parsing.ASTPipe, parsing.ASTIndexExpression:
		return t.of(child(1), t.of(child(0), in))
	case parsing.ASTIndex:
		return t.items(in)
	case parsing.ASTProjection, parsing.ASTFilterProjection:
		return list(t.of(child(1), t.items(t.of(child(0), in))))
	case parsing.ASTValueProjection:
		values, _ := t.resolve(t.of(child(0), in))["additionalProperties"].(map[string]any)
		return list(t.of(child(1), values))
	case parsing.ASTFlatten:
		items := t.items(t.of(child(0), in))
		if inner := t.items(items); inner != nil {
			items = inner
		}
		return list(items)
	case parsing.ASTMultiSelectHash:
		properties := map[string]any{}
		for _, pair := range n.Children {
			if name, ok := pair.Value.(string); ok && len(pair.Children) > 0 {
				properties[name] = orAny(t.of(pair.Children[0], in))
			}
		}
		return map[string]any{"properties": properties}
	case parsing.ASTMultiSelectList:
		var items []any
		for _, c := range n.Children {
			items = append(items, orAny(t.of(c, in)))
		}
		return map[string]any{"prefixItems": items}
	case parsing.ASTOrExpression, parsing.ASTAndExpression:
		return either(t.of(child(0), in), t.of(child(1), in))
	case parsing.ASTFunctionExpression:
		return t.function(n, in)
	}
	return nil
}

// function is the schema of a function's results, for those that hand on what they
// are given.
func (t *typing) function(n parsing.ASTNode, in map[string]any) map[string]any {
	if len(n.Children) == 0 {
		return nil
	}
	name, _ := n.Value.(string)
	first := t.of(n.Children[0], in)
	switch name {
	case "reverse", "sort", "sort_by":
		return first
	case "max_by", "min_by":
		return t.items(first)
	case "not_null":
		for _, c := range n.Children[1:] {
			first = either(first, t.of(c, in))
		}
		return first
	case "map":
		if mapped := n.Children[0]; mapped.NodeType == parsing.ASTExpRef && len(mapped.Children) == 1 && len(n.Children) > 1 {
			return list(t.of(mapped.Children[0], t.items(t.of(n.Children[1], in))))
		}
	}
	return nil
}

func list(items map[string]any) map[string]any { return map[string]any{"items": orAny(items)} }

func orAny(schema map[string]any) any {
	if schema == nil {
		return map[string]any{}
	}
	return schema
}

// either is a schema for values of one of two.
func either(a, b map[string]any) map[string]any {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return map[string]any{"anyOf": []any{a, b}}
}

const (
	// maxNesting bounds references and alternatives that are followed to find one
	// schema.
	maxNesting = 16
	// maxLooked bounds the schemas that are looked into for one expression.
	maxLooked = 2000
	// maxDescription bounds, in bytes and roughly, what a schema describes; parts beyond
	// it describe nothing.
	maxDescription = 64 << 10
)

// resolve follows references.
func (t *typing) resolve(schema map[string]any) map[string]any {
	for range maxNesting {
		name, ok := definitionName(schema["$ref"])
		if !ok {
			return schema
		}
		schema, _ = t.definitions[name].(map[string]any)
	}
	return nil
}

// definitionName is the name of the definition that a reference is to.
func definitionName(ref any) (string, bool) {
	text, _ := ref.(string)
	name, ok := strings.CutPrefix(text, "#/$defs/")
	if !ok || strings.ContainsAny(name, "/%") {
		return "", false
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name), true
}

// property is the schema of a property of values of a schema.
func (t *typing) property(schema map[string]any, name string) map[string]any {
	return t.part(schema, 0, func(s map[string]any) (map[string]any, bool) {
		properties, _ := s["properties"].(map[string]any)
		found, ok := properties[name].(map[string]any)
		return found, ok
	})
}

// items is the schema of the items of values of a schema.
func (t *typing) items(schema map[string]any) map[string]any {
	return t.part(schema, 0, func(s map[string]any) (map[string]any, bool) {
		found, ok := s["items"].(map[string]any)
		return found, ok
	})
}

// part is a part of a schema, or of its alternatives.
func (t *typing) part(schema map[string]any, depth int, of func(map[string]any) (map[string]any, bool)) map[string]any {
	if t.looked++; depth > maxNesting || t.looked > maxLooked {
		return nil
	}
	schema = t.resolve(schema)
	if found, ok := of(schema); ok {
		return found
	}
	var all map[string]any
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		alternatives, _ := schema[keyword].([]any)
		for _, a := range alternatives {
			if one, ok := a.(map[string]any); ok {
				all = either(all, t.part(one, depth+1, of))
			}
		}
	}
	return all
}

// describe is a schema without what constrains. The definitions that it refers to
// join used.
func (t *typing) describe(schema map[string]any, used map[string]any) map[string]any {
	out := map[string]any{}
	if t.room -= len(`"":{},`); t.room < 0 {
		return out
	}
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		value := schema[keyword]
		switch keyword {
		case "title", "description", "deprecated":
			said, _ := value.(string)
			if t.room -= len(said); t.room >= 0 {
				out[keyword] = value
			}
		case "$ref":
			t.describeReference(value, used, out)
		case "properties":
			if properties, ok := value.(map[string]any); ok {
				described := map[string]any{}
				for _, name := range slices.Sorted(maps.Keys(properties)) {
					if t.room -= len(name); t.room >= 0 {
						described[name] = t.describeAny(properties[name], used)
					}
				}
				out[keyword] = described
			}
		case "items", "additionalProperties":
			if s, ok := value.(map[string]any); ok {
				if described := t.describe(s, used); len(described) > 0 {
					out[keyword] = described
				}
			}
		case "anyOf", "oneOf", "allOf", "prefixItems":
			t.describeList(keyword, value, used, out)
		}
	}
	return out
}

func (t *typing) describeAny(schema any, used map[string]any) map[string]any {
	s, _ := schema.(map[string]any) // true and false describe nothing
	return t.describe(s, used)
}

// describeList keeps alternatives that say something. Of oneOf nothing is known any
// more that tells them apart.
func (t *typing) describeList(keyword string, value any, used, out map[string]any) {
	parts, _ := value.([]any)
	var described []any
	for _, p := range parts {
		if t.room < 0 {
			break
		}
		if d := t.describeAny(p, used); len(d) > 0 || keyword == "prefixItems" {
			described = append(described, d)
		}
	}
	if keyword == "oneOf" {
		keyword = "anyOf"
	}
	if len(described) == 0 {
		return
	}
	if before, ok := out[keyword].([]any); ok {
		described = append(before, described...)
	}
	out[keyword] = described
}

func (t *typing) describeReference(ref any, used, out map[string]any) {
	name, ok := definitionName(ref)
	if !ok {
		return
	}
	definition, ok := t.definitions[name].(map[string]any)
	if !ok {
		return
	}
	out["$ref"] = ref
	if used[name] == nil {
		used[name] = map[string]any{} // it may refer to itself
		used[name] = t.describe(definition, used)
	}
}
