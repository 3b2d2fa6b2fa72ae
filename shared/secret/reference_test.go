package secret

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestParse(t *testing.T) {
	arn := "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-Ab12Cd"
	vault := "https://contoso.vault.azure.net/secrets/key"
	for _, c := range []struct {
		ref   string
		want  Reference
		fixed bool
	}{
		{"env:ORDERS_KEY", Reference{Scheme: Environment, Name: "ORDERS_KEY"}, false},
		{"keyvault:" + vault, Reference{Scheme: KeyVault, Name: vault}, false},
		{"keyvault:" + vault + "/0123456789abcdef0123456789abcdef", Reference{Scheme: KeyVault, Name: vault + "/0123456789abcdef0123456789abcdef"}, true},
		{"secretsmanager:orders/key", Reference{Scheme: AWSSecrets, Name: "orders/key"}, false},
		{"secretsmanager:" + arn + "#pass word", Reference{Scheme: AWSSecrets, Name: arn, Key: "pass word"}, false},
		{"ssm:/orders/key:3", Reference{Scheme: ParameterStore, Name: "/orders/key:3"}, false},
	} {
		got, err := Parse(c.ref)
		if err != nil || got != c.want || got.fixed() != c.fixed {
			t.Errorf("%s: got %+v, %v, want %+v", c.ref, got, err, c.want)
		}
	}
	for _, ref := range []string{
		"", "ORDERS_KEY", "env:", "env:a b", "vault:x", "ssm:orders", "ssm:/", "ssm:/a//b", "secretsmanager:", "secretsmanager:a#", "secretsmanager:a b",
		"secretsmanager:arn:aws:s3:::a", "keyvault:key", "keyvault:http://contoso.vault.azure.net/secrets/key", "keyvault:" + vault + "?a=b",
		"keyvault:https://contoso.vault.azure.net.example.com/secrets/key", "keyvault:https://contoso.vault.azure.net@example.com/secrets/key",
		"keyvault:https://example.com/.vault.azure.net/secrets/key", "keyvault:https://contoso.vault.azure.net:444/secrets/key",
		"secretsmanager:" + strings.Repeat("a", maxReference),
	} {
		_, err := Parse(ref)
		if form, ok := errors.AsType[*FormError](err); !ok || form.Fix == "" {
			t.Errorf("%q: got %v, want a form error", ref, err)
		}
	}
}

// The schema says of references what Parse does.
func TestSchema(t *testing.T) {
	content, err := os.ReadFile("../../gateway.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Reference struct {
				AnyOf []struct {
					Pattern string `json:"pattern"`
				} `json:"anyOf"`
				MaxLength int `json:"maxLength"`
			} `json:"secretReference"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, form := range schema.Defs.Reference.AnyOf {
		got = append(got, form.Pattern)
	}
	for scheme, form := range forms {
		want = append(want, "^"+scheme+":"+strings.TrimPrefix(form.pattern().String(), "^"))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || schema.Defs.Reference.MaxLength != maxReference {
		t.Errorf("got %q, %d\nwant %q, %d", got, schema.Defs.Reference.MaxLength, want, maxReference)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("env:A")
	f.Add("secretsmanager:a#b")
	f.Add("keyvault:https://contoso.vault.azure.net/secrets/key")
	f.Fuzz(func(t *testing.T, ref string) {
		r, err := Parse(ref)
		if err == nil && (r.Name == "" || !strings.HasPrefix(ref, r.whole())) {
			t.Errorf("%q: got %+v", ref, r)
		}
	})
}
