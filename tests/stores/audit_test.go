package stores_test

import (
	"context"
	"testing"
	"time"

	"toolgate/shared/audit"
	"toolgate/shared/state"
)

// TestAudit: whichever answers of a store are lost, each call is recorded once and the
// chain is whole.
func TestAudit(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.prepare(t, shortly)
			trail := audit.New(audit.Options{Store: b.store, Retention: 24 * time.Hour})
			calls := 0
			for _, f := range busy {
				b.proxy.fault.Store(&f.fault)
				for range 3 {
					trail.Add(time.Now(), audit.Call{Tool: f.name, Decision: audit.Allowed}, []byte(`{"a":1}`))
					calls++
				}
				if err := trail.Flush(t.Context()); err == nil {
					t.Errorf("%s: the store has answered", f.name)
				}
				b.proxy.settle()
				b.proxy.fault.Store(nil)
				flush(t, trail)
			}
			if err := trail.Close(t.Context()); err != nil {
				t.Error(err)
			}
			contents := readAudit(t, b.direct)
			if got := len(contents.Calls()); got != calls {
				t.Errorf("got %d calls, want %d", got, calls)
			}
			for _, r := range contents.Verify(audit.VerifyOptions{Now: time.Now()}) {
				if len(r.Faults) > 0 || !r.Ended || r.Lost > 0 {
					t.Errorf("got %+v, want a whole chain that is ended", r)
				}
			}
		})
	}
}

// flush writes what waits, once the store answers.
func flush(t *testing.T, trail *audit.Trail) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := trail.Flush(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the store does not answer again: %v", err)
		}
	}
}

func readAudit(t *testing.T, store state.Store) *audit.Contents {
	t.Helper()
	contents, err := audit.Read(t.Context(), store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return contents
}
