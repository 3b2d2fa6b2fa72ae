package infra_test

import (
	"cmp"
	"slices"
	"strings"
)

// kindOf is the type of an expression: string, int, bool, object, array, null, or any
// where it is not known.
func (c *checker) kindOf(e *expression, seen []string) string {
	switch e.form {
	case textForm:
		return "string"
	case numberForm:
		return "int"
	case wordForm:
		if e.text == "null" {
			return "null"
		}
		return "bool"
	case objectForm, ifForm:
		return "object"
	case arrayForm, loopForm:
		return "array"
	case callForm:
		return cmp.Or(functions[e.text].returns, "any") // an unknown one is said elsewhere
	case unaryForm:
		return map[string]string{"!": "bool", "-": "int"}[e.text]
	case binaryForm:
		return c.kindOfBinary(e, seen)
	case ternaryForm:
		yes, no := c.kindOf(e.args[1], seen), c.kindOf(e.args[2], seen)
		if yes == no || no == "null" {
			return yes
		}
		if yes == "null" {
			return no
		}
		return "any"
	case nameForm:
		return c.kindOfName(e, seen)
	case memberForm:
		return c.kindOfMember(e)
	}
	return "any"
}

func (c *checker) kindOfBinary(e *expression, seen []string) string {
	switch e.text {
	case "+", "-", "*", "/", "%":
		return "int"
	case "??":
		return c.kindOf(e.args[1], seen)
	}
	return "bool"
}

func (c *checker) kindOfName(e *expression, seen []string) string {
	d := c.named(e.text)
	if d == nil || slices.Contains(seen, e.text) {
		return "any" // of a loop or lambda
	}
	switch d.keyword {
	case "param":
		return d.typeName
	case "var":
		return c.kindOf(d.value, append(slices.Clone(seen), e.text))
	}
	return "any"
}

// kindOfMember knows the outputs of modules and the properties of resources.
func (c *checker) kindOfMember(e *expression) string {
	var names []string
	root := e
	for root.form == memberForm {
		names = append([]string{root.text}, names...)
		root = root.args[0]
	}
	d := c.declared(root)
	if d == nil {
		if root.form == callForm && functions[root.text].members != nil {
			return "string"
		}
		return "any"
	}
	if d.keyword == "module" {
		m := c.moduleOf(d)
		if m == nil || len(names) != 2 {
			return "any"
		}
		for _, o := range m.all("output") {
			if o.name == names[1] {
				return o.typeName
			}
		}
		return "any"
	}
	s := c.types.find(d.of.text, d.object().property("name"))
	for _, name := range names {
		if s == nil || s.kind != "object" {
			return "any"
		}
		s = s.properties[name]
	}
	if s == nil {
		return "any"
	}
	return s.asKind()
}

// asKind is the type of Bicep that a schema describes.
func (s *schema) asKind() string {
	switch s.kind {
	case "list":
		return "array"
	case "map":
		return "object"
	}
	return s.kind
}

// agree says whether a value of one type may stand where another is wanted.
func agree(got, want string) bool { return got == "any" || want == "any" || got == want }

// checkValue asks that an expression is what a schema says.
func (c *checker) checkValue(e *expression, s *schema, what string) {
	switch e.form {
	case ternaryForm:
		c.checkValue(e.args[1], s, what)
		c.checkValue(e.args[2], s, what)
		return
	case wordForm:
		if e.text == "null" {
			return // as if it was not given
		}
	case nameForm:
		if d := c.named(e.text); d != nil && d.keyword == "var" {
			c.checkValue(d.value, s, what)
			return
		}
	case callForm:
		if e.text == "union" {
			for _, a := range e.args {
				c.checkValue(a, s, what)
			}
			return
		}
	}
	if got := c.kindOf(e, nil); !agree(got, s.asKind()) {
		c.fault(e.at, "%s is of type %s, and %s is wanted", what, got, s.asKind())
		return
	}
	switch s.kind {
	case "object":
		if e.form == objectForm {
			c.checkObject(e, s, what)
		}
	case "map":
		for _, p := range e.properties {
			c.checkValue(p.value, s.of, what+"."+p.name)
		}
	case "list":
		c.checkItems(e, s, what)
	case "string":
		c.checkString(e, s, what)
	}
}

func (c *checker) checkItems(e *expression, s *schema, what string) {
	switch e.form {
	case arrayForm:
		for _, a := range e.args {
			c.checkValue(a, s.of, what+"[]")
		}
	case loopForm:
		c.checkValue(e.args[1], s.of, what+"[]")
	}
}

// checkString asks that a string is one of those that are allowed, if some are.
func (c *checker) checkString(e *expression, s *schema, what string) {
	if s.values == nil {
		return
	}
	given := c.allowed(e.text)
	switch {
	case e.form == textForm && len(e.args) == 0:
		given = []string{e.text}
	case e.form != nameForm:
		return
	}
	for _, v := range given {
		if !slices.Contains(s.values, v) {
			c.fault(e.at, "%s is '%s', which is not one of '%s'%s", what, v, strings.Join(s.values, "', '"), nearest(v, s.values))
		}
	}
}

func (c *checker) checkObject(e *expression, s *schema, what string) {
	for _, p := range e.properties {
		if p.key != nil {
			c.fault(p.at, "the name of a property of %s is computed", what)
			continue
		}
		of := s.properties[p.name]
		switch {
		case of == nil:
			c.fault(p.at, "%s has no property %s%s", what, p.name, nearest(p.name, s.names()))
		case of.readOnly:
			c.fault(p.at, "%s.%s is only read", what, p.name)
		default:
			c.checkValue(p.value, of, strings.TrimPrefix(what+"."+p.name, "."))
		}
	}
	for _, name := range s.names() {
		if s.properties[name].required && e.property(name) == nil {
			c.fault(e.at, "%s lacks %s", what, name)
		}
	}
}
