package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/fault"
)

// Policies are decoded into structs whose fields say by their tags what they
// hold:
//
//	attr:"calls,required"         an attribute; required and the default are the vocabulary's
//	text:""                       the text of the element; text:"verbatim" keeps white space around it
//	elements:"audiences/audience" the elements of a name, one after another: a slice
//	element:"message"             the only element of a name: a pointer, which is nil without it, or a Value
//	policies:"*"                  the policies inside, or those of the names given: a Block
//
// A field of an attribute or a text is a Value, or string, bool, int, float64
// or time.Duration for what cannot be an expression. Embedded structs hold
// fields of the same element.

// decoder decodes one policy.
type decoder struct {
	*Compilation
	policy *Element // whose name errors have
}

// decode fills a struct from an element of a type.
func (d *decoder) decode(e *Element, t *ElementType, to reflect.Value) {
	for i := range to.NumField() {
		field, info := to.Field(i), to.Type().Field(i)
		if info.Anonymous && info.Type.Kind() == reflect.Struct && info.Type != reflect.TypeFor[Block]() {
			d.decode(e, t, field)
			continue
		}
		if tag, ok := info.Tag.Lookup("attr"); ok {
			d.attribute(e, t, tag, field)
		} else if tag, ok := info.Tag.Lookup("text"); ok {
			d.text(e.Text, &t.Content.Domain, tag == "verbatim", field)
		} else if tag, ok := info.Tag.Lookup("elements"); ok {
			d.elements(e, t, strings.Split(tag, "/"), field)
		} else if tag, ok := info.Tag.Lookup("element"); ok {
			d.element(e, t, tag, field)
		} else if tag, ok := info.Tag.Lookup("policies"); ok {
			field.Set(reflect.ValueOf(d.block(e, tag)))
		}
	}
}

func (d *decoder) attribute(e *Element, t *ElementType, tag string, field reflect.Value) {
	name, _, _ := strings.Cut(tag, ",")
	i := slices.IndexFunc(t.Attributes, func(a AttributeType) bool { return a.Name == name })
	if i < 0 {
		panic("policy: the vocabulary of " + t.Name + " has no attribute " + name)
	}
	known := &t.Attributes[i]
	if a, ok := e.Attribute(name); ok {
		d.value(a.Value, &known.Domain, field)
	} else if known.Default != "" {
		d.value(Text{Source: known.Default}, &known.Domain, field)
	}
}

func (d *decoder) text(t Text, domain *Domain, verbatim bool, field reflect.Value) {
	if t.Kind == Literal && !verbatim {
		t.Source = strings.TrimSpace(t.Source)
	}
	if t.Source == "" && t.Kind == Literal {
		return
	}
	d.value(t, domain, field)
}

// decodable is a *Value.
type decodable interface {
	decode(d *decoder, t Text, domain *Domain) error
}

// value decodes an attribute or a text. What the vocabulary does not let pass
// was found by Validate; a value that only now is known, because it is a
// secret, is found here.
func (d *decoder) value(t Text, domain *Domain, field reflect.Value) {
	var err error
	switch to := field.Addr().Interface().(type) {
	case decodable:
		err = to.decode(d, t, domain)
	case *string:
		*to, err = literal[string](t, domain)
	case *bool:
		*to, err = literal[bool](t, domain)
	case *int:
		*to, err = literal[int](t, domain)
	case *float64:
		*to, err = literal[float64](t, domain)
	case *time.Duration:
		*to, err = literal[time.Duration](t, domain)
	default:
		panic(fmt.Sprintf("policy: a field of type %T holds no value", to))
	}
	if err != nil {
		d.Fault(t.At, "write "+describe(*domain), "%v", err)
	}
}

func literal[T any](t Text, d *Domain) (T, error) {
	if t.Kind != Literal {
		var zero T
		return zero, fmt.Errorf("the value must not be an expression")
	}
	return parseLiteral[T](t.Source, d)
}

func (v *Value[T]) decode(d *decoder, t Text, domain *Domain) (err error) {
	v.domain, v.source, v.set = domain, d.policy.Name, true
	if t.Kind == Literal {
		v.literal, err = parseLiteral[T](t.Source, domain)
		return err
	}
	v.eval = evaluatorOf[T]()
	v.program = d.program(t)
	return nil
}

// program compiles an expression, and notes which bodies it reads.
func (c *Compilation) program(t Text) *expr.Program {
	kind := expr.Single
	if t.Kind == Statements {
		kind = expr.Statements
	}
	p, errs := expr.Compile(t.Source, kind, expr.Position{Line: 1, Column: 1})
	for _, e := range errs {
		c.faults.Add(t.Position(offsetOf(t.Source, e.Position)), e.Message, e.Fix)
	}
	if p != nil {
		c.reads.Request = c.reads.Request || p.NeedsRequestBody()
		c.reads.Response = c.reads.Response || p.NeedsResponseBody()
	}
	return p
}

// elements decodes the elements at the end of a path of names.
func (d *decoder) elements(e *Element, t *ElementType, path []string, field reflect.Value) {
	t = t.child(path[0])
	for _, child := range e.Children {
		if child.Name != path[0] {
			continue
		}
		if len(path) > 1 {
			d.elements(child, t, path[1:], field)
			continue
		}
		item := reflect.New(field.Type().Elem()).Elem()
		d.one(child, t, item)
		field.Set(reflect.Append(field, item))
	}
}

// element decodes the only element of a name.
func (d *decoder) element(e *Element, t *ElementType, name string, field reflect.Value) {
	t = t.child(name)
	i := slices.IndexFunc(e.Children, func(c *Element) bool { return c.Name == name })
	if i < 0 {
		return
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	d.one(e.Children[i], t, field)
}

// one decodes an element into a struct, a Block or the value of its text.
func (d *decoder) one(e *Element, t *ElementType, to reflect.Value) {
	_, isValue := reflect.TypeAssert[decodable](to.Addr())
	switch {
	case isValue, to.Kind() == reflect.String:
		d.text(e.Text, &t.Content.Domain, false, to)
	case to.Type() == reflect.TypeFor[Block]():
		to.Set(reflect.ValueOf(d.block(e, "*")))
	default:
		d.decode(e, t, to)
	}
}

// child is the type of the element of a name inside.
func (t *ElementType) child(name string) *ElementType {
	i := slices.IndexFunc(t.Children, func(c ElementType) bool { return c.Name == name })
	if i < 0 {
		panic("policy: the vocabulary of " + t.Name + " has no element " + name)
	}
	if t.Children[i].Policy {
		return &Vocabulary().Policy(name).ElementType
	}
	return &t.Children[i]
}

// block compiles the policies inside an element: all of them, or those of the
// names that the tag lists.
func (c *Compilation) block(e *Element, tag string) Block {
	var b Block
	for _, child := range e.Children {
		if tag == "*" || slices.Contains(strings.Split(tag, ","), child.Name) {
			if s := c.statement(child); s != nil {
				b.statements = append(b.statements, statement{s, child})
			}
		}
	}
	return b
}

// Fault records what is wrong.
func (c *Compilation) Fault(at fault.Position, fix, format string, arguments ...any) {
	c.faults.Add(at, fmt.Sprintf(format, arguments...), fix)
}
