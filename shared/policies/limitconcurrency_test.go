package policies

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// entered counts who is inside.
type entered struct {
	inside int
	err    error
}

func (e *entered) Enter(context.Context, string, int) (func(), error) {
	if e.err != nil {
		return nil, e.err
	}
	e.inside++
	return func() { e.inside-- }, nil
}

// Whoever has entered leaves, also when what is inside panics.
func TestLimitConcurrencyLeaves(t *testing.T) {
	count := &entered{}
	during := 0
	p := pipelineOf(t, `<limit-concurrency key="k" max-count="1">
		<send-request mode="new" response-variable-name="a"><set-url>https://a.test/</set-url></send-request>
	</limit-concurrency>`, &policy.Services{Concurrency: count, Sender: senderFunc(func(context.Context, *policy.Outgoing) (*expr.Response, error) {
		during = count.inside
		panic("broken")
	})})
	func() {
		defer func() { _ = recover() }()
		p.Run(t.Context(), callOf(http.MethodGet, nil))
	}()
	if during != 1 || count.inside != 0 {
		t.Errorf("%d were inside and %d are left, want 1 and 0", during, count.inside)
	}
}

func TestLimitConcurrencyWithoutCount(t *testing.T) {
	down := errors.New("the store is down")
	p := pipelineOf(t, `<limit-concurrency key="secret" max-count="1"><trace source="t">x</trace></limit-concurrency>`,
		&policy.Services{Concurrency: &entered{err: down}, Sink: noSink{}})
	x := callOf(http.MethodGet, nil)
	p.Run(t.Context(), x)
	if x.Failure == nil || x.Failure.Status != http.StatusInternalServerError || !errors.Is(x.Failure, down) {
		t.Errorf("the failure is %v, want an internal one with its cause", x.Failure)
	}
}

// noSink takes no report.
type noSink struct{}

func (noSink) Trace(*policy.Exchange, policy.TraceRecord) {}
func (noSink) Metric(*policy.Exchange, policy.Metric)     {}
func (noSink) Event(*policy.Exchange, policy.Event)       {}
