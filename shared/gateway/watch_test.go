package gateway

import (
	"context"
	"errors"
	"testing"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/state"
	"toolgate/shared/telemetry"
)

func TestErrorType(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{policy.NewError("forward-request", policy.ReasonTimeout), string(policy.ReasonTimeout)},
		{&backend.Error{Reason: backend.Unreachable, Err: errors.New("hunter2")}, "unreachable"},
		{mcp.Errorf(mcp.CodeInvalidParams, "x"), "-32602"},
		{context.Canceled, "cancelled"},
		{context.DeadlineExceeded, "timeout"},
		{errors.New("hunter2"), "_OTHER"},
	} {
		if got := errorType(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestOverheard(t *testing.T) {
	const head = `{"jsonrpc":"2.0","id":1,`
	for _, c := range []struct {
		name   string
		pieces []string
		stream bool
		failed bool
		code   string
	}{
		{"isError false", []string{head + `"result":{"isError":false}}`}, false, false, ""},
		{"isError in a text", []string{head + `"result":{"content":[{"type":"text","text":"\"isError\":true"}]}}`}, false, false, ""},
		{"in two pieces", []string{head + `"result":{"content":[`, `],"isError":true}}`}, false, true, ""},
		{"cut off", []string{head + `"result":{"isError":true`}, false, true, ""},
		{"error without a code", []string{head + `"error":{}}`}, false, true, ""},
		{"events", []string{"data: " + head + `"result":{}}` + "\n\n", "data:" + head + `"error":{"code":-1}}` + "\n\n"}, true, true, "-1"},
		{"no JSON", []string{`"error" and "isError"`}, false, false, ""},
	} {
		o := &overheard{}
		for _, p := range c.pieces {
			o.look([]byte(p), c.stream)
		}
		if o.failed != c.failed || o.code != c.code {
			t.Errorf("%s: got %v, %q, want %v, %q", c.name, o.failed, o.code, c.failed, c.code)
		}
	}
}

// busyStore does not answer.
type busyStore struct{ state.Store }

func (busyStore) Get(context.Context, state.Key) (state.Record, error) {
	return state.Record{}, state.ErrBusy
}

// Operations count for the call whose context they have, and only those that the
// store did not answer are failures.
func TestStoreUse(t *testing.T) {
	r := telemetry.New(telemetry.Options{Interval: -1})
	c := &observation{}
	r.Begin(&c.Call, telemetry.Beginning{})
	c.watcher = watcher{tracing: c, span: c.Root()}
	ctx := backend.WithObserver(t.Context(), &c.watcher)
	s := ObserveStore(&state.Memory{}, r)
	key := state.Key{Space: "rate", ID: "a"}
	if _, err := s.Get(ctx, key); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Put(ctx, key, state.Record{}); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), key, state.AnyVersion); err != nil { // of nobody's call
		t.Error(err)
	}
	_, _ = ObserveStore(busyStore{}, r).Get(ctx, key)
	if n, failed := c.store.operations.Load(), c.store.failures.Load(); n != 3 || failed != 1 {
		t.Errorf("got %d operations, %d of them failed; want 3, 1", n, failed)
	}
	if s := ObserveStore(nil, r); s != nil {
		t.Errorf("got %v of no store", s)
	}
}
