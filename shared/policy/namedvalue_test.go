package policy

import (
	"slices"
	"strings"
	"testing"

	"toolgate/shared/fault"
)

func TestNamedValues(t *testing.T) {
	values := map[string]string{
		"limit": "5", "tenant": "contoso", "Gateway.Name": "g", "name": "n", "header": `<set-header name="a"><value>b</value></set-header>`,
		"code": `x["y"]`, "long-name": "", "body": "kept",
	}
	for _, c := range []struct{ name, text, want string }{
		{"attribute", `<a b="{{limit}}" />`, `a[b="5"]`},
		{"several", `<a b="{{limit}}-{{tenant}}-{{long-name}}{{Gateway.Name}}" />`, `a[b="5-contoso-g"]`},
		{"interpolated string", `<a b="@($"https://x/{{tenant}}/v2.0")" />`, `a[b=E"$\"https://x/contoso/v2.0\""]`},
		{"C#", `<a b="@({{code}} + 1)" />`, `a[b=E"x[\"y\"] + 1"]`},
		{"no quotes", `<a b={{limit}} />`, `a[b="5"]`},
		{"whole elements", `<a>{{header}}</a>`, `a(set-header[name="a"](value("b")))`},
		{"not a name", `<a>{{ limit }} {{a|b}} {{}} {{limit}</a>`, `a("{{ limit }} {{a|b}} {{}} {{limit}")`},
		{"three braces", `<a>{{{limit}}}</a>`, `a("{5}")`},
		{"comment", `<a><!-- {{unknown}} --></a>`, `a`},
		{"Liquid", `<set-body template="liquid">{{body.x}} {{unknown}} {{name}} {{ limit | upcase }}</set-body>`, `set-body[template="liquid"]("{{body.x}} {{unknown}} n {{ limit | upcase }}")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, faults := Parse("p.xml", []byte(c.text), ParseOptions{NamedValues: values})
			if got := dump(d.Elements); got != c.want || len(faults) > 0 {
				t.Errorf("got  %s %v\nwant %s", got, faults, c.want)
			}
		})
	}
}

func TestNamedValueFaults(t *testing.T) {
	const text = "<policies><inbound>\n" +
		"  <set-variable name=\"{{tenant}}\" value=\"{{tennant}}\" />\n" +
		"  <set-status code=\"{{secret}}\" /><set-heder name=\"x\" />\n" +
		"  <set-variable name=\"a\" value=\"@(f({{secret}}, )\" />\n" +
		"</inbound></policies>"
	values := map[string]string{"tenant": "contoso with a long name", "secret": "hunter2"}
	d, faults := Parse("p.xml", []byte(text), ParseOptions{NamedValues: values})
	faults = append(faults, Validate(d, ValidateOptions{})...)
	want := []string{
		`p.xml:2:42: unknown named value "tennant": did you mean "tenant"?`,
		`p.xml:3:21: the attribute code is "{{secret}}": write a whole number from 100 to 999`,
		`p.xml:3:35: unknown policy "set-heder": did you mean "set-header"?`,
		`p.xml:4:33: the expression is not closed: add the missing ), or close the string or comment that hides it`,
	}
	if got := faults.Sorted().Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	_, faults = Parse("p.xml", []byte(`<a b="{{x}}" />`), ParseOptions{NamedValues: map[string]string{}})
	if got, want := faults.Error(), `p.xml:1:7: unknown named value "x": declare it among the named values`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamedValuesLeft(t *testing.T) {
	got := namedValues(`<!-- {{a}} --><x y="{{b}}">{{c-d}}{{ e }}{{b}}</x><set-body template='liquid'>{{f}}</set-body>{{g}}`)
	if want := []string{"b", "c-d", "g"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"SetHeader", "set-header"},
		{"set-haeder", "set-header"},
		{"", ""},
		{strings.Repeat("set-header", 1000), ""},
	} {
		if got := fault.Nearest(c.name, Vocabulary().names); got != c.want {
			t.Errorf("%.20q: got %q, want %q", c.name, got, c.want)
		}
	}
}
