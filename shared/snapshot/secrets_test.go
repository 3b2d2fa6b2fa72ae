package snapshot

import (
	"slices"
	"testing"

	"toolgate/shared/config"
)

func TestSecretReferences(t *testing.T) {
	secret := func(ref string) config.Text {
		return config.Text{Parts: []config.Part{{Literal: "a"}, {Secret: ref}}}
	}
	m := &Manifest{
		SealingKey:          secret("env:SEALING"),
		NamedValues:         []config.NamedValue{{Value: secret("ssm:/a")}, {Value: config.Text{Parts: []config.Part{{Literal: "plain"}}}}},
		Certificates:        []config.Certificate{{PFX: config.Secret{Text: secret("env:PFX")}, Password: secret("env:SEALING")}},
		AuthorizationServer: &config.AuthorizationServer{ClientSecret: secret("env:CLIENT")},
		Servers: []Server{{Upstream: &config.Upstream{Credentials: config.Credentials{
			OnBehalfOf: &config.OnBehalfOf{TokenClient: config.TokenClient{ClientSecret: secret("env:OBO")}},
		}}}},
	}
	want := []string{"env:CLIENT", "env:OBO", "env:PFX", "env:SEALING", "ssm:/a"}
	if got := m.SecretReferences(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := new(Manifest).SecretReferences(); len(got) > 0 {
		t.Errorf("got %v of an empty manifest", got)
	}
}
