// Package connection keeps OAuth connections: the access that somebody gave the
// gateway to an account at a provider, for get-authorization-context. It knows how
// a connection is made, on a page in the browser of who gives the access; how it is
// kept, sealed in a row of the store; and how its tokens are renewed, by one
// instance at a time.
package connection

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/credential"
	"toolgate/shared/expr"
	"toolgate/shared/pattern"
	"toolgate/shared/policy"
	"toolgate/shared/seal"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// Provider is an OAuth 2.0 authorization server that connections are made with.
type Provider struct {
	Name             string
	AuthorizationURL string
	Client           *credential.Client
	Scopes           []string
	// Identity validates the tokens of the identity type jwt; nil: none is valid.
	Identity *policy.TokenRules
	// Discovered finds what the other fields say; nil: they say it.
	Discovered Discovered
}

// Options are what a [Keeper] works with.
type Options struct {
	Store     state.Store
	Secret    []byte // of the gateway; all instances and the commands share it
	Providers []Provider
	Tokens    policy.Tokens    // validates tokens of the identity type jwt; nil: none is valid
	Now       func() time.Time // nil: time.Now
	// PublicURL is where browsers reach the gateway, without a slash at the end;
	// empty: at the Host of the request, which is loopback.
	PublicURL string
}

// Keeper keeps the connections of a gateway. It serves policy.Connections and the
// pages on which connections are made. It is safe for concurrent use.
type Keeper struct {
	Options
	rows, tickets, states *seal.Sealer

	mu   sync.Mutex
	kept map[string]*kept
}

// New makes a keeper.
func New(o Options) (*Keeper, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{Options: o, kept: map[string]*kept{}}
	var errs [3]error
	k.rows, errs[0] = seal.New(o.Secret, "connection")
	k.tickets, errs[1] = seal.New(o.Secret, "connection ticket")
	k.states, errs[2] = seal.New(o.Secret, "connection state")
	return k, errors.Join(errs[:]...)
}

func (k *Keeper) provider(name string) *Provider {
	i := slices.IndexFunc(k.Providers, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &k.Providers[i]
}

// Errors of connections.
var (
	ErrNotFound     = errors.New("there is no such connection: make it by go run ./local connections add")
	ErrExpired      = errors.New("the access has ended: connect again by go run ./local connections add")
	ErrForbidden    = errors.New("the connection is not for this identity")
	ErrUnregistered = errors.New("the gateway is no longer registered at the authorization server")
	ErrContended    = errors.New("another change of the connection came between: try again")
	errNoProvider   = errors.New("there is no such provider under connections in gateway.yaml")
)

// Connection is what is known of a connection, without its tokens.
type Connection struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	// Identities are the object ids, or subjects, of those who may use it with the
	// identity type jwt. Without any, the policies of the gateway may.
	Identities []string  `json:"identities,omitzero"`
	Scope      string    `json:"scope,omitzero"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires,omitzero"` // of the access token; zero: it has no end
	Renewable  bool      `json:"renewable,omitzero"`
	Ended      bool      `json:"ended,omitzero"` // the provider takes the refresh token no more
}

// record is what a row holds, sealed.
type record struct {
	Connection
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitzero"`
	Leased  time.Time `json:"leased,omitzero"` // until then one instance renews the tokens
	// Of a provider that was discovered: who gave the tokens, to which client, what
	// they are for, and when they were renewed.
	Issuer      string    `json:"issuer,omitzero"`
	RedirectURI string    `json:"redirectUri,omitzero"`
	Resource    string    `json:"resource,omitzero"`
	Renewed     time.Time `json:"renewed,omitzero"`
}

// row is the format of a row.
type row struct {
	Format int    `json:"format"`
	Sealed string `json:"sealed"`
}

const format = 1

// idPattern is the form of the id of a connection. It stands in URLs.
var idPattern = pattern.Lazy(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// CheckID says what is wrong with the id of a connection.
func CheckID(id string) error {
	if !idPattern().MatchString(id) || id == callback || id == document {
		return fmt.Errorf("%q is no id of a connection: use letters, digits, \".\", \"_\", \"@\" and \"-\", 64 characters at most, and not %q or %q", id, callback, document)
	}
	return nil
}

func keyOf(provider, id string) state.Key {
	digest := sha256.Sum256([]byte(provider + "\x00" + id))
	return state.Key{Space: "connection", ID: hex.EncodeToString(digest[:])}
}

func (k *Keeper) read(ctx context.Context, provider, id string) (record, string, error) {
	var rec record
	var r row
	key := keyOf(provider, id)
	found, err := k.Store.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return rec, "", fmt.Errorf("connection %s/%s: %w", provider, id, ErrNotFound)
	}
	if err != nil {
		return rec, "", fmt.Errorf("reading the connection %s/%s: %w", provider, id, err)
	}
	if err := json.Unmarshal(found.Data, &r); err != nil || r.Format != format {
		return rec, "", fmt.Errorf("the row of the connection %s/%s is of another version: remove it, and connect again", provider, id)
	}
	plain, err := k.rows.Open(r.Sealed, []byte(key.String()))
	if err != nil {
		return rec, "", fmt.Errorf("the connection %s/%s was sealed by another sealingKey: remove it, and connect again", provider, id)
	}
	if err := json.Unmarshal(plain, &rec); err != nil {
		return rec, "", fmt.Errorf("the row of the connection %s/%s cannot be read: remove it, and connect again", provider, id)
	}
	return rec, found.Version, nil
}

func (k *Keeper) write(ctx context.Context, rec *record, version string) (string, error) {
	plain, err := json.Marshal(rec)
	if err != nil {
		return "", fmt.Errorf("writing the connection: %w", err)
	}
	key := keyOf(rec.Provider, rec.ID)
	data, err := json.Marshal(row{format, k.rows.Seal(plain, []byte(key.String()))})
	if err == nil {
		version, err = k.Store.Put(ctx, key, state.Record{Data: data, Version: version})
	}
	if err != nil {
		return "", fmt.Errorf("writing the connection %s/%s: %w", rec.Provider, rec.ID, err)
	}
	return version, nil
}

// Authorization returns the access token of a connection to who may use it.
func (k *Keeper) Authorization(ctx context.Context, r policy.ConnectionRequest) (*expr.Authorization, error) {
	p := k.provider(r.Provider)
	if p == nil || p.Discovered != nil { // those are for an MCP server alone
		return nil, fmt.Errorf("provider %q: %w", r.Provider, errNoProvider)
	}
	if err := CheckID(r.Authorization); err != nil {
		return nil, err
	}
	rec, err := k.fresh(ctx, p, r.Authorization, "")
	if err != nil {
		return nil, err
	}
	if err := k.permit(ctx, p, &rec.Connection, r); err != nil {
		return nil, fmt.Errorf("connection %s/%s: %w", r.Provider, r.Authorization, err)
	}
	return &expr.Authorization{AccessToken: rec.Access, Claims: map[string]string{"scope": rec.Scope}}, nil
}

// permit tells whether an identity may use a connection: the policies of the
// gateway those that are nobody's own, others with a token that names them.
func (k *Keeper) permit(ctx context.Context, p *Provider, c *Connection, r policy.ConnectionRequest) error {
	if r.IdentityType != "jwt" {
		if len(c.Identities) > 0 {
			return fmt.Errorf(`%w: it belongs to identities, and is used with identity-type="jwt"`, ErrForbidden)
		}
		return nil
	}
	if p.Identity == nil || k.Tokens == nil {
		return fmt.Errorf(`%w: give the provider an "identity" in gateway.yaml, which says whose tokens are valid`, ErrForbidden)
	}
	if failure := k.Tokens.Validate(ctx, r.Identity, p.Identity); failure != nil {
		return fmt.Errorf("%w: its token is not valid: %s: %w", ErrForbidden, failure.Reason, errors.Join(failure.Err))
	}
	who := identityOf(r.Identity)
	for _, allowed := range c.Identities {
		if who != "" && subtle.ConstantTimeCompare([]byte(allowed), []byte(who)) == 1 {
			return nil
		}
	}
	return ErrForbidden
}

// identityOf is whom a valid token names: the object id of Microsoft Entra, or else
// the subject.
func identityOf(token string) string {
	return cmp.Or(claim(token, "oid"), claim(token, "sub"))
}

// payloadOf is the payload of a token in compact form; nil for another.
func payloadOf(token string) []byte {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	return text
}
