// Package access knows who has a subscription: which keys there are, what they
// open, and how they are made, replaced and taken back.
//
// A [Registry] manages subscriptions in a store, for a command. A [Verifier] finds
// the subscription of a key, for a gateway.
//
// No key is stored. A row for each key has its SHA-256 and what a call needs to
// know of the subscription, so that a key is looked up by one read; a row for each
// subscription is what changes are made to, and index rows list the ids. A store
// changes one row at a time, so a change that ends in the middle is finished by
// the next one to the same subscription; until then the error said that it is not
// finished. What a change does is ordered so that a key that was taken back cannot
// come to work again.
package access

import (
	"errors"
	"fmt"
	"time"

	"toolgate/shared/policy"
)

// What can be wrong with a request to the registry. Compare with [errors.Is].
var (
	// ErrNotFound is a subscription that is not there.
	ErrNotFound = errors.New("there is no such subscription")
	// ErrExists is an id that another subscription has.
	ErrExists = errors.New("there is a subscription of that id")
	// ErrInvalid is a value that no subscription can have.
	ErrInvalid = errors.New("the subscription cannot be as asked for")
	// ErrFull is an index without room for one more subscription.
	ErrFull = errors.New("there is no room for another subscription")
	// ErrContended is a row that others keep changing.
	ErrContended = errors.New("others change it at the same time: try again")
)

// State is the state of a subscription, as API Management has it.
type State string

// The states. Only an active subscription opens anything.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Cancelled State = "cancelled"
	Expired   State = "expired"   // its end has passed
	Submitted State = "submitted" // it waits for somebody to activate it
	Rejected  State = "rejected"
)

// Subscription is what is known of a subscription.
type Subscription struct {
	// ID is 1 to 64 letters a-z, digits and hyphens, the first no hyphen. It names
	// the subscription in counters and logs and never changes.
	ID   string `json:"id"`
	Name string `json:"name"` // for people; at most 100 bytes
	// OwnerID is the id of the user who owns it, and OwnerEmail the address; both
	// may be empty.
	OwnerID    string                   `json:"owner,omitzero"`
	OwnerEmail string                   `json:"email,omitzero"`
	Scope      policy.SubscriptionScope `json:"scope"`
	State      State                    `json:"state"`
	Created    time.Time                `json:"created"`
	// From Start on, and before End, the keys work; zero is no such time. API
	// Management keeps such times without heeding them.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

// StateAt is the state at a time: an active subscription whose end has passed is
// expired.
func (s *Subscription) StateAt(now time.Time) State {
	if s.State == Active && s.ended(now) {
		return Expired
	}
	return s.State
}

func (s *Subscription) ended(now time.Time) bool { return !s.End.IsZero() && !now.Before(s.End) }

// refusal says why the keys do not work at a time; nil when they do.
func (s *Subscription) refusal(now time.Time) error {
	switch at := s.StateAt(now); {
	case at != Active:
		return fmt.Errorf("subscription %q is %s: %w", s.ID, at, policy.ErrSubscriptionKey)
	case now.Before(s.Start):
		return fmt.Errorf("subscription %q begins at %s: %w", s.ID, s.Start.Format(time.RFC3339), policy.ErrSubscriptionKey)
	}
	return nil
}

// The longest texts of a subscription, in bytes.
const (
	maxID   = 64
	maxText = 100
)

func (s *Subscription) check() error {
	if !validID(s.ID) {
		return fmt.Errorf("the id %.80q is not 1 to %d characters of a-z, 0-9 and -, the first no hyphen: %w", s.ID, maxID, ErrInvalid)
	}
	for _, text := range []struct{ what, value string }{{"name", s.Name}, {"owner", s.OwnerID}, {"email", s.OwnerEmail}} {
		if len(text.value) > maxText {
			return fmt.Errorf("the %s has more than %d bytes: %w", text.what, maxText, ErrInvalid)
		}
	}
	if s.OwnerID == "" && s.OwnerEmail != "" {
		return fmt.Errorf("an email is that of an owner, and there is none: %w", ErrInvalid)
	}
	if _, err := policy.ParseSubscriptionScope(s.Scope.String()); err != nil {
		return fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	switch s.State {
	case Active, Suspended, Cancelled, Submitted, Rejected:
	default:
		return fmt.Errorf("the state %.80q is none of active, suspended, cancelled, submitted and rejected: %w", s.State, ErrInvalid)
	}
	if !s.Start.IsZero() && !s.End.IsZero() && !s.Start.Before(s.End) {
		return fmt.Errorf("its end %s is not after its start %s: %w", s.End.Format(time.RFC3339), s.Start.Format(time.RFC3339), ErrInvalid)
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > maxID || id[0] == '-' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
