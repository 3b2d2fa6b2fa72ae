package policy

import (
	"fmt"
	"strings"
	"testing"
)

func document(t *testing.T, name, text string) *Document {
	t.Helper()
	if text == "" {
		return nil
	}
	d, faults := Parse(name, []byte(text), ParseOptions{})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

// traced are policies that are easily told from others.
func traced(names ...string) string {
	var text strings.Builder
	for _, name := range names {
		if name == "base" {
			text.WriteString("<base />")
		} else {
			text.WriteString(`<trace id="` + name + `" source="t" />`)
		}
	}
	return text.String()
}

func section(name string, policies ...string) string {
	return "<" + name + ">" + traced(policies...) + "</" + name + ">"
}

func policies(sections ...string) string {
	return "<policies>" + strings.Join(sections, "") + "</policies>"
}

// listed writes the policies of a section as scope:id, or scope:name without one.
func listed(e *Effective, s Section) string {
	var all []string
	for _, p := range e.Section(s) {
		name := p.ID
		if name == "" {
			name = p.Name
		}
		all = append(all, p.Scope.String()+":"+name)
	}
	return strings.Join(all, " ")
}

func TestCompose(t *testing.T) {
	type want struct{ inbound, backend, outbound, onError string }
	for _, c := range []struct {
		name                            string
		global, product, api, operation string
		want                            want
	}{
		{name: "nothing", want: want{backend: "global:forward-request"}},
		{
			name: "all scopes", global: policies(section("inbound", "g"), "<backend><forward-request id='f' /></backend>"),
			product:   policies(section("inbound", "base", "p"), section("backend", "base")),
			api:       policies(section("inbound", "a1", "base", "a2"), section("backend", "base")),
			operation: policies(section("inbound", "base", "o"), section("backend", "base"), section("on-error", "e")),
			want:      want{inbound: "api:a1 global:g product:p api:a2 operation:o", backend: "global:f", onError: "operation:e"},
		},
		{
			name: "no base", global: policies(section("inbound", "g"), section("outbound", "g")),
			api:  policies(section("inbound", "a"), section("backend"), section("outbound", "base")),
			want: want{inbound: "api:a", outbound: "global:g"},
		},
		{
			name: "missing sections drop what is inherited", global: policies(section("inbound", "g"), "<backend><forward-request /></backend>", section("on-error", "g")),
			operation: policies(section("inbound", "base")),
			want:      want{inbound: "global:g"},
		},
		{
			name: "scopes without a document", global: policies(section("inbound", "g"), section("outbound", "g")), operation: policies(section("inbound", "base", "o"), section("backend", "base")),
			want: want{inbound: "global:g operation:o"},
		},
		{name: "base first", api: policies(section("backend", "base"), section("on-error", "base")), want: want{backend: "global:forward-request"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, faults := Compose([]Layer{
				{ScopeGlobal, document(t, "global.xml", c.global)},
				{ScopeProduct, document(t, "product.xml", c.product)},
				{ScopeAPI, document(t, "api.xml", c.api)},
				{ScopeOperation, document(t, "operation.xml", c.operation)},
			}, nil)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			if got := (want{listed(e, Inbound), listed(e, Backend), listed(e, Outbound), listed(e, OnError)}); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestComposePaths(t *testing.T) {
	d := document(t, "server.xml", `<policies><outbound>
		<choose><when condition="true"><set-header name="a"><value>b</value></set-header></when>
		<when condition="false"><trace source="a" /><include-fragment fragment-id="f" /></when></choose>
		<choose />
	</outbound></policies>`)
	fragment := document(t, "f.xml", `<fragment><trace id="t" source="a" /><include-fragment fragment-id="g" /></fragment>`)
	inner := document(t, "g.xml", `<fragment><send-request response-variable-name="r"><set-method>GET</set-method></send-request></fragment>`)
	e, faults := Compose([]Layer{{ScopeServer, d}}, map[string]*Document{"f": fragment, "g": inner})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	walk(e.Outbound, func(e *Element) bool {
		got = append(got, e.Path)
		if e.Scope != ScopeServer || e.Section != Outbound {
			t.Errorf("%s: got %v and %v, want server and outbound", e.Path, e.Scope, e.Section)
		}
		return true
	})
	want := []string{
		"choose[1]", "choose[1]/when[1]", "choose[1]/when[1]/set-header[1]", "choose[1]/when[1]/set-header[1]/value[1]",
		"choose[1]/when[2]", "choose[1]/when[2]/trace[1]",
		"choose[1]/when[2]/include-fragment[1]/trace[1]",
		"choose[1]/when[2]/include-fragment[1]/include-fragment[1]/send-request[1]",
		"choose[1]/when[2]/include-fragment[1]/include-fragment[1]/send-request[1]/set-method[1]",
		"choose[2]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d.Elements[0].Children[0].Children[0].Path != "" {
		t.Error("the document was changed")
	}
}

func TestComposeFaults(t *testing.T) {
	fragments := map[string]*Document{
		"limits":  document(t, "limits.xml", "<fragment>\n<rate-limit calls=\"1\" renewal-period=\"1\" /></fragment>"),
		"a":       document(t, "a.xml", `<fragment><include-fragment fragment-id="b" /></fragment>`),
		"b":       document(t, "b.xml", `<fragment><include-fragment fragment-id="a" /></fragment>`),
		"two":     document(t, "two.xml", `<fragment><trace source="a" /><forward-request /></fragment>`),
		"not-one": document(t, "not-one.xml", `<policies />`),
	}
	for _, c := range []struct{ name, text, want string }{
		{"unknown", `<policies><inbound><include-fragment fragment-id="limit" /></inbound></policies>`, `p.xml:1:51: unknown fragment "limit": did you mean "limits"?`},
		{"cycle", `<policies><inbound><include-fragment fragment-id="a" /></inbound></policies>`, `b.xml:1:42: the fragment a includes itself: a → b → a: remove one of the includes`},
		{"section", `<policies><outbound><include-fragment fragment-id="limits" /></outbound></policies>`, rateLimitScope + "\nlimits.xml:2:1: rate-limit must not stand in outbound: move it to inbound"},
		{"scope", `<policies><inbound><include-fragment fragment-id="limits" /></inbound></policies>`, rateLimitScope},
		{"backend", `<policies><backend><include-fragment fragment-id="two" /></backend></policies>`, `p.xml:1:20: the fragment two puts 2 policies into backend: keep one, or include the fragment in inbound or outbound`},
		{"no fragment", `<policies><inbound><include-fragment fragment-id="not-one" /></inbound></policies>`, `not-one.xml: the fragment not-one has no <fragment>: write <fragment> around its policies`},
		{"no policies", `<fragment />`, `p.xml: the document of the scope global has no <policies>: write <policies> with its sections`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := Compose([]Layer{{ScopeGlobal, document(t, "p.xml", c.text)}}, fragments)
			if got := faults.Error(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

const rateLimitScope = "limits.xml:2:1: rate-limit must not stand in a document of the scope global: move it to a document of the scope product, api, operation, server or tool"

func TestComposeIsBounded(t *testing.T) {
	fragments := map[string]*Document{}
	for i := range 20 {
		include := strings.Repeat(fmt.Sprintf(`<include-fragment fragment-id="f%d" />`, i+1), 10)
		fragments[fmt.Sprintf("f%d", i)] = document(t, fmt.Sprintf("f%d.xml", i), "<fragment>"+include+"</fragment>")
	}
	fragments["f20"] = document(t, "f20.xml", "<fragment>"+traced("x", "x")+"</fragment>")
	bases := policies(section("inbound", strings.Fields(strings.Repeat("base base ", 500))...))
	_, faults := Compose([]Layer{
		{ScopeGlobal, document(t, "g.xml", policies(section("inbound", "x", "x")))},
		{ScopeAPI, document(t, "a.xml", bases)},
		{ScopeOperation, document(t, "o.xml", bases)},
		{ScopeTool, document(t, "t.xml", `<policies><inbound><include-fragment fragment-id="f0" /></inbound></policies>`)},
	}, fragments)
	if got, want := faults.Error(), "the policies of one call have more than 50000 elements"; !strings.Contains(got, want) || len(faults) > 2 {
		t.Errorf("got %s, want %s", got, want)
	}
}
