package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// downgrade serves a legacy client of a modern server. The handshake and what
// goes with it is answered here, since the server has none; every other request
// is given the _meta and the headers that the server asks for.
func (p *Proxy) downgrade(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Kind != mcp.KindRequest {
		return nil // of the handshake, or of requests the server cannot make
	}
	discovery := new(mcp.Discovery)
	switch req.Method {
	case mcp.MethodSubscribe, mcp.MethodUnsubscribe:
		return mcp.MethodNotFound(req.Method)
	case mcp.MethodInitialize:
		var err error
		if discovery, err = p.discovery(ctx); err != nil {
			return fail(err)
		}
	}
	if done, err := discovery.Answer(req, reply); done {
		return err
	}
	d := &downgraded{proxy: p, ctx: ctx, req: req, reply: reply}
	err := d.call(false)
	if e, ok := errors.AsType[*mcp.Error](err); ok && e.Code == mcp.CodeHeaderMismatch && req.Method == mcp.MethodCallTool {
		err = d.call(true)
	}
	return fail(err)
}

// downgraded is one request of a legacy client of a modern server.
type downgraded struct {
	proxy *Proxy
	ctx   context.Context
	req   *mcp.Request
	reply mcp.Reply
}

// call makes the request. anew says that the headers which repeat arguments
// were not those that the server expects, and must be found anew.
func (d *downgraded) call(anew bool) error {
	body, err := d.body()
	if err != nil {
		return err
	}
	header, err := d.header(anew)
	if err != nil {
		return err
	}
	res, err := d.proxy.post(d.ctx, header, body)
	if r, ok := errors.AsType[*refusal](err); ok && r.relayed() {
		if err := d.error(r.rpc); err != nil {
			return errors.Join(err, r)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer finish(res)
	done, _, err := d.proxy.messages(res, d.visit)
	if err == nil && !done {
		err = mcp.ErrNoResponse
	}
	return err
}

// body is the client's request with _meta.
func (d *downgraded) body() ([]byte, error) {
	level := ""
	if d.req.Name.Present() {
		// The client has a level with its session, which is not known here. This
		// is what servers of its era send when they were told none.
		level = logLevels[legacyLevel]
	}
	own := d.proxy.ownMeta(level)
	raw := d.req.Bytes(d.req.Params)
	if raw == nil {
		return d.withParams(own)
	}
	add := []string{`"_meta":{` + strings.Join(own, ",") + `}`}
	if d.req.Meta.Present() {
		add = nil
	}
	params, err := rebuild(raw, func(name string, value jsontext.Value) (jsontext.Value, error) {
		if name != "_meta" {
			return value, nil
		}
		return rebuild(value, func(name string, v jsontext.Value) (jsontext.Value, error) {
			switch name {
			case mcp.MetaProtocolVersion, mcp.MetaClientInfo, mcp.MetaClientCapabilities, mcp.MetaLogLevel:
				return nil, nil
			}
			return v, nil
		}, own...)
	}, add...)
	return mcp.Splice(d.req.Raw, mcp.Edit{Span: d.req.Params, Text: params}), err
}

// withParams is body for a request without parameters, or with null.
func (d *downgraded) withParams(meta []string) ([]byte, error) {
	return rebuild(bytes.TrimSpace(d.req.Raw), func(name string, value jsontext.Value) (jsontext.Value, error) {
		if name == "params" {
			return nil, nil
		}
		return value, nil
	}, `"params":{"_meta":{`+strings.Join(meta, ",")+`}}`)
}

// header repeats in the header what a modern server reads there.
func (d *downgraded) header(anew bool) (http.Header, error) {
	h := d.proxy.legacyHeader(d.req.Header, string(mcp.Latest), "")
	h[mcp.HeaderMethod] = []string{d.req.Method}
	if d.req.Name.Present() {
		h[mcp.HeaderName] = []string{mcp.EncodeHeader(d.req.Text(d.req.Name))}
	}
	if d.req.Method != mcp.MethodCallTool {
		return h, nil
	}
	params, err := d.proxy.paramHeaders(d.ctx, d.req.Text(d.req.Name), anew)
	if err != nil {
		return nil, err
	}
	return h, mcp.SetParamHeaders(params, d.req.Bytes(d.req.Arguments), h)
}

// visit takes one message of the server.
func (d *downgraded) visit(m *mcp.Message) (bool, error) {
	switch {
	case m.Kind == mcp.KindNotification:
		return false, d.reply.Notify(m.Raw)
	case m.Kind == mcp.KindRequest:
		return false, nil // none may come on a modern stream
	case m.Failure.Present():
		return true, d.error(rpcError(m.Bytes(m.Failure)))
	}
	return true, d.result(m.Bytes(m.Result))
}

// error gives the client a modern error under the code of its own era.
func (d *downgraded) error(e *mcp.Error) error {
	switch {
	case e.Code == mcp.CodeInvalidParams && d.req.Method == mcp.MethodReadResource:
		e.Code = mcp.CodeResourceNotFound
	case e.Code == mcp.CodeMissingClientCapability && d.req.Method == mcp.MethodCallTool:
		return d.reply.Result(toolError(e.Message))
	}
	return e
}

// hinted is the reply to one who keeps results, and is told what clients of the
// legacy era are not.
type hinted interface {
	Hint(ttl, scope jsontext.Value)
}

// result gives the client a modern result in the form of its own era.
func (d *downgraded) result(result jsontext.Value) error {
	if text(lookup(result, "resultType")) == "input_required" {
		return d.inputRequired(result)
	}
	if r, ok := d.reply.(hinted); ok {
		r.Hint(lookup(result, "ttlMs"), lookup(result, "cacheScope"))
	}
	result, err := d.proxy.edit(d.req, result)
	if err == nil {
		result, err = rebuild(result, func(name string, value jsontext.Value) (jsontext.Value, error) {
			switch name {
			case "resultType", "ttlMs", "cacheScope":
				return nil, nil
			case "structuredContent":
				if value.Kind() != '{' {
					return nil, nil // an object before 2026-07-28; content says the same
				}
			}
			return value, nil
		})
	}
	if err == nil && d.req.Method == mcp.MethodListTools {
		result, err = elements(result, legacyTool)
	}
	if err != nil {
		return &unreadable{err}
	}
	return d.reply.Result(result)
}

// legacyTool appends a tool of a modern server as a legacy client can read it.
// A tool with a faulty x-mcp-header is left out (2026-07-28, server/tools); an
// outputSchema of anything but an object is unknown to the era.
func legacyTool(dst []byte, tool jsontext.Value) ([]byte, error) {
	if _, err := mcp.ParamHeaders(lookup(tool, "inputSchema")); err != nil {
		return dst, nil //nolint:nilerr // the tool's fault, not the list's
	}
	if schema := lookup(tool, "outputSchema"); schema != nil && text(lookup(schema, "type")) != "object" {
		var err error
		if tool, err = without(tool, "outputSchema"); err != nil {
			return nil, err
		}
	}
	return append(separate(dst), tool...), nil
}

// inputRequired answers in place of a server that wants to know more: this
// client cannot be asked without a session (2026-07-28, multi round-trip
// requests).
func (d *downgraded) inputRequired(result jsontext.Value) error {
	wanted := wantedInput(result)
	if d.req.Method == mcp.MethodCallTool {
		return d.reply.Result(toolError("The call was not completed: the tool " + wanted + "."))
	}
	return mcp.Errorf(mcp.CodeInternalError, "The request was not completed: the server %s.", wanted)
}

// wantedInput says in words what a server wants to know. What cannot be read
// of its requests is left out.
func wantedInput(result jsontext.Value) string {
	var asked []string
	requests := lookup(result, "inputRequests")
	_ = mcp.EachMember(requests, func(m mcp.Member) error {
		request := requests[m.Value.Start:m.Value.End]
		switch message := text(lookup(lookup(request, "params"), "message")); text(lookup(request, "method")) {
		case "elicitation/create":
			asked = append(asked, strings.TrimSuffix("an answer of the user: "+message, ": "))
		case "sampling/createMessage":
			asked = append(asked, "a completion of the client's model")
		case "roots/list":
			asked = append(asked, "the client's roots")
		default:
			asked = append(asked, "input of a kind that the gateway does not know")
		}
		return nil
	})
	if asked == nil {
		return "asks for the call to be repeated later, which this client's protocol version has no way to do"
	}
	return "needs " + strings.Join(asked, "; and ") + ". This client's protocol version has no way to give it through the gateway"
}

// toolError is a tool result that says what went wrong.
func toolError(message string) jsontext.Value {
	out := append([]byte(nil), `{"content":[{"type":"text","text":`...)
	out = append(out, quote(message)...)
	return append(out, `}],"isError":true}`...)
}
