package config

import (
	"slices"

	"toolgate/shared/pattern"
)

// Grants of OAuth, besides [GrantJWTBearer], by which a workload shows the token of its
// identity (RFC 7523, 2.1).
const (
	GrantAuthorizationCode = "authorization-code" // a person consents
	GrantClientCredentials = "client-credentials" // the gateway in its own name
)

// DefaultConnection is the id of the connection that all callers share.
const DefaultConnection = "shared"

// OAuth has the gateway be a client of the authorization that an MCP server asks
// for: where tokens come from is found from the server's challenge (MCP,
// basic/authorization).
type OAuth struct {
	Grant string `json:"grant"`
	// Connection is the id of the connection that callers share; empty where each
	// has one of their own.
	Connection string `json:"connection,omitzero"`
	// PerCaller keeps a connection for each caller, told by the subject of the token
	// that the server's authorization found valid.
	PerCaller bool `json:"perCaller,omitzero"`
	// CallersConsent hands the link to a shared connection to whoever calls.
	CallersConsent bool `json:"callersConsent,omitzero"`
	// Issuer is the one authorization server that is taken; empty: the first that
	// the MCP server names. It is set where there is a secret, which is for it alone.
	Issuer string `json:"issuer,omitzero"`
	// ClientID is that of a client that was registered by hand; empty: the gateway
	// has a metadata document, or registers itself.
	ClientID     string `json:"clientId,omitzero"`
	ClientSecret Text   `json:"clientSecret,omitzero"`
	// PrivateKey signs what stands for the secret (RFC 7523): PEM.
	PrivateKey Text `json:"privateKey,omitzero"`
	// Assertion has a token of a managed identity stand for the secret.
	Assertion *ManagedIdentity `json:"assertion,omitzero"`
	// AssertionSecret is a token that stands for the secret; zero: none does.
	AssertionSecret Text `json:"assertionSecret,omitzero"`
	// ClientAuthentication is "post" or "basic"; empty: what the server takes.
	ClientAuthentication string `json:"clientAuthentication,omitzero"`
	// ClientMetadataURL is the URL of a client ID metadata document that stands
	// elsewhere; empty: the gateway serves one of its own, where it has a publicUrl.
	ClientMetadataURL string `json:"clientMetadataUrl,omitzero"`
	// Scopes are asked for besides those of the server's challenge.
	Scopes []string `json:"scopes,omitzero"`
}

// AuthorizationCode tells whether people consent.
func (o *OAuth) AuthorizationCode() bool { return o.Grant == GrantAuthorizationCode }

// connectionID is the form of the id of a connection, which stands in URLs.
var connectionID = pattern.Lazy(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// reservedConnections are the paths of pages where ids of connections stand.
var reservedConnections = []string{"callback", "client-metadata.json"}

// oauthGrants are the values of "grant", the default first.
var oauthGrants = []string{GrantAuthorizationCode, GrantClientCredentials, GrantJWTBearer}

// consents are the values of "consent", the default first.
var consents = []string{"operator", "callers"}

// upstreamCredentialsKeys are those of credentials, and what is for MCP servers
// alone.
var upstreamCredentialsKeys = vocabulary[Credentials]{kind: "credentials", check: checkAuthorization, keys: append(slices.Clone(credentialsKeys.keys),
	key[Credentials]{name: "oauth", decode: func(d *decoder, v value, c *Credentials) {
		c.OAuth = &OAuth{Grant: oauthGrants[0]}
		decodeMapping(d, v, oauthKeys, c.OAuth)
	}})}

var oauthAssertionKeys = vocabulary[OAuth]{kind: "assertion", check: checkOAuthAssertion, keys: []key[OAuth]{
	{name: "secret", decode: func(d *decoder, v value, o *OAuth) {
		if ref := d.secretRef(v); ref != "" {
			o.AssertionSecret = Text{Parts: []Part{{Secret: ref}}}
		}
	}},
	{name: "managedIdentity", decode: func(d *decoder, v value, o *OAuth) {
		o.Assertion = &ManagedIdentity{Resource: assertionAudience}
		decodeMapping(d, v, assertionIdentityKeys, o.Assertion)
	}},
}}

func checkOAuthAssertion(d *decoder, v value, present map[string]value, _ *OAuth) {
	_, isSecret := present["secret"]
	if _, isIdentity := present["managedIdentity"]; isSecret == isIdentity {
		d.fault(v.key, "give one of them", `%s must have exactly one of "managedIdentity" and "secret"`, v.what)
	}
}

var oauthKeys = vocabulary[OAuth]{kind: "oauth", check: checkOAuth, keys: []key[OAuth]{
	{name: "grant", decode: func(d *decoder, v value, o *OAuth) { o.Grant = d.oneOf(v, oauthGrants...) }},
	{name: "connection", decode: func(d *decoder, v value, o *OAuth) {
		o.Connection = d.matching(v, connectionID, `write letters, digits, ".", "_", "@" and "-", 64 characters at most`)
	}},
	{name: "perCaller", decode: func(d *decoder, v value, o *OAuth) { d.flag(v, &o.PerCaller) }},
	{name: "consent", decode: func(d *decoder, v value, o *OAuth) { o.CallersConsent = d.oneOf(v, consents...) == "callers" }},
	{name: "issuer", decode: func(d *decoder, v value, o *OAuth) { o.Issuer = d.issuer(v) }},
	{name: "clientId", decode: func(d *decoder, v value, o *OAuth) { o.ClientID = d.str(v) }},
	{name: "clientSecret", decode: func(d *decoder, v value, o *OAuth) { o.ClientSecret = d.sealingKey(v) }},
	{name: "privateKey", decode: func(d *decoder, v value, o *OAuth) { o.PrivateKey = d.sealingKey(v) }},
	{name: "assertion", decode: func(d *decoder, v value, o *OAuth) { decodeMapping(d, v, oauthAssertionKeys, o) }},
	{name: "clientAuthentication", decode: func(d *decoder, v value, o *OAuth) {
		o.ClientAuthentication = d.oneOf(v, clientAuthentications...)
	}},
	{name: "clientMetadataUrl", decode: func(d *decoder, v value, o *OAuth) { o.ClientMetadataURL = d.secureURL(v, false) }},
	{name: "scopes", decode: func(d *decoder, v value, o *OAuth) { o.Scopes = d.distinct(v, (*decoder).scope) }},
}}

// checkOAuth checks which keys stand together.
func checkOAuth(d *decoder, v value, present map[string]value, o *OAuth) {
	has := func(name string) bool { _, ok := present[name]; return ok }
	fault := func(name, fix, format string) {
		d.fault(present[name].key, fix, format, present[name].what)
	}
	var proofs []string
	for _, name := range []string{"clientSecret", "privateKey", "assertion"} {
		if has(name) {
			proofs = append(proofs, name)
		}
	}
	switch {
	case len(proofs) > 1:
		fault(proofs[1], "keep one of them", "%s stands beside "+quote(proofs[0]))
	case len(proofs) == 1 && !has("clientId"):
		fault(proofs[0], `add "clientId"`, "%s is of a client that has no \"clientId\"")
	case len(proofs) == 1 && !has("issuer"):
		fault(proofs[0], `add "issuer", the authorization server where the client is registered`, "%s is for one authorization server alone, and none is named: an MCP server could name its own")
	case o.Grant == GrantJWTBearer && !has("assertion"):
		d.fault(v.key, `add "clientId", "issuer" and "assertion"`, "%s shows the token of a workload, and has none", v.what)
	case o.Grant == GrantClientCredentials && len(proofs) == 0:
		d.fault(v.key, `add "clientId", "issuer", and "clientSecret", "privateKey" or "assertion"`, "%s uses client credentials, and has none", v.what)
	}
	if has("clientAuthentication") && !has("clientSecret") {
		fault("clientAuthentication", "remove it", "%s is about the client secret, and there is none")
	}
	if has("clientMetadataUrl") && has("clientId") {
		fault("clientMetadataUrl", "keep one of them", `%s stands beside "clientId"`)
	}
	for _, name := range []string{"connection", "perCaller", "consent", "clientMetadataUrl"} {
		if has(name) && (o.Grant == GrantClientCredentials || o.Grant == GrantJWTBearer) {
			fault(name, "remove it", "%s is about people who consent, and with this grant none do")
		}
	}
	if slices.Contains(reservedConnections, o.Connection) {
		d.fault(present["connection"].at, "choose another", "%s is %s, which stands for something else in URLs", present["connection"].what, quote(o.Connection))
	}
	if o.PerCaller && has("connection") {
		fault("connection", "keep one of them", `%s is shared, and "perCaller" gives each caller one of their own`)
	}
	if o.PerCaller && has("consent") {
		fault("consent", "remove it", "%s is about a shared connection, and each caller consents for themselves")
	}
	if o.AuthorizationCode() && !o.PerCaller && o.Connection == "" {
		o.Connection = DefaultConnection
	}
}

// checkUpstreamOAuth checks what OAuth needs of the rest of the file.
func (d *decoder) checkUpstreamOAuth(c *Config) {
	for i := range c.Servers {
		s := &c.Servers[i]
		if s.Upstream == nil || s.Upstream.Credentials.OAuth == nil {
			continue
		}
		o := s.Upstream.Credentials.OAuth
		switch {
		case o.AuthorizationCode() && len(c.SealingKey.Parts) == 0:
			d.fault(s.At, `add "sealingKey", as in { secret: env:SEALING_KEY }`, "server %s keeps connections sealed, and the file has no sealing key that all instances share", quote(s.Name))
		case o.AuthorizationCode() && slices.ContainsFunc(c.Connections, func(p Connection) bool { return p.Provider == s.Name }):
			d.fault(s.At, "rename one of them", "server %s has the name of a provider under \"connections\", and keeps its connections under its own", quote(s.Name))
		}
	}
}
