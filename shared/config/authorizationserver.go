package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// AuthorizationServer makes the gateway an authorization server in front of an
// OpenID provider with which MCP clients cannot register themselves.
type AuthorizationServer struct {
	// Issuer is the provider. It is not the issuer of the gateway's own tokens,
	// which is PublicURL.
	Issuer   string `json:"issuer"`
	ClientID string `json:"clientId"` // the gateway at the provider
	// Exactly one of ClientSecret and ManagedIdentity is set: how the gateway
	// authenticates there.
	ClientSecret    Text `json:"clientSecret,omitzero"`
	ManagedIdentity bool `json:"managedIdentity,omitzero"`
	// Scopes are what the provider is asked for; default openid and profile.
	Scopes []string `json:"scopes"`
	// Resources are the names of the servers that tokens can be for. In a file that
	// does not name them they are all that take tokens of PublicURL.
	Resources []string `json:"resources"`
	// Claims are those of the provider's ID token that tokens have too; default
	// roles, groups, oid and tid.
	Claims          []string      `json:"claims"`
	TokenLifetime   time.Duration `json:"-"` // default 10 min; in JSON "10m0s"
	RefreshLifetime time.Duration `json:"-"` // of a sign-in; default 30 days
	// AllowedClients are hosts of client ID metadata documents, or *.host; nil: all,
	// and clients may register themselves as well.
	AllowedClients []string `json:"allowedClients,omitzero"`
	// RefuseLoopback refuses clients that listen on the machine of the user.
	RefuseLoopback bool           `json:"refuseLoopback,omitzero"`
	At             fault.Position `json:"-"`
}

// The bounds of lifetimes, and what applies where the file says nothing.
const (
	minTokenLifetime       = time.Minute
	maxTokenLifetime       = time.Hour
	defaultTokenLifetime   = 10 * time.Minute
	minRefreshLifetime     = 10 * time.Minute
	maxRefreshLifetime     = 90 * 24 * time.Hour
	defaultRefreshLifetime = 30 * 24 * time.Hour
)

var (
	defaultProviderScopes = []string{"openid", "profile"}
	defaultCopiedClaims   = []string{"roles", "groups", "oid", "tid"}
)

// ownClaims are those that the gateway sets itself, and those that are about the
// provider's token alone.
var ownClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "scp", "azp", "appid", "nonce", "at_hash", "c_hash", "cnf", "act", "may_act",
}

// clientHost is a pattern of hosts.
var clientHost = pattern.Lazy(`^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

var authorizationServerKeys = vocabulary[AuthorizationServer]{kind: "authorizationServer", check: checkClientAuthentication, keys: []key[AuthorizationServer]{
	{name: "issuer", required: true, decode: func(d *decoder, v value, a *AuthorizationServer) { a.Issuer = d.issuer(v) }},
	{name: "clientId", required: true, decode: func(d *decoder, v value, a *AuthorizationServer) { a.ClientID = d.str(v) }},
	{name: "clientSecret", decode: func(d *decoder, v value, a *AuthorizationServer) { a.ClientSecret = d.sealingKey(v) }},
	{name: "managedIdentity", decode: func(d *decoder, v value, a *AuthorizationServer) { d.flag(v, &a.ManagedIdentity) }},
	{name: "scopes", decode: func(d *decoder, v value, a *AuthorizationServer) { a.Scopes = d.distinct(v, (*decoder).scope) }},
	{name: "resources", decode: func(d *decoder, v value, a *AuthorizationServer) {
		a.Resources = d.distinct(v, func(d *decoder, v value) string { return d.declaredName(v, "server", d.declared["server"]) })
	}},
	{name: "claims", decode: func(d *decoder, v value, a *AuthorizationServer) { a.Claims = d.distinct(v, (*decoder).copiedClaim) }},
	{name: "tokenLifetime", decode: func(d *decoder, v value, a *AuthorizationServer) {
		d.lifetime(v, minTokenLifetime, maxTokenLifetime, &a.TokenLifetime)
	}},
	{name: "refreshLifetime", decode: func(d *decoder, v value, a *AuthorizationServer) {
		d.lifetime(v, minRefreshLifetime, maxRefreshLifetime, &a.RefreshLifetime)
	}},
	{name: "allowedClients", decode: func(d *decoder, v value, a *AuthorizationServer) {
		a.AllowedClients = d.distinct(v, func(d *decoder, v value) string {
			return d.matching(v, clientHost, "write the host of a client's metadata document, as in vscode.dev or *.contoso.com")
		})
	}},
	{name: "allowLoopbackRedirects", decode: func(d *decoder, v value, a *AuthorizationServer) {
		allow := true
		d.flag(v, &allow)
		a.RefuseLoopback = !allow
	}},
}}

// checkClientAuthentication wants one way to authenticate at the provider.
func checkClientAuthentication(d *decoder, v value, present map[string]value, a *AuthorizationServer) {
	identity, has := present["managedIdentity"]
	_, secret := present["clientSecret"]
	switch {
	case secret && a.ManagedIdentity:
		d.fault(identity.key, "keep one of them", `%s stands beside "clientSecret"`, identity.what)
	case !secret && has && !a.ManagedIdentity && identity.node.Value == "false":
		d.fault(identity.key, `write true, or give a "clientSecret"`, "%s is false, and there is no other way to authenticate at the provider", identity.what)
	case !secret && !has:
		d.fault(v.key, `add it, or "managedIdentity: true"`, "missing key %s", v.in(`"clientSecret"`))
	}
}

// copiedClaim is a claim that may be passed on.
func (d *decoder) copiedClaim(v value) string {
	name := d.str(v)
	if slices.Contains(ownClaims, name) {
		d.fault(v.at, "remove it", "%s is %s, which the gateway sets itself, or which is of the provider's token alone", v.what, quote(name))
		return ""
	}
	return name
}

// lifetime stores a duration that may be longer than a timeout.
func (d *decoder) lifetime(v value, low, high time.Duration, to *time.Duration) {
	wanted := fmt.Sprintf("a duration from %s to %s, such as %s, or a number of seconds", hours(low), hours(high), hours(high/2))
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	t, ok := parseDuration(s.decimal())
	if !ok || t < low || t > high {
		d.outOfRange(v, s, wanted)
		return
	}
	*to = t
}

// hours is a duration as one writes it, without what is zero at its end.
func hours(t time.Duration) string {
	if t%time.Hour == 0 {
		return fmt.Sprintf("%dh", t/time.Hour)
	}
	return fmt.Sprintf("%dm", t/time.Minute)
}

func (d *decoder) authorizationServer(v value) *AuthorizationServer {
	a := &AuthorizationServer{
		Scopes: slices.Clone(defaultProviderScopes), Claims: slices.Clone(defaultCopiedClaims),
		TokenLifetime: defaultTokenLifetime, RefreshLifetime: defaultRefreshLifetime, At: v.key,
	}
	decodeMapping(d, v, authorizationServerKeys, a)
	return a
}

// checkAuthorizationServer checks what needs the whole file: that the issuer of its
// tokens is known, that all instances sign with one key, and that servers take the
// tokens.
func (d *decoder) checkAuthorizationServer(c *Config) {
	a := c.AuthorizationServer
	if a == nil {
		return
	}
	if c.PublicURL == "" {
		d.fault(a.At, `give the gateway a "publicUrl"; http://127.0.0.1:8080 will do on this machine`,
			`the gateway has "authorizationServer", but no "publicUrl", which is the issuer of its tokens`)
		return
	}
	onLoopback := loopbackURL(c.PublicURL)
	switch {
	case !strings.HasPrefix(strings.ToLower(c.PublicURL), "https://") && !onLoopback:
		d.fault(a.At, `let "publicUrl" be https`, `the gateway has "authorizationServer", and OAuth wants https, except on loopback`)
	case !onLoopback && len(c.SealingKey.Parts) == 0:
		d.fault(a.At, `give the gateway a "sealingKey"`,
			`the gateway has "authorizationServer", and each instance would sign tokens with a key of its own, which the others refuse`)
	case a.Issuer == c.PublicURL:
		d.fault(a.At, "write the issuer where users sign in", `"issuer" in "authorizationServer" is the gateway itself`)
	}
	takes := func(s *Server) bool {
		return s.Authorization != nil && slices.Contains(s.Authorization.Issuers, c.PublicURL)
	}
	named := a.Resources != nil
	for i := range c.Servers {
		s := &c.Servers[i]
		switch {
		case named && slices.Contains(a.Resources, s.Name) && !takes(s):
			d.fault(a.At, fmt.Sprintf("add authorization: { issuer: %s } to the server, or remove it from the list", c.PublicURL),
				`"resources" in "authorizationServer" has server %s, which takes no tokens of the gateway`, quote(s.Name))
		case !named && takes(s):
			a.Resources = append(a.Resources, s.Name)
		}
	}
	if len(a.Resources) == 0 {
		d.fault(a.At, fmt.Sprintf("add authorization: { issuer: %s } to a server", c.PublicURL),
			`the gateway has "authorizationServer", and no server takes its tokens`)
	}
}

// loopbackURL reports whether a URL is one of this machine.
func loopbackURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	address, _ := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || address.IsLoopback()
}

type authorizationServerFields AuthorizationServer

// authorizationServerForm is AuthorizationServer in JSON.
type authorizationServerForm struct {
	Fields          authorizationServerFields `json:",embed"`
	TokenLifetime   duration                  `json:"tokenLifetime"`
	RefreshLifetime duration                  `json:"refreshLifetime"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (a AuthorizationServer) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, authorizationServerForm{authorizationServerFields(a), duration(a.TokenLifetime), duration(a.RefreshLifetime)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (a *AuthorizationServer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form authorizationServerForm
	err := json.UnmarshalDecode(dec, &form)
	*a = AuthorizationServer(form.Fields)
	a.TokenLifetime, a.RefreshLifetime = time.Duration(form.TokenLifetime), time.Duration(form.RefreshLifetime)
	return err
}
