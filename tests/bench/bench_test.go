package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

func TestMain(m *testing.M) {
	peer.Supervise()
	if serveRole(os.Args[1:]) {
		return
	}
	peer.Main(m)
}

// TestBench runs everything with few calls: that each row is there, and that
// the calls succeed. What they cost is not looked at.
func TestBench(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"-rounds=1", "-calls=16", "-starts=1", "-json", "-profiles=" + t.TempDir()}
	if code := command(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code: got %d, want 0\n%s", code, stderr.String())
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bare net/http handler", "tools/list from", "bare net/http handler", "tools/call refused", "tools/list of 300", "the same, by a token", "MCP SDK",
		"httputil.ReverseProxy to the MCP", "MCP proxy", "MCP proxy, tools/call, the same once more", "MCP proxy, tools/call, with ten policies",
		"MCP proxy, tools/call, with telemetry, a tenth", "MCP proxy, tools/call, with telemetry, every", "httputil.ReverseProxy to the REST",
		"REST-backed tools/call", "REST-backed tools/call, the same once more", "REST-backed tools/call, with ten policies", "REST-backed tools/call, with ten policies on the API",
		"REST-backed tools/call, with the log",
	}
	if len(r.Costs) != len(want) {
		t.Fatalf("rows: got %d, want %d", len(r.Costs), len(want))
	}
	for i, c := range r.Costs {
		if !strings.HasPrefix(c.Name, want[i]) {
			t.Errorf("row %d: got %q, want %q", i, c.Name, want[i])
		}
		if c.CPUMicroseconds < 0 || c.Allocations <= 0 || c.Bytes <= 0 || (c.Ratio > 0) != (c.Baseline != "") {
			t.Errorf("%s: got %+v, want it measured", c.Name, c)
		}
	}
	if len(r.Expressions) != len(expressions()) || r.Expressions[0].BoundTime != 150 {
		t.Errorf("expressions: got %+v, want all", r.Expressions)
	}
	validated := []string{"golang-jwt", "an RS256 token, first time", "an RS256 token, already seen"}
	for i, v := range r.Validations {
		if i >= len(validated) || !strings.HasPrefix(v.Name, validated[i]) || v.Microseconds <= 0 || v.Allocations <= 0 || (v.Ratio > 0) != (v.Baseline != "") {
			t.Errorf("validation %d: got %+v, want it measured", i, v)
		}
	}
	if len(r.Chains) != len(chains()) {
		t.Errorf("chains: got %d rows, want %d", len(r.Chains), len(chains()))
	}
	for _, c := range r.Chains {
		if c.Microseconds <= 0 || c.Allocations <= 0 || (c.BoundAdded > 0) != (c.Baseline != "") {
			t.Errorf("%s: got %+v, want it measured", c.Name, c)
		}
	}
	if len(r.Validations) != len(validated) {
		t.Errorf("validations: got %d, want %d", len(r.Validations), len(validated))
	}
	for _, e := range r.Expressions {
		if e.Nanoseconds <= 0 {
			t.Errorf("%s: got %+v, want it measured", e.Name, e)
		}
	}
	if d := r.PolicyDocuments; d.Documents != readDocuments || d.Compiled == 0 || d.Milliseconds <= 0 {
		t.Errorf("policy documents: got %+v, want them measured", d)
	}
	if s := r.Searches; s.Tools < 1000 || s.Microseconds <= 0 || s.Bytes == 0 || s.Bound != 1000 {
		t.Errorf("searches: got %+v, want them measured", s)
	}
	if len(r.ColdStarts) != 2 || r.ColdStarts[0].Tools != 50 || r.ColdStarts[1].Tools < 1000 {
		t.Fatalf("cold starts: got %+v, want one with 50 tools and one with many", r.ColdStarts)
	}
	for _, c := range r.ColdStarts {
		if c.Median <= 0 || c.Fastest > c.Median {
			t.Errorf("a cold start with %d tools: got %+v, want it measured", c.Tools, c)
		}
	}
}

func TestTable(t *testing.T) {
	r := report{
		Rounds: 1, Calls: 2, Starts: 3, Concurrency: 4,
		Costs: []cost{
			{Name: "base", CPUMicroseconds: 20, Allocations: 30, Bytes: 2000},
			{Name: "dear", Baseline: "base", CPUMicroseconds: 40, Ratio: 2, Bound: 1.5},
			{Name: "cheap", Baseline: "base", CPUMicroseconds: 10, Ratio: 0.5, Bound: 1},
			{Name: "governed", Baseline: "cheap", CPUMicroseconds: 17, Ratio: 1.7, Added: 7, BoundAdded: 8},
		},
		Chains:          []chain{{Name: "whole", Microseconds: 9}, {Name: "ruled", Baseline: "whole", Microseconds: 13, Added: 4.2, BoundAdded: 5}},
		Expressions:     []expression{{Name: "a sum", Nanoseconds: 160, Allocations: 1, BoundTime: 150, BoundAllocations: 1}, {Name: "a product"}},
		PolicyDocuments: policyDocuments{Origin: "made", Documents: 3, Compiled: 3, Milliseconds: 8, Bound: 9},
		ColdStarts:      []coldStart{{Catalogue: "made", Tools: 7, Median: 10, Fastest: 9, BoundTime: 50, BoundMemory: 25}},
	}
	var out bytes.Buffer
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  dear", "2.00", "≤ 1.50", "over", "≤ 1.00", "ok", "7 tools (made)", "not measured here",
		"    governed", "≤ 8.0 µs", "  ruled", "4.2", "≤ 5.0", "≤ 150, 1", "3 (made), of which 3 compile,\nin 8 ms, expected ≤ 9: ok"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in\n%s", want, out.String())
		}
	}
	if !r.over() {
		t.Error("over: got false, want true")
	}
	r.Costs, r.Expressions = r.Costs[:1], nil
	if r.over() {
		t.Error("over: got true, want false")
	}
}

func TestOver(t *testing.T) {
	for _, r := range []report{
		{Costs: []cost{{Ratio: 1.6, Bound: 1.5}}},
		{Costs: []cost{{Ratio: 1, Added: 5.1, BoundAdded: 5}}},
		{Chains: []chain{{Added: 5.1, BoundAdded: 5}}},
		{Validations: []validation{{Ratio: 1.3, Bound: 1.2}}},
		{Validations: []validation{{Microseconds: 2.1, BoundTime: 2}}},
		{Expressions: []expression{{Nanoseconds: 151, BoundTime: 150}}},
		{Expressions: []expression{{Nanoseconds: 1, Allocations: 2, BoundTime: 150, BoundAllocations: 1}}},
		{PolicyDocuments: policyDocuments{Milliseconds: 10, Bound: 9}},
		{ColdStarts: []coldStart{{Median: 51, BoundTime: 50}}},
	} {
		if !r.over() {
			t.Errorf("%+v: got false, want true", r)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-rounds=0"}, {"-calls=-1"}, {"-starts=0"}, {"-unknown"}, {"argument"}} {
		var stdout, stderr bytes.Buffer
		if code := command(t.Context(), args, &stdout, &stderr); code != 2 {
			t.Errorf("%v: got %d, want 2", args, code)
		}
	}
}

func TestDocument(t *testing.T) {
	for _, n := range []int{1, 4, 50, 1223} {
		content, err := document(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(content, []byte(`"operationId"`)); got != n {
			t.Errorf("operations: got %d, want %d", got, n)
		}
	}
}
