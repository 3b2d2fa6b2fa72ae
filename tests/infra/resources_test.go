package infra_test

import (
	"maps"
	"slices"
	"strings"
)

// notOfType are the properties of resources that say something to Bicep itself.
var notOfType = []string{"parent", "dependsOn", "scope"}

func (c *checker) checkResource(d *declaration) {
	name, version, _ := strings.Cut(d.of.text, "@")
	body := d.object()
	if strings.Contains(version, "preview") {
		c.fault(d.of.at, "version %s is a preview", version)
	}
	s := c.types.find(d.of.text, c.nameOf(d))
	if s == nil {
		c.unknownType(d, name, version)
		return
	}
	if n := body.property("name"); n != nil {
		c.early("the name of a resource", n)
	}
	c.checkParent(d, name)
	if d.existing {
		for _, p := range body.properties {
			if p.name != "name" && p.name != "parent" && p.name != "scope" {
				c.fault(p.at, "%s is there already, and %s cannot be given", d.name, p.name)
			}
		}
		return
	}
	what, _ := last(strings.Split(name, "/"))
	of := &expression{form: objectForm, at: body.at}
	for _, p := range body.properties {
		if !slices.Contains(notOfType, p.name) {
			of.properties = append(of.properties, p)
		}
	}
	c.checkObject(of, s, what)
	if s.properties["tags"] != nil && body.property("tags") == nil {
		c.fault(d.at, "%s has no tags", d.name)
	}
	if name == "Microsoft.Authorization/roleAssignments" {
		c.checkRole(d, body)
	}
}

// nameOf is the name of a resource; in a loop over strings, the first of them.
func (c *checker) nameOf(d *declaration) *expression {
	name := d.object().property("name")
	if name != nil && name.form == nameForm && d.looped() && d.value.args[0].form == arrayForm && len(d.value.args[0].args) > 0 {
		return d.value.args[0].args[0]
	}
	return name
}

func last[T any](list []T) (T, bool) {
	var zero T
	if len(list) == 0 {
		return zero, false
	}
	return list[len(list)-1], true
}

func (c *checker) unknownType(d *declaration, name, version string) {
	versions := c.types.versions(name)
	switch {
	case len(versions) == 0:
		c.fault(d.of.at, "resource type %s is not in testdata/resources.txt%s", name, nearest(name, c.types.types()))
	case !slices.Contains(versions, version):
		c.fault(d.of.at, "of %s version %s is not in testdata/resources.txt, which has %s", name, version, strings.Join(versions, ", "))
	default:
		c.fault(d.of.at, "%s has a name of which testdata/resources.txt does not know the properties", name)
	}
}

// checkParent asks that a resource within another says in which.
func (c *checker) checkParent(d *declaration, name string) {
	segments := strings.Split(name, "/")
	parent := d.object().property("parent")
	if len(segments) == 2 {
		if parent != nil {
			c.fault(parent.at, "%s stands in no other resource", name)
		}
		return
	}
	if parent == nil {
		c.fault(d.at, "%s lacks its parent", d.name)
		return
	}
	of := c.declared(parent)
	if of == nil {
		c.fault(parent.at, "the parent of %s is no resource", d.name)
		return
	}
	if got, _, _ := strings.Cut(of.of.text, "@"); got != strings.Join(segments[:len(segments)-1], "/") {
		c.fault(parent.at, "%s stands in no %s", name, got)
	}
}

// checkRole asks that a role is known, and is assigned on one resource.
func (c *checker) checkRole(d *declaration, body *expression) {
	if body.property("scope") == nil {
		c.fault(d.at, "role %s is assigned on the whole resource group: give it a scope", d.name)
	}
	definition := body.property("properties").property("roleDefinitionId")
	if definition == nil {
		return // said already
	}
	if definition.form != callForm || definition.text != "subscriptionResourceId" || len(definition.args) != 2 ||
		definition.args[0].text != "Microsoft.Authorization/roleDefinitions" {
		c.fault(definition.at, "a role is subscriptionResourceId('Microsoft.Authorization/roleDefinitions', its id)")
		return
	}
	id := definition.args[1]
	if id.form == nameForm {
		if v := c.named(id.text); v != nil && v.keyword == "var" {
			id = v.value
		}
	}
	if id.form != textForm || roles[id.text] == "" {
		c.fault(id.at, "role %q is not one of those that may be assigned: %s", id.text, strings.Join(slices.Sorted(maps.Values(roles)), ", "))
	}
}

// checkCall asks that a module gets the parameters that it has.
func (c *checker) checkCall(d *declaration) {
	called, body := c.moduleOf(d), d.object()
	if called == nil {
		c.fault(d.of.at, "there is no module %s", d.of.text)
		return
	}
	for _, p := range body.properties {
		if !slices.Contains([]string{"name", "scope", "params", "dependsOn"}, p.name) {
			c.fault(p.at, "a module has no property %s", p.name)
		}
	}
	for _, name := range []string{"name", "scope"} {
		if e := body.property(name); e != nil {
			c.early("the "+name+" of a module", e)
		}
	}
	if c.targetScope == "subscription" && called.targetScope == "" && body.property("scope") == nil {
		c.fault(d.at, "module %s needs a resource group as its scope", d.name)
	}
	params := body.property("params")
	var names []string
	for _, p := range called.all("param") {
		names = append(names, p.name)
		if p.value == nil && params.property(p.name) == nil {
			c.fault(d.at, "module %s lacks parameter %s", d.name, p.name)
		}
	}
	if params == nil {
		return
	}
	for _, p := range params.properties {
		param := called.named(p.name)
		if param == nil || param.keyword != "param" {
			c.fault(p.at, "module %s has no parameter %s%s", d.name, p.name, nearest(p.name, names))
			continue
		}
		c.checkArgument(d, param, p.value)
	}
}

func (c *checker) checkArgument(d *declaration, param *declaration, value *expression) {
	if got := c.kindOf(value, nil); !agree(got, param.typeName) {
		c.fault(value.at, "parameter %s of module %s is of type %s, and gets a value of type %s", param.name, d.name, param.typeName, got)
	}
	if param.decorator("secure") == nil {
		if why := c.secret(value); why != "" {
			c.fault(value.at, "parameter %s of module %s would show a secret: %s", param.name, d.name, why)
		}
	}
}
