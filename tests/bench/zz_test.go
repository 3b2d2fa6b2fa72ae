package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"os"
)

type fake struct{}

func (fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"id":1,"name":"Mia","kind":"cat","status":"available","tags":["indoor"]}`
	if r.Method == "POST" {
		b, _ := io.ReadAll(r.Body)
		ans := result
		if bytes.Contains(b, []byte("server/discover")) {
			ans = discovery
		}
		body = `{"jsonrpc":"2.0","id":1,"result":` + ans + `}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

type sink struct{ h http.Header; n int; buf bytes.Buffer }

func (s *sink) Header() http.Header { return s.h }
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); s.buf.Write(p); return len(p), nil }
func (s *sink) WriteHeader(int) {}

func BenchmarkZ(b *testing.B) {
	desc, _ := os.ReadFile("../../local/examples/gateway/apis/petstore.yaml")
	for _, c := range []struct{ name string; g governance; path, params string }{
		{"rest", governance{}, "/petstore/mcp", `{"name":"getPet","arguments":{"id":1}}`},
		{"rest-server", governance{servers: true}, "/petstore/mcp", `{"name":"getPet","arguments":{"id":1}}`},
		{"rest-api", governance{api: true}, "/petstore/mcp", `{"name":"getPet","arguments":{"id":1}}`},
		{"proxy", governance{}, "/notes/mcp", `{"name":"echo","arguments":{"say":"anything"}}`},
		{"proxy-server", governance{servers: true}, "/notes/mcp", `{"name":"echo","arguments":{"say":"anything"}}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := folder.Write(b, map[string]string{"petstore.yaml": string(desc), "ten.xml": tenPolicies, "gateway.yaml": c.g.configuration("http://127.0.0.1:1", "http://127.0.0.1:2/mcp")})
			content, err := folder.Compile(b.Context(), dir, nil)
			if err != nil { b.Fatal(err) }
			snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
			if err != nil { b.Fatal(err) }
			g, err := gateway.New(snap, gateway.Options{Transport: fake{}, Services: services.New(services.Options{})})
			if err != nil { b.Fatal(err) }
			r := rpc.New(mcp.Latest, "1", mcp.MethodCallTool, c.params)
			s := &sink{}
			one := func() {
				req, _ := http.NewRequest("POST", "http://127.0.0.1"+c.path, strings.NewReader(r.Body))
				req.Header = r.Header.Clone()
				req.RemoteAddr = "127.0.0.1:3"
				s.buf.Reset()
				s.h = http.Header{}
				g.ServeHTTP(s, req)
			}
			one()
			b.ReportAllocs()
			for b.Loop() { one() }
		})
	}
}
