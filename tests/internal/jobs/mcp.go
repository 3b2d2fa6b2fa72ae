package jobs

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MCP is an MCP server of 2026-07-28 whose tools become tasks that ask for input. The
// zero MCP is ready to serve.
type MCP struct {
	mu    sync.Mutex
	tasks map[string]*task
}

// task waits for input, if any is wanted.
type task struct {
	created   time.Time
	wanted    map[string]jsontext.Value // that was not given yet
	cancelled bool
	result    string
}

const elicitation = `{"method":"elicitation/create","params":{"mode":"form","message":"Sure?","requestedSchema":{"type":"object","properties":{"confirm":{"type":"boolean"}}}}}`

// ServeHTTP serves http.Handler.
func (s *MCP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	req := mcp.Request{Header: r.Header}
	if err == nil {
		req.Message, err = mcp.Scan(body, 0)
	}
	if err == nil {
		req.Version, err = mcp.Detect(&req.Message, r.Header)
	}
	var result string
	if err == nil && !req.Version.Modern() {
		err = mcp.Errorf(mcp.CodeUnsupportedProtocolVersion, "modern clients only")
	}
	if err == nil {
		result, err = s.answer(&req)
	}
	w.Header().Set("Content-Type", mcp.ContentJSON)
	if e, ok := err.(*mcp.Error); ok { //nolint:errorlint // none is wrapped
		w.WriteHeader(e.HTTPStatus(req.Version))
		_, _ = w.Write(mcp.AppendError(nil, req.Bytes(req.ID), e))
		return
	}
	if err != nil || req.Kind != mcp.KindRequest {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	_, _ = w.Write(mcp.AppendResult(nil, req.Bytes(req.ID), jsontext.Value(result)))
}

func (s *MCP) answer(req *mcp.Request) (string, error) {
	const info = `"_meta":{"` + mcp.MetaServerInfo + `":{"name":"jobs","version":"1"}}`
	switch req.Method {
	case mcp.MethodDiscover:
		return `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"extensions":{"` + mcp.ExtensionTasks + `":{}}},"ttlMs":60000,"cacheScope":"public",` + info + `}`, nil
	case mcp.MethodListTools:
		tool := func(name string) string { return `{"name":"` + name + `","inputSchema":{"type":"object"}}` }
		return `{"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":[` + tool("confirm_delete") + `,` + tool("multi_input") + `,` + tool("test_tool_with_task") + `],` + info + `}`, nil
	case mcp.MethodCallTool:
		return s.call(req)
	case mcp.MethodGetTask, mcp.MethodUpdateTask, mcp.MethodCancelTask:
		return s.task(req)
	}
	return "", mcp.MethodNotFound(req.Method)
}

func (s *MCP) call(req *mcp.Request) (string, error) {
	if !req.Declares(mcp.ExtensionTasks) {
		return "", mcp.MissingTasks()
	}
	t := &task{created: time.Now(), wanted: map[string]jsontext.Value{}, result: "done"}
	switch req.Text(req.Name) {
	case "confirm_delete":
		t.wanted["sure"] = jsontext.Value(elicitation)
	case "multi_input":
		t.wanted["first"], t.wanted["second"] = jsontext.Value(elicitation), jsontext.Value(elicitation)
	case "test_tool_with_task":
		var params struct {
			InputResponses map[string]struct {
				Content struct{ Name string }
			} `json:"inputResponses"`
		}
		if err := json.Unmarshal(req.Bytes(req.Params), &params, json.MatchCaseInsensitiveNames(true)); err != nil {
			return "", mcp.Errorf(mcp.CodeInvalidParams, "%v", err)
		}
		given, ok := params.InputResponses["user_name"]
		if !ok {
			return `{"resultType":"input_required","inputRequests":{"user_name":` + elicitation + `},"requestState":"asked"}`, nil
		}
		t.result = "done for " + given.Content.Name
	default:
		return "", mcp.Errorf(mcp.CodeInvalidParams, "unknown tool")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tasks == nil {
		s.tasks = map[string]*task{}
	}
	id := fmt.Sprintf("task-%d", len(s.tasks)+1)
	s.tasks[id] = t
	return `{"resultType":"task",` + t.members(id) + `}`, nil
}

func (t *task) members(id string) string {
	status := "completed"
	switch {
	case t.cancelled:
		status = "cancelled"
	case len(t.wanted) > 0:
		status = "input_required"
	}
	at := t.created.UTC().Format("2006-01-02T15:04:05.000Z")
	return `"taskId":"` + id + `","status":"` + status + `","createdAt":"` + at + `","lastUpdatedAt":"` + at + `","ttlMs":60000,"pollIntervalMs":100`
}

func (s *MCP) task(req *mcp.Request) (string, error) {
	if !req.Declares(mcp.ExtensionTasks) {
		return "", mcp.MissingTasks()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := req.Text(req.Name)
	t := s.tasks[id]
	if t == nil {
		return "", mcp.UnknownTask()
	}
	switch req.Method {
	case mcp.MethodCancelTask:
		t.cancelled = true
	case mcp.MethodUpdateTask:
		var params struct {
			InputResponses map[string]jsontext.Value `json:"inputResponses"`
		}
		if err := json.Unmarshal(req.Bytes(req.Params), &params); err != nil {
			return "", mcp.Errorf(mcp.CodeInvalidParams, "%v", err)
		}
		maps.DeleteFunc(t.wanted, func(key string, _ jsontext.Value) bool { return params.InputResponses[key] != nil })
	default:
		out := `{"resultType":"complete",` + t.members(id)
		switch {
		case t.cancelled:
		case len(t.wanted) > 0:
			var wanted []string
			for _, key := range slices.Sorted(maps.Keys(t.wanted)) {
				wanted = append(wanted, `"`+key+`":`+string(t.wanted[key]))
			}
			out += `,"inputRequests":{` + strings.Join(wanted, ",") + `}`
		default:
			out += `,"result":{"content":[{"type":"text","text":` + string(mcp.AppendString(nil, t.result)) + `}],"resultType":"complete"}`
		}
		return out + "}", nil
	}
	return `{"resultType":"complete"}`, nil
}
