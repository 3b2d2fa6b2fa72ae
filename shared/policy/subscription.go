package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrSubscriptionKey is a key that no subscription has that is active now. Compare
// with [errors.Is]: what else the error says is for the log.
var ErrSubscriptionKey = errors.New("no active subscription has the key")

// Subscriptions find the subscription of a key. They are safe for concurrent use.
type Subscriptions interface {
	// Find returns the active subscription one of whose keys this is; it must not
	// be changed. The error is ErrSubscriptionKey when there is none; any other
	// says that it could not be found out.
	Find(ctx context.Context, key string) (*Subscription, error)
}

// Subscription is a subscription as one of its keys tells it.
type Subscription struct {
	ID, Name string
	// OwnerID and OwnerEmail are of the user who owns it; empty for a standalone
	// subscription, and the address for an owner without one.
	OwnerID, OwnerEmail string
	Scope               SubscriptionScope
	Created             time.Time
	Start, End          time.Time // zero: none
	// Secondary says that the key is the secondary one.
	Secondary bool
}

// SubscriptionScope is what a subscription lets its owner call. The zero value is
// no scope.
type SubscriptionScope struct {
	Kind ScopeKind
	Name string // of the product, API or server; empty for all
}

// ScopeKind is a kind of subscription scope.
type ScopeKind string

// The kinds of scope. A call under a product runs the product's policies; under
// the other scopes it runs those of no product.
const (
	AllScope     ScopeKind = "all" // every API and every server
	ProductScope ScopeKind = "product"
	APIScope     ScopeKind = "api"
	ServerScope  ScopeKind = "server"
)

// ParseSubscriptionScope reads a scope: all, product:NAME, api:NAME or
// server:NAME.
func ParseSubscriptionScope(text string) (SubscriptionScope, error) {
	kind, name, named := strings.Cut(text, ":")
	s := SubscriptionScope{Kind: ScopeKind(kind), Name: name}
	switch s.Kind {
	case AllScope:
		if !named {
			return s, nil
		}
	case ProductScope, APIScope, ServerScope:
		if isEntityName(name) {
			return s, nil
		}
	}
	return SubscriptionScope{}, fmt.Errorf("%.80q is no scope of a subscription: write all, product:NAME, api:NAME or server:NAME", text)
}

// isEntityName tells whether a text can be the name of a product, an API or a
// server of a configuration.
func isEntityName(text string) bool {
	if text == "" || len(text) > 63 || text[0] == '-' {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// String is what ParseSubscriptionScope reads.
func (s SubscriptionScope) String() string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return string(s.Kind) + ":" + s.Name
}

// MarshalText is String.
func (s SubscriptionScope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSubscriptionScope.
func (s *SubscriptionScope) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSubscriptionScope(string(text))
	return err
}
