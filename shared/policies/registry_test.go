package policies

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/policy"
)

// composed is the policy that is gone when a pipeline is compiled: the policies
// of the fragment have taken its place.
const composed = "include-fragment"

// TestRegistry compares what is registered with the vocabulary, both ways.
func TestRegistry(t *testing.T) {
	for i := range policy.Vocabulary().Policies {
		p := &policy.Vocabulary().Policies[i]
		made, ok := registered[p.Name]
		if runs := p.NotRun == "" && p.Name != composed; runs != ok {
			t.Errorf("%s: got registered %v, want %v", p.Name, ok, runs)
		}
		if !ok {
			continue
		}
		to := reflect.TypeOf(made())
		if to.Kind() != reflect.Pointer || to.Elem().Kind() != reflect.Struct {
			t.Errorf("%s: got a %v, want a pointer to a struct", p.Name, to)
			continue
		}
		if to.Elem().Size() > 0 && made() == made() {
			t.Errorf("%s: got one statement for all documents, want a new one each time", p.Name)
		}
		checkFields(t, p.Name, &p.ElementType, []view{{of: to.Elem()}})
	}
	for name := range registered {
		if policy.Vocabulary().Policy(name) == nil {
			t.Errorf("%s is registered and stands in no vocabulary", name)
		}
	}
}

// TestEveryPolicyIsTested asks for testdata/NAME.txtar, and for a policy for
// each file there.
func TestEveryPolicyIsTested(t *testing.T) {
	names := []string{composed}
	for name := range registered {
		names = append(names, name)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join("testdata", name+".txtar")); err != nil {
			t.Errorf("%s: got %v, want a test of the policy's name", name, err)
		}
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		test := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !slices.ContainsFunc(names, func(name string) bool { return test == name || strings.HasPrefix(test, name+"-") }) {
			t.Errorf("%s: got no policy of the name, want NAME.txtar or NAME-CASE.txtar", file)
		}
	}
}

// fieldTypes are the types that a field has for each type of value: of what is
// a literal, and of what may be an expression.
var fieldTypes = map[policy.ValueType][2]reflect.Type{
	policy.String:    {reflect.TypeFor[string](), reflect.TypeFor[policy.Value[string]]()},
	policy.Enum:      {reflect.TypeFor[string](), reflect.TypeFor[policy.Value[string]]()},
	policy.List:      {reflect.TypeFor[string](), reflect.TypeFor[policy.Value[string]]()},
	policy.Timestamp: {reflect.TypeFor[string](), reflect.TypeFor[policy.Value[string]]()},
	policy.Int:       {reflect.TypeFor[int](), reflect.TypeFor[policy.Value[int]]()},
	policy.Bool:      {reflect.TypeFor[bool](), reflect.TypeFor[policy.Value[bool]]()},
	policy.Seconds:   {reflect.TypeFor[time.Duration](), reflect.TypeFor[policy.Value[time.Duration]]()},
	policy.Decimal:   {reflect.TypeFor[float64](), reflect.TypeFor[policy.Value[float64]]()},
	policy.Object:    {nil, reflect.TypeFor[policy.Value[any]]()},
}

// checkValue checks the type of a field against what it holds. A literal may
// be held by a Value too where the field must tell it from one that was not
// written.
func checkValue(t *testing.T, at string, d *policy.Domain, got reflect.Type) {
	t.Helper()
	want := fieldTypes[d.Type]
	if d.Expression && got != want[1] || !d.Expression && got != want[0] && got != want[1] {
		t.Errorf("%s: got a field of type %v, want %v", at, got, want[map[bool]int{true: 1}[d.Expression]])
	}
}

// view is a Go type that holds an element, or what stands below it by a path
// of names.
type view struct {
	of   reflect.Type
	path []string
}

// field is a field with one of the tags.
type field struct {
	kind, tag string
	of        reflect.Type
}

// fieldsOf are the tagged fields of a struct and of those embedded in it.
func fieldsOf(of reflect.Type) []field {
	var list []field
	for f := range of.Fields() {
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[policy.Block]() {
			list = append(list, fieldsOf(f.Type)...)
			continue
		}
		for _, kind := range []string{"attr", "text", "elements", "element", "policies"} {
			if tag, ok := f.Tag.Lookup(kind); ok {
				list = append(list, field{kind, tag, f.Type})
			}
		}
	}
	return list
}

// holdsText tells whether a type is the text of its element.
func holdsText(of reflect.Type) bool {
	for _, types := range fieldTypes {
		if slices.Contains(types[:], of) {
			return true
		}
	}
	return false
}

// checkFields compares the Go types that hold an element with its type.
func checkFields(t *testing.T, at string, e *policy.ElementType, views []view) {
	t.Helper()
	var fields []field
	for _, v := range views {
		switch {
		case len(v.path) > 0:
			fields = append(fields, field{"elements", strings.Join(v.path, "/"), reflect.SliceOf(v.of)})
		case holdsText(v.of):
			fields = append(fields, field{"text", "", v.of})
		case v.of == reflect.TypeFor[policy.Block]():
			fields = append(fields, field{"policies", "*", v.of})
		default:
			fields = append(fields, fieldsOf(v.of)...)
		}
	}
	checkAttributes(t, at, e, fields)
	checkContent(t, at, e, fields)
	checkChildren(t, at, e, fields)
}

// checkAttributes asks for exactly one field for each attribute. None is right
// where the gateway runs no policy with it, or where the vocabulary says why
// nothing reads it.
func checkAttributes(t *testing.T, at string, e *policy.ElementType, fields []field) {
	t.Helper()
	for i := range e.Attributes {
		a, n := &e.Attributes[i], 0
		for _, f := range fields {
			name, option, _ := strings.Cut(f.tag, ",")
			if f.kind != "attr" || name != a.Name {
				continue
			}
			n++
			checkValue(t, at+"/@"+name, &a.Domain, f.of)
			if (option == "required") != a.Required {
				t.Errorf("%s/@%s: got the tag %q, want required %v", at, name, f.tag, a.Required)
			}
		}
		if n != 1 && !(n == 0 && (a.NotRun != "" || a.Differs != "")) {
			t.Errorf("%s/@%s: got %d fields, want 1", at, a.Name, n)
		}
	}
	for _, f := range fields {
		name, _, _ := strings.Cut(f.tag, ",")
		if f.kind == "attr" && !slices.ContainsFunc(e.Attributes, func(a policy.AttributeType) bool { return a.Name == name }) {
			t.Errorf("%s: got a field for the attribute %s, which the vocabulary lacks", at, name)
		}
	}
}

// checkContent asks for one field for a text, and one for policies.
func checkContent(t *testing.T, at string, e *policy.ElementType, fields []field) {
	t.Helper()
	texts, blocks := 0, 0
	for _, f := range fields {
		switch {
		case f.kind == "text":
			texts++
			checkValue(t, at+" (its text)", &e.Content.Domain, f.of)
		case f.kind == "policies" && f.tag == "*":
			blocks++
		}
	}
	if want := count(e.Content.Kind == policy.ContentText); texts != want {
		t.Errorf("%s: got %d fields for the text, want %d", at, texts, want)
	}
	if want := count(e.Content.Kind == policy.ContentPolicies); blocks != want {
		t.Errorf("%s: got %d fields for all policies, want %d", at, blocks, want)
	}
}

func count(wanted bool) int {
	if wanted {
		return 1
	}
	return 0
}

// checkChildren asks for a field for each element inside, and that no field is
// for another.
func checkChildren(t *testing.T, at string, e *policy.ElementType, fields []field) {
	t.Helper()
	known := func(name string, isPolicy bool) bool {
		return slices.ContainsFunc(e.Children, func(c policy.ElementType) bool { return c.Name == name && c.Policy == isPolicy })
	}
	var policies []string
	inside := map[string][]view{}
	for _, f := range fields {
		switch path := strings.Split(f.tag, "/"); f.kind {
		case "policies":
			policies = append(policies, strings.Split(f.tag, ",")...)
		case "elements":
			inside[path[0]] = append(inside[path[0]], view{f.of.Elem(), path[1:]})
		case "element":
			of := f.of
			if of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			inside[f.tag] = append(inside[f.tag], view{of, nil})
			if i := slices.IndexFunc(e.Children, func(c policy.ElementType) bool { return c.Name == f.tag }); i >= 0 && e.Children[i].Max != 1 {
				t.Errorf("%s: got a field for one %s, want one for several", at, f.tag)
			}
		}
	}
	for i := range e.Children {
		c := &e.Children[i]
		switch {
		case c.Policy && !slices.Contains(policies, c.Name):
			t.Errorf("%s: got no field for the policy %s", at, c.Name)
		case !c.Policy && len(inside[c.Name]) == 0:
			t.Errorf("%s: got no field for the element %s", at, c.Name)
		case !c.Policy:
			checkFields(t, at+"/"+c.Name, c, inside[c.Name])
		}
	}
	for name := range inside {
		if !known(name, false) {
			t.Errorf("%s: got a field for the element %s, which the vocabulary lacks", at, name)
		}
	}
	for _, name := range policies {
		if name != "*" && !known(name, true) {
			t.Errorf("%s: got a field for the policy %s, which the vocabulary lacks", at, name)
		}
	}
}
