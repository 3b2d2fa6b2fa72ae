package governance_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const approvalFolder = `
name: contoso
namedValues: { backend: { env: BACKEND } }
backends: { pets: { url: "{{backend}}" } }
apis:
  pets: { openapi: pets.yaml, backend: pets }
servers:
  pets:
    api: pets
    tools:
      - getPet
      - { operation: deletePet, approval: { message: "Delete pet {petId}?", expires: 2m } }
  strict: { api: pets, approval: true, tools: [ { operation: getPet, approval: false }, deletePet ] }
  shelter:
    upstream: { url: "{{backend}}/mcp", protocolVersion: 2026-07-28 }
    tools: [ search, { tool: require, approval: true } ]
  all: { federate: [ pets, { server: shelter, prefix: s } ] }
  own:
    api: pets
    authorization: { issuer: "https://login.contoso.com" }
    approval: true
`

const petsDocument = `
openapi: 3.1.0
info: { title: Pets, version: "1" }
paths:
  /pets/{petId}:
    parameters: [ { name: petId, in: path, required: true, schema: { type: integer } } ]
    get: { operationId: getPet, responses: { "200": { description: A pet. } } }
    delete:
      operationId: deletePet
      parameters: [ { name: note, in: query, schema: { type: string } } ]
      responses: { "204": { description: Gone. } }
`

// failing is a store that can stop answering to writes.
type failing struct {
	state.Memory
	gone atomic.Bool
}

func (f *failing) Put(ctx context.Context, key state.Key, record state.Record) (string, error) {
	if f.gone.Load() {
		return "", state.ErrBusy
	}
	return f.Memory.Put(ctx, key, record)
}

// claimed takes every token for a valid one.
type claimed struct{}

func (claimed) Validate(context.Context, string, *policy.TokenRules) *policy.TokenFailure { return nil }

// approvals is a gateway with tools that wait for a person.
type approvals struct {
	base  string
	calls atomic.Int32 // of deletePet and require, as the backends saw them
	store failing

	mu   sync.Mutex
	now  time.Time
	last gateway.Call
}

func (a *approvals) time() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *approvals) pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

func (a *approvals) observe(c gateway.Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = c
}

// logged is what the log has of the last request's approval.
func (a *approvals) logged() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.TrimSpace(a.last.Approval + " " + a.last.ApprovedBy)
}

func newApprovals(t *testing.T) *approvals {
	t.Helper()
	a := &approvals{now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	shelter := sdk.NewServer(&sdk.Implementation{Name: "shelter", Version: "1"}, nil)
	sdk.AddTool(shelter, &sdk.Tool{Name: "search"}, func(context.Context, *sdk.CallToolRequest, any) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "found"}}}, nil, nil
	})
	sdk.AddTool(shelter, &sdk.Tool{Name: "require"}, func(_ context.Context, req *sdk.CallToolRequest, _ any) (*sdk.CallToolResult, any, error) {
		a.calls.Add(1)
		if answer, ok := req.Params.InputResponses["sure"].(*sdk.ElicitResult); ok {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprint("required ", answer.Action, " ", req.Params.RequestState, " ", len(req.Params.InputResponses))}}}, nil, nil
		}
		return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{"sure": &sdk.ElicitParams{Message: "Sure?"}}, RequestState: "inner"}, nil, nil
	})
	mcp := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return shelter }, &sdk.StreamableHTTPOptions{Stateless: true})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/mcp":
			mcp.ServeHTTP(w, r)
		case r.Method == http.MethodDelete:
			a.calls.Add(1)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"name":"Rex"}`)
		}
	}))
	t.Cleanup(backend.Close)
	s := services.New(services.Options{Now: a.time})
	s.Tokens = claimed{}
	a.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": approvalFolder, "pets.yaml": petsDocument}),
		map[string]string{"BACKEND": backend.URL}, gateway.Options{Services: s, Approvals: &a.store, Observe: a.observe})
	return a
}

// message is a tools/call. The zero values are those of a modern client without
// capabilities.
type message struct {
	server, tool, arguments string
	version                 string
	capabilities            string // of the modern era
	state, answer           string // requestState, and inputResponses as JSON; empty for none
	token                   string
}

// answered is what came of a message.
type answered struct {
	Result struct {
		Type     string `json:"resultType"`
		State    string `json:"requestState"`
		IsError  bool   `json:"isError"`
		Requests map[string]struct {
			Method string `json:"method"`
			Params struct {
				Mode    string         `json:"mode"`
				Message string         `json:"message"`
				URL     string         `json:"url"`
				Schema  jsontext.Value `json:"requestedSchema"`
			} `json:"params"`
		} `json:"inputRequests"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Elicitations []struct {
				Mode, URL, ElicitationID, Message string
			} `json:"elicitations"`
		} `json:"data"`
	} `json:"error"`
}

func (r *answered) text() string {
	if len(r.Result.Content) == 0 {
		return r.Error.Message
	}
	return r.Result.Content[0].Text
}

const (
	byForm   = `{"elicitation":{}}`
	byURL    = `{"elicitation":{"url":{}}}`
	approved = `{"approval":{"action":"accept","content":{"decision":"approve"}}}`
)

// send sends a message.
func (a *approvals) send(t *testing.T, m message) *answered {
	t.Helper()
	version := m.version
	if version == "" {
		version = "2026-07-28"
	}
	params := map[string]any{"name": m.tool, "arguments": jsontext.Value(m.arguments)}
	if version == "2026-07-28" {
		capabilities := m.capabilities
		if capabilities == "" {
			capabilities = "{}"
		}
		params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": jsontext.Value(capabilities)}
	}
	if m.state != "" {
		params["requestState"] = m.state
	}
	if m.answer != "" {
		params["inputResponses"] = jsontext.Value(m.answer)
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
	if err != nil {
		t.Error(err)
		return &answered{}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+"/"+m.server+"/mcp", strings.NewReader(string(body)))
	if err != nil {
		t.Error(err)
		return &answered{}
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Protocol-Version": {version},
		"Mcp-Method": {"tools/call"}, "Mcp-Name": {m.tool},
	}
	if m.token != "" {
		req.Header.Set("Authorization", "Bearer "+m.token)
	}
	res, err := http.DefaultClient.Do(req) //nolint:forbidigo // a client of tests
	if err != nil {
		t.Error(err)
		return &answered{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	if _, event, ok := strings.Cut(string(text), "data: "); ok {
		text = []byte(event)
	}
	var r answered
	if err := json.Unmarshal(text, &r, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Errorf("got %s: %v", text, err)
	}
	return &r
}

// ask sends a message that is asked about, and returns the state.
func (a *approvals) ask(t *testing.T, m message) string {
	t.Helper()
	r := a.send(t, m)
	if r.Result.Type != "input_required" || r.Result.State == "" {
		t.Fatalf("got %+v, want a question", r)
	}
	if got := a.logged(); got != "asked" {
		t.Errorf("logged %q, want asked", got)
	}
	return r.Result.State
}

func deletion() message {
	return message{server: "pets", tool: "deletePet", arguments: `{"petId":9007199254740993,"note":"a\nb\u202e"}`, capabilities: byForm}
}

func TestApprovalIsAsked(t *testing.T) {
	a := newApprovals(t)
	r := a.send(t, deletion())
	q := r.Result.Requests["approval"]
	want := "Delete pet 9007199254740993?\n\nServer: pets\nTool: deletePet\n- petId: 9007199254740993\n- note: \"a\\nb\ufffd\""
	if q.Method != "elicitation/create" || q.Params.Mode != "form" || q.Params.Message != want || !strings.Contains(string(q.Params.Schema), `"required":["decision"]`) {
		t.Errorf("got %+v, want %q", q, want)
	}
	if a.calls.Load() != 0 {
		t.Error("the backend was called")
	}
	retry := deletion()
	retry.arguments = `{"note":"a\nb\u202E", "petId":9007199254740993}` // the same, written otherwise
	retry.state, retry.answer = r.Result.State, approved
	if r := a.send(t, retry); r.Result.IsError || r.Result.Type != "complete" || a.calls.Load() != 1 {
		t.Errorf("got %+v and %d calls", r, a.calls.Load())
	}
	if got := a.logged(); got != "approved client" {
		t.Errorf("logged %q", got)
	}
	if r := a.send(t, retry); !r.Result.IsError || !strings.Contains(r.text(), "with this approval before") || a.calls.Load() != 1 {
		t.Errorf("a replay: got %+v and %d calls", r, a.calls.Load())
	}
}

// What does not fit together is not called.
func TestApprovalRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(a *approvals, m *message)
		code   int    // of the error; 0: a result
		text   string // in the result or the error
		asked  bool   // again
		logged string
	}{
		{name: "declined", change: func(_ *approvals, m *message) { m.answer = `{"approval":{"action":"decline"}}` }, text: "refused", logged: "refused client"},
		{name: "cancelled", change: func(_ *approvals, m *message) { m.answer = `{"approval":{"action":"cancel"}}` }, text: "refused", logged: "refused client"},
		{name: "decided to refuse", change: func(_ *approvals, m *message) {
			m.answer = `{"approval":{"action":"accept","content":{"decision":"refuse"}}}`
		}, text: "refused", logged: "refused client"},
		{name: "no decision", change: func(_ *approvals, m *message) { m.answer = `{"approval":{"action":"accept"}}` }, text: "refused", logged: "refused client"},
		{name: "approved without accepting", change: func(_ *approvals, m *message) {
			m.answer = `{"approval":{"action":"decline","content":{"decision":"approve"}}}`
		}, text: "refused", logged: "refused client"},
		{name: "no answer", change: func(_ *approvals, m *message) { m.answer = "" }, text: "refused", logged: "refused client"},
		{name: "an answer of another shape", change: func(_ *approvals, m *message) { m.answer = `{"approval":[]}` }, text: "refused", logged: "refused client"},
		{name: "an answer without a state", change: func(_ *approvals, m *message) { m.state = "" }, asked: true, logged: "asked"},
		{name: "expired", change: func(a *approvals, _ *message) { a.pass(2 * time.Minute) }, asked: true, logged: "asked"},
		{name: "in time", change: func(a *approvals, _ *message) { a.pass(2*time.Minute - time.Second) }, logged: "approved client"},
		{name: "tampered", change: func(_ *approvals, m *message) { m.state = m.state[:20] + "A" + m.state[21:] + "A" }, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "another number", change: func(_ *approvals, m *message) {
			m.arguments = strings.Replace(m.arguments, "993", "992", 1)
		}, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "one argument less", change: func(_ *approvals, m *message) { m.arguments = `{"petId":9007199254740993}` }, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "another server", change: func(_ *approvals, m *message) { m.server = "strict" }, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "another tool", change: func(_ *approvals, m *message) { m.server, m.tool = "shelter", "require" }, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "another caller", change: func(_ *approvals, m *message) { m.token = "bob" }, code: -32602, text: "not of this call", logged: "invalid"},
		{name: "by way of a federation, another name", change: func(_ *approvals, m *message) { m.server, m.tool = "all", "pets_getPet" }, text: "Rex"},
		{name: "the store is away", change: func(a *approvals, _ *message) { a.store.gone.Store(true) }, text: "could not find out", logged: "invalid"},
		{name: "faulty arguments", change: func(_ *approvals, m *message) { m.arguments = `{"petId":"x"}` }, text: "petId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApprovals(t)
			m := deletion()
			m.state, m.answer = a.ask(t, m), approved
			if strings.HasPrefix(c.name, "by way") {
				m.arguments = `{"petId":1}`
			}
			c.change(a, &m)
			r := a.send(t, m)
			called := int32(0)
			if c.logged == "approved client" {
				called = 1
			}
			if r.Error.Code != c.code || !strings.Contains(r.text(), c.text) || (r.Result.Type == "input_required") != c.asked || a.calls.Load() != called {
				t.Errorf("got %+v and %d calls", r, a.calls.Load())
			}
			if got := a.logged(); got != c.logged {
				t.Errorf("logged %q, want %q", got, c.logged)
			}
		})
	}
}

// Of calls that come at once with one approval, one is made.
func TestApprovalIsUsedOnce(t *testing.T) {
	a := newApprovals(t)
	m := deletion()
	m.state, m.answer = a.ask(t, m), approved
	var done sync.WaitGroup
	var made atomic.Int32
	for range 16 {
		done.Go(func() {
			if r := a.send(t, m); !r.Result.IsError && r.Error.Code == 0 {
				made.Add(1)
			}
		})
	}
	done.Wait()
	if made.Load() != 1 || a.calls.Load() != 1 {
		t.Errorf("got %d results of %d calls, want 1", made.Load(), a.calls.Load())
	}
}

// Who cannot be asked cannot call; others are asked as the server and the tool say.
func TestApprovalByClient(t *testing.T) {
	a := newApprovals(t)
	for _, c := range []struct {
		name string
		m    message
		want string // input_required, an error code, or a part of the text
	}{
		{"no elicitation", message{server: "pets", tool: "deletePet"}, "no way to ask"},
		{"elicitation null", message{server: "pets", tool: "deletePet", capabilities: `{"elicitation":null}`}, "no way to ask"},
		{"another mode", message{server: "pets", tool: "deletePet", capabilities: `{"elicitation":{"voice":{}}}`}, "no way to ask"},
		{"form", message{server: "pets", tool: "deletePet", capabilities: `{"elicitation":{"form":{},"url":{}}}`}, "input_required"},
		{"2025-06-18", message{server: "pets", tool: "deletePet", version: "2025-06-18"}, "no way to ask"},
		{"2025-03-26", message{server: "pets", tool: "deletePet", version: "2025-03-26"}, "no way to ask"},
		{"2025-11-25", message{server: "pets", tool: "deletePet", version: "2025-11-25"}, "-32042"},
		{"a tool that says nothing", message{server: "pets", tool: "getPet"}, "Rex"},
		{"a tool that waives", message{server: "strict", tool: "getPet"}, "Rex"},
		{"a tool of a strict server", message{server: "strict", tool: "deletePet", capabilities: byForm}, "input_required"},
		{"a member", message{server: "all", tool: "pets_deletePet", capabilities: byForm}, "input_required"},
		{"a member that asks nothing", message{server: "all", tool: "s_search"}, "found"},
		{"an unknown tool", message{server: "strict", tool: "none"}, "-32602"},
		{"upstream", message{server: "shelter", tool: "require", arguments: `{}`, capabilities: byForm}, "input_required"},
		{"upstream, no elicitation", message{server: "shelter", tool: "require", arguments: `{}`}, "no way to ask"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.m.arguments == "" {
				c.m.arguments = `{"petId":1}`
			}
			r := a.send(t, c.m)
			if got := fmt.Sprint(r.Result.Type, r.Error.Code, r.text()); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if a.calls.Load() != 0 {
				t.Error("the backend was called")
			}
		})
	}
}

// A client of the protocol's own SDK answers for its user, and a server behind that
// asks for more does not make the gateway ask again.
func TestApprovalWithSDK(t *testing.T) {
	for _, c := range []struct{ server, tool, decision, want, asked string }{
		{"pets", "deletePet", "approve", "", "Delete pet 1?"},
		{"pets", "deletePet", "refuse", "refused", "Delete pet 1?"},
		{"all", "pets_deletePet", "approve", "", "Delete pet 1?"},
		{"shelter", "require", "approve", "required accept inner 1", "Allow the tool require of shelter to be called? Sure?"},
		{"all", "s_require", "approve", "required accept inner 1", "Allow the tool require of shelter to be called? Sure?"},
		{"shelter", "require", "refuse", "refused", "Allow the tool require of shelter to be called?"},
	} {
		t.Run(c.server+" "+c.tool+" "+c.decision, func(t *testing.T) {
			a := newApprovals(t)
			var asked []string
			client := sdk.NewClient(&sdk.Implementation{Name: "client", Version: "1"}, &sdk.ClientOptions{
				ElicitationHandler: func(_ context.Context, req *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
					first, _, _ := strings.Cut(req.Params.Message, "\n")
					asked = append(asked, first)
					return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"decision": c.decision}}, nil
				},
			})
			session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: a.base + "/" + c.server + "/mcp", MaxRetries: -1}, &sdk.ClientSessionOptions{ProtocolVersion: "2026-07-28"})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			arguments := map[string]any{}
			if strings.HasSuffix(c.tool, "deletePet") {
				arguments["petId"] = 1
			}
			res, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: arguments})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if len(res.Content) > 0 {
				text = res.Content[0].(*sdk.TextContent).Text
			}
			if !strings.Contains(text, c.want) || res.IsError != (c.decision == "refuse") || strings.Join(asked, " ") != c.asked {
				t.Errorf("got %q (error %t) after %q", text, res.IsError, asked)
			}
			if got := a.calls.Load() > 0; got != (c.decision == "approve") {
				t.Errorf("called: %t", got)
			}
		})
	}
}

// The rounds of an approved call are good once each, and for that call.
func TestApprovalOfFurtherRounds(t *testing.T) {
	a := newApprovals(t)
	m := message{server: "shelter", tool: "require", arguments: `{}`, capabilities: byForm}
	m.state, m.answer = a.ask(t, m), approved
	r := a.send(t, m)
	if r.Result.Type != "input_required" || r.Result.Requests["sure"].Method == "" || r.Result.State == "inner" || a.calls.Load() != 1 {
		t.Fatalf("got %+v", r)
	}
	m.state, m.answer = r.Result.State, `{"sure":{"action":"accept"}}`
	other := m
	other.arguments = `{"a":1}`
	if r := a.send(t, other); r.Error.Code != -32602 || a.calls.Load() != 1 {
		t.Errorf("other arguments: got %+v", r)
	}
	if r := a.send(t, m); r.text() != "required accept inner 1" || a.calls.Load() != 2 {
		t.Errorf("got %+v", r)
	}
	if r := a.send(t, m); !r.Result.IsError || a.calls.Load() != 2 {
		t.Errorf("a replay: got %+v", r)
	}
}

// A user is the same one with another token, and nobody else is.
func TestApprovalOfUsers(t *testing.T) {
	a := newApprovals(t)
	token := func(user string, n int) string {
		claims := fmt.Sprintf(`{"iss":"https://login.contoso.com","sub":%q,"n":%d}`, user, n)
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
	}
	m := message{server: "own", tool: "deletePet", arguments: `{"petId":1}`, capabilities: byForm, token: token("ann", 1)}
	m.state, m.answer = a.ask(t, m), approved
	m.token = token("bob", 1)
	if r := a.send(t, m); r.Error.Code != -32602 || a.calls.Load() != 0 {
		t.Errorf("another user: got %+v", r)
	}
	m.token = token("ann", 2)
	if r := a.send(t, m); r.Result.IsError || a.calls.Load() != 1 {
		t.Errorf("another token: got %+v", r)
	}
	if got := a.logged(); got != "approved ann" {
		t.Errorf("logged %q", got)
	}
}

// open opens a page, or answers it.
func open(t *testing.T, method, address, form string, header http.Header) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	maps.Copy(req.Header, header)
	res := do(t, req)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

var actionPattern = regexp.MustCompile(`<form method="post" action="([^"]+)">`)

// A client that cannot ask leads its user to a page, and calls again.
func TestApprovalOnPage(t *testing.T) {
	for _, c := range []struct {
		version, decision string
	}{{"2025-11-25", "approve"}, {"2025-11-25", "refuse"}, {"2026-07-28", "approve"}, {"2026-07-28", "refuse"}} {
		t.Run(c.version+" "+c.decision, func(t *testing.T) {
			a := newApprovals(t)
			m := message{server: "pets", tool: "deletePet", arguments: `{"petId":1,"note":"<b>&</b>"}`, version: c.version, capabilities: byURL, token: "ann"}
			r := a.send(t, m)
			link := ""
			if c.version == "2025-11-25" {
				if r.Error.Code != -32042 || len(r.Error.Data.Elicitations) != 1 || r.Error.Data.Elicitations[0].Mode != "url" || r.Error.Data.Elicitations[0].ElicitationID == "" {
					t.Fatalf("got %+v", r)
				}
				link = r.Error.Data.Elicitations[0].URL
			} else {
				if q := r.Result.Requests["approval"]; q.Params.Mode != "url" {
					t.Fatalf("got %+v", r)
				}
				link = r.Result.Requests["approval"].Params.URL
				m.state, m.answer = r.Result.State, `{"approval":{"action":"accept"}}`
				if r := a.send(t, m); !r.Result.IsError || !strings.Contains(r.text(), "waits for the decision") {
					t.Errorf("too early: got %+v", r)
				}
			}
			status, header, page := open(t, http.MethodGet, link, "", nil)
			for _, part := range []string{"Delete pet 1?", "deletePet", "pets", "&#34;&lt;b&gt;&amp;&lt;/b&gt;&#34;", `lang="en"`} {
				if !strings.Contains(page, part) {
					t.Errorf("the page lacks %s:\n%s", part, page)
				}
			}
			if status != http.StatusOK || strings.Contains(page, "<script") || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d, %v", status, header)
			}
			action := actionPattern.FindStringSubmatch(page)
			if action == nil {
				t.Fatalf("no form:\n%s", page)
			}
			base, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			target, err := base.Parse(html.UnescapeString(action[1]))
			if err != nil {
				t.Fatal(err)
			}
			if status, _, _ := open(t, http.MethodPost, target.String(), "decision=approve", http.Header{"Sec-Fetch-Site": {"cross-site"}}); status != http.StatusForbidden {
				t.Errorf("a form of another site: got %d", status)
			}
			if status, _, text := open(t, http.MethodPost, target.String(), "decision="+c.decision, http.Header{"Sec-Fetch-Site": {"same-origin"}}); status != http.StatusOK {
				t.Errorf("got %d %s", status, text)
			}
			want := map[string]string{"approve": "approved link", "refuse": "refused link"}[c.decision]
			if got := a.logged(); got != want {
				t.Errorf("logged %q, want %q", got, want)
			}
			if status, _, _ := open(t, http.MethodPost, target.String(), "decision=approve", nil); status != http.StatusConflict {
				t.Errorf("a second decision: got %d", status)
			}
			a.afterDecision(t, m, c.decision == "approve", want)
		})
	}
}

// afterDecision makes the call about which a person decided on the page.
func (a *approvals) afterDecision(t *testing.T, m message, approved bool, logged string) {
	t.Helper()
	other := m
	other.token, other.state, other.answer = "bob", "", ""
	if r := a.send(t, other); a.calls.Load() != 0 || r.Result.Type == "complete" && !r.Result.IsError {
		t.Errorf("another caller: got %+v", r)
	}
	r := a.send(t, m)
	if got := a.calls.Load() == 1; got != approved || r.Result.IsError == approved {
		t.Errorf("got %+v and %d calls", r, a.calls.Load())
	}
	if got := a.logged(); got != logged {
		t.Errorf("logged %q, want %q", got, logged)
	}
	before := a.calls.Load()
	m.state, m.answer = "", ""
	if r := a.send(t, m); a.calls.Load() != before || r.Result.Type == "complete" && !r.Result.IsError {
		t.Errorf("a second call: got %+v", r)
	}
}

func TestApprovalPageRefusals(t *testing.T) {
	a := newApprovals(t)
	m := message{server: "pets", tool: "deletePet", arguments: `{"petId":1}`, version: "2025-11-25"}
	link := a.send(t, m).Error.Data.Elicitations[0].URL
	for _, c := range []struct {
		name, method, address, form string
		want                        int
	}{
		{"no ticket", http.MethodGet, a.base + "/approvals", "", http.StatusForbidden},
		{"changed", http.MethodGet, link + "A", "", http.StatusForbidden},
		{"two", http.MethodGet, link + "&ticket=a", "", http.StatusForbidden},
		{"long", http.MethodGet, link + strings.Repeat("A", 20<<10), "", http.StatusForbidden},
		{"another method", http.MethodPut, link, "decision=approve", http.StatusMethodNotAllowed},
		{"no decision", http.MethodPost, link, "", http.StatusBadRequest},
		{"two decisions", http.MethodPost, link, "decision=refuse&decision=approve", http.StatusBadRequest},
		{"another decision", http.MethodPost, link, "decision=yes", http.StatusBadRequest},
		{"a large form", http.MethodPost, link, "decision=approve&x=" + strings.Repeat("a", 10<<10), http.StatusBadRequest},
	} {
		if status, _, text := open(t, c.method, c.address, c.form, nil); status != c.want {
			t.Errorf("%s: got %d %s, want %d", c.name, status, text, c.want)
		}
	}
	a.store.gone.Store(true)
	if status, _, _ := open(t, http.MethodPost, link, "decision=approve", nil); status != http.StatusServiceUnavailable {
		t.Errorf("without the store: got %d", status)
	}
	a.store.gone.Store(false)
	a.pass(time.Hour)
	if status, _, _ := open(t, http.MethodPost, link, "decision=approve", nil); status != http.StatusForbidden {
		t.Errorf("too late: got %d", status)
	}
	if a.calls.Load() != 0 {
		t.Error("the backend was called")
	}
}
