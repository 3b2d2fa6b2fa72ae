package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/rpc"
)

// chain is one row of the report: a call through the whole handler of a gateway
// in this process, without a network, and in its least round without garbage: what
// the instructions of ten policies take, where the row of a serving process has all
// that they cause.
type chain struct {
	Name string `json:"name"`
	// Baseline is the name of the same call without policies; empty for that itself.
	Baseline string `json:"baseline,omitzero"`
	// Microseconds are of one call, by the clock, the least of all rounds.
	Microseconds float64 `json:"microseconds"`
	// Added is what comes on top of the baseline, expected to be BoundAdded at most.
	Added       float64 `json:"addedMicroseconds,omitzero"`
	BoundAdded  float64 `json:"boundAddedMicroseconds,omitzero"`
	Allocations float64 `json:"allocations"`

	governance governance
	path       string
	params     string
	handler    http.Handler
	request    rpc.Request
	want       string
}

func (c chain) over() bool { return c.BoundAdded > 0 && c.Added > c.BoundAdded }

// tenPoliciesAdd is what ten policies may add to a call, in microseconds.
const tenPoliciesAdd = 5

// chains are those that are measured; a baseline comes ahead of what is compared
// with it.
func chains() []chain {
	const (
		tool, proxy           = "REST-backed tools/call", "MCP proxy, tools/call"
		toolPath, toolParams  = "/petstore/mcp", `{"name":"getPet","arguments":{"id":1}}`
		proxyPath, echoParams = "/notes/mcp", `{"name":"echo","arguments":{"say":"anything"}}`
	)
	return []chain{
		{Name: tool, path: toolPath, params: toolParams, want: "Mia"},
		{Name: tool + ", with ten policies", Baseline: tool, governance: governance{servers: true}, path: toolPath, params: toolParams, want: "Mia"},
		{Name: tool + ", with ten policies on the API", Baseline: tool, governance: governance{api: true}, path: toolPath, params: toolParams, want: "Mia"},
		{Name: proxy, path: proxyPath, params: echoParams, want: text},
		{Name: proxy + ", with ten policies", Baseline: proxy, governance: governance{servers: true}, path: proxyPath, params: echoParams, want: text},
	}
}

// smallRounds divides a round: the shorter one is, the likelier it is that
// nothing else ran meanwhile.
const smallRounds = 10

// measureChains makes the calls of all rows in turns.
func (b *bench) measureChains(ctx context.Context) ([]chain, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rows, handlers := chains(), map[governance]http.Handler{}
	for i := range rows {
		c := &rows[i]
		err := b.gateway(ctx, c.governance, handlers)
		if err == nil {
			c.handler = handlers[c.governance]
			err = c.try(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		c.Microseconds, c.Allocations = math.Inf(1), math.Inf(1)
	}
	for range b.rounds * smallRounds {
		for i := range rows {
			if err := rows[i].round(ctx, max(1, b.calls/smallRounds)); err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].Name, err)
			}
		}
	}
	byName := map[string]chain{}
	for i := range rows {
		c := &rows[i]
		if base, ok := byName[c.Baseline]; ok {
			c.Added, c.BoundAdded = c.Microseconds-base.Microseconds, tenPoliciesAdd
		}
		byName[c.Name] = *c
	}
	return rows, nil
}

// gateway makes the handler of a governance, once.
func (b *bench) gateway(ctx context.Context, g governance, handlers map[governance]http.Handler) error {
	if handlers[g] != nil {
		return nil
	}
	file, err := b.snapshot(ctx, "chain-"+g.String(), g, "http://127.0.0.1:1", "http://127.0.0.1:2")
	if err != nil {
		return err
	}
	s, err := snapshot.Open(file)
	if err != nil {
		return err
	}
	handlers[g], err = gateway.New(s, gateway.Options{
		Transport: scripted{}, Services: services.New(services.Options{Transport: scripted{}}),
	})
	return err
}

// try makes the first call and looks at its answer.
func (c *chain) try(ctx context.Context) error {
	c.request = rpc.New(mcp.Latest, "1", mcp.MethodCallTool, c.params)
	w := &answer{header: http.Header{}}
	if err := c.call(ctx, w); err != nil {
		return err
	}
	if w.status != http.StatusOK || !bytes.Contains(w.body, []byte(c.want)) {
		return fmt.Errorf("got %d and %s, want a body with %s", w.status, w.body, c.want)
	}
	return nil
}

// round makes n calls and keeps the smaller of the cost now and before.
func (c *chain) round(ctx context.Context, n int) error {
	var before, after runtime.MemStats
	w := &answer{header: http.Header{}}
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if err := c.call(ctx, w); err != nil {
			return err
		}
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	c.Microseconds = min(c.Microseconds, float64(elapsed.Nanoseconds())/float64(n)/1000)
	c.Allocations = min(c.Allocations, math.Round(float64(after.Mallocs-before.Mallocs)/float64(n)))
	return nil
}

func (c *chain) call(ctx context.Context, w *answer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1"+c.path, strings.NewReader(c.request.Body))
	if err != nil {
		return err
	}
	// Policies change the headers of their request.
	r.Header, r.RemoteAddr = c.request.Header.Clone(), "127.0.0.1:1234"
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
	c.handler.ServeHTTP(w, r)
	return nil
}

// answer takes what a handler writes, into memory that is used again.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

// SetReadDeadline is there because every connection has it.
func (a *answer) SetReadDeadline(time.Time) error { return nil }

func (a *answer) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

// scripted is a network on which the pet and the MCP server are.
type scripted struct{}

func (scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	content := `{"id":1,"name":"Mia","status":"available","tags":["cat","calm"]}`
	if r.URL.Port() == "2" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		content = `{"jsonrpc":"2.0","id":1,"result":` + result + `}`
		if bytes.Contains(body, []byte("server/discover")) {
			id, _ := mcp.Lookup(body, "id")
			content = `{"jsonrpc":"2.0","id":` + string(body[id.Start:id.End]) + `,"result":` + discovery + `}`
		}
	} else if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {mcp.ContentJSON}, "Content-Length": {strconv.Itoa(len(content))}},
		ContentLength: int64(len(content)), Body: io.NopCloser(strings.NewReader(content)), Request: r,
	}, nil
}
