package governance_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/jobs"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const jobsFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, agents: { env: AGENTS }, elsewhere: { env: ELSEWHERE } }
backends:
  jobs: { url: "{{backend}}", timeout: 500ms, credentials: { header: { X-Secret: planted }, query: { code: planted } } }
  away: { url: "https://away.contoso.com" }
  pool: { pool: [ { backend: jobs } ] }
apis:
  jobs: { openapi: jobs.yaml, backend: jobs, policy: api.xml }
  plain: { openapi: jobs.yaml, backend: jobs }
  chosen: { openapi: jobs.yaml, backend: away, policy: chosen.xml }
  pooled: { openapi: jobs.yaml, backend: pool }
servers:
  jobs:
    api: jobs
    longRunning: { cancel: true }
    tools: [ greet, { operation: slow_compute, policy: tool.xml }, failing_job, protocol_error_job, export, putReport, stray ]
  plain:
    api: plain
    approval: true
    tools:
      - { operation: slow_compute, approval: false }
      - { operation: failing_job, name: poll, longRunning: { tasksOnly: true }, approval: false }
      - { operation: named, longRunning: { poll: "/operations/{job.id}", interval: 7s, expires: 1h }, approval: false }
  slow:
    api: plain
    tools: [ { operation: named, longRunning: { poll: "/operations/{job}" } } ]
  allowed:
    api: plain
    tools: [ { operation: slow_compute, allow: { expression: '@(context.Request.Headers.GetValueOrDefault("X-Mood", "") == "good")' } } ]
  cached: { api: plain, tools: [ { operation: slow_compute, annotations: { readOnly: true } } ], cache: { duration: 1m, tools: [ slow_compute ] } }
  exact: { api: plain, outputSchema: exact, tools: [ export ] }
  never: { api: plain, tools: [ { operation: slow_compute, longRunning: false } ] }
  origins: { api: plain, tools: [ { operation: stray, longRunning: { origins: [ "{{elsewhere}}" ] } } ] }
  chosen: { api: chosen, tools: [ slow_compute ] }
  pooled: { api: pooled, tools: [ slow_compute ] }
  agents: { upstream: { url: "{{agents}}" }, tools: [ { tool: confirm_delete, name: remove }, multi_input ] }
  all: { federate: [ { server: jobs, prefix: j }, { server: agents, prefix: a }, { server: plain, prefix: "" } ] }
`

const jobsToolPolicy = `<policies><inbound><base /><set-header name="X-Key"><value>@(context.Mcp.ToolName + " " + context.Mcp.Method)</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound></policies>`

const jobsAPIPolicy = `<policies><inbound><base /><set-header name="X-Key" exists-action="append"><value>api</value></set-header></inbound><backend><base /></backend><outbound><base /></outbound></policies>`

// jobsChoosingPolicy has another backend called than that of the API, and another path.
const jobsChoosingPolicy = `<policies><inbound><base /><set-backend-service backend-id="jobs" /><rewrite-uri template="/compute" /></inbound><backend><base /></backend><outbound><base /></outbound></policies>`

// longCalls is a gateway before backends whose operations go on.
type longCalls struct {
	base      string
	walled    string // the same gateway on a platform that does not wait for long
	api       jobs.API
	elsewhere string // the URL of a server that is no backend

	mu      sync.Mutex
	now     time.Time
	last    gateway.Call
	strayed []string // requests to elsewhere
}

func (l *longCalls) time() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *longCalls) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

// logged is what the log has of the last request's task.
func (l *longCalls) logged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.Task
}

func newLongCalls(t *testing.T) *longCalls {
	t.Helper()
	l := &longCalls{now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	l.api.Now = l.time
	backend, agents := httptest.NewServer(&l.api), httptest.NewServer(&jobs.MCP{})
	t.Cleanup(backend.Close)
	t.Cleanup(agents.Close)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.strayed = append(l.strayed, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Secret")))
	}))
	t.Cleanup(elsewhere.Close)
	l.elsewhere = elsewhere.URL
	g := folder.Open(t, folder.Write(t, map[string]string{
		"gateway.yaml": jobsFolder, "jobs.yaml": jobs.Document, "tool.xml": jobsToolPolicy, "api.xml": jobsAPIPolicy, "chosen.xml": jobsChoosingPolicy,
	}), map[string]string{"BACKEND": backend.URL, "AGENTS": agents.URL, "ELSEWHERE": elsewhere.URL}, gateway.Options{
		Services: services.New(services.Options{Now: l.time}),
		Observe: func(c gateway.Call) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.last = c
		},
	})
	front, walled := httptest.NewServer(g), httptest.NewServer(host.Wall{Answer: 100 * time.Millisecond}.Before(g))
	t.Cleanup(front.Close)
	t.Cleanup(walled.Close)
	l.base, l.walled = front.URL, walled.URL
	return l
}

const (
	withTasks    = `{"extensions":{"io.modelcontextprotocol/tasks":{}}}`
	legacyClient = "legacy" // in place of capabilities: a client of 2025-11-25
)

// longAnswer is what came of a request.
type longAnswer struct {
	Result struct {
		Type         string         `json:"resultType"`
		TaskID       string         `json:"taskId"`
		Status       string         `json:"status"`
		Message      string         `json:"statusMessage"`
		Created      time.Time      `json:"createdAt"`
		TTL          int            `json:"ttlMs"`
		Interval     int            `json:"pollIntervalMs"`
		Capabilities jsontext.Value `json:"capabilities"`
		Requests     jsontext.Value `json:"inputRequests"`
		Tools        []struct {
			Name string `json:"name"`
		} `json:"tools"`
		Error struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
		toolResult
		Inner *toolResult `json:"result"`
	} `json:"result"`
	Error struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    jsontext.Value `json:"data"`
	} `json:"error"`
}

type toolResult struct {
	IsError bool `json:"isError"`
	Content []struct {
		Text string `json:"text"`
	} `json:"content"`
	Structured jsontext.Value `json:"structuredContent"`
}

func (r *toolResult) text() string {
	if r == nil || len(r.Content) == 0 {
		return ""
	}
	return r.Content[0].Text
}

// send sends a request whose params are the members of an object.
func (l *longCalls) send(t *testing.T, server, method, params, capabilities string, headers ...string) *longAnswer {
	t.Helper()
	version := "2025-11-25"
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	if capabilities != legacyClient {
		version = "2026-07-28"
		h.Set("Mcp-Method", method)
		var named struct {
			Name   string `json:"name"`
			TaskID string `json:"taskId"`
		}
		if err := json.Unmarshal([]byte("{"+params+"}"), &named); err != nil {
			t.Fatal(err)
		}
		if name := named.Name + named.TaskID; name != "" {
			h.Set("Mcp-Name", name)
		}
		params = strings.Trim(params+`,"_meta":{"io.modelcontextprotocol/protocolVersion":"`+version+`","io.modelcontextprotocol/clientCapabilities":`+capabilities+`}`, ",")
	}
	h.Set("Mcp-Protocol-Version", version)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.base+"/"+server+"/mcp", strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a longAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return &a
}

func (l *longCalls) call(t *testing.T, server, tool, arguments, capabilities string, headers ...string) *longAnswer {
	t.Helper()
	return l.send(t, server, "tools/call", fmt.Sprintf(`"name":%q,"arguments":%s`, tool, arguments), capabilities, headers...)
}

// begin calls a tool that becomes a task, and returns its id.
func (l *longCalls) begin(t *testing.T, server, tool, arguments string, headers ...string) string {
	t.Helper()
	a := l.call(t, server, tool, arguments, withTasks, headers...)
	if a.Result.Type != "task" || a.Result.TaskID == "" || a.Result.Status != "working" && a.Result.Status != "input_required" {
		t.Fatalf("got %+v, want a task", a)
	}
	return a.Result.TaskID
}

func (l *longCalls) get(t *testing.T, server, id string, headers ...string) *longAnswer {
	t.Helper()
	return l.send(t, server, "tasks/get", fmt.Sprintf(`"taskId":%q`, id), withTasks, headers...)
}

func (l *longCalls) wantRequests(t *testing.T, want ...string) {
	t.Helper()
	if got := l.api.Requests(); !slices.Equal(got, want) {
		t.Errorf("the backend got %q, want %q", got, want)
	}
}

const minute = `{"seconds":60,"label":"x"}`

func TestTask(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	a := l.call(t, "jobs", "slow_compute", minute, withTasks)
	r := &a.Result
	if r.Type != "task" || r.Status != "working" || r.TTL != 24*3600*1000 || r.Interval != 2000 || !r.Created.Equal(l.time()) || r.Content != nil || l.logged() != "working" {
		t.Errorf("got %+v, logged %q", r, l.logged())
	}
	l.wantRequests(t, "POST /compute?code=planted slow_compute tools/call,api")
	id := r.TaskID
	got := l.get(t, "jobs", id).Result
	if got.Type != "complete" || got.TaskID != id || got.Status != "working" || got.Message != "Running" || got.Interval != 3000 || !got.Created.Equal(r.Created) {
		t.Errorf("got %+v", got)
	}
	// The policies of the tool know it, and those of the API have the poll.
	l.wantRequests(t, "GET /operations/1?v=1&code=planted slow_compute tasks/get,api")
	l.api.Down(1)
	if got := l.get(t, "jobs", id).Result; got.Status != "working" || !strings.Contains(got.Message, "503") || got.Interval != 30_000 {
		t.Errorf("while the backend is away: got %+v", got)
	}
	l.pass(time.Minute)
	for range 2 { // the result can be asked for again
		got = l.get(t, "jobs", id).Result
		if got.Status != "completed" || got.Inner == nil || got.Inner.IsError || string(got.Inner.Structured) != `{"label":"x"}` || got.Interval != 0 || l.logged() != "completed" {
			t.Errorf("got %+v, logged %q", got, l.logged())
		}
	}
	if got := l.call(t, "jobs", "greet", `{"name":"Ann"}`, withTasks).Result; got.Type != "complete" || got.text() != "Hello, Ann!" || l.logged() != "" {
		t.Errorf("a call that ends at once: got %+v", got)
	}
	l.pass(24 * time.Hour)
	if got := l.get(t, "jobs", id).Error; got.Code != -32602 {
		t.Errorf("after its life: got %+v", got)
	}
}

func TestTaskEnds(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	failing, lost := l.begin(t, "jobs", "failing_job", "{}"), l.begin(t, "jobs", "protocol_error_job", "{}")
	export, report := l.begin(t, "jobs", "export", "{}"), l.begin(t, "jobs", "putReport", `{"id":"a b"}`)
	if got := l.get(t, "jobs", export).Result; got.Status != "working" {
		t.Errorf("export: got %+v", got)
	}
	l.pass(time.Minute)
	l.api.Requests()
	if got := l.get(t, "jobs", failing).Result; got.Status != "completed" || got.Inner == nil || !got.Inner.IsError || !strings.Contains(got.Inner.text(), "It broke.") {
		t.Errorf("a failure: got %+v", got)
	}
	if got := l.get(t, "jobs", lost).Result; got.Status != "failed" || got.Error.Code != -32603 || !strings.Contains(got.Error.Message, "404") || got.Inner != nil {
		t.Errorf("one that the backend has forgotten: got %+v", got)
	}
	if got := l.get(t, "jobs", export).Result; got.Status != "completed" || !strings.Contains(got.Inner.text(), `"rows":3`) {
		t.Errorf("a location: got %+v", got)
	}
	l.api.Requests()
	if got := l.get(t, "jobs", report).Result; got.Status != "completed" || !strings.Contains(got.Inner.text(), `{"report":"a b"}`) {
		t.Errorf("a resource: got %+v", got)
	}
	l.wantRequests(t, "GET /operations/4?v=1&code=planted api", "GET /reports/a%20b?code=planted api")
}

func TestTaskIsCancelled(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	cancel := func(server, id string) *longAnswer {
		return l.send(t, server, "tasks/cancel", fmt.Sprintf(`"taskId":%q`, id), withTasks)
	}
	id := l.begin(t, "jobs", "slow_compute", minute)
	l.api.Requests()
	if got := cancel("jobs", id); got.Result.Type != "complete" || got.Result.TaskID != "" || got.Result.Status != "" {
		t.Errorf("got %+v", got)
	}
	l.wantRequests(t, "GET /operations/1?v=1&code=planted slow_compute tasks/cancel,api", "DELETE /operations/1?v=1&code=planted slow_compute tasks/cancel,api")
	if got := l.get(t, "jobs", id).Result; got.Status != "cancelled" {
		t.Errorf("got %+v", got)
	}
	l.api.Requests()
	cancel("jobs", id) // which has ended: nothing is deleted
	l.wantRequests(t, "GET /operations/1?v=1&code=planted slow_compute tasks/cancel,api")

	kept := l.begin(t, "plain", "slow_compute", minute)
	l.api.Requests()
	if got := cancel("plain", kept); got.Result.Type != "complete" {
		t.Errorf("where the backend does not offer it: got %+v", got)
	}
	l.wantRequests(t)
	if got := l.send(t, "plain", "tasks/update", fmt.Sprintf(`"taskId":%q,"inputResponses":{"x":{}}`, kept), withTasks); got.Result.Type != "complete" {
		t.Errorf("update: got %+v", got)
	}
}

var sealedID = regexp.MustCompile(`[A-Za-z0-9_-]{60,}`)

func TestPollTool(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]string{"modern": "{}", "legacy": legacyClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLongCalls(t)
			a := l.call(t, "jobs", "slow_compute", minute, client)
			id := sealedID.FindString(a.Result.text())
			if a.Result.TaskID != "" || a.Result.IsError || !strings.Contains(a.Result.text(), "the tool poll in 2 seconds") || !strings.Contains(string(a.Result.Structured), id) || l.logged() != "working" {
				t.Fatalf("got %+v", a)
			}
			poll := func(id string) *longAnswer { return l.call(t, "jobs", "poll", fmt.Sprintf(`{"id":%q}`, id), client) }
			l.api.Requests()
			if got := poll(id).Result; got.IsError || !strings.Contains(got.text(), "Running") || !strings.Contains(got.text(), "in 3 seconds") {
				t.Errorf("got %+v", got)
			}
			l.wantRequests(t, "GET /operations/1?v=1&code=planted slow_compute tools/call,api")
			l.pass(time.Minute)
			if got := poll(id).Result; got.IsError || string(got.Structured) != `{"label":"x"}` {
				t.Errorf("got %+v", got)
			}
			for what, id := range map[string]string{"forged": id[1:], "empty": ""} {
				if got := poll(id).Result; !got.IsError {
					t.Errorf("%s: got %+v", what, got)
				}
			}
			lost := sealedID.FindString(l.call(t, "jobs", "protocol_error_job", "{}", client).Result.text())
			l.pass(time.Minute)
			if got := poll(lost).Result; !got.IsError || !strings.Contains(got.text(), "404") {
				t.Errorf("lost: got %+v", got)
			}
		})
	}
}

func TestPollToolIsListed(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	for server, want := range map[string]string{
		"jobs":   "greet slow_compute failing_job protocol_error_job putReport export stray poll",
		"plain":  "slow_compute poll named poll_call", // one of the API's own has the name
		"never":  "slow_compute",
		"agents": "remove multi_input",
		"all":    "j_greet j_slow_compute j_failing_job j_protocol_error_job j_putReport j_export j_stray j_poll a_remove a_multi_input slow_compute poll named poll_call",
	} {
		var names []string
		for _, tool := range l.send(t, server, "tools/list", "", "{}").Result.Tools {
			names = append(names, tool.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", server, got, want)
		}
		capabilities := string(l.send(t, server, "server/discover", "", "{}").Result.Capabilities)
		if got, want := strings.Contains(capabilities, "io.modelcontextprotocol/tasks"), server != "never"; got != want {
			t.Errorf("%s: got %s", server, capabilities)
		}
	}
}

// A task is its caller's alone, and the server's that began it.
func TestTaskIsBound(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	id := l.begin(t, "plain", "slow_compute", minute, "Authorization", "Bearer ann")
	if got := l.get(t, "plain", id, "Authorization", "Bearer ann").Result; got.Status != "working" {
		t.Errorf("its caller: got %+v", got)
	}
	good := l.begin(t, "allowed", "slow_compute", minute, "X-Mood", "good")
	l.api.Requests()
	tests := []struct {
		name, server, id string
		headers          []string
	}{
		{"another caller", "plain", id, []string{"Authorization", "Bearer bob"}},
		{"nobody", "plain", id, nil},
		{"another server", "exact", id, []string{"Authorization", "Bearer ann"}},
		{"forged", "plain", "x" + id, []string{"Authorization", "Bearer ann"}},
		{"no id", "plain", "", []string{"Authorization", "Bearer ann"}},
		{"who may not call the tool", "allowed", good, []string{"X-Mood", "bad"}},
	}
	for _, tt := range tests {
		for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
			if got := l.send(t, tt.server, method, fmt.Sprintf(`"taskId":%q`, tt.id), withTasks, tt.headers...).Error; got.Code != -32602 {
				t.Errorf("%s, %s: got %+v", tt.name, method, got)
			}
		}
	}
	if got := l.call(t, "allowed", "poll", fmt.Sprintf(`{"id":%q}`, good), "{}", "X-Mood", "bad").Error; got.Code != -32602 {
		t.Errorf("the poll tool, of who may not call the tool: got %+v", got)
	}
	l.wantRequests(t)
	if got := l.get(t, "allowed", good, "X-Mood", "good").Result; got.Status != "working" {
		t.Errorf("who may: got %+v", got)
	}
	for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
		got := l.send(t, "plain", method, `"taskId":"x"`, "{}").Error
		if got.Code != -32021 || string(got.Data) != `{"requiredCapabilities":`+withTasks+`}` {
			t.Errorf("%s without the extension: got %+v", method, got)
		}
		if got := l.send(t, "never", method, `"taskId":"x"`, withTasks).Error; got.Code != -32601 {
			t.Errorf("%s where there are none: got %+v", method, got)
		}
	}
}

func TestLongRunningSettings(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	if got := l.call(t, "plain", "poll", "{}", "{}").Error; got.Code != -32021 {
		t.Errorf("tasksOnly, modern: got %+v", got)
	}
	if got := l.call(t, "plain", "poll", "{}", legacyClient).Result; !got.IsError || !strings.HasPrefix(got.text(), "Not called") {
		t.Errorf("tasksOnly, legacy: got %+v", got)
	}
	l.wantRequests(t)
	if got := l.call(t, "never", "slow_compute", minute, withTasks).Result; got.Type != "complete" || !strings.Contains(got.text(), `{"id":"1"}`) {
		t.Errorf("never: got %+v", got)
	}
	if got := l.call(t, "exact", "export", "{}", "{}").Result; !got.IsError || got.Structured != nil || !strings.HasPrefix(got.text(), "Not finished") {
		t.Errorf("exact: got %+v", got)
	}
	l.api.Requests()
	named := l.call(t, "plain", "named", `{"job":"a b/../c"}`, withTasks).Result
	if named.Type != "task" || named.Interval != 7000 || named.TTL != 3600*1000 {
		t.Errorf("named: got %+v", named)
	}
	l.api.Requests()
	l.get(t, "plain", named.TaskID)
	l.wantRequests(t, "GET /operations/a%20b%2F..%2Fc?code=planted")
	for range 2 { // what goes on is not kept
		l.begin(t, "cached", "slow_compute", minute)
		if got := l.call(t, "cached", "slow_compute", minute, "{}").Result; !strings.HasPrefix(got.text(), "Not finished") {
			t.Errorf("cached: got %+v", got)
		}
	}
	l.wantRequests(t, slices.Repeat([]string{"POST /compute?code=planted"}, 4)...)
}

// A backend that is slower than it may be, or than the platform waits, can be asked
// where the arguments say it.
func TestSlowBackendBecomesTask(t *testing.T) {
	t.Parallel()
	for _, behindWall := range []bool{false, true} {
		l := newLongCalls(t)
		if behindWall {
			l.base = l.walled
		}
		slowBackend(t, l)
	}
}

func slowBackend(t *testing.T, l *longCalls) {
	t.Helper()
	id := l.begin(t, "slow", "named", `{"job":"slow"}`)
	if got := l.get(t, "slow", id).Result; got.Status != "working" {
		t.Errorf("got %+v", got)
	}
	l.pass(time.Minute)
	if got := l.get(t, "slow", id).Result; got.Status != "completed" || !strings.Contains(got.Inner.text(), `{"label":"slow"}`) {
		t.Errorf("got %+v", got)
	}
	if got := l.call(t, "plain", "named", `{"job":"slow"}`, withTasks).Result; !got.IsError || !strings.Contains(got.text(), "did not answer in time") {
		t.Errorf("where they do not: got %+v", got)
	}
}

// Where to ask is the backend's to say, but not to choose another server.
func TestTaskStaysAtBackend(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	for _, to := range []string{
		l.elsewhere + "/operations/1", strings.Replace(l.elsewhere, "127.0.0.1", "localhost", 1), "http://169.254.169.254/metadata",
		"//" + strings.TrimPrefix(l.elsewhere, "http://") + "/x", "file:///etc/passwd", "http://user:pw@127.0.0.1/", "gopher://127.0.0.1/", "http://[::1",
	} {
		a := l.call(t, "jobs", "stray", fmt.Sprintf(`{"to":%q}`, to), withTasks)
		if a.Result.Type != "complete" || a.Result.TaskID != "" {
			t.Errorf("%s: got %+v", to, a)
		}
	}
	if got := l.call(t, "jobs", "stray", `{"to":"/operations/9#top"}`, withTasks).Result; got.Type != "task" {
		t.Errorf("a place at the backend: got %+v", got)
	}
	led := l.begin(t, "jobs", "stray", fmt.Sprintf(`{"to":%q}`, "/redirect?to="+url.QueryEscape(l.elsewhere)))
	if got := l.get(t, "jobs", led).Result; got.Status != "failed" || !strings.Contains(got.Error.Message, "origin") {
		t.Errorf("a result elsewhere: got %+v", got)
	}
	l.mu.Lock()
	if l.strayed != nil {
		t.Errorf("requests came: %q", l.strayed)
	}
	l.mu.Unlock()
	// One that is allowed is asked, without credentials.
	id := l.begin(t, "origins", "stray", fmt.Sprintf(`{"to":%q}`, l.elsewhere+"/operations/1"))
	if got := l.get(t, "origins", id).Result; got.Status != "completed" {
		t.Errorf("an allowed origin: got %+v", got)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if want := []string{"GET /operations/1"}; !slices.Equal(l.strayed, want) {
		t.Errorf("got %q, want %q", l.strayed, want)
	}
}

// What is asked for goes to where the call went, with the credentials of that backend
// and whatever policies do to paths.
func TestTaskGoesWhereTheCallWent(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"chosen", "pooled"} {
		l := newLongCalls(t)
		id := l.begin(t, server, "slow_compute", minute)
		if got := l.get(t, server, id).Result; got.Status != "working" {
			t.Errorf("%s: got %+v", server, got)
		}
		l.wantRequests(t, "POST /compute?code=planted", "GET /operations/1?v=1&code=planted")
	}
}

func TestTasksOfFederation(t *testing.T) {
	t.Parallel()
	l := newLongCalls(t)
	id := l.begin(t, "all", "j_slow_compute", minute)
	if !strings.HasPrefix(id, "jobs~") {
		t.Errorf("got %s", id)
	}
	if got := l.get(t, "all", id).Result; got.Status != "working" || got.TaskID != id {
		t.Errorf("got %+v", got)
	}
	own := l.begin(t, "all", "a_remove", "{}")
	if !strings.HasPrefix(own, "agents~task-") {
		t.Errorf("got %s", own)
	}
	if got := l.get(t, "all", own).Result; got.Status != "input_required" || got.TaskID != own || !strings.Contains(string(got.Requests), "Sure?") {
		t.Errorf("got %+v", got)
	}
	if got := l.send(t, "all", "tasks/update", fmt.Sprintf(`"taskId":%q,"inputResponses":{"sure":{"action":"accept","content":{"confirm":true}}}`, own), withTasks); got.Result.Type != "complete" {
		t.Errorf("got %+v", got)
	}
	if got := l.get(t, "all", own).Result; got.Status != "completed" || got.Inner.text() != "done" {
		t.Errorf("got %+v", got)
	}
	direct := l.begin(t, "agents", "remove", "{}")
	if got := l.get(t, "agents", direct).Result; strings.Contains(direct, "~") || got.TaskID != direct {
		t.Errorf("without a federation: got %s, %+v", direct, got)
	}
	for _, id := range []string{"task-1", "nobody~task-1", "agents~", "jobs~x", "agents~task-9"} {
		if got := l.get(t, "all", id).Error; got.Code != -32602 {
			t.Errorf("%s: got %+v", id, got)
		}
	}
	if got := l.send(t, "all", "tasks/get", `"taskId":"agents~task-1"`, "{}").Error; got.Code != -32021 {
		t.Errorf("without the extension: got %+v", got)
	}
	partial := l.call(t, "all", "j_slow_compute", minute, legacyClient).Result.text()
	if !strings.Contains(partial, "the tool j_poll in") {
		t.Errorf("got %s", partial)
	}
	if got := l.call(t, "all", "j_poll", fmt.Sprintf(`{"id":%q}`, sealedID.FindString(partial)), legacyClient).Result; got.IsError || !strings.Contains(got.text(), "Call j_poll again") {
		t.Errorf("got %+v", got)
	}
}
