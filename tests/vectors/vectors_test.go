// Package vectors_test attacks the validation of tokens: one table of forged,
// malformed and hostile tokens and key sets, with those between them that are valid,
// so that it cannot be passed by refusing everything. Each vector is tried at the
// verifier; those that name the door also at a whole gateway, where validate-jwt and
// authorization have to agree.
package vectors_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"toolgate/shared/auth"
)

// vector is one token.
type vector struct {
	group, comment string
	token          func(*mint) string
	want           auth.Kind // empty: accepted
	door           bool      // it is also tried at a whole gateway
	keys           string    // what the provider publishes; empty: the ordinary keys
	rules          func(*auth.Rules)
}

// id is how reports name a vector.
func (v *vector) id(i int) string { return fmt.Sprintf("tc%03d %s: %s", i+1, v.group, v.comment) }

// all is the table. A vector keeps its number as long as new ones are added at the
// end of the last group.
func all() []vector {
	return slices.Concat(
		controls(), nones(), confusions(), relabels(), brought(), kids(), extensions(),
		ellipticSignatures(), rsaSignatures(), secrets(), edwards(), saltLengths(),
		encodings(), documents(), lifetimes(), audiences(), issuers(), subjects(), nested(),
		encryptions(), encryptedParts(), hostileSets(), sizes(), published(),
	)
}

// ruled are the rules of the table, with the provider as an OpenID configuration or
// as an authority.
func ruled(issuer string, authority bool) *auth.Rules {
	r := &auth.Rules{
		Keys:           []auth.Key{{ID: "s", Secret: secret}},
		DecryptionKeys: []auth.Key{{Secret: secret[:32]}, {Private: rsaKey()}},
		Audiences:      []string{"api://tools"}, RequireExpiration: true, RequireSigned: true,
	}
	if authority {
		r.Authorities = []string{issuer}
	} else {
		r.OpenIDConfigs = []string{issuer + "/.well-known/openid-configuration"}
	}
	return r
}

// atLeast is how many vectors there have to be, and how many of them at the door.
const atLeast, atLeastDoor = 120, 20

func TestVectors(t *testing.T) {
	server := newIssuers(t)
	accepted, refused, atDoor, seen := 0, 0, 0, map[string]bool{}
	for i, c := range all() {
		name := c.id(i)
		if seen[c.group+c.comment] {
			t.Errorf("%s: there are two of it", name)
		}
		seen[c.group+c.comment] = true
		if c.want == "" {
			accepted++
		} else {
			refused++
		}
		if c.door {
			atDoor++
		}
		t.Run(name, func(t *testing.T) {
			issuer := server.publish("default", ordinary())
			if c.keys != "" {
				issuer = server.publish(fmt.Sprint("tc", i+1), c.keys)
			}
			token := c.token(&mint{t, issuer})
			for _, authority := range []bool{false, true} {
				v := auth.New(auth.Options{Now: func() time.Time { return noon }})
				r := ruled(issuer, authority)
				if c.rules != nil {
					c.rules(r)
				}
				for _, again := range []string{"first", "again"} { // and when it is known
					_, err := v.Validate(t.Context(), token, r)
					if got := kindOf(t, err); got != c.want {
						t.Errorf("authority %t, %s: got %q (%.300v), want %q", authority, again, got, err, cmp.Or(c.want, "accepted"))
					}
					if err != nil && len(err.Error()) > 2000 {
						t.Errorf("the error has %d bytes: a client must not write the log", len(err.Error()))
					}
				}
			}
		})
	}
	if accepted+refused < atLeast || atDoor < atLeastDoor || accepted < 30 {
		t.Errorf("got %d accepted and %d refused, %d at the door, want at least %d and %d", accepted, refused, atDoor, atLeast, atLeastDoor)
	}
	t.Logf("%d vectors: %d refused, %d accepted; %d at the door", accepted+refused, refused, accepted, atDoor)
}

// kindOf is the kind of an error.
func kindOf(t *testing.T, err error) auth.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		t.Fatalf("got %T, want an *auth.Error", err)
	}
	return e.Kind
}
