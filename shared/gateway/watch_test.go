package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
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

// testIdentity has tokens that say what they are for.
type testIdentity struct{}

func (testIdentity) Token(_ context.Context, resource, _ string) (string, error) {
	return "a token for " + resource, nil
}

func TestOpenTelemetry(t *testing.T) {
	var got http.Header
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer collector.Close()
	settings := config.DefaultTelemetry()
	settings.ManagedIdentity, settings.Endpoints.Traces = true, collector.URL
	s := &snapshot.Snapshot{Manifest: snapshot.Manifest{Name: "contoso", Telemetry: &settings}}
	if _, err := OpenTelemetry(s, TelemetryOptions{}); err == nil || !strings.Contains(err.Error(), "headers") {
		t.Errorf("without an identity: got %v, want what to do", err)
	}
	r, err := OpenTelemetry(s, TelemetryOptions{Identity: testIdentity{}, Interval: -1})
	if err != nil {
		t.Fatal(err)
	}
	c := &telemetry.Call{}
	r.Begin(c, telemetry.Beginning{Start: r.Now(), Ratio: 1})
	c.End(r.Now(), func() []telemetry.Attr { return nil })
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "Bearer a token for https://monitor.azure.com"; got.Get("Authorization") != want {
		t.Errorf("got %q, want %q", got.Get("Authorization"), want)
	}
	// The environment turns it off, and on where the file says nothing.
	for _, e := range []struct {
		said *config.Telemetry
		env  map[string]string
		want bool
	}{
		{&settings, map[string]string{"OTEL_SDK_DISABLED": "true"}, false},
		{nil, nil, false},
		{nil, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}, true},
	} {
		s.Telemetry = e.said
		r, err := OpenTelemetry(s, TelemetryOptions{Environment: func(name string) (string, bool) { v, ok := e.env[name]; return v, ok }})
		if err != nil || (r != nil) != e.want {
			t.Errorf("%v: got %v, %v", e.env, r, err)
		}
		r.CloseWithin(time.Second)
	}
	if _, err := OpenTelemetry(s, TelemetryOptions{Environment: func(string) (string, bool) { return "collector:4317", true }}); err == nil {
		t.Error("got no error for what is no URL")
	}
}
