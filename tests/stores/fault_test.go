package stores_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/statetest"
)

const (
	// shortly is the time limit of operations that get no answer.
	shortly = 400 * time.Millisecond
	// margin is what the machine may add to a limit; an SDK that tried again would
	// take longer.
	margin = 2 * time.Second
)

// busyFault is one reason for a store to be busy.
type busyFault struct {
	name    string
	fault   fault
	applied bool // the service has served the request
}

// busy are the faults that a store reports as state.ErrBusy.
var busy = []busyFault{
	{name: "503 ServerBusy", fault: answers(503, 0, `{"odata.error":{"code":"ServerBusy","message":{"lang":"en-US","value":"The server is busy."}}}`)},
	{name: "503 with Retry-After", fault: answers(503, 30, "")},
	{name: "429", fault: answers(429, 0, "")},
	{name: "429 with Retry-After", fault: answers(429, 1, "")},
	{name: "408", fault: answers(408, 0, "")},
	{name: "502 of something in between", fault: answers(502, 0, "<html>Bad Gateway</html>")},
	{name: "500 OperationTimedOut", fault: answers(500, 0, `{"odata.error":{"code":"OperationTimedOut","message":{"lang":"en-US","value":"The operation could not be completed within the permitted time."}}}`)},
	{name: "silence", fault: silent},
	{name: "answer too late", fault: late, applied: true},
	{name: "reset before", fault: resetBefore},
	{name: "reset after", fault: resetAfter, applied: true},
}

// dynamoBusy are those of DynamoDB, which says most things with status 400.
func dynamoBusy(code string) fault {
	return answers(http.StatusBadRequest, 0, `{"__type":"com.amazonaws.dynamodb.v20120810#`+code+`","message":"later"}`)
}

var dynamoBusyFaults = []busyFault{
	{name: "ProvisionedThroughputExceeded", fault: dynamoBusy("ProvisionedThroughputExceededException")},
	{name: "Throttling", fault: dynamoBusy("ThrottlingException")},
	{name: "RequestLimitExceeded", fault: dynamoBusy("RequestLimitExceeded")},
}

// bench is a store behind a proxy, with a row to work on.
type bench struct {
	proxy   *proxy
	store   state.Store // through the proxy
	direct  state.Store
	key     state.Key
	version string
}

// prepare opens a store with this limit that has been answered once: the limit
// holds, and there is a connection.
func (s service) prepare(t testing.TB, timeout time.Duration) *bench {
	t.Helper()
	b := &bench{proxy: newProxy(t, s.address(t)), key: statetest.NewKey("rate")}
	table := s.newTable(t)
	b.direct = s.open(t, s.address(t), table, patience)
	t.Cleanup(func() { b.direct.Close() })
	var err error
	if b.version, err = b.direct.Put(t.Context(), b.key, state.Record{Data: []byte("one")}); err != nil {
		t.Fatal(err)
	}
	b.store = s.open(t, b.proxy.address, table, timeout)
	t.Cleanup(func() { b.store.Close() })
	if _, err := b.store.Get(t.Context(), b.key); err != nil {
		t.Fatal(err)
	}
	return b
}

// operation is one call of a store.
type operation struct {
	name string
	run  func(context.Context, *bench) error
	// happened reports whether the operation was applied, from what a read of the
	// row then says; nil for one that writes nothing.
	happened func(record state.Record, err error) bool
}

// operations are what a fault is put in the way of.
var operations = []operation{
	{"get", func(ctx context.Context, b *bench) error {
		_, err := b.store.Get(ctx, b.key)
		return err
	}, nil},
	{"create", func(ctx context.Context, b *bench) error {
		b.key = statetest.NewKey("rate")
		_, err := b.store.Put(ctx, b.key, state.Record{Data: []byte("new")})
		return err
	}, func(_ state.Record, err error) bool { return err == nil }},
	{"replace", func(ctx context.Context, b *bench) error {
		_, err := b.store.Put(ctx, b.key, state.Record{Data: []byte("new"), Version: b.version})
		return err
	}, func(r state.Record, _ error) bool { return string(r.Data) == "new" }},
	{"write in any case", func(ctx context.Context, b *bench) error {
		_, err := b.store.Put(ctx, b.key, state.Record{Data: []byte("new"), Version: state.AnyVersion})
		return err
	}, func(r state.Record, _ error) bool { return string(r.Data) == "new" }},
	{"delete", func(ctx context.Context, b *bench) error {
		return b.store.Delete(ctx, b.key, b.version)
	}, func(_ state.Record, err error) bool { return errors.Is(err, state.ErrNotFound) }},
}

// TestBusy: whatever keeps the service from answering is ErrBusy, soon, after one
// request; and what became of a write is as unknown as the contract says.
func TestBusy(t *testing.T) {
	for _, s := range services {
		faults := busy
		if s.name == "dynamodb" {
			faults = slices.Concat(busy, dynamoBusyFaults)
		}
		for _, f := range faults {
			for _, o := range operations {
				t.Run(s.name+"/"+f.name+"/"+o.name, func(t *testing.T) {
					t.Parallel()
					testBusy(t, s, f, o)
				})
			}
		}
	}
}

func testBusy(t *testing.T, s service, f busyFault, o operation) {
	b := s.prepare(t, shortly)
	b.proxy.fault.Store(&f.fault)
	var err error
	start := time.Now()
	requests := b.proxy.counted(func() { err = o.run(t.Context(), b) })
	took := time.Since(start)
	b.proxy.settle()
	if !errors.Is(err, state.ErrBusy) || errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrNotFound) {
		t.Errorf("got %v, want %v", err, state.ErrBusy)
	}
	if took > shortly+margin {
		t.Errorf("it took %v, want %v at most", took, shortly)
	}
	most := int64(1)
	if o.happened == nil && s.name == "aztables" {
		most = 2 // net/http sends a GET once more when a connection that it kept is broken
	}
	if requests < 1 || requests > most {
		t.Errorf("it made %d requests, want %d", requests, most)
	}
	if o.happened == nil {
		return
	}
	if got := o.happened(b.direct.Get(t.Context(), b.key)); got != f.applied {
		t.Errorf("the write was applied: got %v, want %v", got, f.applied)
	}
}

// TestCutOff: half an answer to a read is no answer.
func TestCutOff(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			b := s.prepare(t, patience)
			cut := fault(cutOff)
			b.proxy.fault.Store(&cut)
			if r, err := b.store.Get(t.Context(), b.key); !errors.Is(err, state.ErrBusy) {
				t.Errorf("got %+v and error %v, want %v", r, err, state.ErrBusy)
			}
		})
	}
}

// TestFirstAnswer: a cold instance waits longer for the first answer than for the
// next ones.
func TestFirstAnswer(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			p, table, key := newProxy(t, s.address(t)), s.newTable(t), statetest.NewKey("rate")
			store := s.open(t, p.address, table, time.Nanosecond)
			defer store.Close()
			if _, err := store.Get(t.Context(), key); !errors.Is(err, state.ErrNotFound) {
				t.Errorf("the first read: got %v, want %v", err, state.ErrNotFound)
			}
			if _, err := store.Get(t.Context(), key); !errors.Is(err, state.ErrBusy) {
				t.Errorf("the second read: got %v, want %v", err, state.ErrBusy)
			}
		})
	}
}

// TestCallerGivesUp: a caller's own limit is a store that did not answer, and a
// call that nobody wants any more is not.
func TestCallerGivesUp(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			b := s.prepare(t, patience)
			silence := fault(silent)
			b.proxy.fault.Store(&silence)
			limited, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer stop()
			if _, err := b.store.Get(limited, b.key); !errors.Is(err, state.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a limit: got %v, want %v", err, state.ErrBusy)
			}
			canceled, cancel := context.WithCancel(t.Context())
			gone := fault(func(t testing.TB, w http.ResponseWriter, r *http.Request, forward http.HandlerFunc) {
				cancel()
				silent(t, w, r, forward)
			})
			b.proxy.fault.Store(&gone)
			if _, err := b.store.Put(canceled, b.key, state.Record{Version: state.AnyVersion}); !errors.Is(err, context.Canceled) || errors.Is(err, state.ErrBusy) {
				t.Errorf("given up: got %v, want %v", err, context.Canceled)
			}
		})
	}
}

// TestUnreachable: nobody listens there.
func TestUnreachable(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			store := s.open(t, "127.0.0.1:1", "nobody", shortly)
			defer store.Close()
			if _, err := store.Get(t.Context(), statetest.NewKey("rate")); !errors.Is(err, state.ErrBusy) {
				t.Errorf("got %v, want %v", err, state.ErrBusy)
			}
		})
	}
}

// TestRefused: what waiting does not mend is not busy.
func TestRefused(t *testing.T) {
	refusals := map[string]fault{
		"aztables": answers(http.StatusForbidden, 0, `{"odata.error":{"code":"AuthorizationPermissionMismatch","message":{"lang":"en-US","value":"no"}}}`),
		"dynamodb": dynamoBusy("AccessDeniedException"),
	}
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			b, f := s.prepare(t, patience), refusals[s.name]
			b.proxy.fault.Store(&f)
			for _, o := range operations {
				err := o.run(t.Context(), b)
				if err == nil || !strings.Contains(err.Error(), "give the ") {
					t.Errorf("%s: got %v, want an error that says what to give", o.name, err)
				}
				for _, not := range []error{state.ErrBusy, state.ErrConflict, state.ErrNotFound} {
					if errors.Is(err, not) {
						t.Errorf("%s: got %v, want another error than %v", o.name, err, not)
					}
				}
			}
		})
	}
}

// TestRequests: each operation is one request, in the state that instances run in.
func TestRequests(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			b := s.prepare(t, patience)
			for _, o := range operations {
				var err error
				requests := b.proxy.counted(func() { err = o.run(t.Context(), b) })
				if err != nil && !errors.Is(err, state.ErrConflict) {
					t.Errorf("%s: got %v, want no error", o.name, err)
				}
				if requests != 1 {
					t.Errorf("%s: it made %d requests, want 1", o.name, requests)
				}
			}
		})
	}
}

// BenchmarkOperations counts the requests of each operation and times them in front
// of the server of the tests, which is not the service.
func BenchmarkOperations(b *testing.B) {
	for _, s := range services {
		setup := s.prepare(b, patience)
		store, key := setup.store, statetest.NewKey("rate")
		version, err := store.Put(b.Context(), key, state.Record{Data: make([]byte, 400)})
		if err != nil {
			b.Fatal(err)
		}
		for name, run := range map[string]func() error{
			"get": func() error {
				_, err := store.Get(b.Context(), key)
				return err
			},
			"put": func() (err error) {
				version, err = store.Put(b.Context(), key, state.Record{Data: make([]byte, 400), Version: version})
				return err
			},
		} {
			b.Run(s.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				requests := setup.proxy.counted(func() {
					for b.Loop() {
						if err := run(); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.ReportMetric(float64(requests)/float64(b.N), "requests/op")
			})
		}
	}
}
