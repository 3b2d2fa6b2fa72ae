package mcpproxy

import (
	"context"
	"errors"
	"net/http"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// onOwnSession serves a request on the gateway's own session: one of a modern
// client, or of a legacy client that has no session.
func (p *Proxy) onOwnSession(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Kind != mcp.KindRequest {
		// Answers and notifications of a client without a session refer to
		// nothing that the server knows by the same name.
		return nil
	}
	for again := false; ; again = true {
		s, err := p.session(ctx)
		if err != nil {
			return fail(err)
		}
		err = p.exchange(ctx, s, req, reply)
		if again || !errors.Is(err, errSessionLost) {
			return fail(err)
		}
		p.log.Debug("opening another session", "cause", err)
		p.own.drop(s)
	}
}

// exchange is one request on a session that was taken, and lets go of it.
func (p *Proxy) exchange(ctx context.Context, s *session, req *mcp.Request, reply mcp.Reply) error {
	defer p.done(s)
	switch req.Method {
	case mcp.MethodSubscribe, mcp.MethodUnsubscribe:
		// What is subscribed to would be told on a stream that this client has not.
		return mcp.MethodNotFound(req.Method)
	}
	if done, err := s.discovery.Answer(req, reply); done {
		return err
	}
	if err := p.checkParams(ctx, req); err != nil {
		return err
	}
	x := &ownExchange{proxy: p, session: s, ctx: ctx, req: req, reply: reply, id: s.next()}
	body, err := x.request()
	if err != nil {
		return err
	}
	if x.level, err = x.logging(); err != nil {
		return err
	}
	err = s.wire.call(ctx, req.Header, x.id, body, x.visit)
	if err != nil && (s.id != "" || p.sse) && (ctx.Err() != nil || errors.Is(err, errAbandoned)) {
		if err := s.cancel(ctx, x.id); err != nil {
			p.log.Debug("a request was not cancelled at the server", "error", err)
		}
	}
	if r, ok := errors.AsType[*refusal](err); ok && r.rpc == nil && r.status == http.StatusBadRequest && !mcp.Known(req.Method) {
		// In so few words some servers refuse a method that they do not know.
		return &failure{mcp.MethodNotFound(req.Method), r}
	}
	return err
}

// ownExchange is one request of a client on the gateway's own session, and what
// comes back.
type ownExchange struct {
	proxy   *Proxy
	session *session
	ctx     context.Context
	req     *mcp.Request
	reply   mcp.Reply
	id      string // of the request, and its progress token, on the session
	level   int    // the least severe log message that the client gets; 0 for none
}

// request writes the client's request for the session: with an id of its own,
// and as a legacy server expects it.
func (x *ownExchange) request() ([]byte, error) {
	edits := []mcp.Edit{{Span: x.req.ID, Text: []byte(x.id)}}
	if x.req.Params.Present() {
		params, err := x.params()
		if err != nil {
			return nil, err
		}
		edits = append(edits, mcp.Edit{Span: x.req.Params, Text: params})
	}
	return mcp.Splice(x.req.Raw, edits...), nil
}

func (x *ownExchange) params() ([]byte, error) {
	params := x.req.Bytes(x.req.Params)
	modern := x.req.Version.Modern()
	if !modern && !x.req.Meta.ProgressToken.Present() {
		return params, nil
	}
	return rebuild(params, func(name string, value jsontext.Value) (jsontext.Value, error) {
		switch {
		case name == "_meta":
			return x.meta(value)
		case modern && (name == "inputResponses" || name == "requestState"):
			return nil, nil
		}
		return value, nil
	})
}

// meta leaves out what only the modern era knows. What others put there, such
// as a trace, passes.
func (x *ownExchange) meta(raw jsontext.Value) (jsontext.Value, error) {
	return rebuild(raw, func(name string, value jsontext.Value) (jsontext.Value, error) {
		switch name {
		case mcp.MetaProgressToken:
			return jsontext.Value(x.id), nil
		case mcp.MetaProtocolVersion, mcp.MetaClientInfo, mcp.MetaClientCapabilities, mcp.MetaLogLevel:
			return nil, nil
		}
		return value, nil
	})
}

// legacyLevel is the level from which a legacy client without a session gets
// log messages. It cannot choose one: revisions before 2026-07-28 keep the level
// with the session.
const legacyLevel = 2 // info

// logging sees to it that the server logs what the client asked for.
func (x *ownExchange) logging() (int, error) {
	if !x.req.Version.Modern() {
		return legacyLevel, nil
	}
	level := logLevel(x.req.Text(x.req.Meta.LogLevel))
	return level, x.session.logAt(x.ctx, level)
}

// visit takes one message of the server.
func (x *ownExchange) visit(m *mcp.Message) (bool, error) {
	switch m.Kind {
	case mcp.KindResponse:
		return true, x.respond(m)
	case mcp.KindNotification:
		return false, x.notify(m)
	}
	return false, x.decline(m)
}

// respond gives the client the response.
func (x *ownExchange) respond(m *mcp.Message) error {
	modern := x.req.Version.Modern()
	if m.Failure.Present() {
		e := rpcError(m.Bytes(m.Failure))
		if modern {
			return x.upgradeError(e)
		}
		return e
	}
	result, err := x.proxy.edit(x.req, m.Bytes(m.Result))
	if err == nil && modern {
		result, err = upgradeResult(x.req.Method, result, x.session.discovery.ServerInfo)
	}
	if err != nil {
		return &unreadable{err}
	}
	return x.reply.Result(result)
}

// notify passes on what belongs to the request. On the stream of a request a
// modern client expects nothing but progress and log messages.
func (x *ownExchange) notify(m *mcp.Message) error {
	params := m.Bytes(m.Params)
	switch m.Method {
	case mcp.NotificationProgress:
		token := x.req.Bytes(x.req.Meta.ProgressToken)
		span, ok := mcp.Lookup(params, mcp.MetaProgressToken)
		if !ok || token == nil || string(params[span.Start:span.End]) != x.id {
			return nil
		}
		span.Start, span.End = span.Start+m.Params.Start, span.End+m.Params.Start
		return x.reply.Notify(mcp.Splice(m.Raw, mcp.Edit{Span: span, Text: token}))
	case mcp.NotificationMessage:
		if x.level == 0 || logLevel(text(lookup(params, "level"))) < x.level {
			return nil
		}
		return x.reply.Notify(m.Raw)
	case mcp.NotificationCancelled:
		return nil // of a request that was declined
	}
	if x.req.Version.Modern() {
		return nil
	}
	return x.reply.Notify(m.Raw)
}

// errAbandoned ends a call that the server would go on with.
var errAbandoned = errors.New("the call was given up")

// askedOf are the client capabilities that a server's requests need.
var askedOf = map[string]string{
	"sampling/createMessage": "sampling",
	"elicitation/create":     "elicitation",
	"roots/list":             "roots",
}

// decline answers a request of the server: this session has nobody to ask. A
// modern client that did not declare the capability is told what was missing.
func (x *ownExchange) decline(m *mcp.Message) error {
	if err := x.session.wire.send(x.ctx, declined(m)); err != nil {
		return err
	}
	capability := askedOf[m.Method]
	if capability == "" || !x.req.Version.Modern() || lookup(x.req.Bytes(x.req.Meta.ClientCapabilities), capability) != nil {
		return nil
	}
	return &failure{missingCapability(capability), errAbandoned}
}

// declined is the answer to a request of the server.
func declined(m *mcp.Message) []byte {
	if m.Method == mcp.MethodPing {
		return mcp.AppendResult(nil, m.Bytes(m.ID), jsontext.Value("{}"))
	}
	return mcp.AppendError(nil, m.Bytes(m.ID), mcp.MethodNotFound(m.Method))
}

func missingCapability(capability string) *mcp.Error {
	return &mcp.Error{
		Code:    mcp.CodeMissingClientCapability,
		Message: "the server needs the client capability " + capability + ", which the request does not declare",
		Data:    jsontext.Value(`{"requiredCapabilities":{"` + capability + `":{}}}`),
	}
}
