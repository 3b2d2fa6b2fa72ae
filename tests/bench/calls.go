package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"
)

// cost is one row of the report: what a call costs the process that serves it.
type cost struct {
	Name string `json:"name"`
	// Baseline is the name of the row that Ratio compares with; empty for a
	// baseline itself.
	Baseline        string  `json:"baseline,omitzero"`
	CPUMicroseconds float64 `json:"cpuMicroseconds"`
	Ratio           float64 `json:"ratio,omitzero"`
	// Bound is the ratio expected at most; 0 when none is.
	Bound float64 `json:"bound,omitzero"`
	// Added is what comes on top of the baseline, in microseconds.
	Added float64 `json:"addedMicroseconds,omitzero"`
	// BoundAdded is what is expected of Added at most; 0 when nothing is.
	BoundAdded  float64 `json:"boundAddedMicroseconds,omitzero"`
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

func (c cost) over() bool {
	return c.Bound > 0 && c.Ratio > c.Bound || c.BoundAdded > 0 && c.Added > c.BoundAdded
}

// measured is a case with the processes that serve it.
type measured struct {
	cost
	instances []instance
	profile   string // file name
}

// instance is a process with connections to it.
type instance struct {
	serving
	load *load
}

// instances is how many processes serve each case, in turns: where the memory of one
// comes to lie makes a difference of several microseconds, for as long as it runs.
const instances = 4

// measureCalls starts the servers, calls them in turns and returns their costs.
func (b *bench) measureCalls(ctx context.Context) ([]cost, error) {
	restore, err := b.separate()
	if err != nil {
		return nil, err
	}
	defer restore()
	cases, err := b.cases(ctx)
	defer func() {
		for _, m := range cases {
			for _, i := range m.instances {
				_ = i.load.close()
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	for _, m := range cases { // connections and caches are warm before anything counts
		for _, i := range m.instances {
			if err := i.load.run(ctx, max(concurrency, b.calls/4)); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	for n := range b.rounds * instances {
		for _, m := range cases {
			if err := m.round(ctx, m.instances[n%instances], b.calls); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
		}
	}
	if b.profiles != "" {
		if err := b.writeProfiles(ctx, cases); err != nil {
			return nil, err
		}
	}
	costs, byName := make([]cost, 0, len(cases)), map[string]cost{}
	for _, m := range cases {
		if base, ok := byName[m.Baseline]; ok && base.CPUMicroseconds > 0 {
			m.Ratio = m.CPUMicroseconds / base.CPUMicroseconds
			m.Added = m.CPUMicroseconds - base.CPUMicroseconds
		}
		byName[m.Name] = m.cost
		costs = append(costs, m.cost)
	}
	return costs, nil
}

// round makes calls of a process and keeps the smaller of the cost now and before.
func (m *measured) round(ctx context.Context, i instance, calls int) error {
	before, err := i.usage(ctx)
	if err != nil {
		return err
	}
	if err := i.load.run(ctx, calls); err != nil {
		return err
	}
	after, err := i.usage(ctx)
	if err != nil {
		return err
	}
	n := float64(calls)
	m.CPUMicroseconds = min(m.CPUMicroseconds, float64(after.CPUMicroseconds-before.CPUMicroseconds)/n)
	m.Allocations = min(m.Allocations, float64(after.Mallocs-before.Mallocs)/n)
	m.Bytes = min(m.Bytes, float64(after.Bytes-before.Bytes)/n)
	return nil
}

// cases starts all servers. The order is that of the report: a baseline comes
// ahead of what is compared with it.
func (b *bench) cases(ctx context.Context) ([]*measured, error) {
	pets, err := b.start(ctx, rolePetstore, "")
	if err != nil {
		return nil, err
	}
	up, err := b.start(ctx, roleUpstream, "")
	if err != nil {
		return nil, err
	}
	s := &starter{bench: b, ctx: ctx}
	file := s.snapshot(governance{}, pets.url, up.url)
	ofServers := s.snapshot(governance{servers: true}, pets.url, up.url)
	ofAPI := s.snapshot(governance{api: true}, pets.url, up.url)
	list := mcpCall{mcp.MethodListTools, `{}`, `"tools":[`}
	refused := mcpCall{mcp.MethodCallTool, `{"name":"getPet","arguments":{"id":"one"}}`, `"isError":true`}
	get := mcpCall{mcp.MethodCallTool, `{"name":"getPet","arguments":{"id":1}}`, `Mia`}
	proxied := mcpCall{mcp.MethodCallTool, `{"name":"echo","arguments":{"say":"anything"}}`, text}

	const path, proxyPath = "/petstore/mcp", "/notes/mcp"
	listing := s.add("tools/list from the snapshot", "", 1.5, roleGateway, file, s.mcp(path, list))
	refusing := s.add("tools/call refused by its schema", "", 1.5, roleGateway, file, s.mcp(path, refused))
	listing.Baseline = s.bare(listing, list)
	refusing.Baseline = s.bare(refusing, refused)
	s.filtered()
	s.add("MCP SDK, tools/call of its one tool", refusing.Baseline, 0, roleSDK, "", s.mcp("/", proxied))
	forward := s.add("httputil.ReverseProxy to the MCP server", "", 0, roleReverseProxy, up.url, s.mcp("/", proxied))
	proxy := s.add("MCP proxy, tools/call", forward.Name, 1, roleGateway, file, s.mcp(proxyPath, proxied))
	s.add("MCP proxy, tools/call, the same once more", proxy.Name, 0, roleGateway, file, s.mcp(proxyPath, proxied))
	s.add("MCP proxy, tools/call, with ten policies", proxy.Name, 0, roleGateway, ofServers, s.mcp(proxyPath, proxied)).BoundAdded = tenPoliciesAdd
	s.observed(proxy, pets.url, up.url, s.mcp(proxyPath, proxied))
	rest := s.add("httputil.ReverseProxy to the REST API", "", 0, roleReverseProxy, pets.url, s.get("/pets/1", "Mia"))
	tool := s.add("REST-backed tools/call", rest.Name, 1.5, roleGateway, file, s.mcp(path, get))
	s.add("REST-backed tools/call, the same once more", tool.Name, 0, roleGateway, file, s.mcp(path, get))
	s.add("REST-backed tools/call, with ten policies", tool.Name, 0, roleGateway, ofServers, s.mcp(path, get)).BoundAdded = tenPoliciesAdd
	s.add("REST-backed tools/call, with ten policies on the API", tool.Name, 0, roleGateway, ofAPI, s.mcp(path, get)).BoundAdded = tenPoliciesAdd
	s.add("REST-backed tools/call, with the log of calls", rest.Name, 0, roleLoggedGateway, file, s.mcp(path, get))
	return s.inOrder(), s.err
}

func (b *bench) write(name string, content []byte) (string, error) {
	file := filepath.Join(b.dir, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return "", fmt.Errorf("writing a snapshot: %w", err)
	}
	return file, nil
}

// mcpCall is a request of 2026-07-28 and a part of its answer.
type mcpCall struct{ method, params, want string }

// starter starts the servers of the cases; after the first error it does
// nothing more.
type starter struct {
	*bench
	ctx   context.Context
	cases []*measured
	err   error
}

// snapshot compiles a gateway; it returns the file.
func (s *starter) snapshot(g governance, petstore, notes string) string {
	if s.err != nil {
		return ""
	}
	var file string
	file, s.err = s.bench.snapshot(s.ctx, g.String(), g, petstore, notes)
	return file
}

// request makes the call of a case once its server's URL is known.
type request func(url string) (call, error)

func (s *starter) mcp(path string, c mcpCall) request {
	return func(url string) (call, error) {
		return newCall(http.MethodPost, url+path, rpc.New(mcp.Latest, "1", c.method, c.params), c.want)
	}
}

func (s *starter) get(path, want string) request {
	return func(url string) (call, error) { return newCall(http.MethodGet, url+path, rpc.Request{}, want) }
}

func (s *starter) add(name, baseline string, bound float64, role, argument string, r request) *measured {
	m := &measured{cost: cost{
		Name: name, Baseline: baseline, Bound: bound,
		CPUMicroseconds: math.Inf(1), Allocations: math.Inf(1), Bytes: math.Inf(1),
	}}
	m.profile = strings.Map(fileNameRune, name) + ".pprof"
	s.cases = append(s.cases, m)
	for range instances {
		if s.err == nil {
			s.err = s.instance(m, role, argument, r)
		}
	}
	return m
}

// instance starts one more process for a case.
func (s *starter) instance(m *measured, role, argument string, r request) error {
	serving, err := s.startOn(s.ctx, s.measuredCPU, role, argument)
	if err != nil {
		return err
	}
	c, err := r(serving.url)
	if err != nil {
		return err
	}
	l, err := openLoad(s.ctx, strings.TrimPrefix(serving.url, "http://"), c)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	m.instances = append(m.instances, instance{serving, l})
	return nil
}

func fileNameRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

// bare adds the bare handler that takes the same request and answers as many
// bytes, and returns the name of its row.
func (s *starter) bare(like *measured, c mcpCall) string {
	size := 0
	if s.err == nil {
		if size, s.err = like.instances[0].load.one(0); s.err != nil {
			s.err = fmt.Errorf("%s: %w", like.Name, s.err)
		}
	}
	c.want = ""
	m := s.add(fmt.Sprintf("bare net/http handler, %d bytes", size), "", 0, roleBare, strconv.Itoa(size), s.mcp("/", c))
	return m.Name
}

// inOrder moves each baseline ahead of the first row that names it.
func (s *starter) inOrder() []*measured {
	var list []*measured
	placed := map[*measured]bool{}
	place := func(m *measured) {
		if !placed[m] {
			placed[m] = true
			list = append(list, m)
		}
	}
	for _, m := range s.cases {
		for _, base := range s.cases {
			if m.Baseline == base.Name {
				place(base)
			}
		}
		place(m)
	}
	return list
}

// writeProfiles profiles a server of each case under load once more, apart from what was
// measured.
func (b *bench) writeProfiles(ctx context.Context, cases []*measured) error {
	if err := os.MkdirAll(b.profiles, 0o750); err != nil {
		return fmt.Errorf("writing the profiles: %w", err)
	}
	for _, m := range cases {
		i := m.instances[0]
		if _, err := i.ask(ctx, "/profile/start"); err != nil {
			return fmt.Errorf("profiling %s: %w", m.Name, err)
		}
		if err := i.load.run(ctx, b.calls*b.rounds); err != nil {
			return fmt.Errorf("profiling %s: %w", m.Name, err)
		}
		profile, err := i.ask(ctx, "/profile/stop")
		if err != nil {
			return fmt.Errorf("profiling %s: %w", m.Name, err)
		}
		if err := os.WriteFile(filepath.Join(b.profiles, m.profile), profile, 0o600); err != nil {
			return fmt.Errorf("writing the profiles: %w", err)
		}
	}
	return nil
}
