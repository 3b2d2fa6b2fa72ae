package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"
)

// authorizationServerYAML is a gateway.yaml with these lines in
// authorizationServer.
func authorizationServerYAML(lines string) string {
	return `name: contoso
publicUrl: https://tools.contoso.com
sealingKey: { secret: env:SEALING_KEY }
authorizationServer:
` + lines + `servers:
  orders: { upstream: { url: "https://orders.contoso.com" }, authorization: { issuer: "https://tools.contoso.com" } }
  wiki: { upstream: { url: "https://wiki.contoso.com" } }
`
}

const authorizationServerLines = `  issuer: https://login.contoso.com
  clientId: gateway
  clientSecret: { secret: env:LOGIN_SECRET }
`

func TestAuthorizationServer(t *testing.T) {
	secret := Text{Parts: []Part{{Secret: "env:LOGIN_SECRET"}}}
	tests := []struct {
		name, lines string
		want        AuthorizationServer
	}{
		{"defaults", authorizationServerLines, AuthorizationServer{
			Issuer: "https://login.contoso.com", ClientID: "gateway", ClientSecret: secret, Scopes: []string{"openid", "profile"}, Resources: []string{"orders"},
			Claims: []string{"roles", "groups", "oid", "tid"}, TokenLifetime: 10 * time.Minute, RefreshLifetime: 720 * time.Hour,
		}},
		{"all of it", `  issuer: http://127.0.0.1:3000
  clientId: gateway
  managedIdentity: true
  scopes: [openid, offline_access]
  resources: [orders]
  claims: [roles]
  tokenLifetime: 300
  refreshLifetime: 2160h
  allowedClients: [vscode.dev, "*.contoso.com"]
  allowLoopbackRedirects: false
`, AuthorizationServer{
			Issuer: "http://127.0.0.1:3000", ClientID: "gateway", ManagedIdentity: true, Scopes: []string{"openid", "offline_access"}, Resources: []string{"orders"},
			Claims: []string{"roles"}, TokenLifetime: 5 * time.Minute, RefreshLifetime: 2160 * time.Hour,
			AllowedClients: []string{"vscode.dev", "*.contoso.com"}, RefuseLoopback: true,
		}},
	}
	for _, tt := range tests {
		got, faults := parseText(t, authorizationServerYAML(tt.lines))
		if faults != nil {
			t.Errorf("%s: got faults\n%v", tt.name, faults)
			continue
		}
		a := *got.AuthorizationServer
		a.At = fault.Position{}
		if !reflect.DeepEqual(a, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, a, tt.want)
		}
		text, err := json.Marshal(a)
		var back AuthorizationServer
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil || !reflect.DeepEqual(back, a) {
			t.Errorf("%s: %s comes back as %+v, %v", tt.name, text, back, err)
		}
	}
}

// TestAuthorizationServerFaults looks for one fault each, and whether the schema
// refuses as well what it can see.
func TestAuthorizationServerFaults(t *testing.T) {
	compiled := compileSchema(t, readSchema(t), "/$defs/authorizationServer")
	whole := authorizationServerYAML(authorizationServerLines)
	tests := []struct {
		name   string
		text   string
		want   string
		schema bool
	}{
		{"no issuer", strings.Replace(whole, "  issuer: https://login.contoso.com\n", "", 1), `missing key "issuer"`, true},
		{"no client", strings.Replace(whole, "  clientId: gateway\n", "", 1), `missing key "clientId"`, true},
		{"no secret", strings.Replace(whole, "  clientSecret: { secret: env:LOGIN_SECRET }\n", "", 1), `add it, or "managedIdentity: true"`, true},
		{"no identity", strings.Replace(whole, "clientSecret: { secret: env:LOGIN_SECRET }", "managedIdentity: false", 1), `is false, and there is no other way`, false},
		{"both", authorizationServerYAML(authorizationServerLines + "  managedIdentity: true\n"), `stands beside "clientSecret"`, false},
		{"a secret in the file", strings.Replace(whole, "{ secret: env:LOGIN_SECRET }", "hunter2", 1), `is not a secret`, true},
		{"http", strings.Replace(whole, "https://login", "http://login", 1), `write https; http is for loopback`, false},
		{"unknown key", authorizationServerYAML(authorizationServerLines + "  scope: [a]\n"), `did you mean "scopes"`, true},
		{"a scope with a space", authorizationServerYAML(authorizationServerLines + "  scopes: [a b]\n"), `without spaces`, true},
		{"a claim of its own", authorizationServerYAML(authorizationServerLines + "  claims: [roles, aud]\n"), `the gateway sets itself`, false},
		{"a lifetime", authorizationServerYAML(authorizationServerLines + "  tokenLifetime: 2h\n"), `a duration from 1m to 1h`, false},
		{"a short sign-in", authorizationServerYAML(authorizationServerLines + "  refreshLifetime: 5m\n"), `a duration from 10m to 2160h`, false},
		{"a number", authorizationServerYAML(authorizationServerLines + "  tokenLifetime: 5\n"), `a duration from 1m to 1h`, true},
		{"a client with a path", authorizationServerYAML(authorizationServerLines + "  allowedClients: [vscode.dev/a]\n"), `the host of a client's metadata document`, true},
		{"any client", authorizationServerYAML(authorizationServerLines + "  allowedClients: ['*']\n"), `the host of a client's metadata document`, true},
		{"an unknown server", authorizationServerYAML(authorizationServerLines + "  resources: [order]\n"), `an unknown server`, false},
		{"a server that is open", authorizationServerYAML(authorizationServerLines + "  resources: [wiki]\n"), `takes no tokens of the gateway`, false},
		{"no server", strings.Replace(whole, `, authorization: { issuer: "https://tools.contoso.com" }`, "", 1), `no server takes its tokens`, false},
		{"no URL", strings.Replace(whole, "publicUrl: https://tools.contoso.com\n", "", 1), `no "publicUrl"`, false},
		{"a URL without TLS", strings.ReplaceAll(whole, "https://tools", "http://tools"), `OAuth wants https`, false},
		{"no sealing key", strings.Replace(whole, "sealingKey: { secret: env:SEALING_KEY }\n", "", 1), `give the gateway a "sealingKey"`, false},
		{"itself", strings.Replace(whole, "https://login.contoso.com", "https://tools.contoso.com", 1), `is the gateway itself`, false},
	}
	for _, tt := range tests {
		_, faults := parseText(t, tt.text)
		if !slices.ContainsFunc(faults, func(f fault.Fault) bool { return strings.Contains(f.Message+": "+f.Fix, tt.want) }) {
			t.Errorf("%s: got %v, want %s", tt.name, faults, tt.want)
		}
		if len(faults) == 0 {
			t.Errorf("%s: got no fault", tt.name)
		}
		var file struct {
			AuthorizationServer any `yaml:"authorizationServer"`
		}
		if err := yaml.Load([]byte(tt.text), &file); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := compiled.Validate(file.AuthorizationServer); (err != nil) != tt.schema {
			t.Errorf("%s: the schema says %v, want refused = %t", tt.name, err, tt.schema)
		}
	}
	loopback := strings.NewReplacer("https://tools.contoso.com", "http://127.0.0.1:8080", "sealingKey: { secret: env:SEALING_KEY }\n", "").Replace(whole)
	if _, faults := parseText(t, loopback); faults != nil {
		t.Errorf("on loopback: got %v", faults)
	}
}
