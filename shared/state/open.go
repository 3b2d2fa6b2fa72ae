package state

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrURL is a URL that names no store: what the operator wrote has to change.
var ErrURL = errors.New("the URL names no store")

// Opener opens the stores of one URL scheme.
type Opener struct {
	// Scheme is the scheme of the URLs, in small letters.
	Scheme string
	// Form shows the operator how such a URL is written.
	Form string
	// Open returns the store that a URL names. It opens no connection: a store
	// that cannot be reached says so when it is used. An error does not repeat the
	// URL.
	Open func(ctx context.Context, u *url.URL) (Store, error)
}

// Open opens the store that a URL names with the opener of its scheme. A program
// has the openers that it was given and no others, so that it carries no SDK of a
// cloud that it does not run in.
//
// An error shows no more of the URL than its scheme: what was pasted may hold a
// key.
func Open(ctx context.Context, rawURL string, openers ...Opener) (Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("opening the store: it is not a URL; write one of %s: %w", forms(openers), ErrURL)
	}
	for _, o := range openers {
		if o.Scheme != u.Scheme {
			continue
		}
		if u.User != nil || u.Fragment != "" {
			return nil, fmt.Errorf("opening the store %s: no user, password or fragment is in its URL; write %s: %w", u.Scheme, o.Form, ErrURL)
		}
		s, err := o.Open(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("opening the store %s: %w", u.Scheme, err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("opening the store %s: this program has no such store; write one of %s: %w", u.Scheme, forms(openers), ErrURL)
}

// forms lists how the URLs of openers are written.
func forms(openers []Opener) string {
	list := make([]string, len(openers))
	for i, o := range openers {
		list[i] = o.Form
	}
	return strings.Join(list, ", ")
}
