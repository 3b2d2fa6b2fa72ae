package gatewaytest

import (
	"maps"
	"net/http"
	"strconv"

	"toolgate/shared/mcp"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// clientName is what calls name their client.
const clientName = "test"

// compose makes the HTTP request of a call or a list, with an id.
func (r *request) compose(s *snapshot.Snapshot, id int) error {
	method, params := mcp.MethodListTools, "{"
	if r.tool != "" {
		method = mcp.MethodCallTool
		params += `"name":` + string(mcp.AppendString(nil, r.tool)) + `,"arguments":` + string(r.arguments)
	}
	h := http.Header{
		"Accept": {mcp.ContentJSON + ", " + mcp.ContentSSE}, "Content-Type": {mcp.ContentJSON}, mcp.HeaderProtocolVersion: {string(mcp.LatestLegacy)},
	}
	maps.Copy(h, r.header)
	version := h.Get(mcp.HeaderProtocolVersion)
	if mcp.Version(version).Modern() {
		if r.tool != "" {
			params += ","
		}
		params += `"_meta":{"` + mcp.MetaProtocolVersion + `":` + string(mcp.AppendString(nil, version)) +
			`,"` + mcp.MetaClientInfo + `":{"name":"` + clientName + `","version":"1"},"` + mcp.MetaClientCapabilities + `":{}}`
		if err := r.mirror(s, h, method); err != nil {
			return err
		}
	}
	r.method, r.target, r.header = http.MethodPost, "/"+r.server+"/mcp", h
	r.body = []byte(`{"jsonrpc":"2.0","id":` + strconv.Itoa(id) + `,"method":"` + method + `","params":` + params + "}}")
	return nil
}

// mirror sets the headers that repeat what is in the body (2026-07-28,
// basic/transports), unless the test has others.
func (r *request) mirror(s *snapshot.Snapshot, h http.Header, method string) error {
	mirrored := http.Header{mcp.HeaderMethod: {method}}
	if r.tool != "" {
		mirrored.Set(mcp.HeaderName, mcp.EncodeHeader(r.tool))
		if schema := inputSchema(s, r.server, r.tool); schema != nil {
			params, err := mcp.ParamHeaders(schema)
			if err != nil {
				return err
			}
			// Arguments that no header can carry are the gateway's to refuse.
			_ = mcp.SetParamHeaders(params, r.arguments, mirrored)
		}
	}
	for name, values := range mirrored {
		if h[name] == nil {
			h[name] = values
		}
	}
	return nil
}

// inputSchema is that of a tool of a REST API; nil for others.
func inputSchema(s *snapshot.Snapshot, server, tool string) jsontext.Value {
	record, err := s.Tool(server, tool)
	if err != nil {
		return nil
	}
	return record.InputSchema
}
