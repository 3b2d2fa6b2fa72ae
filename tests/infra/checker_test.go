package infra_test

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/fault"
)

// checker asks of the modules what a compiler would, and what a reviewer would.
type checker struct {
	types   resourceTypes
	modules map[string]*module // by their paths from the root, with slashes
	files   func(path string) bool
	faults  []string

	// The module that is being looked at.
	path string
	*module
	used map[string]bool
}

// scope has the names of loops and lambdas around an expression.
type scope []string

func (c *checker) fault(at position, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf("%s:%d:%d: %s", c.path, at.line, at.column, fmt.Sprintf(format, args...)))
}

// checkModules looks at all of them, in order.
func (c *checker) checkModules() {
	for _, p := range slices.Sorted(maps.Keys(c.modules)) {
		c.path, c.module, c.used = p, c.modules[p], map[string]bool{}
		c.checkModule()
	}
}

func (c *checker) checkModule() {
	seen := map[string]bool{}
	for _, d := range c.declarations {
		if d.keyword != "output" {
			if seen[d.name] {
				c.fault(d.at, "%s is declared twice", d.name)
			}
			seen[d.name] = true
		}
		c.checkDecorators(d)
	}
	for _, d := range c.declarations {
		c.checkSymbols(d.value, nil)
		switch d.keyword {
		case "param":
			c.checkParameter(d)
		case "output":
			c.checkOutput(d)
		case "resource":
			c.checkResource(d)
		case "module":
			c.checkCall(d)
		}
	}
	for _, d := range c.declarations {
		if (d.keyword == "param" || d.keyword == "var") && !c.used[d.name] {
			c.fault(d.at, "%s %s is not used", d.keyword, d.name)
		}
	}
}

func (c *checker) checkDecorators(d *declaration) {
	for _, call := range d.decorators {
		on, known := decorators[call.text]
		switch {
		case !known:
			c.fault(call.at, "there is no decorator @%s%s", call.text, nearest(call.text, slices.Sorted(maps.Keys(decorators))))
		case !slices.Contains(on, d.keyword):
			c.fault(call.at, "@%s does not stand on a %s", call.text, d.keyword)
		}
	}
	if (d.keyword == "param" || d.keyword == "output") && d.decorator("description") == nil {
		c.fault(d.at, "%s %s has no @description", d.keyword, d.name)
	}
}

// secretName is what names of secrets end with.
var secretName = regexp.MustCompile(`(?i)(password|secret|token|apikey|accesskey|connectionstring|signature)$`)

func (c *checker) checkParameter(d *declaration) {
	if !slices.Contains([]string{"string", "int", "bool", "object", "array"}, d.typeName) {
		c.fault(d.at, "there is no type %s", d.typeName)
	}
	if secretName.MatchString(d.name) && d.decorator("secure") == nil {
		c.fault(d.at, "param %s sounds like a secret and is not @secure", d.name)
	}
	if d.value == nil {
		return
	}
	if got := c.kindOf(d.value, nil); !agree(got, d.typeName) {
		c.fault(d.value.at, "param %s has type %s, and its default is of type %s", d.name, d.typeName, got)
	}
	if allowed := c.allowed(d.name); allowed != nil && d.value.form == textForm && !slices.Contains(allowed, d.value.text) {
		c.fault(d.value.at, "the default %q is not among what is allowed", d.value.text)
	}
}

// allowed are the strings that a parameter may have; nil for any.
func (c *checker) allowed(name string) []string {
	d := c.named(name)
	if d == nil || d.decorator("allowed") == nil {
		return nil
	}
	var list []string
	for _, v := range d.decorator("allowed").args[0].args {
		list = append(list, v.text)
	}
	return list
}

func (c *checker) checkOutput(d *declaration) {
	if got := c.kindOf(d.value, nil); !agree(got, d.typeName) {
		c.fault(d.value.at, "output %s has type %s, and is of type %s", d.name, d.typeName, got)
	}
	if why := c.secret(d.value); why != "" {
		c.fault(d.value.at, "output %s shows a secret: %s", d.name, why)
	}
}

// secret says why an expression is one; empty if it is none.
func (c *checker) secret(e *expression) string {
	why := ""
	e.walk(func(e *expression) bool {
		switch e.form {
		case callForm, methodForm:
			if strings.HasPrefix(e.text, "list") {
				why = e.text + " returns it"
			}
		case memberForm:
			if secretName.MatchString(e.text) {
				why = e.text + " is one"
			}
		case nameForm:
			d := c.named(e.text)
			if d != nil && d.decorator("secure") != nil {
				why = e.text + " is @secure"
			}
			if d != nil && d.keyword == "var" {
				if inner := c.secret(d.value); inner != "" {
					why = inner
				}
			}
		}
		return why == ""
	})
	return why
}

// runtime says what of an expression is known only while the deployment runs; empty
// if it is known before.
func (c *checker) runtime(e *expression) string {
	why := ""
	e.walk(func(e *expression) bool {
		switch e.form {
		case callForm, methodForm:
			if strings.HasPrefix(e.text, "list") {
				why = e.text
			}
		case memberForm:
			if e.text == "outputs" || e.text == "properties" {
				if d := c.declared(e.args[0]); d != nil {
					why = d.name + "." + e.text
				}
			}
		case nameForm:
			if d := c.named(e.text); d != nil && d.keyword == "var" {
				why = c.runtime(d.value)
			}
		}
		return why == ""
	})
	return why
}

// early asks that an expression is known before the deployment runs.
func (c *checker) early(what string, e *expression) {
	if why := c.runtime(e); why != "" {
		c.fault(e.at, "%s must be known before the deployment runs, and %s is not", what, why)
	}
}

// declared is the resource or module that an expression names, itself or one of a loop.
func (c *checker) declared(e *expression) *declaration {
	if e.form == indexForm {
		e = e.args[0]
	}
	if e.form != nameForm {
		return nil
	}
	d := c.named(e.text)
	if d == nil || d.keyword != "resource" && d.keyword != "module" {
		return nil
	}
	return d
}

// checkSymbols asks that each name stands for something and each function is known.
func (c *checker) checkSymbols(e *expression, in scope) {
	if e == nil {
		return
	}
	switch e.form {
	case nameForm:
		c.used[e.text] = true
		if c.named(e.text) == nil && !slices.Contains(in, e.text) {
			c.fault(e.at, "nothing is named %s%s", e.text, nearest(e.text, append(c.symbols(), in...)))
		}
		return
	case callForm:
		c.checkFunction(e)
	case memberForm:
		c.checkMember(e)
	case loopForm:
		c.checkSymbols(e.args[0], in)
		c.early("what a loop goes over", e.args[0])
		c.checkSymbols(e.args[1], append(slices.Clone(in), texts(e.args[2:])...))
		return
	case lambdaForm:
		c.checkSymbols(e.args[0], append(slices.Clone(in), texts(e.args[1:])...))
		c.early("what a lambda returns", e.args[0])
		return
	case ifForm:
		c.early("a condition", e.args[0])
	}
	for _, a := range e.args {
		c.checkSymbols(a, in)
	}
	c.checkProperties(e, in)
}

func (c *checker) checkProperties(e *expression, in scope) {
	seen := map[string]bool{}
	for _, p := range e.properties {
		if p.key == nil && seen[p.name] {
			c.fault(p.at, "%s is given twice", p.name)
		}
		seen[p.name] = p.key == nil
		c.checkSymbols(p.key, in)
		c.checkSymbols(p.value, in)
	}
}

func texts(list []*expression) []string {
	var all []string
	for _, e := range list {
		all = append(all, e.text)
	}
	return all
}

func (c *checker) symbols() []string {
	var list []string
	for _, d := range c.declarations {
		if d.keyword != "output" {
			list = append(list, d.name)
		}
	}
	return list
}

func (c *checker) checkFunction(e *expression) {
	f, known := functions[e.text]
	switch {
	case !known:
		c.fault(e.at, "there is no function %s%s", e.text, nearest(e.text, slices.Sorted(maps.Keys(functions))))
	case len(e.args) < f.least || f.most >= 0 && len(e.args) > f.most:
		c.fault(e.at, "%s does not take %d arguments", e.text, len(e.args))
	case e.text == "loadTextContent":
		if file := path.Join(path.Dir(c.path), e.args[0].text); !c.files(file) {
			c.fault(e.args[0].at, "there is no file %s", file)
		}
	}
}

// checkMember asks that what stands behind a dot is there.
func (c *checker) checkMember(e *expression) {
	var names []string
	root := e
	for root.form == memberForm {
		names = append([]string{root.text}, names...)
		root = root.args[0]
	}
	if root.form == callForm {
		f := functions[root.text]
		full := strings.Join(names, ".")
		if f.members != nil && !slices.ContainsFunc(f.members, func(m string) bool { return m == full || strings.HasPrefix(m, full+".") }) {
			c.fault(e.at, "%s() has no %s%s", root.text, full, nearest(full, f.members))
		}
		return
	}
	d := c.declared(root)
	if d == nil {
		return
	}
	switch {
	case d.looped() && root.form != indexForm:
		c.fault(root.at, "%s is a list, and none of it is chosen", d.name)
	case !d.looped() && root.form == indexForm:
		c.fault(root.at, "%s is no list", d.name)
	}
	if d.keyword == "module" {
		c.checkModuleMember(e, d, names)
		return
	}
	s := c.types.find(d.of.text, d.object().property("name"))
	for _, name := range names {
		if s == nil || s.kind != "object" {
			return // said elsewhere, or free
		}
		if s.properties[name] == nil {
			c.fault(e.at, "%s has no %s%s", d.of.text, strings.Join(names, "."), nearest(name, s.names()))
			return
		}
		s = s.properties[name]
	}
}

func (c *checker) checkModuleMember(e *expression, d *declaration, names []string) {
	switch {
	case names[0] == "name" && len(names) == 1, names[0] == "outputs" && len(names) == 1:
	case names[0] != "outputs":
		c.fault(e.at, "module %s has no %s; what it returns is in outputs", d.name, names[0])
	default:
		m := c.moduleOf(d)
		if m == nil {
			return // said where it is called
		}
		var outputs []string
		for _, o := range m.all("output") {
			outputs = append(outputs, o.name)
		}
		if !slices.Contains(outputs, names[1]) {
			c.fault(e.at, "module %s has no output %s%s", d.name, names[1], nearest(names[1], outputs))
		}
	}
}

// moduleOf is the module that a declaration calls; nil if there is none.
func (c *checker) moduleOf(d *declaration) *module {
	return c.modules[path.Join(path.Dir(c.path), d.of.text)]
}

func nearest(name string, candidates []string) string {
	if near := fault.Nearest(name, candidates); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
