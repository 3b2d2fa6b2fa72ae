package policies

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// storeFailure says what becomes of calls that cannot be counted.
type storeFailure struct {
	OnStoreFailure string `attr:"on-store-failure"`
}

// chosen is what the policy says, if anything.
func (f storeFailure) chosen() policy.StoreFailure {
	switch strings.ToLower(f.OnStoreFailure) {
	case "allow":
		return policy.AllowUncounted
	case "refuse":
		return policy.RefuseUncounted
	}
	return policy.UncountedByKind
}

// countingError says which counter could not be reached; a call that is refused
// because it cannot be counted may be tried again.
func countingError(x *policy.Exchange, source, key string, err error) error {
	cause := fmt.Errorf("counting %q: %w", key, err)
	uncounted, ok := errors.AsType[*policy.UncountedError](err)
	if !ok {
		return cause
	}
	seconds := wholeSeconds(uncounted.RetryAfter)
	x.SetResponseHeader("Retry-After", strconv.FormatInt(seconds, 10))
	return &policy.Error{
		Source: source, Reason: "CountersUnavailable", Status: http.StatusServiceUnavailable, Public: true, Cause: cause,
		Message: fmt.Sprintf("Calls cannot be counted at the moment. Try again in %d seconds.", seconds),
	}
}

// limitNames say where a rate limit tells what is left of it.
type limitNames struct {
	RetryAfterHeader   string `attr:"retry-after-header-name"`
	RetryAfterVariable string `attr:"retry-after-variable-name"`
	RemainingHeader    string `attr:"remaining-calls-header-name"`
	RemainingVariable  string `attr:"remaining-calls-variable-name"`
	TotalHeader        string `attr:"total-calls-header-name"`
}

// tell sets the headers and variables after each look at the limit; those of
// the time to wait only when it is exceeded.
func (n *limitNames) tell(x *policy.Exchange, s policy.Spent, calls int) {
	noteLimit(x, int64(s.Remaining), int64(calls), s.RetryAfter)
	setNumber(x, n.RemainingHeader, n.RemainingVariable, int64(s.Remaining))
	setNumber(x, n.TotalHeader, "", int64(calls))
	if s.Exceeded {
		setNumber(x, n.RetryAfterHeader, n.RetryAfterVariable, wholeSeconds(s.RetryAfter))
	}
}

// noteLimit tells a trace what is left of a limit; a total of 0 is none.
func noteLimit(x *policy.Exchange, left, total int64, wait time.Duration) {
	if x.Tracer == nil || total <= 0 {
		return
	}
	text := fmt.Sprintf("%d of %d left", max(left, 0), total)
	if wait > 0 {
		text += fmt.Sprintf(", the next in %d s", wholeSeconds(wait))
	}
	x.Note(policy.NoteLimit, "calls", text)
}

// setNumber sets a header of the response and a variable, each unless it has no
// name.
func setNumber(x *policy.Exchange, header, variable string, n int64) {
	if header != "" {
		x.SetResponseHeader(header, strconv.FormatInt(n, 10))
	}
	if variable != "" {
		x.SetVariable(variable, int32(min(max(n, math.MinInt32), math.MaxInt32)))
	}
}

// wholeSeconds is a time to wait in seconds, at least 1, after which it has
// passed.
func wholeSeconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

// rateLimitExceeded is the refusal of a source.
func rateLimitExceeded(source string, s policy.Spent) *policy.Error {
	return policy.NewError(source, policy.ReasonRateLimitExceeded, wholeSeconds(s.RetryAfter))
}

// mcpMethods are JSON-RPC methods to which a limit is confined; none are all.
type mcpMethods struct {
	Written string `attr:"mcp-methods"`

	names []string
}

func (m *mcpMethods) prepare() {
	m.names = strings.FieldsFunc(m.Written, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' })
}

// leaveOut tells whether a call is an MCP message of another method.
func (m *mcpMethods) leaveOut(x *policy.Exchange) bool {
	return len(m.names) > 0 && x.Mcp != nil && !slices.Contains(m.names, x.Mcp.Method)
}

// increment says whether and by how much a call counts.
type increment struct {
	Condition policy.Value[bool] `attr:"increment-condition"`
	Count     policy.Value[int]  `attr:"increment-count"`

	late bool // it is known only when the response is there
}

func (i *increment) prepare(c *policy.Compilation) {
	_, countKnown := i.Count.Literal()
	_, conditionKnown := i.Condition.Literal()
	if i.late = !countKnown || i.Condition.IsSet() && !conditionKnown; !i.late {
		return
	}
	c.NeedsResponse()
	if i.Condition.Reads().Request || i.Count.Reads().Request {
		c.HoldRequest()
	}
}

// follow keeps the body of the response until the end, when it is read then.
func (i *increment) follow(x *policy.Exchange) {
	if i.Condition.Reads().Response || i.Count.Reads().Response {
		x.OnResponse(func(context.Context) error {
			if err := (policy.Message{Response: x.Response}).Body().Hold(); err != nil {
				return policy.BodyError("forward-request", err)
			}
			return nil
		})
	}
}

// amount is by how much the call counts. One whose expressions fail counts:
// nobody gets around a limit by making them fail.
func (i *increment) amount(x *policy.Exchange) int {
	if counts, err := i.Condition.Get(x); i.Condition.IsSet() && err == nil && !counts {
		return 0
	}
	n, err := i.Count.Get(x)
	if err != nil {
		return 1
	}
	return n
}

// quotaUse counts one call against a quota.
type quotaUse struct {
	source string
	quotas policy.Quotas
	key    string
	quota  policy.Quota
}

// begin refuses the call when the quota is exhausted, and counts calls
// otherwise. Of policies with one counter, the first one that sees a call
// counts it; the others only compare with their own limits.
func (u *quotaUse) begin(ctx context.Context, x *policy.Exchange, calls int) (first bool, err error) {
	counter := quotaUse{key: u.key, quota: policy.Quota{Period: u.quota.Period, Start: u.quota.Start}}
	if first = x.Kept(counter) == nil; !first {
		calls = 0
	}
	s, err := u.quotas.Use(ctx, u.key, u.quota, policy.Usage{Calls: int64(calls)}, false)
	if err != nil {
		return false, countingError(x, u.source, u.key, err)
	}
	x.Keep(counter, true)
	noteLimit(x, s.Remaining.Calls, u.quota.Calls, 0)
	if s.BytesExceeded {
		return false, u.exceeded(x, "bandwidth", s)
	}
	if s.CallsExceeded && (first || s.Remaining.Calls < 0) {
		return false, u.exceeded(x, "call volume", s)
	}
	return first, nil
}

// exceeded is the refusal for a part of the quota.
func (u *quotaUse) exceeded(x *policy.Exchange, part string, s policy.QuotaState) *policy.Error {
	if s.Renewal <= 0 {
		e := policy.NewError(u.source, policy.ReasonQuotaExceeded)
		e.Message = "Out of " + part + " quota."
		return e
	}
	seconds := wholeSeconds(s.Renewal)
	x.SetResponseHeader("Retry-After", strconv.FormatInt(seconds, 10))
	left := expr.TimeSpanOf(time.Duration(seconds) * time.Second)
	return policy.NewError(u.source, policy.ReasonQuotaExceeded, part, left.String())
}

// later adds what is known at the end only.
func (u *quotaUse) later(ctx context.Context, use policy.Usage) {
	if use != (policy.Usage{}) {
		_, _ = u.quotas.Use(ctx, u.key, u.quota, use, true) // the call is answered already
	}
}

// transferred counts the bytes of the bodies of a call: what the client sent and
// what it got.
type transferred struct{ request func() int64 }

// measure begins to count. The Compilation must know by NeedsResponse.
func measure(x *policy.Exchange) transferred {
	body := policy.Message{Request: x.Request}.Body()
	size := body.Len()
	t := transferred{request: func() int64 { return size }}
	if size < 0 {
		body.Watch(func([]byte, bool) {})
		t.request = body.Passed
	}
	x.OnResponse(func(context.Context) error {
		policy.Message{Response: x.Response}.Body().Watch(func([]byte, bool) {})
		return nil
	})
	return t
}

// bytes is the count when the response was sent.
func (t transferred) bytes(x *policy.Exchange) int64 {
	n := t.request()
	if x.Response != nil {
		n += policy.Message{Response: x.Response}.Body().Passed()
	}
	return n
}
