package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestNewError(t *testing.T) {
	for _, c := range []struct {
		source    string
		reason    Reason
		arguments []any
		status    int
		want      string
	}{
		{"rate-limit-by-key", ReasonRateLimitExceeded, []any{10}, 429, "rate-limit-by-key: RateLimitExceeded: Rate limit is exceeded. Try again in 10 seconds."},
		{"quota", ReasonQuotaExceeded, []any{"call volume", "00:01:02"}, 403, "quota: QuotaExceeded: Out of call volume quota. Quota will be replenished in 00:01:02."},
		{"send-request", ReasonBackendConnectionFailure, nil, 500, "send-request: BackendConnectionFailure: The connection to the backend could not be made or was aborted."},
		{"validate-azure-ad-token", ReasonTokenNotPresent, nil, 401, "validate-azure-ad-token: TokenNotPresent: JWT not present."},
		{"ip-filter", ReasonRateLimitExceeded, nil, 500, "ip-filter: RateLimitExceeded: Internal server error"},
	} {
		e := NewError(c.source, c.reason, c.arguments...)
		if e.Error() != c.want || e.Status != c.status {
			t.Errorf("got %d %s, want %d %s", e.Status, e, c.status, c.want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	for cause, want := range map[error]string{
		context.Canceled:         "499 retry: ClientConnectionFailure: The client closed the connection.: context canceled",
		context.DeadlineExceeded: "500 retry: Timeout: The gateway has no answer in the time that its platform gives a call.: context deadline exceeded",
	} {
		ctx, end := context.WithCancelCause(t.Context())
		end(cause)
		if e := Interrupted(ctx, "retry"); fmt.Sprint(e.Status, " ", e) != want {
			t.Errorf("got %d %s, want %s", e.Status, e, want)
		}
	}
}

func TestFailures(t *testing.T) {
	for _, f := range Failures() {
		sources := f.Sources
		if sources == nil {
			sources = []string{"forward-request"}
		}
		for _, source := range sources {
			arguments := make([]any, strings.Count(f.Message, "%"))
			for i := range arguments {
				arguments[i] = 1
				if strings.Contains(f.Message, "%s") {
					arguments[i] = "x"
				}
			}
			e := NewError(source, f.Reason, arguments...)
			if strings.Contains(e.Message, "%") || e.Status != f.Status {
				t.Errorf("%s %s: got %d %q", source, f.Reason, e.Status, e.Message)
			}
			if source != "configuration" && source != "authorization" && !slices.Contains(Vocabulary().names, source) {
				t.Errorf("%s: the source %s is no policy", f.Reason, source)
			}
		}
	}
}

func TestErrorAt(t *testing.T) {
	inner := &Element{ID: "i", Scope: ScopeAPI, Section: Inbound, Path: "choose[1]/when[1]/trace[1]"}
	outer := &Element{Scope: ScopeAPI, Section: Inbound, Path: "choose[1]"}
	e := NewError("trace", ReasonExpressionValueEvaluationFailure, "x")
	e.Cause = io.EOF
	placed := e.At(inner).At(outer)
	if placed.PolicyID != "i" || placed.Path != inner.Path || placed.Scope != ScopeAPI || placed.Section != Inbound {
		t.Errorf("got %+v, want the place of the inner policy", placed)
	}
	if e.Path != "" {
		t.Error("the error itself was changed")
	}
	if !errors.Is(placed, io.EOF) || !strings.HasSuffix(placed.Error(), ": EOF") {
		t.Errorf("got %v, want its cause told", placed)
	}
}
