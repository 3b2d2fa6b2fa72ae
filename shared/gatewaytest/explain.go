package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/trace"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/tools/txtar"
)

// ExplainOptions are how requests are explained. The zero value runs them as a test
// does.
type ExplainOptions struct {
	// Live sends requests to the backends, in place of the scripted ones.
	Live bool
	// Secrets gets secrets ready and says how they resolve; nil: as those of tests do.
	Secrets func(refs []string) (resolve func(ref string) (string, error), err error)
	// Subscription is the scope of a subscription whose key requests send; the zero
	// value is none.
	Subscription policy.SubscriptionScope
	// Claims are those of a token that requests without an Authorization of their own
	// send; nil: none. Issuer, audience and expiry are put in where they are missing,
	// as the server of the request wants them. The signature of the token holds for
	// whoever asks.
	Claims jsontext.Value
	// Bodies is how many bytes of bodies traces show.
	Bodies int
	// Clock has time pass as it does; false: it stands still but for what a test
	// lets pass.
	Clock bool
}

// explaining are the traces of a run.
type explaining struct {
	ExplainOptions
	traces []*trace.Trace
	tokens *ownTokens
	began  time.Time
}

// Explain runs the requests of a test and returns what happened to each. The
// responses of its backends need not be used. The folder may be nil, for a test with
// a gateway of its own.
func Explain(ctx context.Context, a *txtar.Archive, f *Folder, o ExplainOptions) ([]*trace.Trace, error) {
	t, err := read(a)
	if err != nil {
		return nil, err
	}
	if len(t.steps) == 0 {
		return nil, errors.New("there is no request to explain: write a call, a list or a request")
	}
	return t.explain(ctx, f, o)
}

func (t *test) explain(ctx context.Context, f *Folder, o ExplainOptions) ([]*trace.Trace, error) {
	r := &run{test: t, now: t.now, explaining: &explaining{ExplainOptions: o, began: time.Now(), tokens: newOwnTokens()}}
	if o.Clock && !t.fixed {
		r.now = time.Now().UTC()
	}
	r.script.Out = &r.out
	content, err := r.compile(ctx, f)
	if faults, ok := errors.AsType[fault.Faults](err); ok {
		return nil, faults
	}
	if err != nil {
		return nil, err
	}
	if o.Subscription.Kind != "" {
		t.subscribe(o.Subscription)
	}
	if err := r.start(content); err != nil {
		return nil, err
	}
	defer r.stop()
	r.adopt()
	for _, s := range t.steps {
		if s.request == nil {
			r.pass(s.wait)
			continue
		}
		r.at(s)
		if err := r.authorize(s.request, o.Claims); err != nil {
			return nil, s.section.Fault(0, err)
		}
		if err := r.serve(ctx, s.request); err != nil {
			return nil, s.section.Fault(0, err)
		}
	}
	return r.traces, nil
}

// explainedKey is the key of the subscription of requests that are explained.
const explainedKey = "key-of-the-explained-subscription"

// subscribe has requests send the key of a subscription.
func (t *test) subscribe(scope policy.SubscriptionScope) {
	const id = "explained"
	t.subscriptions = append(t.subscriptions, &subscription{Subscription: policy.Subscription{ID: id, Name: id, Scope: scope, Created: t.now}, key: explainedKey})
	for _, s := range t.steps {
		if s.request != nil {
			s.request.key = explainedKey
		}
	}
}

// adopt has the MCP servers behind the gateway answer calls of any tool, where no
// test has scripted them.
func (r *run) adopt() {
	if r.tools == nil {
		r.tools = upstreams{}
	}
	for i := range r.snapshot.Servers {
		if u := r.snapshot.Servers[i].Upstream; u != nil && r.tools[u.URL] == nil {
			r.tools[u.URL] = &upstream{url: u.URL, any: true}
		}
	}
}

// at has a request come at its time, from its address.
func (r *run) at(s step) {
	if s.ip != "" {
		r.ip = s.ip
	}
	if s.at.IsZero() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.at.After(r.now) {
		r.now = s.at
	}
}

// explained changes the options of the gateway for a run that is explained.
func (r *run) explained(o *gateway.Options) (err error) {
	e := r.explaining
	if e.Secrets != nil {
		if o.Secrets, err = e.Secrets(r.snapshot.SecretReferences()); err != nil {
			return err
		}
	}
	o.Trace, o.TraceBodies = func(t *trace.Trace) { e.traces = append(e.traces, t) }, e.Bodies
	o.Services.Tokens = e.tokens.before(o.Services.Tokens)
	o.Services.Sink = quiet{}
	if e.Live {
		o.Services.Sleep = nil
	}
	return nil
}

// transport carries requests to the scripted backends; nil, which is the default, to
// those that there are.
func (r *run) transport() http.RoundTripper {
	if r.explaining != nil && r.Live {
		return nil
	}
	return &transport{script: &r.script, tools: r.tools}
}

// quiet hears nothing: what policies report is in the trace.
type quiet struct{}

func (quiet) Trace(*policy.Exchange, policy.TraceRecord) {}
func (quiet) Metric(*policy.Exchange, policy.Metric)     {}
func (quiet) Event(*policy.Exchange, policy.Event)       {}

// authorize gives a request a token with claims, unless it has one.
func (r *run) authorize(q *request, claims jsontext.Value) error {
	if q.claims != nil {
		claims = q.claims
	}
	if claims == nil || q.header.Get("Authorization") != "" {
		return nil
	}
	issuer, audience := "", r.origin()+q.target
	if q.server != "" {
		audience = r.origin() + "/" + q.server + "/mcp"
	}
	for i := range r.snapshot.Servers {
		s := &r.snapshot.Servers[i]
		if a := s.Authorization; a != nil && s.Name == q.server {
			if len(a.Issuers) > 0 {
				issuer = a.Issuers[0]
			}
			if len(a.Audiences) > 0 {
				audience = a.Audiences[0]
			}
		}
	}
	token, err := r.tokens.make(claims, issuer, audience, r.clock().Add(time.Hour))
	if err != nil {
		return err
	}
	q.header = q.header.Clone()
	if q.header == nil {
		q.header = http.Header{}
	}
	q.header.Set("Authorization", "Bearer "+token)
	return nil
}

// Replayed is what became of a recorded call.
type Replayed struct {
	Record *trace.Record
	Trace  *trace.Trace
}

// Replay runs recorded calls through the gateway of a folder, at their times, from
// their addresses, and with tokens and subscriptions of the same facts. Requests
// to backends are answered with the status that was recorded and an empty JSON
// object.
func Replay(ctx context.Context, f *Folder, records []trace.Record) ([]Replayed, error) {
	t := &test{env: map[string]string{}, ip: "192.0.2.1", tools: upstreams{}}
	var made []Replayed
	keys := map[string]bool{}
	for i := range records {
		r := &records[i]
		if i == 0 {
			t.now = r.Time
		}
		if err := t.recorded(r, i+1, keys); err != nil {
			return nil, fmt.Errorf("replaying record %d: %w", i+1, err)
		}
		made = append(made, Replayed{Record: r})
	}
	traces, err := t.explain(ctx, f, ExplainOptions{})
	if err != nil {
		return nil, err
	}
	if len(traces) != len(made) {
		return nil, fmt.Errorf("%d records led to %d requests", len(made), len(traces))
	}
	for i := range made {
		made[i].Trace = traces[i]
	}
	return made, nil
}

// recorded adds the step of a recorded call.
func (t *test) recorded(r *trace.Record, number int, keys map[string]bool) error {
	q := &request{server: r.Server, header: http.Header{}, claims: r.Claims, status: statusesOf(r)}
	for name, value := range r.Headers {
		q.header.Set(name, value)
	}
	if r.Revision != "" {
		q.header.Set(mcp.HeaderProtocolVersion, r.Revision)
	}
	switch {
	case r.Target != "":
		q.server, q.api, q.method, q.target = "", r.Server, r.Method, r.Target
		if !strings.HasPrefix(r.Target, "/") {
			return errors.New(`the "target" of a request to an API is a path, with its query`)
		}
	case r.Method == mcp.MethodCallTool:
		m := mcp.Message{Raw: r.Params}
		if name, ok := mcp.Lookup(r.Params, "name"); ok {
			q.tool = m.Text(name)
		}
		q.arguments = jsontext.Value("{}")
		if span, ok := mcp.Lookup(r.Params, "arguments"); ok {
			q.arguments = r.Params[span.Start:span.End]
		}
		if q.tool == "" {
			return errors.New("a call of a tool has its name in params")
		}
	case r.Method != mcp.MethodListTools:
		q.raw(r, number)
	}
	if r.Subscription != "" {
		key := strings.Join([]string{"key-of", r.Subscription, r.Product, r.Server}, "-")
		if !keys[key] {
			keys[key] = true
			scope := policy.SubscriptionScope{Kind: policy.ServerScope, Name: r.Server}
			if q.api != "" {
				scope.Kind = policy.APIScope
			}
			if r.Product != "" {
				scope = policy.SubscriptionScope{Kind: policy.ProductScope, Name: r.Product}
			}
			t.subscriptions = append(t.subscriptions, &subscription{Subscription: policy.Subscription{ID: r.Subscription, Name: r.Subscription, Scope: scope}, key: key})
		}
		q.key = key
	}
	t.steps = append(t.steps, step{section: policytest.Section{Kind: "record", Rest: strconv.Itoa(number), Line: number}, request: q, at: r.Time, ip: r.IP})
	return nil
}

// raw makes the message of a method that tests have no word for.
func (q *request) raw(r *trace.Record, id int) {
	params := r.Params
	if len(params) == 0 {
		params = jsontext.Value("{}")
	}
	q.method, q.target = http.MethodPost, "/"+r.Server+"/mcp"
	q.header.Set("Accept", mcp.ContentJSON+", "+mcp.ContentSSE)
	q.header.Set("Content-Type", mcp.ContentJSON)
	if mcp.Version(r.Revision).Modern() {
		q.header.Set(mcp.HeaderMethod, r.Method)
	}
	q.body = []byte(`{"jsonrpc":"2.0","id":` + strconv.Itoa(id) + `,"method":` + string(mcp.AppendString(nil, r.Method)) + `,"params":` + string(params) + "}")
}

// statusesOf are those that backends answered with, in order.
func statusesOf(r *trace.Record) []int {
	var list []int
	for _, s := range r.Decision.Requests {
		if s.Status > 0 {
			list = append(list, s.Status)
		}
	}
	return slices.Clip(list)
}

// present sends the key of a recorded call, as its server or API takes it.
func (r *run) present(q *request, req *http.Request) {
	for i := range r.snapshot.Servers {
		if s := &r.snapshot.Servers[i]; s.Name == q.server && s.SubscriptionKeys != nil {
			req.Header.Set(s.SubscriptionKeys.Header, q.key)
		}
	}
	for i := range r.snapshot.APIs {
		if a := &r.snapshot.APIs[i]; a.Name == q.api && a.SubscriptionKeys != nil {
			req.Header.Set(a.SubscriptionKeys.Header, q.key)
		}
	}
}
