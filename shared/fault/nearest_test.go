package fault

import "testing"

func TestNearest(t *testing.T) {
	keys := []string{"name", "title", "publicUrl", "apis", "servers", "tools", "acceptLossy", "url"}
	tests := []struct{ name, want string }{
		{"toosl", "tools"}, {"tool", "tools"}, {"TOOLS", "tools"}, {"titel", "title"}, {"public_url", "publicUrl"},
		{"publicURI", "publicUrl"}, {"accept-lossy", "acceptLossy"}, {"acceptLoosly", "acceptLossy"}, {"uri", "url"},
		{"api", "apis"}, {"", ""}, {"x", ""}, {"policies", ""}, {"upstream", ""},
	}
	for _, tt := range tests {
		if got := Nearest(tt.name, keys); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "axc", 1},
		{"abc", "abxc", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	}
	for _, tt := range tests {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	many := make([]string, 30)
	for i := range many {
		many[i] = string(rune('a' + i%26))
	}
	tests := []struct {
		candidates []string
		want       string
	}{
		{nil, "declare it first"},
		{[]string{"orders"}, "use orders"},
		{[]string{"orders", "stock", "wiki"}, "use orders, stock or wiki"},
		{many, "use one that is known, such as a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t"},
		{[]string{"nothings"}, `did you mean "nothings"?`},
	}
	for _, tt := range tests {
		if got := Suggest("nothing", tt.candidates, "declare it first"); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.candidates, got, tt.want)
		}
	}
}
