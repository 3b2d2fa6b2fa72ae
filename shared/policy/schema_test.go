package policy

import (
	"slices"
	"strings"
	"testing"
)

// TestVocabulary checks that the rows of the table agree with themselves.
func TestVocabulary(t *testing.T) {
	s := Vocabulary()
	for i, p := range s.Policies {
		if i > 0 && s.Policies[i-1].Name == p.Name {
			t.Errorf("%s has two rows", p.Name)
		}
		if p.Summary == "" || p.Group == "" || p.Sections == 0 || p.Scopes == 0 || !strings.HasSuffix(p.Summary, ".") {
			t.Errorf("%s has no summary, group, section or scope", p.Name)
		}
		checkElementType(t, p.Name, &p.ElementType)
	}
}

func checkElementType(t *testing.T, path string, e *ElementType) {
	t.Helper()
	var attributes []string
	for _, a := range e.Attributes {
		at := path + "/@" + a.Name
		if slices.Contains(attributes, a.Name) {
			t.Errorf("%s stands twice", at)
		}
		attributes = append(attributes, a.Name)
		if a.Required && a.Default != "" {
			t.Errorf("%s is required and has a default", at)
		}
		if (a.Type == Enum) != (len(a.Enum) > 0) {
			t.Errorf("%s: got %v with the words %q", at, a.Type, a.Enum)
		}
		if a.Default != "" {
			v := &validator{schema: Vocabulary()}
			v.value(Text{Source: a.Default}, a.Domain, "the default")
			if len(v.faults) > 0 {
				t.Errorf("%s: %v", at, v.faults)
			}
		}
	}
	for _, set := range slices.Concat(e.Any, e.One) {
		for _, name := range set {
			if !slices.Contains(attributes, name) {
				t.Errorf("%s: a set has %s, which is no attribute", path, name)
			}
		}
	}
	for _, name := range slices.Concat(e.Content.Only, e.Content.Except) {
		if Vocabulary().Policy(name) == nil {
			t.Errorf("%s: the content names %s, which is no policy", path, name)
		}
	}
	for i := range e.Children {
		c := &e.Children[i]
		if c.Policy && Vocabulary().Policy(c.Name) == nil {
			t.Errorf("%s: the child %s is no policy", path, c.Name)
		}
		if c.Max > 0 && c.Max < c.Min {
			t.Errorf("%s/%s: got at least %d and at most %d", path, c.Name, c.Min, c.Max)
		}
		checkElementType(t, path+"/"+c.Name, c)
	}
}

func TestNames(t *testing.T) {
	if got, want := (Inbound | OnError).String(), "inbound, on-error"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (ScopeAPI | ScopeTool).String(), "api, tool"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if names := Vocabulary().names; !slices.IsSorted(names) || len(names) != len(Vocabulary().Policies) {
		t.Errorf("got %q, want each policy's name in order", names)
	}
}

func TestValidateOptions(t *testing.T) {
	const text = `<policies><inbound>{fragments}
		<rate-limit calls="{{n}}" renewal-period="${period}" /><quota calls="1" renewal-period="{p}" />
		<choose>{branches}</choose><jsonp /><set-backend-service sf-partition-key="x" />
	</inbound></policies>`
	d := document(t, "p.xml", text)
	for _, c := range []struct {
		name    string
		options ValidateOptions
		want    []string
	}{
		{"all", ValidateOptions{Scope: ScopeGlobal}, []string{
			"inbound has text", "rate-limit must not stand in a document of the scope global", "the attribute calls is", "the attribute renewal-period is",
			"quota must not stand in a document of the scope global", "the attribute renewal-period is", "choose needs <when>", "choose has text", "jsonp is not run",
			"set-backend-service needs one of", "the attribute sf-partition-key is not run",
		}},
		{"placeholders", ValidateOptions{Placeholders: true}, []string{"jsonp is not run", "set-backend-service needs one of", "the attribute sf-partition-key is not run"}},
		{"not run", ValidateOptions{Placeholders: true, Unchecked: true, Scope: ScopeProduct}, nil},
		{"tool", ValidateOptions{Placeholders: true, Unchecked: true, Scope: ScopeTool}, []string{"quota must not stand in a document of the scope tool"}},
	} {
		faults := Validate(d, c.options)
		if len(faults) != len(c.want) {
			t.Errorf("%s: got\n%v\nwant %d faults", c.name, faults, len(c.want))
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(faults[i].Message, want) {
				t.Errorf("%s: got %q, want %q", c.name, faults[i].Message, want)
			}
		}
	}
}

// wrong is a compiler that refuses every expression with "wrong" in it.
type wrong struct{ types []ValueType }

func (w *wrong) CheckExpression(t Text, want ValueType) []ExpressionFault {
	w.types = append(w.types, want)
	if i := strings.Index(t.Source, "wrong"); i >= 0 {
		return []ExpressionFault{{Offset: i, Message: "wrong", Fix: "mend it"}}
	}
	return nil
}

func TestCompiler(t *testing.T) {
	d := document(t, "p.xml", "<outbound><choose><when condition=\"@(a &amp;&amp;\n wrong)\"><set-variable name=\"x\" value=\"@{ return 1; }\" /></when></choose></outbound>")
	w := &wrong{}
	faults := Validate(d, ValidateOptions{Compiler: w})
	if got, want := faults.Error(), "p.xml:2:2: wrong: mend it"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := []ValueType{Bool, Object}; !slices.Equal(w.types, want) {
		t.Errorf("got the types %v, want %v", w.types, want)
	}
}
