package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"toolgate/shared/fault"
)

// Layer is one scope of a call with its document.
type Layer struct {
	Scope    Scope     // exactly one
	Document *Document // nil when the scope has none, which is as if it had <base /> in each section
}

// Effective is what runs for a call: the policies of all scopes, with the
// fragments in place. The elements are copies that know their scope, section
// and path.
type Effective struct {
	Inbound, Backend, Outbound, OnError []*Element
}

// Section returns the policies of one section.
func (e *Effective) Section(s Section) []*Element { return *e.section(s) }

func (e *Effective) section(s Section) *[]*Element {
	switch s {
	case Inbound:
		return &e.Inbound
	case Backend:
		return &e.Backend
	case Outbound:
		return &e.Outbound
	default:
		return &e.OnError
	}
}

// maxElements bounds an effective policy: fragments in fragments could make it
// grow without end.
const maxElements = 50_000

// Compose puts the documents of the scopes of a call together, the widest
// scope first: global, product, API and operation, or global, product, server
// and tool. Each <base /> is replaced by the same section of the next wider
// scope; a section that a document does not have drops what the wider scopes
// have there. Before the first layer stands API Management's own global
// document, which forwards the request. Fragments are found by id.
//
// The documents must have been read without faults. What is returned may only
// be used when Faults.Err is nil.
func Compose(layers []Layer, fragments map[string]*Document) (*Effective, fault.Faults) {
	effective := &Effective{Backend: []*Element{{Name: "forward-request", Scope: ScopeGlobal, Section: Backend, Path: "forward-request[1]"}}}
	var faults fault.Faults
	budget := maxElements
	for _, layer := range layers {
		if layer.Document == nil {
			continue
		}
		if layer.Document.Root != RootPolicies || len(layer.Document.Elements) != 1 {
			faults.Add(fault.Position{File: layer.Document.File}, "the document of the scope "+layer.Scope.String()+" has no <policies>", "write <policies> with its sections")
			continue
		}
		wider := effective
		effective = &Effective{}
		for _, e := range layer.Document.Elements[0].Children {
			section := sectionNamed(e.Name)
			if section == 0 {
				continue // Validate tells
			}
			c := &composer{
				schema: Vocabulary(), fragments: fragments, faults: &faults, budget: &budget,
				scope: layer.Scope, section: section, base: wider.Section(section),
			}
			list := effective.section(section)
			*list = append(*list, c.sequence(e.Children, "")...)
			if section == Backend {
				c.single(e)
			}
		}
	}
	return effective, faults.Sorted()
}

// composer copies the policies of one section of one document.
type composer struct {
	schema    *Schema
	fragments map[string]*Document
	faults    *fault.Faults
	budget    *int
	scope     Scope
	section   Section
	base      []*Element
	including []string // the fragments around the current place
}

// single checks that a fragment does not put several policies into backend,
// where one may stand besides <base />.
func (c *composer) single(section *Element) {
	for _, e := range section.Children {
		id, ok := e.Attribute("fragment-id")
		if e.Name != "include-fragment" || !ok || c.fragments[id.Value.Source] == nil {
			continue
		}
		if n := len(c.include(e, "")); n > 1 {
			c.faults.Add(e.At, fmt.Sprintf("the fragment %s puts %d policies into backend", id.Value.Source, n), "keep one, or include the fragment in inbound or outbound")
		}
	}
}

// sequence copies policies that stand one after another.
func (c *composer) sequence(elements []*Element, path string) []*Element {
	var list []*Element
	count := map[string]int{}
	for _, e := range elements {
		count[e.Name]++
		own := fmt.Sprintf("%s%s[%d]", path, e.Name, count[e.Name])
		p := c.schema.Policy(e.Name)
		switch {
		case e.Name == baseElement:
			if len(c.including) == 0 && c.spend(e, len(c.base)) {
				list = append(list, c.base...)
			}
		case e.Name == "include-fragment":
			list = append(list, c.include(e, own)...)
		case p == nil:
			// Validate tells
		default:
			if len(c.including) > 0 { // Validate sees the others where they stand
				placement(c.faults, e, p, c.section, c.scope)
			}
			list = append(list, c.element(e, &p.ElementType, own))
		}
	}
	return list
}

// spend takes elements from the budget and tells whether there were enough.
func (c *composer) spend(e *Element, n int) bool {
	before := *c.budget
	*c.budget = max(before-n, -1)
	if *c.budget < 0 && before >= 0 {
		c.faults.Add(e.At, fmt.Sprintf("the policies of one call have more than %d elements", maxElements), "include fewer fragments in fragments")
	}
	return *c.budget >= 0
}

// element copies one element with those inside it, as far as its type knows
// them.
func (c *composer) element(e *Element, t *ElementType, path string) *Element {
	own := *e
	own.Scope, own.Section, own.Path, own.Children = c.scope, c.section, path, nil
	if !c.spend(e, 1) {
		return &own
	}
	if t.Content.Kind == ContentPolicies {
		own.Children = c.sequence(e.Children, path+"/")
		return &own
	}
	count := map[string]int{}
	for _, child := range e.Children {
		count[child.Name]++
		i := slices.IndexFunc(t.Children, func(known ElementType) bool { return known.Name == child.Name })
		if i < 0 {
			continue // Validate tells
		}
		inner := &t.Children[i]
		if inner.Policy {
			inner = &c.schema.Policy(child.Name).ElementType
		}
		own.Children = append(own.Children, c.element(child, inner, fmt.Sprintf("%s/%s[%d]", path, child.Name, count[child.Name])))
	}
	return &own
}

// include returns the policies of a fragment, or nothing when there is a fault.
func (c *composer) include(e *Element, path string) []*Element {
	id, ok := e.Attribute("fragment-id")
	if !ok || *c.budget < 0 {
		return nil
	}
	name := id.Value.Source
	fragment := c.fragments[name]
	if fragment == nil {
		c.faults.Add(id.Value.At, `unknown fragment "`+name+`"`, fault.Suggest(name, slices.Sorted(maps.Keys(c.fragments)), "write the fragment"))
		return nil
	}
	if slices.Contains(c.including, name) {
		c.faults.Add(id.Value.At, "the fragment "+name+" includes itself: "+strings.Join(append(slices.Clone(c.including), name), " → "), "remove one of the includes")
		return nil
	}
	if fragment.Root != RootFragment || len(fragment.Elements) != 1 {
		c.faults.Add(fault.Position{File: fragment.File}, "the fragment "+name+" has no <fragment>", "write <fragment> around its policies")
		return nil
	}
	if !c.spend(e, 1) {
		return nil
	}
	c.including = append(c.including, name)
	list := c.sequence(fragment.Elements[0].Children, path+"/")
	c.including = c.including[:len(c.including)-1]
	return list
}
