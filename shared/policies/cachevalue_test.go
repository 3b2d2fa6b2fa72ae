package policies

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/cache"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// slow is a policy that takes a second to set the variable v.
type slow struct{ runs *atomic.Int32 }

func (p *slow) Apply(_ context.Context, x *policy.Exchange) error {
	time.Sleep(time.Second)
	x.SetVariable("v", p.runs.Add(1))
	return nil
}

// cacheValueOf is a pipeline with a cache-value around a slow policy.
func cacheValueOf(t *testing.T, runs *atomic.Int32) *policy.Pipeline {
	t.Helper()
	registry := Registry()
	registry["trace"] = func() policy.Statement { return &slow{runs} }
	const document = `<policies><inbound><cache-value key="k" variable-name="v" expires-after="60" refresh-after="30">
	<value><trace source="slow"><message>m</message></trace></value></cache-value></inbound></policies>`
	return compile(t, document, registry, &policy.Services{Cache: cache.New(cache.Options{})})
}

// compile makes a pipeline of a document of an API.
func compile(t *testing.T, document string, registry policy.Registry, services *policy.Services) *policy.Pipeline {
	t.Helper()
	d, faults := policy.Parse("policy.xml", []byte(document), policy.ParseOptions{})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	effective, faults := policy.Compose([]policy.Layer{{Document: d, Scope: policy.ScopeAPI}}, nil)
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	p, faults := policy.Compile(effective, policy.CompileOptions{Policies: registry, Services: services})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Of calls at the same time, one computes the value; while one computes it anew,
// the others go on with the old one.
func TestCacheValueComputesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		p := cacheValueOf(t, &runs)
		call := func() any {
			x := &policy.Exchange{}
			x.Request = &expr.Request{Method: http.MethodGet, Headers: http.Header{}}
			p.Run(t.Context(), x)
			v, _ := x.Variable("v")
			return v
		}
		together := func() map[any]int {
			var mu sync.Mutex
			var all sync.WaitGroup
			got := map[any]int{}
			for range 10 {
				all.Go(func() {
					v := call()
					mu.Lock()
					defer mu.Unlock()
					got[v]++
				})
			}
			all.Wait()
			return got
		}
		start := time.Now()
		if got, want := together(), map[any]int{int32(1): 10}; !reflect.DeepEqual(got, want) {
			t.Errorf("at first: got %v, want %v", got, want)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the first value took %v, want one second", took)
		}
		time.Sleep(30 * time.Second)
		if got, want := together(), map[any]int{int32(1): 9, int32(2): 1}; !reflect.DeepEqual(got, want) {
			t.Errorf("at the refresh: got %v, want %v", got, want)
		}
		if got := runs.Load(); got != 2 {
			t.Errorf("the value was computed %d times, want twice", got)
		}
	})
}

func TestCachedResponse(t *testing.T) {
	r := &cachedResponse{
		expires: time.Unix(1_800_000_000, 0), status: 203, reason: "Some",
		header: http.Header{"A": {"1", "2"}, "B": {""}, "Set-Cookie": {"x"}}, body: []byte("body"),
	}
	got, err := decodeResponse(r.encode())
	delete(r.header, "Set-Cookie")
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v, want %+v", got, err, r)
	}
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add((&cachedResponse{status: 200, header: http.Header{"A": {"1"}}, body: []byte("x")}).encode())
	f.Add([]byte{1, 0, 0xc8, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeResponse(b); err == nil && !bytes.HasSuffix(b, r.body) {
			t.Errorf("the body %q is not the end of %q", r.body, b)
		}
	})
}

func TestCacheKey(t *testing.T) {
	if cacheKey("k", "ab", "c") == cacheKey("k", "a", "bc") {
		t.Error("parts that are cut elsewhere have the same key")
	}
}
