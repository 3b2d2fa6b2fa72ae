package gateway

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/authserver"
	"toolgate/shared/policy"
)

// askedTokens keeps the rules that it was asked with.
type askedTokens struct{ rules *policy.TokenRules }

func (a *askedTokens) Validate(_ context.Context, _ string, r *policy.TokenRules) *policy.TokenFailure {
	a.rules = r
	return nil
}

// TestOwnTokens: a token of the gateway's own authorization server is verified with
// the key of that one alone, and no other with it.
func TestOwnTokens(t *testing.T) {
	const own, other = "https://tools.contoso.com", "https://login.contoso.com"
	server, err := authserver.New(authserver.Options{
		URL: own, Secret: []byte(strings.Repeat("k", 32)), Documents: http.DefaultTransport, Resources: []authserver.Resource{{Name: "orders", URL: own + "/orders/mcp"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".AA"
	}
	tests := []struct {
		name        string
		token       string
		authorities []string
		// What the validation behind is asked with; nil: it is not asked.
		want    []string
		withKey bool
		refused policy.Reason
	}{
		{"its own", token(`{"iss":"` + own + `"}`), []string{own, other}, nil, true, ""},
		{"of the other issuer", token(`{"iss":"` + other + `"}`), []string{own, other}, []string{other}, false, ""},
		{"of an unknown issuer", token(`{"iss":"https://evil.example"}`), []string{own, other}, []string{other}, false, ""},
		{"of an unknown issuer, where there is no other", token(`{"iss":"https://evil.example"}`), []string{own}, nil, false, policy.ReasonTokenIssuerNotAllowed},
		{"no token", "nonsense", []string{own}, nil, false, policy.ReasonTokenIssuerNotAllowed},
		{"its issuer twice", token(`{"iss":"` + other + `","iss":"` + own + `"}`), []string{own, other}, []string{other}, false, ""},
		{"its own, at a server that does not take them", token(`{"iss":"` + own + `"}`), []string{other}, []string{other}, false, ""},
	}
	for _, tt := range tests {
		asked := &askedTokens{}
		rules := &policy.TokenRules{Authorities: slices.Clone(tt.authorities), Audiences: []string{"a"}}
		failure := ownTokens{asked, server}.Validate(t.Context(), tt.token, rules)
		if tt.refused != "" {
			if failure == nil || failure.Reason != tt.refused || asked.rules != nil {
				t.Errorf("%s: got %v, want %s", tt.name, failure, tt.refused)
			}
			continue
		}
		got := asked.rules
		if failure != nil || got == nil {
			t.Errorf("%s: got %v", tt.name, failure)
			continue
		}
		if withKey := len(got.Keys) == 1 && slices.Equal(got.Issuers, []string{own}); withKey != tt.withKey || !slices.Equal(got.Authorities, tt.want) || !slices.Equal(got.Audiences, rules.Audiences) {
			t.Errorf("%s: asked with %+v", tt.name, got)
		}
		if !slices.Equal(rules.Authorities, tt.authorities) {
			t.Errorf("%s: the rules were changed: %v", tt.name, rules.Authorities)
		}
	}
}
