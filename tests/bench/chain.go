package main

import (
	"bytes"
	"context"
	"errors"
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
	"toolgate/shared/telemetry"
	"toolgate/tests/internal/rpc"
)

// chain is one row of the report: a call through the whole handler of a gateway
// in this process, without a network. Between two processes equal calls differ by
// more than ten policies take; here they do not.
type chain struct {
	Name string `json:"name"`
	// Baseline is the name of the same call without policies; empty for that itself.
	Baseline string `json:"baseline,omitzero"`
	// Microseconds are of one call, by the clock, the least of all rounds; in whole
	// rounds the CPU time of this process, with exporting what was kept.
	Microseconds float64 `json:"microseconds"`
	// Added is what comes on top of the baseline, expected to be BoundAdded at most:
	// for telemetry, a share of the CPU time that a serving process takes for the call.
	Added       float64 `json:"addedMicroseconds,omitzero"`
	BoundAdded  float64 `json:"boundAddedMicroseconds,omitzero"`
	Allocations float64 `json:"allocations"`

	governance governance
	whole      bool    // its rounds are whole ones
	share      float64 // of the CPU time of a call; 0: the bound is that of ten policies
	path       string
	params     string
	served     `json:"-"`
	request    rpc.Request
	want       string
}

// served is a gateway.
type served struct {
	handler  http.Handler
	recorder *telemetry.Recorder // nil: without telemetry
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
	rows := []chain{
		{Name: tool, path: toolPath, params: toolParams, want: "Mia"},
		{Name: tool + ", with ten policies", Baseline: tool, governance: governance{servers: true}, path: toolPath, params: toolParams, want: "Mia"},
		{Name: tool + ", with ten policies on the API", Baseline: tool, governance: governance{api: true}, path: toolPath, params: toolParams, want: "Mia"},
		{Name: proxy, path: proxyPath, params: echoParams, want: text},
		{Name: proxy + ", with ten policies", Baseline: proxy, governance: governance{servers: true}, path: proxyPath, params: echoParams, want: text},
	}
	whole := proxy + ", in whole rounds"
	rows = append(rows, chain{Name: whole, whole: true, path: proxyPath, params: echoParams, want: text})
	for _, t := range telemetries {
		rows = append(rows, chain{
			Name: proxy + ", with telemetry, " + t.name, Baseline: whole, whole: true, governance: governance{kept: t.kept}, share: t.share,
			path: proxyPath, params: echoParams, want: text,
		})
	}
	return rows
}

// bind gives the rows of telemetry their bounds.
func bind(rows []chain, costs []cost) {
	for i := range rows {
		for _, c := range costs {
			if rows[i].share > 0 && strings.HasPrefix(rows[i].Baseline, c.Name+",") {
				rows[i].BoundAdded = rows[i].share * c.CPUMicroseconds
			}
		}
	}
}

// smallRounds divides a round: the shorter one is, the likelier it is that
// nothing else ran meanwhile.
const smallRounds = 10

// measureChains makes the calls of all rows in turns.
func (b *bench) measureChains(ctx context.Context) ([]chain, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	collector, err := b.start(ctx, roleCollector, "")
	if err != nil {
		return nil, err
	}
	rows, handlers := chains(), map[governance]served{}
	for i := range rows {
		c := &rows[i]
		if c.share > 0 {
			c.governance.collector = collector.url
		}
		err := b.gateway(ctx, c.governance, handlers)
		if err == nil {
			c.served = handlers[c.governance]
			err = c.try(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		c.Microseconds, c.Allocations = math.Inf(1), math.Inf(1)
	}
	for round := range b.rounds * smallRounds {
		for i := range rows {
			n := max(1, b.calls/smallRounds)
			if rows[i].whole { // each with an export and its part of collecting garbage
				if round%smallRounds > 0 {
					continue
				}
				n = b.calls
			}
			if err := rows[i].round(ctx, n); err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].Name, err)
			}
		}
	}
	byName := map[string]chain{}
	for i := range rows {
		c := &rows[i]
		if base, ok := byName[c.Baseline]; ok {
			c.Added = c.Microseconds - base.Microseconds
			if c.share == 0 {
				c.BoundAdded = tenPoliciesAdd
			}
		}
		byName[c.Name] = *c
	}
	return rows, nil
}

// gateway makes the handler of a governance, once.
func (b *bench) gateway(ctx context.Context, g governance, handlers map[governance]served) error {
	if handlers[g].handler != nil {
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
	recorder, err := gateway.OpenTelemetry(s, gateway.TelemetryOptions{})
	if err != nil {
		return err
	}
	h, err := gateway.New(s, gateway.Options{
		Telemetry: recorder, Transport: scripted{}, Services: services.New(services.Options{Transport: scripted{}}),
	})
	handlers[g] = served{handler: h, recorder: recorder}
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
	start, used, err := time.Now(), time.Duration(0), error(nil)
	if c.whole {
		used, err = cpuTime()
	}
	for range n {
		err = errors.Join(err, c.call(ctx, w))
	}
	elapsed := time.Since(start)
	if c.recorder != nil {
		err = errors.Join(err, c.recorder.Flush(ctx))
	}
	if c.whole { // what waits for the collector takes no CPU
		now, failed := cpuTime()
		elapsed, err = now-used, errors.Join(err, failed)
	}
	if err != nil {
		return err
	}
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
	r.Header, r.RemoteAddr = c.request.Header, "127.0.0.1:1234"
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
