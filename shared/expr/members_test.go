package expr

import (
	"strings"
	"testing"
	"time"
)

// testContext has a fixed clock.
func testContext() *Context {
	return &Context{Now: func() time.Time { return time.Date(2024, 5, 6, 7, 8, 9, 123_456_700, time.UTC) }}
}

// evaluate compiles and evaluates a single expression to text.
func evaluate(t *testing.T, source string, x *Context) string {
	t.Helper()
	p, errs := Compile(source, Single, Position{1, 1})
	if len(errs) > 0 {
		t.Fatalf("compiling %s: %v", source, errs)
	}
	s, err := p.String(x, nil)
	if err != nil {
		t.Fatalf("evaluating %s: %v", source, err)
	}
	return s
}

// TestMemberExamples runs the example of every member.
func TestMemberExamples(t *testing.T) {
	n := 0
	for m := range Members() {
		if m.Example == "" {
			continue
		}
		n++
		t.Run(m.Type+" "+m.Signature, func(t *testing.T) {
			if got := evaluate(t, m.Example, testContext()); got != m.Result {
				t.Errorf("%s: got %q, want %q", m.Example, got, m.Result)
			}
		})
	}
	if n < 500 {
		t.Errorf("got %d examples, want at least 500", n)
	}
}

// TestMembersHaveExamples asks for an example of what can show one: members that
// return something and need no request, certificate or key.
func TestMembersHaveExamples(t *testing.T) {
	for m := range Members() {
		shows := m.Namespace != "" && !m.Ours && !strings.Contains(m.Namespace, "X509") && !strings.HasPrefix(m.Signature, "set ") && !strings.Contains(m.Signature, "void ")
		if shows && m.Example == "" && !excusedExamples[m.Type] && !strings.Contains(m.Signature, " = ") {
			t.Errorf("%s: %s has no example", m.Type, m.Signature)
		}
	}
}

// excusedExamples are types whose members need a key or return what has no text.
var excusedExamples = map[string]bool{"RSA": true, "Oid": true, "StringComparer": true, "CultureInfo": true, "RNGCryptoServiceProvider": true}
