package openapi

// subschemas tells how the keywords of a normalized schema hold other schemas.
var subschemas = map[string]subschemaForm{
	"items": oneSchema, "contains": oneSchema, "additionalProperties": oneSchema, "propertyNames": oneSchema,
	"unevaluatedItems": oneSchema, "unevaluatedProperties": oneSchema, "contentSchema": oneSchema,
	"not": oneSchema, "if": oneSchema, "then": oneSchema, "else": oneSchema,
	"allOf": schemaList, "anyOf": schemaList, "oneOf": schemaList, "prefixItems": schemaList,
	"properties": schemaMap, "patternProperties": schemaMap, "dependentSchemas": schemaMap,
}

type subschemaForm uint8

const (
	oneSchema subschemaForm = 1 + iota
	schemaList
	schemaMap
)

// sameInstance tells whether a keyword's schemas are about the very value that
// the schema around them is about, and not about a part of it.
func sameInstance(keyword string) bool {
	switch keyword {
	case "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas":
		return true
	}
	return false
}

// mapSubschemas is a copy of an object schema in which each schema directly
// below it is replaced by what change makes of it; nil leaves it out.
func mapSubschemas(schema *node, change func(keyword string, sub *node) *node) *node {
	out := &node{kind: objectNode, members: make([]member, 0, len(schema.members))}
	for _, m := range schema.members {
		switch form := subschemas[m.name]; form {
		case oneSchema:
			if changed := change(m.name, m.value); changed != nil {
				out.add(m.name, changed)
			}
		case schemaList, schemaMap:
			list := &node{kind: m.value.kind, members: make([]member, 0, len(m.value.members))}
			for _, sub := range m.value.members {
				if changed := change(m.name, sub.value); changed != nil {
					list.add(sub.name, changed)
				}
			}
			if len(list.members) > 0 {
				out.add(m.name, list)
			}
		default:
			out.members = append(out.members, m)
		}
	}
	return out
}

// rewriter copies the definitions that a rewritten schema refers to, each once.
type rewriter struct {
	copies map[*definition]*definition
	queue  []*definition // originals whose copies are not made yet
}

// reference is the value of "$ref" to the copy of a definition.
func (r *rewriter) reference(original *definition) *node {
	made := r.copies[original]
	if made == nil {
		if r.copies == nil {
			r.copies = make(map[*definition]*definition)
		}
		made = &definition{name: original.name}
		r.copies[original] = made
		r.queue = append(r.queue, original)
	}
	return &node{kind: referenceNode, definition: made}
}

// drain makes the copies that were referred to, and those these refer to.
func (r *rewriter) drain(rewrite func(original *definition) *node) {
	for len(r.queue) > 0 {
		next := r.queue[0]
		r.queue = r.queue[1:]
		r.copies[next].schema = rewrite(next)
	}
}
