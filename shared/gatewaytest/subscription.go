package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
)

// subscription is one of a test, with its keys as they are sent.
type subscription struct {
	policy.Subscription
	key, secondary string
	state          string // empty: active
}

// subscriptions are those of a test. They serve policy.Subscriptions.
type subscriptions struct {
	list []*subscription
	now  func() time.Time
}

// Find returns the active subscription of a key.
func (s *subscriptions) Find(_ context.Context, key string) (*policy.Subscription, error) {
	for _, known := range s.list {
		if key == "" || key != known.key && key != known.secondary {
			continue
		}
		now, state := s.now(), known.state
		if state == "" && (now.Before(known.Start) || !known.End.IsZero() && !now.Before(known.End)) {
			state = "not of this time"
		}
		if state != "" {
			return nil, fmt.Errorf("subscription %q is %s: %w", known.ID, state, policy.ErrSubscriptionKey)
		}
		found := known.Subscription
		found.Secondary = key == known.secondary
		return &found, nil
	}
	return nil, policy.ErrSubscriptionKey
}

// subscription reads one.
func (t *test) subscription(s policytest.Section) error {
	known := &subscription{Subscription: policy.Subscription{ID: s.Rest, Name: s.Rest, Created: t.now}}
	if s.Rest == "" {
		return s.Fault(0, errors.New("write subscription ID"))
	}
	err := s.Pairs(":", known.set)
	if err == nil && (known.key == "" || known.Scope.Kind == "") {
		err = s.Fault(0, errors.New("a subscription has a key and a scope"))
	}
	t.subscriptions = append(t.subscriptions, known)
	return err
}

func (s *subscription) set(key, value string) (err error) {
	switch key {
	case "key":
		s.key = value
	case "secondary":
		s.secondary = value
	case "scope":
		s.Scope, err = policy.ParseSubscriptionScope(value)
	case "name":
		s.Name = value
	case "owner":
		s.OwnerID = value
	case "email":
		s.OwnerEmail = value
	case "state":
		switch value {
		case "active":
		case "suspended", "cancelled", "expired", "submitted", "rejected":
			s.state = value
		default:
			err = errors.New("a subscription is active, suspended, cancelled, expired, submitted or rejected")
		}
	case "start":
		s.Start, err = time.Parse(time.RFC3339, value)
	case "end":
		s.End, err = time.Parse(time.RFC3339, value)
	default:
		err = errors.New("there is no such setting; write key, secondary, scope, name, owner, email, state, start or end")
	}
	return err
}
