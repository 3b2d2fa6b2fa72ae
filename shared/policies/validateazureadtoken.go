package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() {
	registered["validate-azure-ad-token"] = func() policy.Statement { return &validateAzureADToken{} }
}

// validateAzureADToken lets a request pass that has a valid token of Microsoft
// Entra for one of the audiences, issued to one of the clients.
type validateAzureADToken struct {
	tokenSource
	tokenOutcome
	Tenant         policy.Value[string]   `attr:"tenant-id,required"`
	Endpoint       string                 `attr:"authentication-endpoint"`
	BackendIDs     []policy.Value[string] `elements:"backend-application-ids/application-id"`
	ClientIDs      []policy.Value[string] `elements:"client-application-ids/application-id"`
	Audiences      []policy.Value[string] `elements:"audiences/audience"`
	Claims         []requiredClaim        `elements:"required-claims/claim"`
	DecryptionKeys []tokenKey             `elements:"decryption-keys/key"`

	fixed *policy.TokenRules // nil when some are expressions
}

func (p *validateAzureADToken) Prepare(c *policy.Compilation) {
	p.tokenSource.prepare()
	p.tokenOutcome.prepare(c)
	prepareKeys(c, p.DecryptionKeys)
	if !fetchable(p.Endpoint) {
		c.Fault(c.Element.At, "write an https URL", "authentication-endpoint is %q", p.Endpoint)
	}
	if p.ClientIDs == nil && p.Audiences == nil && p.BackendIDs == nil {
		c.Fault(c.Element.At, "write <audiences> or <client-application-ids>", "any token of the tenant would be let pass, whatever it is for")
	}
	e := evaluation{}
	if rules := p.rules(&e); !e.varies {
		p.fixed = rules
	}
}

func (p *validateAzureADToken) rules(e *evaluation) *policy.TokenRules {
	return &policy.TokenRules{
		DecryptionKeys: tokenKeys(e, p.DecryptionKeys), Audiences: evaluateTexts(e, p.Audiences),
		RequireExpiration: true, RequireSigned: true, Claims: requiredClaims(e, p.Claims),
		Entra: &policy.EntraRules{
			Tenant: evaluate(e, &p.Tenant), Endpoint: p.Endpoint,
			ClientIDs: evaluateTexts(e, p.ClientIDs), BackendIDs: evaluateTexts(e, p.BackendIDs),
		},
	}
}

func (p *validateAzureADToken) Apply(ctx context.Context, x *policy.Exchange) error {
	e := evaluation{x: x}
	token := p.token(&e, "")
	rules := p.fixed
	if rules == nil {
		rules = p.rules(&e)
	}
	if e.err != nil {
		return e.err
	}
	return p.validate(ctx, x, token, rules)
}
