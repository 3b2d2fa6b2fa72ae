package importer

import (
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	for _, c := range []struct{ route, want string }{
		{"orders", "/orders"},
		{"/api/orders/{id}", `/api/orders/{id} id={"type":"string"}`},
		{"orders/{id:int}", `/orders/{id} id={"type":"integer"}`},
		{"orders/{id:int:min(1):max(9)}", `/orders/{id} id={"type":"integer","minimum":1,"maximum":9}`},
		{"orders/{id:range(1, 9)}", `/orders/{id} id={"type":"integer","minimum":1,"maximum":9}`},
		{"x/{a:alpha}/{b:guid}", `/x/{a}/{b} a={"type":"string","pattern":"^[A-Za-z]*$"} b={"type":"string","format":"uuid"}`},
		{"x/{a:length(3)}", `/x/{a} a={"type":"string","minLength":3,"maxLength":3}`},
		{"x/{a:length(3,5)}", `/x/{a} a={"type":"string","minLength":3,"maxLength":5}`},
		{`x/{a:regex(^\d{{3}}$)}`, `/x/{a} a={"type":"string","pattern":"^\\d{3}$"}`},
		{"x/{a:double}/{b:bool}/{c:datetime}", `/x/{a}/{b}/{c} a={"type":"number"} b={"type":"boolean"} c={"type":"string","format":"date-time"}`},
		{"x/{a?}", `/x without a; /x/{a} a={"type":"string"}`},
		{"x/{a:int?}/y", `/x without a; /x/{a}/y a={"type":"integer"}`},
		{"x/{a=5}", `/x without a; /x/{a} a={"type":"string"}`},
		{"x/{*rest}", `/x without rest; /x/{rest} rest={"type":"string"} lost`},
		{"x/{a:nosuch(1)}", `/x/{a} a={"type":"string"} lost`},
		{"x/{a:min(one)}", `/x/{a} a={"type":"string"} lost`},
		{"x/{a", "error"},
		{"x/{}", "error"},
		{"x/{:int}", "error"},
	} {
		if got := show(c.route); got != c.want {
			t.Errorf("%s: got %s, want %s", c.route, got, c.want)
		}
	}
}

// show writes what a route stands for.
func show(route string) string {
	found, err := routes(route)
	if err != nil {
		return "error"
	}
	var parts []string
	for _, r := range found {
		s := r.path
		if r.without != "" {
			s += " without " + r.without
		}
		for _, p := range r.parameters {
			text := strings.NewReplacer("\n", "", "  ", "", `": `, `":`).Replace(string(jsonOf(p.schema)))
			s += " " + p.name + "=" + text
		}
		if len(r.lost) > 0 {
			s += " lost"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// No route of anybody's makes a path whose braces do not match its parameters.
func FuzzRoutes(f *testing.F) {
	for _, seed := range []string{"orders/{id:int?}", `{a:regex(^\d{{3}}$)}`, "{*rest}", "{a}{b=1}", "}{", "{{}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, route string) {
		found, err := routes(route)
		if err != nil {
			return
		}
		for _, r := range found {
			if !strings.HasPrefix(r.path, "/") {
				t.Errorf("%q: got the path %q", route, r.path)
			}
			for _, p := range r.parameters {
				if !strings.Contains(r.path, "{"+p.name+"}") {
					t.Errorf("%q: the path %q lacks {%s}", route, r.path, p.name)
				}
			}
		}
	})
}
