package authserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"toolgate/shared/seal"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// sessionSpace are the rows of sign-ins.
const sessionSpace = "authsession"

// repeatTime is for how long the refresh token before the last is still good. A
// client whose answer was lost on the way tries again, and one that runs twice
// refreshes twice; who steals a token comes later.
const repeatTime = 10 * time.Second

// sessions are the sign-ins in a store, one row each. A row is encrypted: it has a
// refresh token of the provider in it.
type sessions struct {
	store  state.Store
	sealer *seal.Sealer
	now    func() time.Time
}

// sessionRow is what a row holds.
type sessionRow struct {
	Session session `json:"s"`
	Grant   grant   `json:"g"`
	// Redeemed says that the code was redeemed.
	Redeemed bool `json:"d,omitzero"`
	// Generation is the number of the refresh token that is good, and Rotated when
	// it came to be, in milliseconds since 1970.
	Generation int   `json:"n,omitzero"`
	Rotated    int64 `json:"t,omitzero"`
	// Asked is the generation for which the provider was asked.
	Asked int `json:"a,omitzero"`
}

var (
	// errGone is a sign-in that has ended, or never was.
	errGone = errors.New("the sign-in has ended")
	// errReused is a code or a refresh token that came again. The sign-in is over:
	// one of the two who had it has stolen it, and nobody knows which.
	errReused = errors.New("it was used before; the sign-in has ended")
)

func rowKey(id string) state.Key { return state.Key{Space: sessionSpace, ID: id} }

// create adds a sign-in whose code is not redeemed yet.
func (k *sessions) create(ctx context.Context, s *session, g *grant) (id string, err error) {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	id = hex.EncodeToString(b[:])
	_, err = k.put(ctx, id, &sessionRow{Session: *s, Grant: *g}, state.MustNotExist, k.now().Add(2*codeLifetime))
	return id, err
}

func (k *sessions) put(ctx context.Context, id string, r *sessionRow, version string, expires time.Time) (string, error) {
	data := []byte(sealed(k.sealer, r, id))
	version, err := k.store.Put(ctx, rowKey(id), state.Record{Data: data, Version: version, Expires: expires})
	if err != nil {
		return "", fmt.Errorf("keeping a sign-in: %w", err)
	}
	return version, nil
}

// save writes a row that is in use.
func (k *sessions) save(ctx context.Context, id string, r *sessionRow, version string) (string, error) {
	return k.put(ctx, id, r, version, time.Unix(r.Session.Ends, 0))
}

func (k *sessions) read(ctx context.Context, id string) (*sessionRow, string, error) {
	record, err := k.store.Get(ctx, rowKey(id))
	if errors.Is(err, state.ErrNotFound) {
		return nil, "", errGone
	}
	if err != nil {
		return nil, "", fmt.Errorf("finding a sign-in: %w", err)
	}
	if !record.Expires.IsZero() && !k.now().Before(record.Expires) {
		return nil, "", errGone
	}
	var r sessionRow
	plain, err := k.sealer.Open(string(record.Data), []byte(id))
	if err != nil || json.Unmarshal(plain, &r) != nil {
		return nil, "", errGone
	}
	return &r, record.Version, nil
}

// end removes a sign-in, whatever became of it meanwhile.
func (k *sessions) end(ctx context.Context, id string) error {
	if err := k.store.Delete(ctx, rowKey(id), state.AnyVersion); err != nil {
		return fmt.Errorf("ending a sign-in: %w", err)
	}
	return nil
}

// redeem redeems the code of a sign-in, once. A code that comes again ends the
// sign-in (RFC 6749, 4.1.2).
func (k *sessions) redeem(ctx context.Context, id string) (*sessionRow, error) {
	r, version, err := k.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if !r.Redeemed {
		r.Redeemed = true
		if _, err = k.save(ctx, id, r, version); err == nil {
			return r, nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return nil, err
		}
	}
	return nil, errors.Join(errReused, k.end(ctx, id))
}

// turn is one use of a refresh token.
type turn struct {
	row     *sessionRow
	version string // of the row
	// ask says that the provider has to be asked, by who has this turn and nobody else.
	ask bool
}

// advance takes a refresh token of a generation, and makes the next one good.
func (k *sessions) advance(ctx context.Context, id string, generation int) (*turn, error) {
	const attempts = 4 // others refresh at the same time
	for range attempts {
		r, version, err := k.read(ctx, id)
		if err != nil {
			return nil, err
		}
		now := k.now().UnixMilli()
		recent := now-r.Rotated <= repeatTime.Milliseconds()
		switch before := generation == r.Generation-1; {
		case !r.Redeemed:
			return nil, errGone
		case generation == r.Generation:
			r.Generation++
			r.Rotated = now
		case before && recent:
			return &turn{row: r, version: version}, nil
		case before && r.Asked < r.Generation: // the provider did not answer the last time
			r.Rotated = now
		default:
			return nil, errors.Join(errReused, k.end(ctx, id))
		}
		if r.Session.Refresh == "" { // there is nothing to ask the provider with
			r.Asked = r.Generation
		}
		version, err = k.save(ctx, id, r, version)
		if err == nil {
			return &turn{row: r, version: version, ask: true}, nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("refreshing a sign-in: %w", state.ErrBusy)
}
