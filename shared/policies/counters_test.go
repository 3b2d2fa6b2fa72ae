package policies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/memory"
	"toolgate/shared/policy"
)

// unanswered is a store of counters that does not answer, and notes what it was
// to do then.
type unanswered struct {
	rate, quota policy.StoreFailure
	err         error
}

func (u *unanswered) Take(_ context.Context, _ string, l policy.Limit, _ int) (policy.Spent, error) {
	u.rate = l.OnStoreFailure
	return policy.Spent{}, u.err
}

func (u *unanswered) Add(ctx context.Context, key string, l policy.Limit, cost int) (policy.Spent, error) {
	return u.Take(ctx, key, l, cost)
}

func (u *unanswered) Use(_ context.Context, _ string, q policy.Quota, _ policy.Usage, _ bool) (policy.QuotaState, error) {
	u.quota = q.OnStoreFailure
	return policy.QuotaState{Remaining: policy.Usage{Calls: q.Calls}}, u.err
}

func TestOnStoreFailure(t *testing.T) {
	const byKind, allow, refuse = policy.UncountedByKind, policy.AllowUncounted, policy.RefuseUncounted
	for _, tt := range []struct {
		element     string
		rate, quota policy.StoreFailure
	}{
		{`<rate-limit calls="1" renewal-period="60"%s />`, allow, byKind},
		{`<rate-limit calls="1" renewal-period="60" on-store-failure="Refuse"%s />`, refuse, byKind},
		{`<rate-limit-by-key calls="1" renewal-period="60" counter-key="a"%s />`, allow, byKind},
		{`<rate-limit-by-key calls="1" renewal-period="60" counter-key="a" on-store-failure="refuse"%s />`, refuse, byKind},
		{`<quota-by-key calls="1" renewal-period="300" counter-key="a"%s />`, byKind, refuse},
		{`<quota-by-key calls="1" renewal-period="300" counter-key="a" on-store-failure="allow"%s />`, byKind, allow},
		{`<budget amount="1" currency="EUR" renewal-period="60" price-per-call="0.1" counter-key="a"%s />`, byKind, refuse},
		{`<budget amount="1" currency="EUR" renewal-period="60" price-per-call="0.1" counter-key="a" on-store-failure="allow"%s />`, byKind, allow},
		{`<llm-token-limit tokens-per-minute="1" token-quota="5" token-quota-period="Daily" estimate-prompt-tokens="false" counter-key="a"%s />`, byKind, byKind},
		{`<llm-token-limit tokens-per-minute="1" token-quota="5" token-quota-period="Daily" estimate-prompt-tokens="false" counter-key="a" on-store-failure="refuse"%s />`, refuse, refuse},
	} {
		t.Run(tt.element, func(t *testing.T) {
			u := &unanswered{}
			x := callOf(http.MethodPost, nil)
			x.Subscription = &expr.Subscription{ID: "s"}
			p := pipelineOf(t, fmt.Sprintf(tt.element, ""), &policy.Services{Limiter: u, Quotas: u, Reserves: memory.New(memory.Options{})})
			p.Run(t.Context(), x)
			if x.Failure != nil {
				t.Fatalf("the call failed: %v", x.Failure)
			}
			if u.rate != tt.rate || u.quota != tt.quota {
				t.Errorf("got %v for the rate and %v for the quota, want %v and %v", u.rate, u.quota, tt.rate, tt.quota)
			}
			u.err = &policy.UncountedError{RetryAfter: 1500 * time.Millisecond}
			x = callOf(http.MethodPost, nil)
			x.Subscription = &expr.Subscription{ID: "s"}
			p.Run(t.Context(), x)
			if x.Failure == nil || x.Failure.Status != http.StatusServiceUnavailable || x.Failure.Message != "Calls cannot be counted at the moment. Try again in 2 seconds." {
				t.Errorf("the failure is %v, want 503", x.Failure)
			}
			if !errors.Is(x.Failure, u.err) {
				t.Errorf("the failure %v has lost its cause", x.Failure)
			}
		})
	}
}
