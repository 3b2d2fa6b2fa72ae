package backend

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ Low, High int }

// BreakerOptions are the circuit breaker of a destination: once it failed often
// enough, nothing is sent to it for a while. As API Management's, it then closes
// without a probe, forgets what it counted, and counts what this process sees
// only.
//
// A failure is a response with one of the status codes, no connection, or no
// response in time. What the client breaks off is none.
type BreakerOptions struct {
	Failures     int           // within Interval, that trip the breaker; 0: there is none
	Interval     time.Duration // positive
	TripDuration time.Duration // for how long nothing is sent; positive
	StatusCodes  []StatusRange // nil: no response is a failure
	// AcceptRetryAfter lets the Retry-After of the response that trips the
	// breaker take the place of TripDuration, up to a day. Zero, a date that has
	// passed and what cannot be read do not.
	AcceptRetryAfter bool
}

// maxRetryAfter bounds for how long a backend can have itself left alone.
const maxRetryAfter = 24 * time.Hour

// breaker counts failures. While it is closed, a request costs it one atomic
// read.
type breaker struct {
	BreakerOptions
	now   func() time.Time
	start time.Time // what the times below are since

	until atomic.Int64 // when it closes; 0: it is closed

	mu     sync.Mutex
	recent []time.Duration // the failures within Interval, oldest first
}

// newBreaker returns nil for options without a breaker.
func newBreaker(o BreakerOptions, now func() time.Time) (*breaker, error) {
	if o.Failures == 0 {
		return nil, nil //nolint:nilnil // no breaker is what was asked for
	}
	if o.Failures < 0 || o.Interval <= 0 || o.TripDuration <= 0 {
		return nil, errors.New("a circuit breaker needs a positive number of failures, interval and trip duration")
	}
	if now == nil {
		now = time.Now
	}
	return &breaker{BreakerOptions: o, now: now, start: now()}, nil
}

// tripped is open by the breaker's own clock, which it does not ask as long as
// the breaker is closed.
func (b *breaker) tripped() bool { return b.until.Load() != 0 && b.open(b.now()) }

func (b *breaker) open(now time.Time) bool {
	until := b.until.Load()
	if until == 0 {
		return false
	}
	if now.Sub(b.start) < time.Duration(until) {
		return true
	}
	b.until.CompareAndSwap(until, 0)
	return false
}

// closes is when the breaker closes; in the past when it is closed.
func (b *breaker) closes() time.Time { return b.start.Add(time.Duration(b.until.Load())) }

// answered counts a response that is a failure.
func (b *breaker) answered(res *http.Response) {
	for _, r := range b.StatusCodes {
		if r.Low <= res.StatusCode && res.StatusCode <= r.High {
			b.fail(res.Header)
			return
		}
	}
}

// fail counts a failure. The header is that of the response; nil when there is
// none. A failure of a request that was under way when the breaker tripped says
// nothing new.
func (b *breaker) fail(h http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.open(now) {
		return
	}
	at := now.Sub(b.start)
	old := 0
	for old < len(b.recent) && at-b.recent[old] >= b.Interval {
		old++
	}
	kept := copy(b.recent, b.recent[old:])
	b.recent = append(b.recent[:kept], at)
	if len(b.recent) < b.Failures {
		return
	}
	b.recent = b.recent[:0]
	b.until.Store(int64(at + b.pause(h, now)))
}

// pause is for how long nothing is sent after a failure.
func (b *breaker) pause(h http.Header, now time.Time) time.Duration {
	if b.AcceptRetryAfter {
		if d := retryAfter(h.Get("Retry-After"), now); d > 0 {
			return min(d, maxRetryAfter)
		}
	}
	return b.TripDuration
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); 0 for neither.
func retryAfter(v string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(v, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return at.Sub(now)
	}
	return 0
}
