package gatewaytest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/shared/policy/policytest"

	"github.com/go-json-experiment/json/jsontext"
)

// upstreams are the scripted MCP servers, by their URLs.
type upstreams map[string]*upstream

// upstream is a scripted MCP server.
type upstream struct {
	url     string
	tools   []string
	results map[string]jsontext.Value
	any     bool // it has all tools, whose results are empty
}

// add reads a section "tool URL NAME".
func (u upstreams) add(s policytest.Section) error {
	url, name, ok := strings.Cut(s.Rest, " ")
	if !ok {
		return s.Fault(0, errors.New("write tool URL NAME"))
	}
	server := u[url]
	if server == nil {
		server = &upstream{url: url, results: map[string]jsontext.Value{}}
		u[url] = server
	}
	result := jsontext.Value(bytes.TrimSpace(s.Data))
	if !result.IsValid() || result.Kind() != '{' {
		text := mcp.AppendString(nil, strings.TrimSuffix(string(s.Data), "\n"))
		result = jsontext.Value(`{"content":[{"type":"text","text":` + string(text) + `}]}`)
	}
	server.tools = append(server.tools, name)
	server.results[name] = result
	return nil
}

// ofProtocol are headers of the protocol, which the transcript of a call leaves out.
var ofProtocol = []string{
	"Accept", "Accept-Encoding", "Content-Length", "Content-Type", "Traceparent", "Tracestate", "User-Agent",
	mcp.HeaderProtocolVersion, mcp.HeaderMethod, mcp.HeaderName, mcp.HeaderSessionID, mcp.HeaderLastEventID,
}

// transport carries requests to scripted MCP servers, and all others to the
// script.
type transport struct {
	script *policytest.Script
	tools  upstreams
}

// RoundTrip serves http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	server := t.tools[req.URL.String()]
	if server == nil || req.Method != http.MethodPost {
		return t.script.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err = errors.Join(err, req.Body.Close(), req.Context().Err()); err != nil {
		return nil, err
	}
	m, err := mcp.Scan(body, 0)
	if err != nil {
		return answer(req, http.StatusBadRequest, mcp.AppendError(nil, m.Bytes(m.ID), mcp.Errorf(mcp.CodeParseError, "%v", err))), nil
	}
	if m.Kind != mcp.KindRequest {
		return answer(req, http.StatusAccepted, nil), nil
	}
	if m.Method == mcp.MethodCallTool {
		h := req.Header.Clone()
		for _, name := range ofProtocol {
			h.Del(name)
		}
		t.script.Out.Message("tool "+server.url+" "+m.Text(m.Name), h, m.Bytes(m.Arguments))
	}
	result, failure := server.result(&m)
	if failure != nil {
		return answer(req, http.StatusOK, mcp.AppendError(nil, m.Bytes(m.ID), failure)), nil
	}
	return answer(req, http.StatusOK, mcp.AppendResult(nil, m.Bytes(m.ID), result)), nil
}

// result is what the server answers.
func (u *upstream) result(m *mcp.Message) (jsontext.Value, *mcp.Error) {
	const info = `{"name":"upstream","version":"1"}`
	modern := m.Bytes(m.Meta.ProtocolVersion) != nil
	complete := func(members string) (jsontext.Value, *mcp.Error) {
		if modern {
			members += `,"resultType":"complete"`
		}
		return jsontext.Value("{" + members + "}"), nil
	}
	switch m.Method {
	case mcp.MethodDiscover:
		return complete(`"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"capabilities":{"tools":{}},` +
			`"_meta":{"` + mcp.MetaServerInfo + `":` + info + `},"ttlMs":3600000,"cacheScope":"public"`)
	case mcp.MethodInitialize:
		return complete(`"protocolVersion":` + string(m.Bytes(m.InitializeVersion)) + `,"capabilities":{"tools":{}},"serverInfo":` + info)
	case mcp.MethodPing:
		return complete("")
	case mcp.MethodListTools:
		var list []string
		for _, name := range slices.Compact(slices.Sorted(slices.Values(u.tools))) {
			list = append(list, `{"name":`+string(mcp.AppendString(nil, name))+`,"inputSchema":{"type":"object"}}`)
		}
		members := `"tools":[` + strings.Join(list, ",") + `]`
		if modern {
			members += `,"ttlMs":0,"cacheScope":"private"`
		}
		return complete(members)
	case mcp.MethodCallTool:
		result := u.results[m.Text(m.Name)]
		if result == nil && u.any {
			result = jsontext.Value(`{"content":[]}`)
		}
		if result == nil {
			return nil, mcp.Errorf(mcp.CodeInvalidParams, "unknown tool %q", m.Text(m.Name))
		}
		if modern {
			result = mcp.Splice(result, mcp.Edit{Span: mcp.Span{Start: len(result) - 1, End: len(result) - 1}, Text: []byte(`,"resultType":"complete"`)})
		}
		return result, nil
	}
	return nil, mcp.MethodNotFound(m.Method)
}

// answer is a response of an MCP server.
func answer(req *http.Request, status int, body []byte) *http.Response {
	h := http.Header{}
	if body != nil {
		h.Set("Content-Type", mcp.ContentJSON)
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
