package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// ManagedIdentity has the gateway show a token of its own identity.
type ManagedIdentity struct {
	Resource string `json:"resource"`          // whom the token is for, such as api://orders
	ClientID string `json:"clientId,omitzero"` // of a user-assigned identity; empty: that of the host
}

// TokenClient is the gateway as a client of an authorization server. One of
// TokenURL and Issuer is set.
type TokenClient struct {
	TokenURL string `json:"tokenUrl,omitzero"`
	// Issuer is whose metadata names the token endpoint.
	Issuer   string `json:"issuer,omitzero"`
	ClientID string `json:"clientId"`
	// ClientSecret is zero where Assertion is set.
	ClientSecret Text `json:"clientSecret,omitzero"`
	// Assertion has a token of a managed identity stand for the secret (RFC 7523).
	Assertion *ManagedIdentity `json:"assertion,omitzero"`
	// Basic sends the secret as HTTP Basic rather than in the form.
	Basic    bool   `json:"basic,omitzero"`
	Scope    string `json:"scope,omitzero"`
	Audience string `json:"audience,omitzero"`
}

// Grants of OnBehalfOf.
const (
	GrantJWTBearer     = "jwt-bearer"     // RFC 7523, as Microsoft Entra has it
	GrantTokenExchange = "token-exchange" // RFC 8693
)

// OnBehalfOf has the gateway exchange the caller's access token for one that the
// backend takes.
type OnBehalfOf struct {
	TokenClient `json:",inline"`
	Grant       string `json:"grant"`
}

// SigV4 has the gateway sign requests with the AWS credentials of the host.
type SigV4 struct {
	Service string `json:"service"`
	Region  string `json:"region,omitzero"` // empty: that of the host
}

// Given tells whether there are any.
func (c *Credentials) Given() bool {
	return len(c.Header) > 0 || len(c.Query) > 0 || c.Authorization != nil || c.ManagedIdentity != nil ||
		c.ClientCredentials != nil || c.OnBehalfOf != nil || c.SigV4 != nil || c.OAuth != nil || c.Certificate != ""
}

// PerCaller tells whether what is presented depends on who calls.
func (c *Credentials) PerCaller() bool {
	return c.OnBehalfOf != nil || c.OAuth != nil && c.OAuth.PerCaller
}

// assertionAudience is what Microsoft Entra wants the assertion of a federated
// credential to be for.
const assertionAudience = "api://AzureADTokenExchange"

// The ways of authenticating to a token endpoint, the default first.
var clientAuthentications = []string{"post", "basic"}

// grants are the values of "grant", the default first.
var grants = []string{GrantJWTBearer, GrantTokenExchange}

var managedIdentityKeys = vocabulary[ManagedIdentity]{kind: "managedIdentity", keys: []key[ManagedIdentity]{
	{name: "resource", required: true, decode: func(d *decoder, v value, m *ManagedIdentity) { m.Resource = d.str(v) }},
	{name: "clientId", decode: func(d *decoder, v value, m *ManagedIdentity) { m.ClientID = d.str(v) }},
}}

// assertionIdentityKeys have a default where those of managedIdentity have none.
var assertionIdentityKeys = vocabulary[ManagedIdentity]{kind: "managedIdentity", keys: []key[ManagedIdentity]{
	{name: "resource", decode: func(d *decoder, v value, m *ManagedIdentity) { m.Resource = d.str(v) }},
	{name: "clientId", decode: func(d *decoder, v value, m *ManagedIdentity) { m.ClientID = d.str(v) }},
}}

var assertionKeys = vocabulary[TokenClient]{kind: "assertion", keys: []key[TokenClient]{
	{name: "managedIdentity", required: true, decode: func(d *decoder, v value, c *TokenClient) {
		c.Assertion = &ManagedIdentity{Resource: assertionAudience}
		decodeMapping(d, v, assertionIdentityKeys, c.Assertion)
	}},
}}

// tokenClientKeys are those of every client of an authorization server.
var tokenClientKeys = []key[TokenClient]{
	{name: "tokenUrl", decode: func(d *decoder, v value, c *TokenClient) { c.TokenURL = d.secureURL(v, true) }},
	{name: "issuer", decode: func(d *decoder, v value, c *TokenClient) { c.Issuer = d.secureURL(v, false) }},
	{name: "clientId", required: true, decode: func(d *decoder, v value, c *TokenClient) { c.ClientID = d.str(v) }},
	{name: "clientSecret", decode: func(d *decoder, v value, c *TokenClient) { c.ClientSecret = d.sealingKey(v) }},
	{name: "assertion", decode: func(d *decoder, v value, c *TokenClient) { decodeMapping(d, v, assertionKeys, c) }},
	{name: "clientAuthentication", decode: func(d *decoder, v value, c *TokenClient) {
		c.Basic = d.oneOf(v, clientAuthentications...) == "basic"
	}},
	{name: "scope", decode: func(d *decoder, v value, c *TokenClient) { c.Scope = d.str(v) }},
	{name: "audience", decode: func(d *decoder, v value, c *TokenClient) { c.Audience = d.str(v) }},
}

var clientCredentialsKeys = vocabulary[TokenClient]{kind: "clientCredentials", check: checkTokenClient, keys: tokenClientKeys}

var onBehalfOfKeys = vocabulary[OnBehalfOf]{
	kind: "onBehalfOf",
	check: func(d *decoder, v value, present map[string]value, o *OnBehalfOf) {
		checkTokenClient(d, v, present, &o.TokenClient)
		if given, ok := present["audience"]; ok && o.Grant == GrantJWTBearer {
			d.fault(given.key, `name the backend in "scope", as in api://orders/.default, or write grant: token-exchange`, "%s belongs to token exchange", given.what)
		}
	},
	keys: append(within(tokenClientKeys, func(o *OnBehalfOf) *TokenClient { return &o.TokenClient }),
		key[OnBehalfOf]{name: "grant", decode: func(d *decoder, v value, o *OnBehalfOf) { o.Grant = d.oneOf(v, grants...) }}),
}

var sigV4Keys = vocabulary[SigV4]{kind: "sigv4", keys: []key[SigV4]{
	{name: "service", required: true, decode: func(d *decoder, v value, s *SigV4) { s.Service = d.str(v) }},
	{name: "region", decode: func(d *decoder, v value, s *SigV4) { s.Region = d.str(v) }},
}}

// within makes keys of a T of those of a part of it.
func within[T, P any](keys []key[P], part func(*T) *P) []key[T] {
	made := make([]key[T], len(keys))
	for i, k := range keys {
		made[i] = key[T]{name: k.name, required: k.required, absent: k.absent, decode: func(d *decoder, v value, to *T) { k.decode(d, v, part(to)) }}
	}
	return made
}

// checkTokenClient checks that there is one place to ask, and one way of saying
// who asks.
func checkTokenClient(d *decoder, v value, present map[string]value, _ *TokenClient) {
	_, hasURL := present["tokenUrl"]
	_, hasIssuer := present["issuer"]
	if hasURL == hasIssuer {
		d.fault(v.key, "give one of them", `%s must have exactly one of "tokenUrl" and "issuer"`, v.what)
	}
	_, hasSecret := present["clientSecret"]
	_, hasAssertion := present["assertion"]
	if hasSecret == hasAssertion {
		d.fault(v.key, "give one of them", `%s must have exactly one of "clientSecret" and "assertion"`, v.what)
	}
	if given, ok := present["clientAuthentication"]; ok && hasAssertion && !hasSecret {
		d.fault(given.key, "remove it", `%s is about the client secret, and there is none`, given.what)
	}
}

// secureURL is a URL that secrets are sent to: https, or http to this machine.
func (d *decoder) secureURL(v value, query bool) string {
	s := d.absoluteURL(v, query)
	u, err := url.Parse(s)
	if s == "" || err != nil {
		return ""
	}
	if a, err := netip.ParseAddr(u.Hostname()); u.Scheme != "https" && u.Hostname() != "localhost" && (err != nil || !a.IsLoopback()) {
		d.fault(v.at, "write its https URL", "%s is not https, and secrets are sent to it", v.what)
		return ""
	}
	return s
}

// authorizing are the keys of credentials that make the Authorization header.
var authorizing = []string{"authorization", "managedIdentity", "clientCredentials", "onBehalfOf", "sigv4", "oauth"}

// checkAuthorization checks that there is one Authorization header at most.
func checkAuthorization(d *decoder, _ value, present map[string]value, c *Credentials) {
	first := ""
	if slices.ContainsFunc(c.Header, func(h Credential) bool { return strings.EqualFold(h.Name, "Authorization") }) {
		first = `a header "Authorization"`
	}
	for _, name := range authorizing {
		given, ok := present[name]
		switch {
		case !ok:
		case first != "":
			d.fault(given.key, "keep one of them", "%s stands beside %s", given.what, first)
		default:
			first = quote(name)
		}
	}
}
