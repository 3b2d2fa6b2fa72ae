package config

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"toolgate/shared/fault"

	"go.yaml.in/yaml/v4"
)

// value is one value of the file.
type value struct {
	node *yaml.Node // never an alias
	// at is where the value is used, which is not where node is when an alias
	// leads to it.
	at fault.Position
	// key is the place of the key that names the value, or at when none does.
	key fault.Position
	// what is how messages name it, for example `"timeout" in backend "orders"`.
	what string
}

// in names a part of v, for messages.
func (v value) in(part string) string {
	if v.what == "" {
		return part
	}
	return part + " in " + v.what
}

// entry is one key of a mapping and its value.
type entry struct {
	name  string
	value value
}

// vocabulary says which keys a kind of mapping may have, and what each means.
type vocabulary[T any] struct {
	kind string // the key in notRun
	keys []key[T]
	// elsewhere explains keys that the same kind of mapping has only under
	// other circumstances.
	elsewhere map[string]string
	// check, unless nil, checks which keys stand together.
	check func(d *decoder, v value, present map[string]value, to *T)
}

// key is one key of a mapping that is decoded into a T.
type key[T any] struct {
	name     string
	required bool
	// absent is the fix for a required key that is not there; empty says to add it.
	absent string
	decode func(d *decoder, v value, to *T)
}

func (y vocabulary[T]) names() []string {
	names := make([]string, len(y.keys))
	for i, k := range y.keys {
		names[i] = k.name
	}
	return names
}

// notRun are keys that belong to a gateway.yaml but that this version does not
// run. They guard what is served, so they must not pass as unknown, and still
// less be ignored.
var notRun = map[string][]string{
	"selection": {"authorization"},
}

// decodeMapping decodes v by its vocabulary and returns the keys that were
// there, each with its value; nil when v is not a mapping. A mistyped key counts
// as the one that was meant, so that one mistake is one fault and the value is
// checked all the same.
func decodeMapping[T any](d *decoder, v value, y vocabulary[T], to *T) map[string]value {
	entries, ok := d.entries(v)
	if !ok {
		return nil
	}
	return decodeEntries(d, v, entries, y, to)
}

// decodeEntries is decodeMapping for the entries of v, in the order of the
// vocabulary.
func decodeEntries[T any](d *decoder, v value, entries []entry, y vocabulary[T], to *T) map[string]value {
	names := y.names()
	present, meant := make(map[string]value, len(entries)), map[string]value{}
	for _, e := range entries {
		if slices.Contains(names, e.name) {
			present[e.name] = e.value
		} else if near := d.unknownKey(e, y.kind, names, y.elsewhere); near != "" {
			meant[near] = e.value
		}
	}
	for _, k := range y.keys {
		given, ok := present[k.name]
		if !ok {
			if given, ok = meant[k.name]; ok {
				present[k.name] = given
			}
		}
		switch {
		case ok:
			k.decode(d, given, to)
		case k.required:
			d.fault(v.key, cmp.Or(k.absent, "add it"), "missing key %s", v.in(quote(k.name)))
		}
	}
	if y.check != nil {
		y.check(d, v, present, to)
	}
	return present
}

// unknownKey reports a key that a kind of mapping cannot have, and returns the
// one that was meant, if one is near.
func (d *decoder) unknownKey(e entry, kind string, names []string, elsewhere map[string]string) string {
	label := e.value.what
	if slices.Contains(notRun[kind], e.name) {
		d.fault(e.value.key, "remove it", "%s is not run by this version, and a gateway must not ignore it", label)
		return ""
	}
	if why, ok := elsewhere[e.name]; ok {
		d.fault(e.value.key, "remove it", "%s %s", label, why)
		return ""
	}
	d.fault(e.value.key, fault.Suggest(e.name, names, declareFirst), "unknown key %s", label)
	return fault.Nearest(e.name, names)
}

// entries returns the keys of a mapping in the order of the file, those merged
// with "<<" last. Keys that stand in the mapping itself win over merged ones,
// and among these the first. It reports false, with a fault, for anything else
// than a mapping.
func (d *decoder) entries(v value) ([]entry, bool) {
	if !d.want(v, yaml.MappingNode, "a mapping") {
		return nil, false
	}
	var entries []entry
	var merged []value
	first := map[string]fault.Position{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		keyNode, node := resolve(v.node.Content[i]), v.node.Content[i+1]
		at := d.at(v.node.Content[i].Line, v.node.Content[i].Column)
		if keyNode.Kind != yaml.ScalarNode || keyNode.ShortTag() == "!!null" {
			d.fault(at, `write text as the key; a value such as {{name}} needs quotes: "{{name}}"`,
				"%s is %s", v.in("a key"), describe(keyNode))
			continue
		}
		e := entry{keyNode.Value, d.child(v.in(quote(keyNode.Value)), at, node)}
		if before, ok := first[e.name]; ok {
			d.fault(at, fmt.Sprintf("remove one; the first is in line %d", before.Line),
				"duplicate key %s", e.value.what)
			continue
		}
		first[e.name] = at
		if keyNode.ShortTag() == "!!merge" {
			merged = append(merged, e.value)
			continue
		}
		entries = append(entries, e)
	}
	for _, m := range merged {
		entries = d.merge(entries, v, m)
	}
	return entries, true
}

// merge appends to the entries of v those of source, a mapping or a list of
// mappings, that it does not have yet.
func (d *decoder) merge(entries []entry, v, source value) []entry {
	sources := []value{source}
	if source.node.Kind == yaml.SequenceNode {
		sources = slices.Collect(d.items(source))
	}
	present := map[string]bool{}
	for _, e := range entries {
		present[e.name] = true
	}
	for _, s := range sources {
		if s.node.Kind == yaml.MappingNode {
			s.what = v.what
		}
		from, _ := d.entries(s)
		for _, e := range from {
			if present[e.name] {
				continue
			}
			present[e.name] = true
			entries = append(entries, e)
		}
	}
	return entries
}

// list yields the items of v, which must be a list with at least one; each has
// its number, from 1, in its name.
func (d *decoder) list(v value) iter.Seq[value] {
	if !d.want(v, yaml.SequenceNode, "a list") {
		return func(func(value) bool) {}
	}
	if len(v.node.Content) == 0 {
		d.fault(v.at, "give at least one, or remove the key", "%s is an empty list", v.what)
	}
	return d.items(v)
}

func (d *decoder) items(v value) iter.Seq[value] {
	return func(yield func(value) bool) {
		for i, node := range v.node.Content {
			at := d.at(node.Line, node.Column)
			if !yield(d.child(fmt.Sprintf("item %d of %s", i+1, v.what), at, node)) {
				return
			}
		}
	}
}

// child makes the value of node, a part of another value. A node that is met
// again, because an alias leads to what holds it, keeps the name it had first,
// so that a fault in it is one fault.
func (d *decoder) child(what string, key fault.Position, node *yaml.Node) value {
	if before, ok := d.named[node]; ok && node.Kind != yaml.AliasNode {
		what = before
	}
	d.named[node] = what
	return value{node: resolve(node), at: d.at(node.Line, node.Column), key: key, what: what}
}

// want reports whether v is of a kind, with a fault when it is not.
func (d *decoder) want(v value, kind yaml.Kind, name string) bool {
	if v.node.Kind == kind {
		return true
	}
	d.wrongType(v, name)
	return false
}

// wrongType reports that v is not what is wanted, for example "a list".
func (d *decoder) wrongType(v value, wanted string) {
	what := v.what
	if what == "" {
		what = "the file"
	}
	switch {
	case v.node.ShortTag() == "!!null":
		d.fault(v.key, "give "+wanted+", or remove it", "%s has no value", what)
	case unquotedReference(v.node) != "":
		d.fault(v.at, fmt.Sprintf(`put it in quotes: "{{%s}}"`, unquotedReference(v.node)),
			"%s is a mapping to YAML", what)
	case wanted == "text" && v.node.Kind == yaml.ScalarNode:
		d.fault(v.at, "put it in quotes", "%s is %s", what, describe(v.node))
	default:
		d.fault(v.at, "give "+wanted, "%s is %s", what, describe(v.node))
	}
}

// isMapping tells whether the user meant a mapping: a {{name}} without quotes is one
// to YAML alone.
func isMapping(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && unquotedReference(n) == ""
}

// decodeChoice decodes true, false or a mapping, which is decoded into to. It returns
// false for false alone.
func decodeChoice[T any](d *decoder, v value, y vocabulary[T], to *T) bool {
	if isMapping(v.node) {
		decodeMapping(d, v, y, to)
		return true
	}
	chosen := true
	d.flag(v, &chosen)
	return chosen
}

// notEmpty makes the check of a vocabulary that refuses a mapping which says nothing.
func notEmpty[T any](fix string) func(*decoder, value, map[string]value, *T) {
	return func(d *decoder, v value, present map[string]value, _ *T) {
		if len(present) == 0 && len(v.node.Content) == 0 {
			d.fault(v.at, fix, "%s is an empty mapping", v.what)
		}
	}
}

// unquotedReference returns the name in a {{name}} that has no quotes, which
// YAML takes for a mapping whose key is a mapping; "" for any other node.
func unquotedReference(n *yaml.Node) string {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return ""
	}
	inner := n.Content[0]
	if inner.Kind != yaml.MappingNode || len(inner.Content) != 2 || inner.Content[0].Kind != yaml.ScalarNode {
		return ""
	}
	return inner.Content[0].Value
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	quoted := quote(n.Value)
	plain := quoted[1 : len(quoted)-1]
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + plain
	case "!!bool":
		return "the boolean " + plain
	case "!!null":
		return "null"
	default:
		return "the text " + quoted
	}
}

// quote quotes text for a message, and cuts it when it is long.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

// declareFirst is the fix for a reference where nothing can be referred to.
const declareFirst = "declare it first"
