package auth

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ours   = "11111111-2222-3333-4444-555555555555"
	theirs = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// entraKeys are the keys of organizations and of personal accounts, each limited
// to its issuer as Entra does.
func entraKeys() string {
	limit := func(set, issuer string) string {
		return strings.Replace(set, `{"kty"`, fmt.Sprintf(`{"issuer":%q,"kty"`, issuer), 1)
	}
	work := limit(keySetText(web("work", &rsaKey().PublicKey)), publicCloud+"/{tenantid}/v2.0")
	personal := limit(keySetText(web("personal", &otherRSA().PublicKey)), publicCloud+"/"+consumers+"/v2.0")
	return strings.TrimSuffix(work, "]}") + "," + strings.TrimPrefix(personal, `{"keys":[`)
}

// entra is a validator for which Entra has the configurations of these tenants,
// by path.
func entra(t *testing.T) *Validator {
	t.Helper()
	v := atNoon()
	for path, issuer := range map[string]string{
		"/common/v2.0":                  publicCloud + "/{tenantid}/v2.0",
		"/organizations/v2.0":           publicCloud + "/{tenantid}/v2.0",
		"/consumers/v2.0":               publicCloud + "/" + consumers + "/v2.0",
		"/" + ours + "/v2.0":            publicCloud + "/" + ours + "/v2.0",
		"/contoso.onmicrosoft.com/v2.0": publicCloud + "/" + ours + "/v2.0",
		"/common":                       "https://sts.windows.net/{tenantid}/",
	} {
		keys, err := parseKeySet([]byte(entraKeys()))
		if err != nil {
			t.Fatal(err)
		}
		p := &provider{url: publicCloud + path + "/.well-known/openid-configuration", asked: noon}
		p.set.Store(&keySet{from: p, fetched: noon, issuer: issuer, keys: keys})
		v.providers[p.url] = p
	}
	return v
}

func TestEntra(t *testing.T) {
	v := entra(t)
	second := func(tid string) string { return fmt.Sprintf(`"iss":"%s/%s/v2.0","tid":%q`, publicCloud, tid, tid) }
	first := func(tid string) string { return fmt.Sprintf(`"iss":"https://sts.windows.net/%s/","tid":%q`, tid, tid) }
	tests := []struct {
		name, tenant, claims, kid, want string
	}{
		{"v2", ours, second(ours), "work", ""},
		{"v1", ours, first(ours), "work", ""},
		{"v1 in China", ours, strings.Replace(first(ours), "sts.windows.net", "sts.chinacloudapi.cn", 1), "work", ""},
		{"domain", "contoso.onmicrosoft.com", second(ours), "work", ""},
		{"domain, v1", "contoso.onmicrosoft.com", first(ours), "work", ""},
		{"URL", publicCloud + "/" + ours, second(ours), "work", ""},
		{"URL with more", publicCloud + "/" + ours + "/v2.0/", second(ours), "work", ""},
		{"another tenant", ours, second(theirs), "work", "TokenIssuerNotAllowed"},
		{"another tenant, v1", ours, first(theirs), "work", "TokenIssuerNotAllowed"},
		{"tid of another tenant", ours, strings.Replace(second(ours), `"tid":"`+ours, `"tid":"`+theirs, 1), "work", "TokenIssuerNotAllowed"},
		{"issuer of another tenant", ours, strings.Replace(first(theirs), `"tid":"`+theirs, `"tid":"`+ours, 1), "work", "TokenIssuerNotAllowed"},
		{"another issuer", ours, `"iss":"https://contoso.com/","tid":"` + ours + `"`, "work", "TokenIssuerNotAllowed"},
		{"v1 without tid", ours, `"iss":"https://sts.windows.net/` + ours + `/"`, "work", "TokenIssuerNotAllowed"},
		{"common", "common", second(theirs), "work", ""},
		{"common, v1", "common", first(theirs), "work", ""},
		{"common, personal", "common", second(consumers), "personal", ""},
		{"common, tid differs", "common", strings.Replace(second(ours), `"tid":"`+ours, `"tid":"`+theirs, 1), "work", "TokenIssuerNotAllowed"},
		{"common, no tid", "common", `"iss":"` + publicCloud + `/{tenantid}/v2.0"`, "work", "TokenIssuerNotAllowed"},
		{"common, tid is the placeholder", "common", second("{tenantid}"), "work", "TokenIssuerNotAllowed"},
		{"common, tid is a path", "common", second("a/../" + ours), "work", "TokenIssuerNotAllowed"},
		{"a personal key signs for a tenant", "common", second(theirs), "personal", "TokenIssuerNotAllowed"},
		{"a personal key signs for a tenant, v1", ours, first(ours), "personal", "TokenIssuerNotAllowed"},
		{"organizations", "organizations", second(theirs), "work", ""},
		{"organizations, personal", "organizations", second(consumers), "personal", "TokenIssuerNotAllowed"},
		{"organizations as URL, personal", publicCloud + "/organizations", second(consumers), "personal", "TokenIssuerNotAllowed"},
		{"consumers", "consumers", second(consumers), "personal", ""},
		{"consumers, of a tenant", "consumers", second(ours), "work", "TokenIssuerNotAllowed"},
		{"no tenant", "", second(ours), "work", "TokenIssuerNotAllowed"},
		{"tenant is a path", "../" + ours, second(ours), "work", "TokenIssuerNotAllowed"},
		{"tenant is a query", ours + "?x", second(ours), "work", "TokenIssuerNotAllowed"},
		{"tenant is no URL", "://", second(ours), "work", "TokenIssuerNotAllowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key := rsaKey()
			if test.kid == "personal" {
				key = otherRSA()
			}
			token := sign(t, "RS256", key, payload(test.claims), "kid", test.kid)
			_, err := v.Validate(t.Context(), token, &Rules{Entra: &Entra{Tenant: test.tenant}, RequireSigned: true})
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestEntraApplications(t *testing.T) {
	v := entra(t)
	tests := []struct {
		name, claims string
		rules        Rules
		want         string
	}{
		{"appid", `"appid":"A"`, Rules{Entra: &Entra{ClientIDs: []string{"b", "a"}}}, ""},
		{"azp", `"azp":"a"`, Rules{Entra: &Entra{ClientIDs: []string{"a"}}}, ""},
		{"another", `"azp":"c"`, Rules{Entra: &Entra{ClientIDs: []string{"a"}}}, "TokenClaimValueNotAllowed azp c"},
		{"both, and appid counts", `"appid":"c","azp":"a"`, Rules{Entra: &Entra{ClientIDs: []string{"a"}}}, "TokenClaimValueNotAllowed appid c"},
		{"none", ``, Rules{Entra: &Entra{ClientIDs: []string{"a", ""}}}, "TokenClaimNotFound appid"},
		{"backend", `"aud":"a"`, Rules{Entra: &Entra{BackendIDs: []string{"a"}}}, ""},
		{"backend as URI", `"aud":"api://a"`, Rules{Entra: &Entra{BackendIDs: []string{"a"}}}, ""},
		{"another backend", `"aud":"b"`, Rules{Entra: &Entra{BackendIDs: []string{"a"}}}, "TokenAudienceNotAllowed"},
		{"audience or backend", `"aud":"b"`, Rules{Audiences: []string{"b"}, Entra: &Entra{BackendIDs: []string{"a"}}}, ""},
		{"issuers of the rules do not count", `"aud":"b"`, Rules{Issuers: []string{"x"}, Entra: &Entra{}}, ""},
		{"claims", `"roles":["a"]`, Rules{Claims: []Claim{{Name: "roles", Values: []string{"b"}}}, Entra: &Entra{}}, "TokenClaimValueNotAllowed roles a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			claims := fmt.Sprintf(`"iss":"%s/%s/v2.0","tid":%q`, publicCloud, ours, ours)
			if test.claims != "" {
				claims += "," + test.claims
			}
			test.rules.Entra.Tenant = ours
			_, err := v.Validate(t.Context(), sign(t, "RS256", rsaKey(), payload(claims), "kid", "work"), &test.rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

// A configuration that is shared by tenants is one for validate-jwt, too: there,
// v1 issuers have to be those of a v1 configuration, or named.
func TestSharedConfiguration(t *testing.T) {
	v := entra(t)
	token := func(iss string) string {
		return sign(t, "RS256", rsaKey(), payload(fmt.Sprintf(`"iss":%q,"tid":%q`, iss, theirs)), "kid", "work")
	}
	config := func(path string) string { return publicCloud + path + "/.well-known/openid-configuration" }
	first, second := "https://sts.windows.net/"+theirs+"/", publicCloud+"/"+theirs+"/v2.0"
	tests := []struct {
		path, iss, want string
		issuers         []string
	}{
		{"/common", first, "", nil},
		{"/common", second, "TokenIssuerNotAllowed", nil},
		{"/common/v2.0", second, "", nil},
		{"/common/v2.0", first, "TokenIssuerNotAllowed", nil},
		{"/common/v2.0", first, "", []string{first}},
	}
	for _, test := range tests {
		_, err := v.Validate(t.Context(), token(test.iss), &Rules{OpenIDConfigs: []string{config(test.path)}, Issuers: test.issuers})
		if got := kindOf(t, err); got != test.want {
			t.Errorf("%s, iss %s: got %q (%v), want %q", test.path, test.iss, got, err, test.want)
		}
	}
}

func TestEntraConfiguration(t *testing.T) {
	tests := []struct{ tenant, endpoint, want string }{
		{"common", "", "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"},
		{" contoso.com ", "https://login.microsoftonline.us/", "https://login.microsoftonline.us/contoso.com/v2.0/.well-known/openid-configuration"},
		{"https://login.microsoftonline.us/contoso.com/", "", "https://login.microsoftonline.us/contoso.com/v2.0/.well-known/openid-configuration"},
	}
	for _, test := range tests {
		got, err := (&Entra{Tenant: test.tenant, Endpoint: test.endpoint}).configuration()
		if err != nil || got != test.want {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
}

// The whole way, from the tenant to the keys.
func TestEntraFetch(t *testing.T) {
	v := New(Options{Now: func() time.Time { return noon }, Transport: scripted{"login": entraKeys()}})
	token := sign(t, "RS256", rsaKey(), payload(`"iss":"login"`), "kid", "work") // as scripted
	if _, err := v.Validate(t.Context(), token, &Rules{Entra: &Entra{Tenant: ours, Endpoint: "https://login"}}); err != nil {
		t.Errorf("got %v, want none", err)
	}
}
