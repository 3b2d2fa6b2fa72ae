package policies

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"toolgate/shared/cache"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// A response that is on its way is kept when all of it has passed, and does not
// wait for that.
func TestCacheStoreOfStreams(t *testing.T) {
	for _, tt := range []struct {
		name string
		body string
		read func(io.ReadCloser)
		want bool
	}{
		{"passed", "text", func(r io.ReadCloser) { _, _ = io.Copy(io.Discard, r) }, true},
		{"cut off", "text", func(r io.ReadCloser) { _, _ = r.Read(make([]byte, 2)) }, false},
		{"too large", strings.Repeat("x", maxCachedBody+1), func(r io.ReadCloser) { _, _ = io.Copy(io.Discard, r) }, false},
	} {
		now := func() time.Time { return time.Unix(1_800_000_000, 0) }
		values := cache.New(cache.Options{Now: now})
		p := &cacheStore{services: &policy.Services{Cache: values, Now: now}}
		x := &policy.Exchange{}
		x.Request = &expr.Request{Method: http.MethodGet}
		body := policy.NewStream(io.NopCloser(strings.NewReader(tt.body)), -1)
		x.Respond(&expr.Response{StatusCode: http.StatusOK, Headers: http.Header{"A": {"1"}}, Body: body})
		p.keep(x, "key", time.Minute)
		if _, held := body.Held(); held {
			t.Errorf("%s: the body was read before it was sent", tt.name)
		}
		r := body.Reader()
		tt.read(r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		x.End(t.Context())
		stored, err := values.Get(t.Context(), "key")
		if err != nil || (stored != nil) != tt.want {
			t.Errorf("%s: stored %v, %v, want %v", tt.name, stored != nil, err, tt.want)
		}
		if stored == nil {
			continue
		}
		got, err := decodeResponse(stored)
		if err != nil || !bytes.Equal(got.body, []byte(tt.body)) || got.header.Get("A") != "1" {
			t.Errorf("%s: got %+v, %v", tt.name, got, err)
		}
	}
}

// brokenCache cannot be reached.
type brokenCache struct{}

func (brokenCache) Get(context.Context, string) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
func (brokenCache) Set(context.Context, string, []byte, time.Duration) error {
	return io.ErrUnexpectedEOF
}
func (brokenCache) Compute(ctx context.Context, c *policy.Computation) ([]byte, bool, error) {
	made, err := c.Run(ctx, func() {})
	return made.Value, true, err
}

// A cache that cannot be reached has nothing: only a removal may fail a call.
func TestBrokenCache(t *testing.T) {
	const document = `<policies><inbound>
	<cache-lookup vary-by-developer="false" vary-by-developer-groups="false" />
	<cache-lookup-value key="k" variable-name="a" default-value="default" />
	<cache-store-value key="k" value="v" duration="60" />
	<cache-value key="k" variable-name="b"><value><set-variable name="b" value="computed" /></value></cache-value>
	<cache-remove-value key="k" />
	<set-variable name="here" value="1" />
	<cache-remove-value key="k" fail-on-cache-removal-error="true" />
	</inbound></policies>`
	p := compile(t, document, Registry(), &policy.Services{Cache: brokenCache{}})
	x := &policy.Exchange{}
	x.Request = &expr.Request{Method: http.MethodGet, Headers: http.Header{}}
	x.SetPath("/a", "")
	p.Run(t.Context(), x)
	for name, want := range map[string]any{"a": "default", "b": "computed", "here": "1"} {
		if got, _ := x.Variable(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if x.Failure == nil || x.Failure.Status != http.StatusInternalServerError || x.Failure.Path != "cache-remove-value[2]" {
		t.Errorf("got the failure %v, want one of the second removal", x.Failure)
	}
}
