package policies

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["retry"] = func() policy.Statement { return &retry{} } }

// retry runs the policies inside once, and again while the condition is true
// and retries are left.
type retry struct {
	Condition      policy.Value[bool]          `attr:"condition,required"`
	Count          policy.Value[int]           `attr:"count,required"`
	Interval       policy.Value[time.Duration] `attr:"interval,required"`
	MaxInterval    policy.Value[time.Duration] `attr:"max-interval"`
	Delta          policy.Value[time.Duration] `attr:"delta"`
	FirstFastRetry policy.Value[bool]          `attr:"first-fast-retry"`
	Policies       policy.Block                `policies:"*"`

	services *policy.Services
}

func (p *retry) Prepare(c *policy.Compilation) {
	p.services = c.Services
	if c.Element.Section == policy.Backend {
		c.HoldRequest()
	}
}

func (p *retry) Apply(ctx context.Context, x *policy.Exchange) error {
	waits, err := p.waits(x)
	if err != nil {
		return err
	}
	before := x.LastError
	for n := 0; ; n++ {
		failed := p.Policies.Run(ctx, x)
		if failed != nil && !retryable(x, failed) {
			return failed
		}
		again, err := p.Condition.Get(x)
		x.LastError = before
		if err != nil || !again || n == waits.count {
			return cmp.Or(failed, err)
		}
		wait := waits.before(n+1, x)
		if x.Tracer != nil {
			x.Note(policy.NoteRetry, fmt.Sprintf("attempt %d", n+2), fmt.Sprintf("after %v", wait))
		}
		if err := p.services.Wait(ctx, wait); err != nil {
			return policy.Interrupted(ctx, "retry")
		}
	}
}

// retryable tells whether a failure lets the condition decide: that of a
// request which had no response, and that of an answer which forward-request
// takes for a failure. The condition sees it as context.LastError; where the
// backend gave no response, context.Response has the status of the failure.
func retryable(x *policy.Exchange, failed error) bool {
	e, ok := errors.AsType[*policy.Error](failed)
	if !ok || !unsent(e) && e.Reason != backendErrorStatus {
		return false
	}
	x.LastError = e.LastError()
	if e.Source == "forward-request" && e.Reason != backendErrorStatus {
		if x.Response != nil {
			_ = policy.Message{Response: x.Response}.Body().Close()
			x.Response = nil
		}
		x.Pending = &expr.Response{StatusCode: e.Status, StatusReason: http.StatusText(e.Status)}
	}
	return true
}

// waits says how long to wait before each retry.
type waits struct {
	count                int
	interval, most, step time.Duration
	fast                 bool
}

func (p *retry) waits(x *policy.Exchange) (w waits, err error) {
	if w.count, err = p.Count.Get(x); err != nil {
		return w, err
	}
	if w.interval, err = p.Interval.Get(x); err != nil {
		return w, err
	}
	if w.most, err = p.MaxInterval.Get(x); err != nil {
		return w, err
	}
	if w.step, err = p.Delta.Get(x); err != nil {
		return w, err
	}
	w.fast, err = p.FirstFastRetry.Get(x)
	return w, err
}

// before is the time to wait before the retry of a number, from 1: always the
// interval, or growing by the delta each time, or, with a longest interval too,
// growing exponentially with a random part. With an interval and a delta of 10
// seconds that is 10, about 20, 40 and 80 seconds, as API Management documents
// it.
func (w waits) before(n int, x *policy.Exchange) time.Duration {
	switch {
	case w.fast && n == 1:
		return 0
	case w.step > 0 && w.most > 0:
		steps := float64(int64(1)<<min(n-1, 50) - 1)
		grown := float64(w.interval) + steps*(0.8+0.4*random(x))*float64(w.step)
		return time.Duration(min(float64(w.most), grown))
	case w.step > 0:
		return w.interval + time.Duration(n-1)*w.step
	case w.most > 0:
		return min(w.most, w.interval)
	default:
		return w.interval
	}
}

// random is a number from 0 up to 1.
func random(x *policy.Exchange) float64 {
	var word [8]byte
	if x.Random != nil {
		if _, err := io.ReadFull(x.Random, word[:]); err == nil {
			return float64(binary.LittleEndian.Uint64(word[:])>>11) / (1 << 53)
		}
	}
	return rand.Float64() //nolint:gosec // spreads retries, protects nothing
}
