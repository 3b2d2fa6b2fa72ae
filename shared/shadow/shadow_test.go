package shadow

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/trace"
)

// asked has a live call ask a backend.
func asked(t *testing.T, c *Call, method, url, body string, status int, answered string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	end := c.Hear(req)
	res := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answered)), ContentLength: int64(len(answered))}
	end(res, nil)
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
}

// ask asks as the candidate does. A nil call is none.
func ask(t *testing.T, tr *Transport, c *Call, method, url, body string) (int, string) {
	t.Helper()
	ctx := t.Context()
	if c != nil {
		ctx = c.With(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(content)
}

// What the live call asked is answered once, and nothing else is.
func TestTransport(t *testing.T) {
	c, tr := NewCall(), NewTransport(nil, [][]string{{"https://a.test/x", "https://b.test/x"}})
	asked(t, c, "GET", "https://b.test/x/1?q=1", "", 200, `{"a":1}`)
	if status, body := ask(t, tr, c, "GET", "https://a.test/x/1?q=1", ""); status != 200 || body != `{"a":1}` {
		t.Errorf("a member of the pool: got %d %s", status, body)
	}
	if unanswered, uncertain := c.outcome(); unanswered || uncertain {
		t.Error("all was answered")
	}
	for _, other := range [][2]string{{"GET", "https://a.test/x/1?q=1"}, {"POST", "https://a.test/x/1?q=1"}, {"GET", "https://c.test/"}} {
		if status, _ := ask(t, tr, c, other[0], other[1], ""); status != StatusUnanswered {
			t.Errorf("%v: got %d, want %d", other, status, StatusUnanswered)
		}
	}
	if unanswered, _ := c.outcome(); !unanswered {
		t.Error("want unanswered requests")
	}
	ask(t, tr, nil, "GET", "https://a.test/keys", "")
	if tr.Lost() != 1 {
		t.Errorf("got %d lost requests, want 1", tr.Lost())
	}
}

// Messages to MCP servers get the ids of their own requests, and what belongs to the
// protocol is answered without the live call.
func TestTransportUpstream(t *testing.T) {
	const url = "https://notes.test/mcp"
	c, tr := NewCall(), NewTransport([]string{url}, nil)
	asked(t, c, "POST", url, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, 200, `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}}`)
	asked(t, c, "POST", url, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"a"}}`, 200, `{"jsonrpc":"2.0","id":2,"result":{"content":[]}}`)
	tr.Learn(c)
	for _, q := range []struct {
		of            *Call
		message, want string
	}{
		{c, `{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"a"}}`, `{"jsonrpc":"2.0","id":"x","result":{"content":[]}}`},
		{c, `{"jsonrpc":"2.0","id":3,"method":"ping"}`, `{"jsonrpc":"2.0","id":3,"result":{}}`},
		{c, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, ``},
		{nil, `{"jsonrpc":"2.0","id":4,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":4,"result":{"tools":[{"name":"a"}]}}`},
		{nil, `{"jsonrpc":"2.0","id":5,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`,
			`{"jsonrpc":"2.0","id":5,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"resources":{},"prompts":{}},"serverInfo":{"name":"shadow","version":"1"}}}`},
	} {
		if _, got := ask(t, tr, q.of, "POST", url, q.message); got != q.want {
			t.Errorf("%s: got %s, want %s", q.message, got, q.want)
		}
	}
	if unanswered, _ := c.outcome(); unanswered || tr.Lost() > 0 {
		t.Error("all was answered")
	}
	if status, _ := ask(t, tr, c, "POST", url, `{"jsonrpc":"2.0","id":6,"method":"prompts/list"}`); status != StatusUnanswered {
		t.Errorf("got %d, want %d", status, StatusUnanswered)
	}
}

// A body is kept up to the bound; who reads on where it ends is in doubt.
func TestBodies(t *testing.T) {
	for _, c := range []struct {
		name      string
		size      int
		length    int64 // as it is announced
		read      int   // of it by the live call
		kept      int
		uncertain bool
	}{
		{"none", 0, 0, 0, 0, false},
		{"whole, of known length", 100, 100, 100, 100, false},
		{"whole, to its end", 100, -1, 101, 100, false},
		{"not read", 100, 100, 0, 0, true},
		{"too large", MaxCall + 1, -1, MaxCall + 2, MaxCall, true},
	} {
		call := NewCall()
		body := call.Keep(io.NopCloser(bytes.NewReader(make([]byte, c.size))), c.length)
		p := make([]byte, 1000)
		for left := c.read; left > 0; {
			n, err := body.Read(p[:min(left, len(p))])
			if left -= n; err != nil {
				break
			}
		}
		again, length := call.Body()
		content, err := io.ReadAll(again)
		if _, uncertain := call.outcome(); err != nil || uncertain != c.uncertain || len(content) > c.kept || !uncertain && int64(len(content)) != length {
			t.Errorf("%s: got %d of %d bytes, uncertain %v, %v", c.name, len(content), length, uncertain, err)
		}
	}
}

func TestBrokenBackend(t *testing.T) {
	c, tr := NewCall(), NewTransport(nil, nil)
	req, err := http.NewRequestWithContext(c.With(t.Context()), http.MethodGet, "https://a.test/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("connection refused")
	c.Hear(req)(nil, broken)
	res, err := tr.RoundTrip(req)
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if res != nil {
		res.Body.Close()
	}
	if _, uncertain := c.outcome(); !uncertain {
		t.Error("want doubt")
	}
}

// live are tokens of which one is good.
type live struct{ good string }

func (l live) Validate(_ context.Context, token string, _ *policy.TokenRules) *policy.TokenFailure {
	if token == l.good {
		return nil
	}
	return &policy.TokenFailure{Reason: policy.ReasonTokenSignatureInvalid}
}

func token(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part([]byte(claims)) + ".c2ln"
}

// Signatures are what the live call found them to be; claims are the candidate's to
// judge.
func TestGivenTokens(t *testing.T) {
	good, forged := token(`{"iss":"https://login.contoso.com","aud":"a","exp":4000000000}`), token(`{"iss":"https://login.contoso.com","aud":"a","exp":4000000001}`)
	unseen := token(`{"iss":"https://login.contoso.com","aud":"a","exp":4000000002}`)
	c := NewCall()
	heard := HeardTokens{live{good}}
	for _, one := range []string{good, forged} {
		heard.Validate(c.With(t.Context()), one, &policy.TokenRules{})
	}
	given := NewGivenTokens(services.New(services.Options{}).Tokens)
	for _, q := range []struct {
		name, token, audience, issuer string
		want                          policy.Reason // empty: none
	}{
		{"good", good, "a", "https://login.contoso.com", ""},
		{"another audience", good, "b", "https://login.contoso.com", policy.ReasonTokenAudienceNotAllowed},
		{"another issuer", good, "a", "https://other.contoso.com", policy.ReasonTokenIssuerNotAllowed},
		{"forged", forged, "a", "https://login.contoso.com", policy.ReasonTokenSignatureInvalid},
		{"not looked at before", unseen, "a", "https://login.contoso.com", ""},
		{"none", "x", "a", "", policy.ReasonJWTInvalid},
	} {
		f := given.Validate(c.With(t.Context()), q.token, &policy.TokenRules{Audiences: []string{q.audience}, Authorities: []string{q.issuer}, RequireSigned: true, RequireExpiration: true})
		got := policy.Reason("")
		if f != nil {
			got = f.Reason
		}
		if got != q.want {
			t.Errorf("%s: got %q (%v), want %q", q.name, got, f, q.want)
		}
	}
}

// store has one subscription.
type store struct{}

func (store) Find(_ context.Context, key string) (*policy.Subscription, error) {
	if key != "k" {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "s"}, nil
}

func TestGivenSubscriptions(t *testing.T) {
	c := NewCall()
	ctx := c.With(t.Context())
	for _, key := range []string{"k", "wrong"} {
		_, want := HeardSubscriptions{store{}}.Find(ctx, key)
		if _, got := (GivenSubscriptions{}).Find(ctx, key); !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	if _, uncertain := c.outcome(); uncertain {
		t.Error("what was found is certain")
	}
	_, _ = GivenSubscriptions{}.Find(ctx, "other") // looked at below
	if _, uncertain := c.outcome(); !uncertain {
		t.Error("want doubt about a key that nobody has looked for")
	}
}

func TestCompare(t *testing.T) {
	sent := func(name, header, value string) trace.Step {
		return trace.Step{Kind: trace.Request, Name: name, Effects: []trace.Effect{{Kind: "header", Name: header, After: value}}}
	}
	cached := trace.Step{Kind: trace.Policy, Name: "cache-lookup", Effects: []trace.Effect{{Kind: "cache", After: "found"}}}
	refused := trace.Step{Kind: trace.Policy, Name: "ip-filter", Scope: "server", Section: "inbound", Path: "ip-filter[1]", At: "a.xml:1:2", Outcome: trace.Failed, Failure: &trace.Failure{Reason: "CallerIpNotAllowed"}}
	for _, c := range []struct {
		name            string
		live, candidate trace.Trace
		doubt           bool
		want            Outcome
		change          string // the first
	}{
		{"the same", trace.Trace{Status: 200}, trace.Trace{Status: 200}, false, Same, ""},
		{"refused", trace.Trace{Status: 200}, trace.Trace{Status: 403, Steps: []trace.Step{refused}}, false, Different,
			"decision: allowed → refused: CallerIpNotAllowed by server/inbound/ip-filter[1] at a.xml:1:2"},
		{"refused, perhaps", trace.Trace{Status: 200}, trace.Trace{Status: 403, Steps: []trace.Step{refused}}, true, Incomparable, ""},
		{"a status", trace.Trace{Status: 200}, trace.Trace{Status: 201}, false, Different, "status: 200 → 201"},
		{"a result that failed", trace.Trace{Status: 200}, trace.Trace{Status: 200, Failed: true}, false, Different, "decision: allowed → failed"},
		{"a URL", trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "A", "1")}}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/b", "A", "1")}}, true, Different,
			"request 1: GET https://a.test/ → GET https://a.test/b"},
		{"a header", trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "A", "1")}}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "A", "2")}}, false, Different,
			"request 1 A: one value → another value"},
		{"a header to ignore", trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "X-Ours", "1")}}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "X-Mine", "1")}}, false, Same, ""},
		{"credentials", trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "Authorization", "a")}}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "Authorization", "b")}}, false, Same, ""},
		{"one more request", trace.Trace{}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "A", "1")}}, true, Different, "request 1: none → GET https://a.test/"},
		{"a cache", trace.Trace{Steps: []trace.Step{cached}}, trace.Trace{Steps: []trace.Step{sent("GET https://a.test/", "A", "1")}}, true, Incomparable, ""},
	} {
		call := NewCall()
		if c.doubt {
			call.Doubt()
		}
		d, outcome := NewTransport(nil, nil).Compare(call, &c.live, &c.candidate, []string{"x-ours", "X-Mine"})
		first := ""
		if len(d.Changes) > 0 {
			first = d.Changes[0].What + ": " + d.Changes[0].Live + " → " + d.Changes[0].Candidate
		}
		if outcome != c.want || first != c.change {
			t.Errorf("%s: got %s %q, want %s %q", c.name, outcome, first, c.want, c.change)
		}
	}
}

// What is written to a log is what a report reads, whatever a platform puts around.
func TestReport(t *testing.T) {
	var log bytes.Buffer
	lines := slog.New(slog.NewJSONHandler(&log, nil))
	for range 2 {
		d := Difference{Time: time.Now(), Server: "pets", Method: "tools/call", Name: "get", RequestID: "r1", Changes: []Change{
			{Decision, "decision", "allowed", "refused"}, {Result, "status", "200", "403"}, {Result, "isError", "false", "true"},
		}}
		d.Log(lines)
	}
	counts := Counts{}
	for _, o := range []Outcome{Same, Different, Different, Incomparable, Dropped} {
		counts.Add(o)
	}
	counts.Log(lines)
	lines.Info("call", "server", "shadow")
	(&Counts{}).Log(lines)
	text := strings.ReplaceAll(log.String(), "{\"time\"", "2026-01-31T12:00:00Z stream-a {\"time\"") + "no JSON, shadow {\n"
	r, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	const want = `SERVER  CALL            KIND      CALLS  EXAMPLE
pets    tools/call get  decision  2      decision: allowed → refused
pets    tools/call get  result    2      status: 200 → 403
1 the same, 2 different, 1 not to be compared, 1 dropped
`
	if table.String() != want {
		t.Errorf("got\n%swant\n%s", table.String(), want)
	}
	if _, err := Read(strings.NewReader(`{"msg":"shadow difference","changes":1}`)); err == nil || !strings.HasPrefix(err.Error(), "reading line 1: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"msg":"shadow difference","server":"a","changes":[{"kind":"result","what":"status","live":"200","candidate":"403\u001b"}]}` + "\n" + `{"msg":"shadow counts","same":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := r.Table(&out); err != nil || strings.Contains(out.String(), "\x1b") {
			t.Errorf("got %q, %v", out.String(), err)
		}
	})
}
