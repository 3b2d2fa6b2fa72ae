package gateway

import (
	"context"
	"strings"
	"testing"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
)

// The caller's token is the one for which the server was opened, unless a policy
// found another one valid.
func TestSubjectOf(t *testing.T) {
	opened := context.WithValue(t.Context(), visitorKey{}, &visitor{caller: &caller{principal: &principal{token: "opened"}}})
	for _, c := range []struct {
		name string
		ctx  context.Context
		want string
	}{
		{"nobody", t.Context(), ""},
		{"a visitor without a token", context.WithValue(t.Context(), visitorKey{}, &visitor{caller: &caller{}}), ""},
		{"a server with authorization", opened, "opened"},
		{"a policy", withExchange(opened, &policy.Exchange{Subject: "validated"}), "validated"},
		{"a policy that validates none", withExchange(opened, &policy.Exchange{}), "opened"},
		{"a call that gave rise to it", backend.WithSubject(t.Context(), "first"), "first"},
	} {
		if got := subjectOf(c.ctx); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What a host lacks is said when the gateway is made.
func TestCredentialsThatAHostLacks(t *testing.T) {
	secret := func(ref string) config.Text { return config.Text{Parts: []config.Part{{Secret: ref}}} }
	for _, c := range []struct {
		name     string
		manifest snapshot.Manifest
		want     string
	}{
		{"signatures", snapshot.Manifest{Backends: []config.Backend{{Name: "a", URL: "https://contoso.com", Credentials: config.Credentials{SigV4: &config.SigV4{Service: "s3"}}}}}, `backend "a": sigv4: this host has no AWS credentials`},
		{"an identity", snapshot.Manifest{Backends: []config.Backend{{Name: "a", URL: "https://contoso.com", Credentials: config.Credentials{ManagedIdentity: &config.ManagedIdentity{Resource: "r"}}}}}, "no managed identity"},
		{"a secret", snapshot.Manifest{Backends: []config.Backend{{Name: "a", URL: "https://contoso.com", Credentials: config.Credentials{ClientCredentials: &config.TokenClient{TokenURL: "https://contoso.com", ClientSecret: secret("env:GONE")}}}}}, "no secrets are given"},
		{"a certificate", snapshot.Manifest{Backends: []config.Backend{{Name: "a", URL: "https://contoso.com", Credentials: config.Credentials{Certificate: "mine"}}}}, `no certificate "mine"`},
		{"files", snapshot.Manifest{Certificates: []config.Certificate{{ID: "mine", PFX: config.Secret{File: "mine.pfx"}}}}, `certificate "mine": this host reads no files such as mine.pfx`},
		{"a store", snapshot.Manifest{Connections: []config.Connection{{Provider: "hub"}}}, "name one, such as by TOOLGATE_STORE"},
	} {
		_, err := New(&snapshot.Snapshot{Manifest: c.manifest}, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	hosted := Options{AnyHost: true, Connections: &state.Memory{}}
	_, err := New(&snapshot.Snapshot{Manifest: snapshot.Manifest{Connections: []config.Connection{{Provider: "hub"}}}}, hosted)
	if err == nil || !strings.Contains(err.Error(), `give gateway.yaml a "publicUrl"`) {
		t.Errorf("a URL: got %v", err)
	}
}
