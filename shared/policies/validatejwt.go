package policies

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["validate-jwt"] = func() policy.Statement { return &validateJWT{} } }

// validateJWT lets a request pass that has a valid JSON Web Token, and keeps the
// token in a variable.
type validateJWT struct {
	tokenSource
	tokenOutcome
	RequireExpiration policy.Value[bool]          `attr:"require-expiration-time"`
	RequireScheme     policy.Value[string]        `attr:"require-scheme"`
	RequireSigned     policy.Value[bool]          `attr:"require-signed-tokens"`
	ClockSkew         policy.Value[time.Duration] `attr:"clock-skew"`
	OpenIDConfigs     []openIDConfig              `elements:"openid-config"`
	Keys              []tokenKey                  `elements:"issuer-signing-keys/key"`
	DecryptionKeys    []tokenKey                  `elements:"decryption-keys/key"`
	Audiences         []policy.Value[string]      `elements:"audiences/audience"`
	Issuers           []policy.Value[string]      `elements:"issuers/issuer"`
	Claims            []requiredClaim             `elements:"required-claims/claim"`

	fixed *policy.TokenRules // nil when some are expressions
}

// openIDConfig is an OpenID provider. Whether it can be reached shows when its
// keys are first needed, whatever validate-connectivity says.
type openIDConfig struct {
	URL                  string `attr:"url,required"`
	ValidateConnectivity bool   `attr:"validate-connectivity"`
}

func (p *validateJWT) Prepare(c *policy.Compilation) {
	p.tokenSource.prepare()
	p.tokenOutcome.prepare(c)
	prepareKeys(c, p.Keys)
	prepareKeys(c, p.DecryptionKeys)
	for _, o := range p.OpenIDConfigs {
		if !fetchable(o.URL) {
			c.Fault(c.Element.At, "write the https URL of the configuration", "%q is no URL of an OpenID configuration", o.URL)
		}
	}
	e := evaluation{}
	if rules := p.rules(&e); !e.varies {
		p.fixed = rules
	}
}

// fetchable tells whether keys may be fetched from a URL: what is not protected
// on its way is believed of this machine only.
func fetchable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	ip, _ := netip.ParseAddr(u.Hostname()) // the zero address is no loopback
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback())
}

func (p *validateJWT) rules(e *evaluation) *policy.TokenRules {
	r := &policy.TokenRules{
		Keys: tokenKeys(e, p.Keys), DecryptionKeys: tokenKeys(e, p.DecryptionKeys),
		Audiences: evaluateTexts(e, p.Audiences), Issuers: evaluateTexts(e, p.Issuers),
		RequireExpiration: evaluate(e, &p.RequireExpiration), RequireSigned: evaluate(e, &p.RequireSigned),
		ClockSkew: evaluate(e, &p.ClockSkew), Claims: requiredClaims(e, p.Claims),
	}
	for _, o := range p.OpenIDConfigs {
		r.OpenIDConfigs = append(r.OpenIDConfigs, o.URL)
	}
	return r
}

func (p *validateJWT) Apply(ctx context.Context, x *policy.Exchange) error {
	e := evaluation{x: x}
	token := p.token(&e, evaluate(&e, &p.RequireScheme))
	rules := p.fixed
	if rules == nil {
		rules = p.rules(&e)
	}
	if e.err != nil {
		return e.err
	}
	return p.validate(ctx, x, token, rules)
}
