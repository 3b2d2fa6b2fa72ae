package policies

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["llm-token-limit"] = func() policy.Statement { return &llmTokenLimit{} } }

// llmTokenLimit limits the tokens of language models for each counter-key, in a
// sliding minute (429 beyond that) and in a period of the calendar, in UTC (403).
// With estimate-prompt-tokens, a call is refused whose prompt would exceed the
// limit; the rest counts when the response was sent, so that one call may go
// beyond the limit. Tokens are those that the model reports, or estimated.
type llmTokenLimit struct {
	Key         policy.Value[string] `attr:"counter-key,required"`
	PerMinute   int                  `attr:"tokens-per-minute"`
	Quota       policy.Value[int]    `attr:"token-quota"`
	QuotaPeriod policy.Value[string] `attr:"token-quota-period"`
	Estimate    bool                 `attr:"estimate-prompt-tokens,required"`
	tokenNames
	storeFailure

	source   string
	services *policy.Services
}

// tokenNames say where a limit of tokens tells what is left of it.
type tokenNames struct {
	RetryAfterHeader       string `attr:"retry-after-header-name"`
	RetryAfterVariable     string `attr:"retry-after-variable-name"`
	RemainingQuotaHeader   string `attr:"remaining-quota-tokens-header-name"`
	RemainingQuotaVariable string `attr:"remaining-quota-tokens-variable-name"`
	RemainingHeader        string `attr:"remaining-tokens-header-name"`
	RemainingVariable      string `attr:"remaining-tokens-variable-name"`
	ConsumedHeader         string `attr:"tokens-consumed-header-name"`
	ConsumedVariable       string `attr:"tokens-consumed-variable-name"`
}

// late tells whether something of it is about the response.
func (n *tokenNames) late() bool {
	return n.RemainingQuotaHeader+n.RemainingQuotaVariable+n.RemainingHeader+n.RemainingVariable+n.ConsumedHeader+n.ConsumedVariable != ""
}

func (p *llmTokenLimit) Prepare(c *policy.Compilation) {
	p.source, p.services = c.Element.Name, c.Services
	if p.services.Limiter == nil || p.services.Quotas == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a store of counters", p.source)
	}
	if p.Quota.IsSet() && !p.QuotaPeriod.IsSet() {
		c.Fault(c.Element.At, `write token-quota-period="Daily"`, "token-quota needs token-quota-period")
	}
	c.ReadsBody()
	c.NeedsResponse()
}

// tokenCount counts the tokens of one call.
type tokenCount struct {
	*llmTokenLimit
	meter    *tokenMeter
	charged  int // of the prompt, before the call
	key      string
	quotaKey string
	quota    policy.Quota // Calls are tokens; 0: none
	settled  bool
}

func (p *llmTokenLimit) Apply(ctx context.Context, x *policy.Exchange) error {
	t := &tokenCount{llmTokenLimit: p}
	var err error
	if t.meter, err = meterOf(p.source, x); err != nil {
		return err
	}
	if p.Estimate {
		t.charged = t.meter.prompt
	}
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	t.key = "llm-token-limit " + key
	if p.Quota.IsSet() {
		if err := t.prepareQuota(x); err != nil {
			return err
		}
	}
	setNumber(x, "", p.ConsumedVariable, int64(t.charged))
	if err := t.charge(ctx, x); err != nil {
		return err
	}
	x.OnResponse(func(ctx context.Context) error { return t.came(ctx, x) })
	x.AtEnd(func(ctx context.Context) { t.settle(ctx, x, true) })
	return nil
}

func (t *tokenCount) prepareQuota(x *policy.Exchange) error {
	tokens, err := t.Quota.Get(x)
	if err != nil {
		return err
	}
	name, err := t.QuotaPeriod.Get(x)
	if err != nil {
		return err
	}
	start, length := calendarPeriod(name, t.services.Time().UTC())
	t.quota = policy.Quota{Calls: int64(tokens), Start: start, Period: length, OnStoreFailure: t.chosen()}
	t.quotaKey = t.key + " " + name
	if name == "Monthly" || name == "Yearly" { // of which no two have the same length
		t.quotaKey += start.Format(" 2006-01")
	}
	return nil
}

// calendarPeriod is the period of a time, by its start and its length. Those of
// one length all begin from one time, which is a Monday.
func calendarPeriod(name string, now time.Time) (start time.Time, length time.Duration) {
	switch name {
	case "Hourly":
		return time.Time{}, time.Hour
	case "Daily":
		return time.Time{}, 24 * time.Hour
	case "Weekly":
		return time.Time{}, 7 * 24 * time.Hour
	case "Monthly":
		start = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		return start, start.AddDate(0, 1, 0).Sub(start)
	default: // Yearly
		start = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		return start, start.AddDate(1, 0, 0).Sub(start)
	}
}

// perMinute is the limit of the minute.
func (p *llmTokenLimit) perMinute() policy.Limit {
	return policy.Limit{Calls: p.PerMinute, Period: time.Minute, OnStoreFailure: p.chosen()}
}

// charge counts the prompt, or refuses the call.
func (t *tokenCount) charge(ctx context.Context, x *policy.Exchange) error {
	if t.quota.Calls > 0 {
		s, err := t.services.Quotas.Use(ctx, t.quotaKey, t.quota, policy.Usage{}, false)
		if err != nil {
			return countingError(x, t.source, t.quotaKey, err)
		}
		if s.CallsExceeded || s.Remaining.Calls < int64(t.charged) {
			t.tellQuota(x, s)
			return t.quotaExceeded(x, s)
		}
	}
	if t.PerMinute > 0 {
		s, err := t.services.Limiter.Take(ctx, t.key, t.perMinute(), t.charged)
		if err != nil {
			return countingError(x, t.source, t.key, err)
		}
		setNumber(x, t.RemainingHeader, t.RemainingVariable, int64(s.Remaining))
		if s.Exceeded {
			return t.limitExceeded(x, s)
		}
	}
	if t.quota.Calls > 0 {
		s, err := t.services.Quotas.Use(ctx, t.quotaKey, t.quota, policy.Usage{Calls: int64(t.charged)}, true)
		if err != nil {
			return countingError(x, t.source, t.quotaKey, err)
		}
		t.tellQuota(x, s)
	}
	return nil
}

func (t *tokenCount) tellQuota(x *policy.Exchange, s policy.QuotaState) {
	setNumber(x, t.RemainingQuotaHeader, t.RemainingQuotaVariable, max(0, s.Remaining.Calls))
}

func (t *tokenCount) limitExceeded(x *policy.Exchange, s policy.Spent) error {
	seconds := wholeSeconds(s.RetryAfter)
	setNumber(x, t.RetryAfterHeader, t.RetryAfterVariable, seconds)
	return &policy.Error{
		Source: t.source, Reason: "TokenLimitExceeded", Status: http.StatusTooManyRequests,
		Message: fmt.Sprintf("Token limit is exceeded. Try again in %d seconds.", seconds),
	}
}

func (t *tokenCount) quotaExceeded(x *policy.Exchange, s policy.QuotaState) error {
	seconds := wholeSeconds(s.Renewal)
	setNumber(x, t.RetryAfterHeader, t.RetryAfterVariable, seconds)
	return &policy.Error{
		Source: t.source, Reason: "TokenQuotaExceeded", Status: http.StatusForbidden,
		Message: "Token quota is exceeded. Try again in " + inWords(seconds) + ".",
	}
}

// inWords is a time as people say it: 1 day, 2 hours, and 3 seconds.
func inWords(seconds int64) string {
	var parts []string
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"day", 24 * 3600}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		n := seconds / unit.seconds
		seconds %= unit.seconds
		switch {
		case n == 1:
			parts = append(parts, "1 "+unit.name)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	switch last := len(parts) - 1; {
	case last <= 0:
		return strings.Join(parts, "")
	case last == 1:
		return parts[0] + " and " + parts[1]
	default:
		return strings.Join(parts[:last], ", ") + ", and " + parts[last]
	}
}

// came settles the call before outbound when somebody wants to know what it
// used and the answer is no stream.
func (t *tokenCount) came(ctx context.Context, x *policy.Exchange) error {
	if !t.late() || !t.meter.measurable() {
		return nil
	}
	if err := (policy.Message{Response: x.Response}).Body().Hold(); err != nil {
		return policy.BodyError(t.source, err)
	}
	t.settle(ctx, x, false)
	return nil
}

// settle counts what was not charged before the call, and tells what is left
// unless the response was sent already. A counter that cannot be reached is no
// reason to withhold an answer.
func (t *tokenCount) settle(ctx context.Context, x *policy.Exchange, sent bool) {
	used, ok := t.meter.usage()
	if t.settled || !ok {
		return
	}
	t.settled = true
	rest := max(0, used.total-t.charged)
	var left policy.Spent
	var quota policy.QuotaState
	var err, quotaErr error
	if t.PerMinute > 0 {
		left, err = t.services.Limiter.Add(ctx, t.key, t.perMinute(), rest)
	}
	if t.quota.Calls > 0 {
		quota, quotaErr = t.services.Quotas.Use(ctx, t.quotaKey, t.quota, policy.Usage{Calls: int64(rest)}, true)
	}
	if sent {
		return
	}
	setNumber(x, t.ConsumedHeader, t.ConsumedVariable, int64(used.total))
	if t.PerMinute > 0 && err == nil {
		setNumber(x, t.RemainingHeader, t.RemainingVariable, int64(left.Remaining))
	}
	if t.quota.Calls > 0 && quotaErr == nil {
		t.tellQuota(x, quota)
	}
}
