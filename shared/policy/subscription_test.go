package policy

import (
	"strings"
	"testing"
)

func TestParseSubscriptionScope(t *testing.T) {
	for _, text := range []string{"all", "product:starter", "api:a", "server:0-9", "api:" + strings.Repeat("a", 63)} {
		s, err := ParseSubscriptionScope(text)
		if err != nil || s.String() != text {
			t.Errorf("%q: got %q, %v", text, s, err)
		}
		var again SubscriptionScope
		written, err := s.MarshalText()
		if err != nil || again.UnmarshalText(written) != nil || again != s {
			t.Errorf("%q: got %v, %v after it was written", text, again, err)
		}
	}
	for _, text := range []string{
		"", "none", "all:", "all:x", "All", "product", "product:", "product:-a", "product:Starter", "product:a:b", "api:a b",
		"server:" + strings.Repeat("a", 64), ":a", "api:ä",
	} {
		if s, err := ParseSubscriptionScope(text); err == nil || s != (SubscriptionScope{}) {
			t.Errorf("%q: got %v, %v, want an error", text, s, err)
		}
	}
}
