package governance_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/shadow"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

// shadowGateway is a live configuration; candidates are made of it.
const shadowGateway = `name: contoso
backends: { pets: { url: "BACKEND/v1" } }
apis:
  pets: { path: pets, openapi: pets.yaml, backend: pets, policy: pets.xml }
servers:
  pets: { api: pets, policy: server.xml }
  notes: { upstream: { url: "BACKEND/mcp" }, policy: notes.xml }
`

const shadowPets = `openapi: 3.1.0
info: { title: Pets, version: "1" }
paths:
  /{id}:
    get:
      operationId: get
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      responses: { "200": { description: ok } }
  /:
    post:
      operationId: add
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "200": { description: ok } }
`

const shadowPolicies = `<policies><inbound><base /></inbound><backend><base /></backend></policies>`

// shadowed is a gateway with a candidate beside it, and everything that it touches.
type shadowed struct {
	*gateway.Gateway
	store   *touchedStore
	backend tracedGateway
	log     bytes.Buffer
	sink    touchedSink
}

// touchedStore writes down what is asked of it.
type touchedStore struct {
	state.Memory
	mu   sync.Mutex
	asks []string
}

func (s *touchedStore) note(op string, k state.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = append(s.asks, fmt.Sprint(op, " ", k))
}

func (s *touchedStore) Get(ctx context.Context, k state.Key) (state.Record, error) {
	s.note("get", k)
	return s.Memory.Get(ctx, k)
}

func (s *touchedStore) Put(ctx context.Context, k state.Key, r state.Record) (string, error) {
	s.note("put", k)
	return s.Memory.Put(ctx, k, r)
}

// touchedSink counts what policies report.
type touchedSink struct {
	mu sync.Mutex
	n  int
}

func (s *touchedSink) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func (s *touchedSink) Trace(*policy.Exchange, policy.TraceRecord) { s.add() }
func (s *touchedSink) Metric(*policy.Exchange, policy.Metric)     { s.add() }
func (s *touchedSink) Event(*policy.Exchange, policy.Event)       { s.add() }

// newShadowed serves a configuration; candidate are the files of the other one that
// differ, and nil is none.
func newShadowed(t *testing.T, live, candidate map[string]string) *shadowed {
	t.Helper()
	s := &shadowed{store: &touchedStore{}}
	server := httptest.NewServer(http.HandlerFunc(s.backend.answer))
	t.Cleanup(server.Close)
	files := map[string]string{"gateway.yaml": shadowGateway, "pets.yaml": shadowPets, "pets.xml": shadowPolicies, "server.xml": shadowPolicies, "notes.xml": shadowPolicies}
	maps.Copy(files, live)
	all := maps.Clone(files)
	if candidate != nil {
		all["gateway.yaml"] += "shadow: { folder: candidate, sample: 1 }\n"
		maps.Copy(files, candidate)
		for name, text := range files {
			all["candidate/"+name] = text
		}
	}
	for name := range all {
		all[name] = strings.ReplaceAll(all[name], "BACKEND", server.URL)
	}
	made := services.New(services.Options{Store: s.store})
	made.Sink = &s.sink
	s.Gateway = folder.Open(t, folder.Write(t, all), nil, gateway.Options{
		Services: made, Subscriptions: oneKey{}, Log: slog.New(slog.NewJSONHandler(&s.log, nil)),
		Shadow: &gateway.ShadowOptions{Services: services.New(services.Options{})},
	})
	return s
}

func (s *shadowed) call(t *testing.T, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// report ends the gateway, and with it what is on its way, and reads the log.
func (s *shadowed) report(t *testing.T) *shadow.Report {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	r, err := shadow.Read(strings.NewReader(s.log.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, s.log.String())
	}
	return r
}

func policies(inbound, onError string) string {
	return "<policies><inbound><base />" + inbound + "</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base />" + onError + "</on-error></policies>"
}

const callGet = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get","arguments":{"id":"a1"}}}`

func TestShadow(t *testing.T) {
	limit := func(n int) string {
		return policies(fmt.Sprintf(`<rate-limit-by-key calls="%d" renewal-period="60" counter-key="a" />`, n), "")
	}
	header := func(value string) string {
		return policies(`<set-header name="X-Team" exists-action="override"><value>`+value+`</value></set-header>`, "")
	}
	for _, c := range []struct {
		name            string
		live, candidate map[string]string
		want            []string // SERVER KIND WHAT: LIVE → CANDIDATE
	}{
		{name: "nothing changed", candidate: map[string]string{}},
		{
			name:      "a stricter ip-filter",
			candidate: map[string]string{"server.xml": policies(`<ip-filter action="allow"><address>10.0.0.1</address></ip-filter>`, "")},
			want: []string{
				"pets decision decision: allowed → refused: CallerIpNotAllowed by server/inbound/ip-filter[1] at server.xml:1:28",
				"pets result status: 200 → 403",
			},
		},
		{
			name: "another rate limit", live: map[string]string{"server.xml": limit(5)}, candidate: map[string]string{"server.xml": limit(1)},
			want: []string{
				"pets decision decision: allowed → refused: RateLimitExceeded by server/inbound/rate-limit-by-key[1] at server.xml:1:28",
				"pets result status: 200 → 429",
			},
		},
		{
			name:      "another path of the backend",
			candidate: map[string]string{"gateway.yaml": strings.ReplaceAll(shadowGateway, "/v1", "/v2")},
			want:      []string{"pets request request 1: GET BACKEND/v1/a1 → GET BACKEND/v2/a1"},
		},
		{
			name: "another set-header", live: map[string]string{"pets.xml": header("one-of-them")}, candidate: map[string]string{"pets.xml": header("another-one")},
			want: []string{"pets header request 1 X-Team: one value → another value"},
		},
		{
			name:      "an error, and one in on-error",
			live:      map[string]string{"server.xml": policies(`<check-header name="X-Must" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true" />`, "")},
			candidate: map[string]string{"server.xml": policies(`<check-header name="X-Must" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true" />`, `<set-status code="@(int.Parse("x"))" reason="a" />`)},
			want: []string{
				"pets decision decision: refused: HeaderNotFound by server/inbound/check-header[1] at server.xml:1:28 → failed: HeaderNotFound by server/inbound/check-header[1] at server.xml:1:28",
				"pets result status: 401 → 500",
			},
		},
		{
			name:      "an MCP server behind the gateway",
			candidate: map[string]string{"notes.xml": policies(`<set-header name="X-Team" exists-action="override"><value>ops</value></set-header>`, "")},
			want:      []string{"notes header request 1 X-Team: none → set"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShadowed(t, c.live, c.candidate)
			for range 2 {
				s.call(t, http.MethodPost, "/pets/mcp", callGet)
				s.call(t, http.MethodPost, "/notes/mcp", callFind)
				s.call(t, http.MethodGet, "/pets/a1", "")
				s.call(t, http.MethodPost, "/pets/", `{"name":"Rex"}`)
			}
			r := s.report(t)
			var got []string
			for line := range strings.Lines(s.log.String()) {
				got = append(got, changesOf(t, line)...)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			for i := range got {
				got[i] = backendAddress(got[i])
			}
			want := slices.Sorted(slices.Values(c.want))
			got = slices.DeleteFunc(got, func(line string) bool {
				return strings.HasPrefix(line, "pets request") && strings.Contains(line, "POST ") || strings.Contains(line, "(api)")
			})
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s\nlog\n%s", strings.Join(got, "\n  "), strings.Join(want, "\n  "), s.log.String())
			}
			if sum := r.Counts.Same + r.Counts.Different + r.Counts.Incomparable; sum != 8 || r.Counts.Dropped > 0 || len(c.want) == 0 && r.Counts.Same != 8 {
				t.Errorf("got %+v, want 8 calls", r.Counts)
			}
		})
	}
}

// backendAddress has no port in it.
func backendAddress(line string) string {
	for {
		at := strings.Index(line, "http://127.0.0.1:")
		if at < 0 {
			return line
		}
		end := at + strings.IndexByte(line[at+7:], '/') + 7
		line = line[:at] + "BACKEND" + line[end:]
	}
}

// changesOf are the changes in a line of the log, of calls of MCP servers.
func changesOf(t *testing.T, line string) []string {
	t.Helper()
	r, err := shadow.Read(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, g := range r.Groups {
		if g.Method == "tools/call" {
			list = append(list, fmt.Sprintf("%s %s %s: %s → %s", g.Server, g.Kind, g.Example.What, g.Example.Live, g.Example.Candidate))
		}
	}
	return list
}

// The candidate touches nothing that the live configuration touches.
func TestShadowWithoutEffect(t *testing.T) {
	acts := policies(`<rate-limit-by-key calls="100" renewal-period="60" counter-key="a" /><quota-by-key calls="100" renewal-period="3600" counter-key="a" />
    <cache-lookup-value key="a" variable-name="a" /><cache-store-value key="a" value="1" duration="60" />
    <trace source="a"><message>b</message></trace><emit-metric name="n" value="1"><dimension name="API ID" /></emit-metric>
    <log-to-eventhub logger-id="hub">x</log-to-eventhub>
    <send-request mode="new" response-variable-name="r"><set-url>BACKEND/v1/extra</set-url><set-method>POST</set-method><set-body>x</set-body></send-request>`, "")
	files := map[string]string{"server.xml": acts}
	run := func(candidate map[string]string) (asks []string, requests string, reports int) {
		s := newShadowed(t, files, candidate)
		for range 3 {
			if w := s.call(t, http.MethodPost, "/pets/mcp", callGet); w.Code != http.StatusOK {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
		}
		s.report(t)
		return s.store.asks, s.backend.backend.take(), s.sink.n
	}
	asks, requests, reports := run(nil)
	withAsks, withRequests, withReports := run(map[string]string{})
	if len(withAsks) != len(asks) || reports != withReports || reports == 0 {
		t.Errorf("got %d operations of the store and %d reports, want %d and %d", len(withAsks), withReports, len(asks), reports)
	}
	if strings.Count(requests, "\n") != strings.Count(withRequests, "\n") {
		t.Errorf("got the requests\n%swant\n%s", withRequests, requests)
	}
}

// oneKey has one subscription.
type oneKey struct{}

func (oneKey) Find(_ context.Context, key string) (*policy.Subscription, error) {
	if key != "k" {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "ann", Scope: policy.SubscriptionScope{Kind: policy.AllScope}}, nil
}

// The candidate knows the caller as the live call found them: by key, address and id
// of the request.
func TestShadowCaller(t *testing.T) {
	const keys = shadowGateway + "  shop: { upstream: { url: \"BACKEND/mcp\" }, subscriptionRequired: true, policy: shop.xml }\n"
	answer := func(text string) string {
		return policies(`<return-response><set-status code="@(context.Subscription.Id == "ann" ? `+text+` : 500)" reason="A" /><set-header name="X" exists-action="override"><value>@(context.RequestId.ToString() + context.Request.IpAddress)</value></set-header></return-response>`, "")
	}
	s := newShadowed(t, map[string]string{"gateway.yaml": keys, "shop.xml": answer("200")}, map[string]string{"shop.xml": answer("409")})
	for _, target := range []string{"/shop/mcp?subscription-key=k", "/shop/mcp?subscription-key=wrong", "/shop/mcp"} {
		s.call(t, http.MethodPost, target, callFind)
	}
	r := s.report(t)
	if r.Counts != (shadow.Counts{Same: 2, Different: 1}) || !strings.Contains(s.log.String(), `{"candidate":"409","kind":"result","live":"200","what":"status"}`) {
		t.Errorf("got %+v\n%s", r.Counts, s.log.String())
	}
	if strings.Contains(s.log.String(), "subscription-key=") {
		t.Errorf("the log shows a key:\n%s", s.log.String())
	}
}

// Members of a federation, and answers that stream, are replayed as well.
func TestShadowFederation(t *testing.T) {
	const federated = shadowGateway + "  all: { federate: [ { server: pets }, { server: notes } ] }\n"
	files := map[string]string{"gateway.yaml": federated}
	s := newShadowed(t, files, map[string]string{})
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}`,
		strings.Replace(callGet, `"get"`, `"pets_get"`, 1), strings.Replace(callFind, `"find"`, `"notes_find"`, 1),
	} {
		s.call(t, http.MethodPost, "/all/mcp", body)
	}
	if r := s.report(t); r.Counts.Different > 0 || r.Counts.Same < 2 {
		t.Errorf("got %+v\n%s", r.Counts, s.log.String())
	}
}

// A candidate that cannot be made is not run, and the live configuration goes on. Of its
// secrets nothing is read.
func TestShadowNotMade(t *testing.T) {
	for _, c := range []struct{ policy, more, logged string }{
		{`<set-header name="X-Key" exists-action="override"><value>{{key}}</value></set-header>`, "", `"msg":"the candidate has stand-ins for secrets that the live configuration does not have","secrets":["env:NEW_KEY"]`},
		{"", "certificates: { mine: { pfx: { secret: \"env:PFX\" } } }\n", `"msg":"the candidate is not run beside this configuration"`},
	} {
		s := newShadowed(t, nil, map[string]string{
			"server.xml": policies(c.policy, ""), "gateway.yaml": shadowGateway + "namedValues: { key: { secret: \"env:NEW_KEY\" } }\n" + c.more,
		})
		if w := s.call(t, http.MethodPost, "/pets/mcp", callGet); w.Code != http.StatusOK {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		s.report(t)
		if log := s.log.String(); !strings.Contains(log, c.logged) {
			t.Errorf("got the log\n%swant %s", log, c.logged)
		}
	}
}

// A candidate that cannot be read is a fault of the build, with its place.
func TestShadowFaults(t *testing.T) {
	dir := folder.Write(t, map[string]string{
		"gateway.yaml":           "name: contoso\nservers: {}\nshadow: { folder: candidate, sampel: 1 }\n",
		"candidate/gateway.yaml": "name: contoso\nserverz: {}\n",
	})
	_, err := folder.Compile(t.Context(), dir, nil)
	if err == nil {
		t.Fatal("got no fault")
	}
	other := folder.Write(t, map[string]string{"gateway.yaml": "name: contoso\nservers: {}\nshadow: { folder: none, sample: 2 }\n"})
	_, more := folder.Compile(t.Context(), other, nil)
	for _, want := range []string{`gateway.yaml:3:19: "folder" in "shadow" is "none", which is no folder`, `gateway.yaml:3:33: "sample" in "shadow"`} {
		if more == nil || !strings.Contains(more.Error(), want) {
			t.Errorf("got %v, want %s", more, want)
		}
	}
	for _, want := range []string{`gateway.yaml:3:30: unknown key "sampel"`, `candidate/gateway.yaml:2:1: unknown key "serverz"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
