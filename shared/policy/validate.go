package policy

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/fault"
)

// ExpressionCompiler compiles the C# of expressions. The package that knows C#
// stands behind it.
type ExpressionCompiler interface {
	// CheckExpression returns what is wrong with an expression, nil for
	// nothing. The text is of kind Expression or Statements, and must return
	// what can become a value of the type.
	CheckExpression(t Text, want ValueType) []ExpressionFault
}

// ExpressionFault is one thing that is wrong in an expression.
type ExpressionFault struct {
	Offset       int // in Text.Source, in bytes
	Message, Fix string
}

// ValidateOptions say what to hold a document against. With the zero value,
// the scope does not matter, expressions are not compiled and every value must
// be of its type.
type ValidateOptions struct {
	Scope    Scope              // of the document; 0 when it is not known
	Compiler ExpressionCompiler // nil leaves expressions unchecked
	// Placeholders lets values pass that another tool will put in, such as
	// ${…}, and named values that were left in the text.
	Placeholders bool
	// Unchecked leaves out faults of policies that the gateway does not run.
	Unchecked bool
}

// Validate holds a document against the vocabulary and returns all faults.
func Validate(d *Document, o ValidateOptions) fault.Faults {
	v := &validator{schema: Vocabulary(), ValidateOptions: o, fragment: d.Root == RootFragment}
	switch d.Root {
	case RootPolicies:
		v.document(d.Elements[0])
	case RootFragment:
		v.fragmentElement(d.Elements[0])
	default:
		for _, e := range d.Elements {
			if section := sectionNamed(e.Name); section != 0 {
				v.section(e, section)
			} else {
				v.policies(&Element{Name: "document", Children: []*Element{e}}, anyPolicies, 0)
			}
		}
	}
	return v.faults.Sorted()
}

type validator struct {
	ValidateOptions
	schema   *Schema
	fragment bool
	faults   fault.Faults
}

// document checks <policies>: its sections, each at most once.
func (v *validator) document(e *Element) {
	v.noText(e)
	v.attributes(e, &ElementType{Name: e.Name})
	seen := Section(0)
	for _, child := range e.Children {
		section := sectionNamed(child.Name)
		switch {
		case section == 0:
			v.faults.Add(child.At, `unknown section "`+child.Name+`"`, fault.Suggest(child.Name, sectionNames, ""))
			continue
		case seen&section != 0:
			v.faults.Add(child.At, "the section "+child.Name+" stands twice", "move its policies into the first one")
		}
		seen |= section
		v.section(child, section)
	}
}

func (v *validator) fragmentElement(e *Element) {
	if len(e.Children) > 0 || e.Text.Kind != Literal {
		v.noText(e)
	}
	v.attributes(e, &ElementType{Name: e.Name, Attributes: []AttributeType{{Name: "fragment-id"}}})
	v.policies(e, anyPolicies, 0)
}

// section checks a section and its policies.
func (v *validator) section(e *Element, section Section) {
	v.noText(e)
	v.attributes(e, &ElementType{Name: e.Name})
	v.policies(e, anyPolicies, section)
	var own []*Element
	for _, child := range e.Children {
		if child.Name != baseElement {
			own = append(own, child)
		}
	}
	if section == Backend && len(own) > 1 {
		v.faults.Add(own[1].At, "the section backend has more than one policy", "keep one, or move "+own[1].Name+" to inbound or outbound")
	}
	seen := map[string]bool{}
	for _, child := range own {
		if p := v.schema.Policy(child.Name); p != nil && p.Once && seen[child.Name] {
			v.faults.Warn(child.At, child.Name+" stands twice in "+e.Name, "keep one: API Management refuses a second")
		}
		seen[child.Name] = true
	}
}

// baseElement stands for the policies of the next wider scope.
const baseElement = "base"

// policies checks the children of an element that holds policies.
func (v *validator) policies(parent *Element, c Content, section Section) {
	for _, e := range parent.Children {
		if len(v.faults) >= fault.MaxFaults {
			return
		}
		if e.Name == baseElement {
			v.base(e, parent, section)
			continue
		}
		p := v.schema.Policy(e.Name)
		switch {
		case p == nil:
			v.faults.Add(e.At, `unknown policy "`+e.Name+`"`, fault.Suggest(e.Name, v.schema.names, ""))
			continue
		case len(c.Only) > 0 && !slices.Contains(c.Only, e.Name), slices.Contains(c.Except, e.Name):
			v.faults.Add(e.At, e.Name+" must not stand in "+parent.Name, "move it out of "+parent.Name)
		default:
			v.placement(e, p, section)
		}
		v.policy(e, p, section)
	}
}

// base checks <base/>, which stands directly in a section.
func (v *validator) base(e, parent *Element, section Section) {
	v.attributes(e, &ElementType{Name: baseElement})
	v.noText(e)
	switch {
	case v.fragment:
		v.faults.Add(e.At, "<base /> must not stand in a fragment", "write it in the documents that include the fragment")
	case section != 0 && sectionNamed(parent.Name) == 0:
		v.faults.Add(e.At, "<base /> must not stand in "+parent.Name, "write it directly in the section")
	}
	for _, child := range e.Children {
		v.faults.Add(child.At, child.Name+" must not stand in base", "move it behind <base />")
	}
}

// placement checks where a policy stands.
func (v *validator) placement(e *Element, p *PolicyType, section Section) {
	if v.fragment && p.NotInFragment {
		v.faults.Add(e.At, e.Name+" must not stand in a fragment", "write it in the document itself")
	}
	placement(&v.faults, e, p, section, v.Scope)
}

// placement checks where a policy stands: a section or scope of 0 is not known.
func placement(faults *fault.Faults, e *Element, p *PolicyType, section Section, scope Scope) {
	if section != 0 && p.Sections&section == 0 {
		faults.Add(e.At, e.Name+" must not stand in "+section.String(), "move it to "+fault.Alternatives(names(uint(p.Sections), sectionNames)))
	}
	if scope != 0 && p.Scopes&scope == 0 {
		faults.Add(e.At, e.Name+" must not stand in a document of the scope "+scope.String(), "move it to a document of the scope "+fault.Alternatives(names(uint(p.Scopes), scopeNames)))
	}
}

// policy checks one policy with everything in it.
func (v *validator) policy(e *Element, p *PolicyType, section Section) {
	if p.NotRun != "" {
		if !v.Unchecked {
			v.faults.Add(e.At, e.Name+" is not run: "+p.NotRun, "remove it")
		}
		return
	}
	v.element(e, &p.ElementType, section, true)
}

// element checks an element against its type.
func (v *validator) element(e *Element, t *ElementType, section Section, policy bool) {
	v.attributesOf(e, t, policy)
	v.children(e, t, section)
	switch t.Content.Kind {
	case ContentPolicies:
		v.noText(e)
		v.policies(e, t.Content, section)
	case ContentText:
		if strings.TrimSpace(e.Text.Source) != "" || e.Text.Kind != Literal {
			v.value(e.Text, t.Content.Domain, "the text of "+e.Name)
		} else if t.Content.Required {
			v.faults.Add(e.At, e.Name+" is empty", "write its text")
		}
	default:
		v.noText(e)
	}
}

// children checks those inside an element that are no policies of a sequence.
func (v *validator) children(e *Element, t *ElementType, section Section) {
	if t.Content.Kind == ContentPolicies && len(t.Children) == 0 {
		return
	}
	counts := make([]int, len(t.Children))
	for _, child := range e.Children {
		i := slices.IndexFunc(t.Children, func(c ElementType) bool { return c.Name == child.Name })
		if i < 0 {
			v.unknownChild(e, child, t)
			continue
		}
		counts[i]++
		c := &t.Children[i]
		if c.Max > 0 && counts[i] == c.Max+1 {
			v.faults.Add(child.At, fmt.Sprintf("%s may stand %s in %s", child.Name, times(c.Max), e.Name), "remove it")
		}
		if c.Policy {
			v.policy(child, v.schema.Policy(c.Name), 0)
		} else {
			v.element(child, c, section, false)
		}
	}
	for i, c := range t.Children {
		if counts[i] < c.Min && !(v.Placeholders && placeholders(e.Text.Source)) {
			v.faults.Add(e.At, e.Name+" needs <"+c.Name+">", "write <"+c.Name+"> in it")
		}
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("at most %d times", n)
}

func (v *validator) unknownChild(e, child *Element, t *ElementType) {
	names := make([]string, len(t.Children))
	for i, c := range t.Children {
		names[i] = c.Name
	}
	v.faults.Add(child.At, `unknown element "`+child.Name+`" in `+e.Name, fault.Suggest(child.Name, names, "remove it"))
}

// noText refuses text where only elements stand.
func (v *validator) noText(e *Element) {
	text := strings.TrimSpace(e.Text.Source)
	if text == "" && e.Text.Kind == Literal || v.Placeholders && placeholders(text) {
		return
	}
	v.faults.Add(e.Text.At, e.Name+" has text", "remove it, or make it a comment")
}
