package build

import (
	"strings"
	"testing"
)

// Results that a backend gave for one caller are not kept for all.
func TestOnBehalfAndCache(t *testing.T) {
	const exchanging = `{ onBehalfOf: { tokenUrl: "https://login.contoso.com", clientId: g, clientSecret: { secret: env:S } } }`
	const want = "calls its backend on behalf of each caller"
	for _, c := range []struct {
		name, yaml string
		fault      bool
	}{
		{"an API, for everybody", "backends: { b: { credentials: " + exchanging + " } }\nservers: { s: { api: a, cache: { duration: 1m, scope: public } } }", true},
		{"an API, for each caller", "backends: { b: { credentials: " + exchanging + " } }\nservers: { s: { api: a, cache: { duration: 1m } } }", false},
		{"another credential", "backends: { b: {} }\nservers: { s: { api: a, cache: { duration: 1m, scope: public } } }", false},
		{"an MCP server", "backends: { b: {} }\nservers: { s: { upstream: { url: \"https://contoso.com\", credentials: " + exchanging + " }, cache: { duration: 1m, scope: public } } }", true},
		{"a pool", "backends: { m: { url: \"https://m.contoso.com\", credentials: " + exchanging + " }, b: { pool: [ { backend: m } ] } }\nservers: { s: { api: a, cache: { duration: 1m, scope: public } } }", true},
	} {
		_, err := buildFolder(t, "name: contoso\napis: { a: { openapi: shop.yaml, backend: b } }\n"+c.yaml+"\n")
		if got := err != nil && strings.Contains(err.Error(), want); got != c.fault || err != nil && !got {
			t.Errorf("%s: got %v, want a fault: %v", c.name, err, c.fault)
		}
	}
}

// Which certificates there are is known at build, and what is in them is not.
func TestCertificatesAtBuild(t *testing.T) {
	const policy = `<policies><inbound><authentication-certificate certificate-id="%s" /></inbound></policies>`
	for id, fault := range map[string]bool{"mine": false, "other": true} {
		_, err := buildPolicy(t, "certificates: { mine: { pfx: { secret: env:PFX } } }", strings.Replace(policy, "%s", id, 1))
		if got := err != nil && strings.Contains(err.Error(), `there is no certificate "other"`); got != fault || err != nil && !got {
			t.Errorf("%s: got %v, want a fault: %v", id, err, fault)
		}
	}
	const connected = `<policies><inbound><get-authorization-context provider-id="hub" authorization-id="a" context-variable-name="v" /></inbound></policies>`
	if _, err := buildPolicy(t, "", connected); err == nil || !strings.Contains(err.Error(), "add the provider under connections") {
		t.Errorf("without providers: got %v", err)
	}
	providers := "sealingKey: { secret: env:K }\nconnections: { hub: { authorizationUrl: \"https://hub.contoso.com\", tokenUrl: \"https://hub.contoso.com\", clientId: g, clientSecret: { secret: env:S } } }"
	result, err := buildPolicy(t, providers, connected)
	if err != nil || len(result.Report.Warnings) > 0 {
		t.Errorf("with one: got %v", err)
	}
	const trusting = `<policies><inbound><validate-client-certificate /></inbound></policies>`
	for yaml, want := range map[string]string{"": "trusts no certificate", "clientCertificates: { trust: [ ca.pem ] }": "does not look at revocation"} {
		result, err := buildPolicy(t, yaml, trusting)
		if err != nil || len(result.Report.Warnings) != 1 || !strings.Contains(result.Report.Warnings[0].Message, want) {
			t.Errorf("%s: got %v, %v, want %s", yaml, result, err, want)
		}
	}
}

// buildPolicy builds a gateway with an API whose operation has the policy.
func buildPolicy(t *testing.T, yaml, document string) (*Result, error) {
	t.Helper()
	return compile(t, map[string]string{
		"gateway.yaml": "name: contoso\napis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }\n" + yaml + "\n",
		"a.xml":        document,
		"ca.pem":       "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
	})
}
