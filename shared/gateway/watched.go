package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/telemetry"
)

// errorType is the class of an error: few values, none of them a text for people.
func errorType(err error) string {
	if e, ok := errors.AsType[*policy.Error](err); ok && e.Reason != "" {
		return string(e.Reason)
	}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		return string(e.Reason)
	}
	if e, ok := errors.AsType[*mcp.Error](err); ok {
		return strconv.Itoa(int(e.Code))
	}
	if _, ok := errors.AsType[*openapi.ArgumentError](err); ok {
		return "invalid_arguments"
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "_OTHER" // of the conventions: an error without a class
}

// toolError is the class of results with isError, where nothing is known but that.
const toolError = "tool_error"

// outcome is what a call ended with: the class of its error, empty for none, and
// the code of JSON-RPC, empty for none.
func (x *exchange) outcome() (failure, code string) {
	c := &x.call
	if e, ok := errors.AsType[*mcp.Error](c.Err); ok && !c.Failed {
		code = strconv.Itoa(int(e.Code))
	}
	switch {
	case c.Failed && c.Err == nil:
		return toolError, code
	case c.Err != nil:
		return errorType(c.Err), code
	case x.watched != nil && x.watched.heard.code != "":
		return x.watched.heard.code, x.watched.heard.code
	case x.watched != nil && x.watched.heard.failed:
		return toolError, code
	case x.status >= 400:
		return strconv.Itoa(x.status), code
	}
	return "", code
}

// endWatch ends the telemetry of the call: it measures, and has what is kept
// described. The answer has been written.
func (x *exchange) endWatch() {
	o := x.gateway.observing
	if x.watched == nil {
		x.beginWatch(o, nil)
	}
	t, now := x.watched, time.Now()
	failure, code := x.outcome()
	root := t.Root()
	root.Name(x.spanName())
	if failure != "" {
		root.Fail(failure, x.description())
	}
	x.measure(o.recorder, now.Sub(x.start).Seconds(), failure, code)
	x.call.Span = root.Context()
	x.call.RequestID = t.text
	if o.recorder.LogsExported() {
		x.logExported(now, failure, code)
	}
	t.End(now, func() []telemetry.Attr { return x.describe(failure, code) })
	t.requests, t.responses = telemetry.Body{}, telemetry.Body{} // they are attributes now, or nothing
}

// description is what went wrong, for people, without secrets.
func (x *exchange) description() string {
	if x.call.Err == nil {
		return ""
	}
	return x.gateway.redact(x.call.Err.Error())
}

// spanName is low in the number of values (MCP conventions, server span; HTTP
// conventions, name).
func (x *exchange) spanName() string {
	switch {
	case x.req != nil:
		return operationName(x.req)
	case x.plain && x.call.Name != "":
		return x.r.Method + " " + x.route()
	case x.server != "":
		return x.r.Method + " /" + x.server + "/mcp"
	}
	return x.r.Method
}

// route is the path of the request without what differs from call to call.
func (x *exchange) route() string {
	switch {
	case x.plain:
		return "/" + x.server + "/" + x.call.Name
	case x.server != "":
		return "/" + x.server + "/mcp"
	}
	return ""
}

// measure adds the call to the metrics.
func (x *exchange) measure(r *telemetry.Recorder, seconds float64, failure, code string) {
	if x.req != nil && x.req.Kind != mcp.KindResponse {
		r.Measure(telemetry.MCPServerDuration, seconds,
			telemetry.String(telemetry.MCPMethodName, x.method()), telemetry.String(telemetry.GenAIToolName, x.toolName()),
			telemetry.String(telemetry.ErrorType, failure), telemetry.String(telemetry.RPCResponseStatusCode, code),
			telemetry.String(telemetry.MCPProtocolVersion, string(x.req.Version)), telemetry.String(telemetry.NetworkProtocolName, "http"),
			telemetry.String(telemetry.NetworkTransport, "tcp"), telemetry.String(telemetry.Server, x.server))
	}
	httpFailure := ""
	if x.status >= 500 {
		httpFailure = strconv.Itoa(x.status)
	}
	r.Measure(telemetry.HTTPServerDuration, seconds,
		telemetry.String(telemetry.HTTPRequestMethod, knownMethod(x.r.Method)), telemetry.String(telemetry.HTTPRoute, x.route()),
		telemetry.Int(telemetry.HTTPResponseStatusCode, x.status), telemetry.String(telemetry.ErrorType, httpFailure),
		telemetry.String(telemetry.URLScheme, x.scheme()), telemetry.String(telemetry.NetworkProtocolVersion, protocolVersion(x.r.ProtoMajor, x.r.ProtoMinor)))
	if e, ok := errors.AsType[*policy.Error](x.call.Err); ok && x.status < 500 && !x.call.Failed {
		r.Measure(telemetry.PolicyRefusals, 1, telemetry.String(telemetry.PolicySource, e.Source),
			telemetry.String(telemetry.PolicyReason, string(e.Reason)), telemetry.String(telemetry.Server, x.server))
	}
	if x.call.Cached {
		r.Measure(telemetry.CacheHits, 1, telemetry.String(telemetry.Server, x.server), telemetry.String(telemetry.GenAIToolName, x.toolName()))
	}
}

// knownMethod keeps what clients write for a method from becoming a time series.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodTrace, http.MethodConnect, "QUERY":
		return method
	}
	return "_OTHER"
}

// method is the JSON-RPC method, of those that there are.
func (x *exchange) method() string {
	if mcp.Served(x.req.Method, x.req.Version) {
		return x.req.Method
	}
	return "_OTHER"
}

// toolName is the tool that was called; empty for other methods, and for tools that
// there are none of.
func (x *exchange) toolName() string {
	if x.req == nil || x.req.Method != mcp.MethodCallTool {
		return ""
	}
	if e, ok := errors.AsType[*mcp.Error](x.call.Err); ok && e.Code == mcp.CodeInvalidParams {
		return "" // what a client made up must not become a time series
	}
	return x.req.Text(x.req.Name)
}

func (x *exchange) scheme() string {
	if u := x.gateway.public; u != nil {
		return u.Scheme
	}
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}

// describe makes the attributes of a call that is kept.
func (x *exchange) describe(failure, code string) []telemetry.Attr {
	o, t := x.gateway.observing, x.watched
	attrs := make([]telemetry.Attr, 0, 48)
	attrs = append(attrs,
		telemetry.String(telemetry.Server, x.server), telemetry.String(telemetry.RequestID, t.text),
		telemetry.String(telemetry.HTTPRequestMethod, knownMethod(x.r.Method)), telemetry.Int(telemetry.HTTPResponseStatusCode, x.status),
		telemetry.String(telemetry.URLScheme, x.scheme()), telemetry.String(telemetry.URLPath, x.r.URL.Path), telemetry.String(telemetry.HTTPRoute, x.route()),
		telemetry.String(telemetry.NetworkTransport, "tcp"), telemetry.String(telemetry.NetworkProtocolName, "http"),
		telemetry.String(telemetry.NetworkProtocolVersion, protocolVersion(x.r.ProtoMajor, x.r.ProtoMinor)),
		telemetry.String(telemetry.ClientAddress, x.clientAddress()), telemetry.String(telemetry.UserAgentOriginal, x.r.Header.Get("User-Agent")),
		telemetry.String(telemetry.AuthType, x.authentication()), telemetry.String(telemetry.Subscription, x.call.Subscription))
	host, port := (&sending{scheme: x.scheme(), host: x.authority()}).server()
	attrs = append(attrs, telemetry.String(telemetry.ServerAddress, host), telemetry.Int(telemetry.ServerPort, port))
	if x.r.ContentLength > 0 {
		attrs = append(attrs, telemetry.Int(telemetry.HTTPRequestBodySize, int(x.r.ContentLength)))
	}
	if u := x.caller.user; u != nil {
		attrs = append(attrs, telemetry.String(telemetry.EndUserID, u.ID))
	} else if who := x.caller.principal; who != nil && who.user != nil {
		attrs = append(attrs, telemetry.String(telemetry.EndUserID, who.user.ID))
	}
	if p := x.caller.product; p != nil {
		attrs = append(attrs, telemetry.String(telemetry.Product, p.ID))
	}
	if x.req != nil {
		attrs = append(attrs, x.messageAttrs(code)...)
	}
	if x.call.Cached {
		attrs = append(attrs, telemetry.Bool(telemetry.CacheHit, true))
	}
	if failure != "" {
		attrs = append(attrs, telemetry.String(telemetry.ErrorMessage, x.description()))
	}
	if e, ok := errors.AsType[*policy.Error](x.call.Err); ok {
		attrs = append(attrs, policyAttrs(e)...)
	}
	attrs = append(attrs, t.store.attrs()...)
	attrs = append(attrs, o.written(telemetry.HTTPRequestHeader, x.r.Header)...)
	attrs = append(attrs, o.written(telemetry.HTTPResponseHeader, x.w.Header())...)
	return append(attrs, telemetry.String(telemetry.RequestBody, o.body(&t.requests)), telemetry.String(telemetry.ResponseBody, o.body(&t.responses)))
}

// authority is the host, and the port, under which the gateway was reached.
func (x *exchange) authority() string {
	if u := x.gateway.public; u != nil {
		return u.Host
	}
	return x.r.Host
}

// authentication is how the caller was known, in the words of API Management.
func (x *exchange) authentication() string {
	switch {
	case x.caller.principal != nil:
		return "oauth2"
	case x.caller.subscription != nil:
		return "api_key"
	case x.r.TLS != nil && len(x.r.TLS.PeerCertificates) > 0:
		return "cert"
	}
	return "none"
}

// policyAttrs are where a policy stands that failed.
func policyAttrs(e *policy.Error) []telemetry.Attr {
	attrs := []telemetry.Attr{
		telemetry.String(telemetry.PolicySource, e.Source), telemetry.String(telemetry.PolicyReason, string(e.Reason)),
		telemetry.String(telemetry.PolicyID, e.PolicyID), telemetry.String(telemetry.PolicyPath, e.Path),
	}
	if e.Section != 0 {
		attrs = append(attrs, telemetry.String(telemetry.PolicySection, e.Section.String()))
	}
	if e.Scope != 0 {
		attrs = append(attrs, telemetry.String(telemetry.PolicyScope, e.Scope.String()))
	}
	return attrs
}

// messageAttrs are the attributes of the MCP message of the call.
func (x *exchange) messageAttrs(code string) []telemetry.Attr {
	req := x.req
	attrs := append(messageAttrs(req), telemetry.String(telemetry.RPCResponseStatusCode, code),
		telemetry.String(telemetry.APIType, "Mcp"), telemetry.String(telemetry.APITypeSpaced, "mcp"))
	if session := cmpOrHeader(req.Header, x.w.Header(), mcp.HeaderSessionID); session != "" {
		attrs = append(attrs, telemetry.String(telemetry.MCPSessionID, session), telemetry.String(telemetry.GenAIConversationID, session))
	}
	name, version := clientOf(req)
	attrs = append(attrs, telemetry.String(telemetry.UserAgentName, name), telemetry.String(telemetry.UserAgentVersion, version))
	if x.gateway.observing.settings.APIManagementNames {
		attrs = append(attrs, telemetry.String(telemetry.GenAIOperationName, req.Method))
	} else if req.Method == mcp.MethodCallTool {
		attrs = append(attrs, telemetry.String(telemetry.GenAIOperationName, "execute_tool"))
	}
	if d := &x.gateway.observing.settings.Diagnostics; d.Bodies.FrontendRequest > 0 && req.Method == mcp.MethodCallTool {
		arguments := telemetry.Body{Limit: d.Bodies.FrontendRequest, Path: []string{"params", "arguments"}}
		_, _ = arguments.Write(req.Bytes(req.Arguments)) // never fails
		attrs = append(attrs, telemetry.String(telemetry.GenAIToolArguments, x.gateway.observing.body(&arguments)))
	}
	if x.watched.tools >= 0 {
		attrs = append(attrs, telemetry.Int(telemetry.ToolCount, x.watched.tools))
	}
	return attrs
}

// cmpOrHeader is a header of the request, or else of the response.
func cmpOrHeader(request, response http.Header, name string) string {
	if v := request.Get(name); v != "" {
		return v
	}
	return response.Get(name)
}

// clientOf is what a client calls itself in a message.
func clientOf(req *mcp.Request) (name, version string) {
	client := req.Bytes(req.Meta.ClientInfo)
	if client == nil {
		return "", ""
	}
	m := mcp.Message{Raw: client}
	if span, ok := mcp.Lookup(client, "name"); ok {
		name = m.Text(span)
	}
	if span, ok := mcp.Lookup(client, "version"); ok {
		version = m.Text(span)
	}
	return name, version
}

// messageAttrs are the attributes of an MCP message, of a client or to a server.
func messageAttrs(req *mcp.Request) []telemetry.Attr {
	attrs := make([]telemetry.Attr, 0, 20)
	attrs = append(attrs, telemetry.String(telemetry.MCPMethodName, req.Method), telemetry.String(telemetry.MCPProtocolVersion, string(req.Version)))
	if id := req.Bytes(req.ID); id != nil && id.Kind() != 'n' {
		attrs = append(attrs, telemetry.String(telemetry.JSONRPCRequestID, strings.Trim(string(id), `"`)))
	}
	switch name := req.Text(req.Name); req.Method {
	case mcp.MethodCallTool:
		attrs = append(attrs, telemetry.String(telemetry.GenAIToolName, name), telemetry.String(telemetry.GenAIToolType, "extension"))
	case mcp.MethodGetPrompt:
		attrs = append(attrs, telemetry.String(telemetry.GenAIPromptName, name))
	case mcp.MethodReadResource:
		attrs = append(attrs, telemetry.String(telemetry.MCPResourceURI, name))
	}
	return attrs
}

// logExported queues the log record of the call.
func (x *exchange) logExported(now time.Time, failure, code string) {
	severity := telemetry.SeverityInformation
	switch {
	case x.status >= 500:
		severity = telemetry.SeverityError
	case failure != "":
		severity = telemetry.SeverityWarn
	}
	attrs := x.describe(failure, code)
	if failure != "" {
		attrs = append(attrs, telemetry.String(telemetry.ErrorType, failure))
	}
	x.gateway.observing.recorder.Log(telemetry.Record{
		Time: now, Severity: severity, Event: "toolgate.call", Body: x.spanName(), Context: x.watched.Root().Context(),
		Attrs: append(attrs, telemetry.Float(telemetry.Duration, now.Sub(x.start).Seconds())),
	})
}
