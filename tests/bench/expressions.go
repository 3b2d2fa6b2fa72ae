package main

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// expression is one row of the report: what it costs to evaluate a policy
// expression.
type expression struct {
	Name string `json:"name"`
	// Nanoseconds and Allocations are of one evaluation, by the clock, the least
	// of all rounds.
	Nanoseconds float64 `json:"nanoseconds"`
	Allocations float64 `json:"allocations"`
	// BoundTime and BoundAllocations are expected at most; a BoundTime of 0
	// expects nothing.
	BoundTime        float64 `json:"boundNanoseconds,omitzero"`
	BoundAllocations float64 `json:"boundAllocations,omitzero"`

	source string
}

func (e expression) over() bool {
	return e.BoundTime > 0 && (e.Nanoseconds > e.BoundTime || e.Allocations > e.BoundAllocations)
}

// expressions are those that are measured.
func expressions() []expression {
	return []expression{
		{
			Name: "a header that is not there", BoundTime: 150, BoundAllocations: 1,
			source: `context.Request.Headers.GetValueOrDefault("x","")`,
		},
		{Name: "an interpolated string", source: `$"{context.Request.Method} {context.Request.Url.Path} for {context.Variables["client"]}"`},
		{Name: "a property of the body, as a JObject", source: `(string)context.Request.Body.As<JObject>(preserveContent: true)["items"][0]["name"]`},
		{
			Name:   "a LINQ pipeline over a claim",
			source: `((string)context.Variables["scopes"]).Split(' ').Where(s => s.StartsWith("pets.")).Select(s => s.Substring(5)).Any(s => s == "write")`,
		},
	}
}

// evaluations is how many make as much of a round as one call does.
const evaluations = 20

// measureExpressions evaluates in this process.
func (b *bench) measureExpressions() ([]expression, error) {
	x := evaluationContext()
	rows := expressions()
	for i := range rows {
		e := &rows[i]
		p, faults := expr.Compile(e.source, expr.Single, expr.Position{Line: 1, Column: 1})
		if len(faults) > 0 {
			return nil, fmt.Errorf("compiling %s: %w", e.source, faults[0])
		}
		e.Nanoseconds, e.Allocations = math.Inf(1), math.Inf(1)
		for range b.rounds + 1 { // the first one warms up, and is never the cheapest
			if err := e.round(p, x, b.calls*evaluations); err != nil {
				return nil, fmt.Errorf("evaluating %s: %w", e.source, err)
			}
		}
	}
	return rows, nil
}

// round evaluates n times and keeps the smaller of the cost now and before.
func (e *expression) round(p *expr.Program, x *expr.Context, n int) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if _, err := p.Eval(x, nil); err != nil {
			return err
		}
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	e.Nanoseconds = min(e.Nanoseconds, float64(elapsed.Nanoseconds())/float64(n))
	// Whole allocations: the few that the runtime itself makes are not the
	// expression's.
	e.Allocations = min(e.Allocations, math.Round(float64(after.Mallocs-before.Mallocs)/float64(n)))
	return nil
}

// evaluationContext is that of an ordinary call with a small body.
func evaluationContext() *expr.Context {
	x := &policy.Exchange{}
	x.Request = &expr.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "tools.contoso.com", Path: "/orders"}, IPAddress: "127.0.0.1",
		Headers: http.Header{
			"Accept": {"application/json"}, "Authorization": {"Bearer none"}, "Content-Type": {"application/json"}, "User-Agent": {"bench"},
		},
		Body: policy.NewBody([]byte(`{"customer":{"id":17,"name":"Mia"},"items":[{"name":"bowl","count":2,"price":4.5},{"name":"leash","count":1,"price":12}]}`)),
	}
	x.SetVariable("client", "editor")
	x.SetVariable("scopes", "openid profile pets.read pets.write offline_access")
	return &x.Context
}
