package connection

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"toolgate/shared/credential"
	"toolgate/shared/state"
)

const (
	// MaxAge is for how long an instance goes on with what it has read: a
	// connection that was removed ends everywhere within this time.
	MaxAge = 30 * time.Second
	// margin is how long before its end a token is renewed.
	margin = time.Minute
	// lease is for how long one instance has the right to renew, longer than a
	// request to the provider lasts: a refresh token that is used twice ends the
	// access at providers that rotate them (RFC 9700, 4.14.2).
	lease = time.Minute
	// pause lies between two looks at a row that another instance renews.
	pause = 250 * time.Millisecond
	// renewTimeout bounds the request to the provider.
	renewTimeout = 20 * time.Second
	// looks bounds how often a row is looked at.
	looks = 100
	// mostKept bounds what an instance keeps.
	mostKept = 4096
)

// kept is what an instance has read of a connection. Who holds turn may change it.
type kept struct {
	turn chan struct{}
	rec  record
	read time.Time // zero: not read
	used time.Time // guarded by the keeper
}

func (k *Keeper) keptOf(key string) *kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.kept[key]
	if c == nil {
		if len(k.kept) >= mostKept {
			oldest, first := "", true
			for other, c := range k.kept {
				if first || c.used.Before(k.kept[oldest].used) {
					oldest, first = other, false
				}
			}
			delete(k.kept, oldest)
		}
		c = &kept{turn: make(chan struct{}, 1)}
		k.kept[key] = c
	}
	c.used = k.Now()
	return c
}

// good tells whether the access token can be used at a time, and for so long after
// if it can be renewed. One without an end is good until it is removed.
func (r *record) good(now time.Time, d time.Duration) bool {
	if !r.Renewable {
		d = 0
	}
	return r.Access != "" && (r.Expires.IsZero() || r.Expires.Sub(now) > d)
}

// fresh returns a connection whose access token is good, and was not refused.
func (k *Keeper) fresh(ctx context.Context, p *Provider, id, refused string) (record, error) {
	c := k.keptOf(p.Name + "/" + id)
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return record{}, ctx.Err()
	}
	defer func() { <-c.turn }()
	if now := k.Now(); !c.read.IsZero() && now.Sub(c.read) < MaxAge && c.rec.good(now, margin) && c.rec.Access != refused {
		return c.rec, nil
	}
	rec, err := k.current(ctx, p, id, refused)
	if err != nil {
		c.read = time.Time{}
		return rec, err
	}
	c.rec, c.read = rec, k.Now()
	return rec, nil
}

// expire has the row of a connection read when it is used next.
func (k *Keeper) expire(ctx context.Context, provider, id string) error {
	c := k.keptOf(provider + "/" + id)
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.read = time.Time{}
	<-c.turn
	return nil
}

// current reads a connection, and renews its tokens where it is time.
func (k *Keeper) current(ctx context.Context, p *Provider, id, refused string) (record, error) {
	for range looks {
		rec, version, err := k.read(ctx, p.Name, id)
		if err != nil {
			return rec, err
		}
		now := k.Now()
		switch {
		case rec.good(now, margin) && (rec.Access != refused || now.Sub(rec.Renewed) < renewalPause):
			return rec, nil
		case !rec.Renewable || rec.Ended:
			return rec, fmt.Errorf("connection %s/%s: %w", p.Name, id, ErrExpired)
		case rec.Leased.After(now):
			if rec.good(now, 0) && rec.Access != refused {
				return rec, nil // the other one needs its time
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return rec, ctx.Err()
			}
			continue
		}
		rec.Leased = now.Add(lease)
		version, err = k.write(ctx, &rec, version)
		if errors.Is(err, state.ErrConflict) {
			continue
		}
		if err != nil {
			return rec, err
		}
		return k.renew(ctx, p, rec, version)
	}
	return record{}, fmt.Errorf("connection %s/%s: %w", p.Name, id, ErrContended)
}

// renew gets new tokens, and keeps them. It goes on when the call ends: a refresh
// token that was used is lost with its answer.
func (k *Keeper) renew(ctx context.Context, p *Provider, rec record, version string) (record, error) {
	ctx = context.WithoutCancel(ctx)
	asking, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	token, failed := p.grant(asking, &rec, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {rec.Refresh}})
	rec.Leased = time.Time{}
	if failed == nil {
		rec.take(token)
		rec.Renewed = k.Now().UTC()
	} else if e, ok := errors.AsType[*credential.Error](failed); errors.Is(failed, ErrUnregistered) || ok && (e.Code == "invalid_grant" || e.Code == "invalid_client" && p.Discovered != nil) {
		rec.Ended = true
		failed = fmt.Errorf("%w (%w)", ErrExpired, failed)
	}
	_, err := k.write(ctx, &rec, version)
	switch {
	case errors.Is(err, state.ErrConflict): // it was removed, or made anew
		return rec, fmt.Errorf("connection %s/%s: %w", p.Name, rec.ID, ErrContended)
	case failed == nil:
		return rec, err
	case rec.good(k.Now(), 0) && !rec.Ended:
		return rec, err
	}
	return rec, fmt.Errorf("renewing the access of connection %s/%s: %w", p.Name, rec.ID, failed)
}

// take takes over an answer of the token endpoint. A provider that sends no new
// refresh token means the old one to go on (RFC 6749, 6).
func (r *record) take(t credential.Token) {
	r.Access, r.Expires, r.Ended = t.Text, t.Expires, false
	if t.Refresh != "" {
		r.Refresh = t.Refresh
	}
	if t.Scope != "" {
		r.Scope = t.Scope
	}
	if r.Renewable = r.Refresh != ""; !r.Renewable && t.Assumed {
		r.Expires = time.Time{}
	}
}
