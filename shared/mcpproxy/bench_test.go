package mcpproxy

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"toolgate/shared/mcp"
)

// BenchmarkProxy compares the hot path, tools/call of a modern client to a
// modern server over loopback, with httputil.ReverseProxy on the same way, and
// both with no proxy at all. Client and server are in the process too, so the
// differences to "direct" are what the proxies cost.
func BenchmarkProxy(b *testing.B) {
	b.Run("direct", func(b *testing.B) { benchmark(b, func(u string) string { return u }) })
	b.Run("ReverseProxy", func(b *testing.B) {
		benchmark(b, func(u string) string {
			target, err := url.Parse(u)
			if err != nil {
				b.Fatal(err)
			}
			ts := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1})
			b.Cleanup(ts.Close)
			return ts.URL
		})
	})
	b.Run("Proxy", func(b *testing.B) {
		benchmark(b, func(u string) string {
			p := newProxy(b, u, func(o *Options) { o.ProtocolVersion, o.Log = mcp.V20260728, nil })
			return serve(b, p).URL
		})
	})
	b.Run("Proxy with a renamed tool", func(b *testing.B) {
		benchmark(b, func(u string) string {
			p := newProxy(b, u, func(o *Options) {
				o.ProtocolVersion, o.Log, o.Tools = mcp.V20260728, nil, []ToolSelection{{Tool: "get", Name: "getOrder"}}
			})
			return serve(b, p).URL
		})
	})
}

func benchmark(b *testing.B, front func(string) string) {
	answer := []byte(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"` + strings.Repeat("x", 500) + `"}]}}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = typeJSON
		_, _ = w.Write(answer)
	}))
	b.Cleanup(server.Close)
	target, err := url.Parse(front(server.URL))
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getOrder","arguments":{"id":12345,"text":"` + strings.Repeat("y", 100) + `"},` + modernMeta() + `}}`)
	header := http.Header{"Content-Type": typeJSON, "Accept": acceptBoth}
	for i, h := 0, modernHeaders("tools/call", "getOrder"); i < len(h); i += 2 {
		header.Set(h[i], h[i+1])
	}
	call := func() {
		req := &http.Request{Method: http.MethodPost, URL: target, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || n != int64(len(answer)) {
			b.Fatalf("got %d, %d bytes, %v", res.StatusCode, n, err)
		}
	}
	call()
	b.ReportAllocs()
	runtime.GC()
	start := cpuTime()
	for b.Loop() {
		call()
	}
	b.ReportMetric(float64((cpuTime()-start).Microseconds())/float64(b.N), "cpu-µs/op")
}
