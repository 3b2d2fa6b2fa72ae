// Package jobs has what tests of long calls need on the other side of a gateway: a
// REST API whose operations go on after its first answer, and an MCP server that knows
// tasks. Both have the tools that the scenarios "tasks-*" of the conformance suite ask
// for.
package jobs

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Document describes the REST API.
const Document = `openapi: 3.1.0
info: { title: Jobs, version: "1" }
components:
  responses:
    Begun:
      description: It goes on.
      headers: { Operation-Location: { schema: { type: string } } }
paths:
  /greet:
    post:
      operationId: greet
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { name: { type: string } }, required: [ name ] } } } }
      responses: { "200": { description: A greeting., content: { text/plain: { schema: { type: string } } } } }
  /compute:
    post:
      operationId: slow_compute
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { seconds: { type: number }, label: { type: string } }, required: [ seconds ] } } }
      responses:
        "200": { description: What was computed., content: { application/json: { schema: { type: object, properties: { label: { type: string } } } } } }
        "202": { $ref: "#/components/responses/Begun" }
  /fail:
    post: { operationId: failing_job, responses: { "202": { $ref: "#/components/responses/Begun" } } }
  /forget:
    post: { operationId: protocol_error_job, responses: { "202": { $ref: "#/components/responses/Begun" } } }
  /reports/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    put: { operationId: putReport, x-ms-long-running-operation: true, responses: { "200": { description: A report. } } }
  /exports:
    post: { operationId: export, x-ms-long-running-operation: true, responses: { "200": { description: An export., content: { application/json: { schema: { type: object, properties: { rows: { type: number } }, required: [ rows ] } } } } } }
  /named:
    post:
      operationId: named
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { job: { type: string } }, required: [ job ] } } } }
      responses: { "200": { description: A job. } }
  /stray:
    post:
      operationId: stray
      parameters: [ { name: to, in: query, required: true, schema: { type: string } } ]
      responses: { "202": { $ref: "#/components/responses/Begun" } }
`

// API is the REST API. The zero API is ready to serve.
type API struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu       sync.Mutex
	jobs     map[string]*job
	requests []string
	down     int
}

type job struct {
	kind      string // of "compute", "fail", "forget", "report" and "export"
	label     string
	ends      time.Time
	cancelled bool
}

// Requests are the requests since the last call, in order: method, path, and the
// credential.
func (a *API) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.requests
	a.requests = nil
	return all
}

// Down has the next n requests about jobs answered with 503.
func (a *API) Down(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = n
}

func (a *API) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// ServeHTTP serves http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var in struct {
		Name, Label, Job string
		Seconds          float64
	}
	_ = json.Unmarshal(body, &in, json.MatchCaseInsensitiveNames(true)) // some have none
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+strings.Join(r.Header["X-Key"], ",")))
	switch path := r.URL.Path; {
	case path == "/greet":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, "Hello, %s!", in.Name)
	case path == "/compute" && in.Seconds == 0:
		answer(w, http.StatusOK, map[string]any{"label": in.Label})
	case path == "/compute":
		a.begin(w, "Operation-Location", &job{kind: "compute", label: in.Label, ends: a.now().Add(time.Duration(in.Seconds * float64(time.Second)))})
	case path == "/fail", path == "/forget":
		a.begin(w, "Azure-AsyncOperation", &job{kind: path[1:], ends: a.now().Add(time.Second)})
	case path == "/exports":
		a.begin(w, "Location", &job{kind: "export", ends: a.now().Add(time.Minute)})
	case strings.HasPrefix(path, "/reports/") && r.Method == http.MethodPut:
		a.begin(w, "Azure-AsyncOperation", &job{kind: "report", ends: a.now().Add(time.Minute)})
	case strings.HasPrefix(path, "/reports/"):
		answer(w, http.StatusOK, map[string]any{"report": path[len("/reports/"):]})
	case path == "/named":
		if a.jobs == nil {
			a.jobs = map[string]*job{}
		}
		a.jobs[in.Job] = &job{kind: "compute", label: in.Job, ends: a.now().Add(time.Minute)}
		if in.Job == "slow" {
			a.mu.Unlock()
			<-r.Context().Done() // the gateway has stopped waiting
			a.mu.Lock()
			return
		}
		answer(w, http.StatusOK, map[string]any{"job": map[string]any{"id": in.Job}})
	case path == "/stray":
		w.Header().Set("Operation-Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusAccepted)
	case path == "/redirect":
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusSeeOther)
	case strings.HasPrefix(path, "/operations/"):
		a.operation(w, r, path[len("/operations/"):])
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// begin answers that a job goes on. The caller holds mu.
func (a *API) begin(w http.ResponseWriter, header string, j *job) {
	if a.jobs == nil {
		a.jobs = map[string]*job{}
	}
	id := strconv.Itoa(len(a.jobs) + 1)
	a.jobs[id] = j
	w.Header().Set(header, "/operations/"+id+"?v=1")
	w.Header().Set("Retry-After", "2")
	answer(w, http.StatusAccepted, map[string]any{"id": id})
}

// operation tells how a job goes. The caller holds mu.
func (a *API) operation(w http.ResponseWriter, r *http.Request, id string) {
	j := a.jobs[id]
	if a.down > 0 {
		a.down--
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	over := j != nil && !a.now().Before(j.ends)
	switch {
	case j == nil, over && j.kind == "forget":
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		j.cancelled = true
		w.WriteHeader(http.StatusNoContent)
	case j.cancelled:
		answer(w, http.StatusOK, map[string]any{"status": "Canceled"})
	case !over && j.kind == "export":
		w.Header().Set("Location", r.URL.RequestURI())
		w.WriteHeader(http.StatusAccepted)
	case !over:
		w.Header().Set("Retry-After", "3")
		answer(w, http.StatusOK, map[string]any{"status": "Running"})
	case j.kind == "fail":
		answer(w, http.StatusOK, map[string]any{"status": "Failed", "error": map[string]any{"code": "Broken", "message": "It broke."}})
	case j.kind == "report":
		answer(w, http.StatusOK, map[string]any{"status": "Succeeded"})
	case j.kind == "export":
		answer(w, http.StatusOK, map[string]any{"status": "pending", "rows": 3}) // a document with a state of its own
	default:
		answer(w, http.StatusOK, map[string]any{"status": "Succeeded", "result": map[string]any{"label": j.label}})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, body)
}
