package policies

import (
	"slices"
	"testing"
)

func TestParseDistinguishedName(t *testing.T) {
	const cn, o, ou, c = "2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.6"
	for _, test := range []struct {
		in   string
		want distinguishedName // nil: an error
	}{
		{"CN=a", distinguishedName{{cn, "a"}}},
		{" cn = a b , O=c ", distinguishedName{{cn, "a b"}, {o, "c"}}},
		{`O="Contoso, Inc.", C=US`, distinguishedName{{o, "Contoso, Inc."}, {c, "US"}}},
		{`O=Contoso\, Inc.; C=US`, distinguishedName{{o, "Contoso, Inc."}, {c, "US"}}},
		{`O="a ""b""", OU=" c "`, distinguishedName{{o, `a "b"`}, {ou, "c "}}},
		{`CN=a\ , O=`, distinguishedName{{cn, "a "}, {o, ""}}},
		{"CN=a+OU=b", distinguishedName{{cn, "a"}, {ou, "b"}}},
		{"OID.2.5.4.3=a,2.5.4.10=b", distinguishedName{{cn, "a"}, {o, "b"}}},
		{"CN=a=b", distinguishedName{{cn, "a=b"}}},
		{"", nil},
		{"a", nil},
		{"=a", nil},
		{"XX=a", nil},
		{`CN="a`, nil},
		{"CN=a,", distinguishedName{{cn, "a"}}},
	} {
		got, err := parseDistinguishedName(test.in)
		if (err != nil) != (test.want == nil) || !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, %v, want %q", test.in, got, err, test.want)
		}
	}
}

func TestDistinguishedNameEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"CN=a, O=b, C=c", "cn=A,o=B,c=C", true},
		{"CN=a, O=b, C=c", "C=c, O=b, CN=a", true},
		{"CN=a, O=b, C=c", "O=b, CN=a, C=c", false},
		{"CN=a, O=b", "CN=a", false},
		{"CN=a", "CN=a, O=b", false},
		{"CN=a", "O=a", false},
	} {
		a, errA := parseDistinguishedName(test.a)
		b, errB := parseDistinguishedName(test.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := a.equal(b); got != test.want {
			t.Errorf("%q and %q: got %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

// FuzzDistinguishedName looks for names that make the parser panic, or that
// are not equal to themselves.
func FuzzDistinguishedName(f *testing.F) {
	for _, seed := range []string{"CN=a", `O="Contoso, Inc.", C=US`, `CN=\`, `CN=""`, "OID.1=a;2=b+3=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := parseDistinguishedName(text)
		if err == nil && !name.equal(name) {
			t.Errorf("%q: got a name %q that is not equal to itself", text, name)
		}
	})
}
