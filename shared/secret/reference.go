package secret

import (
	"regexp"
	"strings"

	"toolgate/shared/pattern"
)

// Schemes of references.
const (
	Environment    = "env"
	KeyVault       = "keyvault"
	AWSSecrets     = "secretsmanager"
	ParameterStore = "ssm"
)

// Reference says where a secret is.
type Reference struct {
	Scheme string
	// Name is a variable, the URL of a secret in Key Vault, a name or an ARN in Secrets
	// Manager, or the name of a parameter.
	Name string
	// Key is the member of the secret, which is a JSON object then; empty: the secret
	// is all of its text.
	Key string
}

// FormError is a text that is no reference.
type FormError struct {
	Problem string // completes the sentence "…, which"
	Fix     string // what to write instead
}

// Error is the problem with its fix.
func (e *FormError) Error() string { return "the text " + e.Problem + ": " + e.Fix }

// forms are what may stand after the scheme.
var forms = map[string]struct {
	pattern func() *regexp.Regexp
	fix     string
}{
	Environment: {pattern.Lazy(`^[A-Za-z_][A-Za-z0-9_]*$`),
		"write env: and the name of an environment variable, as in env:ORDERS_KEY"},
	// Only vaults of Azure are sent a token of the gateway's identity.
	KeyVault: {pattern.Lazy(`^https://[A-Za-z0-9][A-Za-z0-9-]{1,22}[A-Za-z0-9]\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net)/secrets/[0-9A-Za-z-]{1,127}(/[0-9A-Za-z]{32})?$`),
		"write keyvault: and the URL of a secret, as in keyvault:https://contoso.vault.azure.net/secrets/orders-key"},
	AWSSecrets: {pattern.Lazy(`^(arn:aws(-cn|-us-gov)?:secretsmanager:[a-z]{2}(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}(#[^#{}]{1,256})?$`),
		"write secretsmanager: and a name or an ARN, as in secretsmanager:orders/key, and #MEMBER for a member of a JSON secret"},
	ParameterStore: {pattern.Lazy(`^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(:[A-Za-z0-9_.-]+)?$`),
		"write ssm: and the path of a parameter, as in ssm:/orders/key"},
}

// maxReference bounds a reference, in bytes.
const maxReference = 2048

// Parse takes a reference apart. The error is a *FormError.
func Parse(ref string) (Reference, error) {
	scheme, name, _ := strings.Cut(ref, ":")
	form, known := forms[scheme]
	switch {
	case !known:
		return Reference{}, &FormError{"does not refer to a secret",
			"write env: and the name of an environment variable, as in env:ORDERS_KEY; or keyvault:, secretsmanager: or ssm:"}
	case len(ref) > maxReference || !form.pattern().MatchString(name):
		return Reference{}, &FormError{"does not refer to a secret", form.fix}
	}
	r := Reference{Scheme: scheme, Name: name}
	if scheme == AWSSecrets {
		r.Name, r.Key, _ = strings.Cut(name, "#")
	}
	return r, nil
}

// whole is the reference without its key: what a vault is asked for.
func (r Reference) whole() string { return r.Scheme + ":" + r.Name }

// fixed tells whether the secret can never change: it names a version.
func (r Reference) fixed() bool {
	return r.Scheme == KeyVault && strings.Count(r.Name, "/") == 5
}
