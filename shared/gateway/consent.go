package gateway

import (
	"context"
	"errors"

	"toolgate/shared/mcp"
	"toolgate/shared/oauthclient"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// consenting is an upstream whose access somebody has to consent to: until then it
// leads callers to the page where they can, as far as it is for them to do.
type consenting struct {
	inner mcp.Server
	info  jsontext.Value // serverInfo
	depth int
}

// consentInput is the key of the link among the inputs of a call.
const consentInput = "toolgate_consent"

// consenting puts what leads callers to the page before an upstream, where there is
// such a page.
func (a *assembly) consenting(s *snapshot.Server, inner mcp.Server) mcp.Server {
	if a.upstreams[s.Name] == nil {
		return inner
	}
	a.gateway.consents = true
	return &consenting{inner: inner, info: a.serverInfo(s), depth: a.snapshot.Limits.Depth}
}

// Serve has the upstream answer, or answers what is to be done first.
func (s *consenting) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	req, action, err := s.answered(req)
	if err != nil {
		return err
	}
	err = s.inner.Serve(ctx, req, reply)
	wanted, ok := errors.AsType[*oauthclient.ConsentError](err)
	if !ok {
		return err
	}
	link := ""
	if v := visitorOf(ctx); v != nil && wanted.Path != "" {
		link = v.of.base() + wanted.Path
	}
	return s.lead(req, reply, action, wanted, link, err)
}

// takesInput are the methods whose results may ask for input (2026-07-28, multi
// round-trip requests).
var takesInput = map[string]bool{mcp.MethodCallTool: true, mcp.MethodGetPrompt: true, mcp.MethodReadResource: true}

// lead leads the caller to the page, by what the protocol has for it.
func (s *consenting) lead(req *mcp.Request, reply mcp.Reply, action string, wanted *oauthclient.ConsentError, link string, cause error) error {
	message := wanted.Public()
	elicitation := append([]byte(`{"mode":"url","message":`), mcp.AppendString(nil, message)...)
	elicitation = mcp.AppendString(append(elicitation, `,"url":`...), link)
	if link != "" {
		message += " Open this link in a browser, within ten minutes, and try again: " + link
	}
	switch {
	case link != "" && action == "" && takesInput[req.Method] && s.opensURLs(req):
		out := append([]byte(`{"resultType":"input_required","inputRequests":{"`+consentInput+`":{"method":"elicitation/create","params":`), elicitation...)
		out = append(append(out, `}}},"_meta":{"`+mcp.MetaServerInfo+`":`...), s.info...)
		return reply.Result(append(out, `}}`...))
	case req.Method != mcp.MethodCallTool || req.Kind != mcp.KindRequest:
		return &publicError{&mcp.Error{Code: mcp.CodeInternalError, Message: message}, cause}
	}
	if action == "decline" || action == "cancel" {
		message = "Not called: the access to the MCP server behind the gateway was not given. Do not call the tool again unless the user asks for it."
	}
	noteFailed(reply, cause)
	out := append([]byte(`{"content":[{"type":"text","text":`), mcp.AppendString(nil, message)...)
	out = append(out, `}],"isError":true`...)
	return reply.Result(append(mcp.AppendResultMembers(out, req.Version, s.info), '}'))
}

// opensURLs tells whether the client has said that it leads its user to URLs. What a
// client of an earlier revision can do it said in initialize, of which nothing is
// kept: it is given the link as text.
func (s *consenting) opensURLs(req *mcp.Request) bool {
	capabilities := req.Bytes(req.Meta.ClientCapabilities)
	if !req.Version.Modern() || capabilities == nil {
		return false
	}
	span, ok := mcp.Lookup(capabilities, "elicitation")
	if !ok {
		return false
	}
	elicitation := capabilities[span.Start:span.End]
	mode, ok := mcp.Lookup(elicitation, "url")
	return ok && elicitation[mode.Start] == '{'
}

// answered is a request without the answer to the gateway's own question, and what
// the user did; empty for one that has none.
func (s *consenting) answered(req *mcp.Request) (*mcp.Request, string, error) {
	if !req.Version.Modern() || !takesInput[req.Method] {
		return req, "", nil
	}
	params := req.Bytes(req.Params)
	span, ok := mcp.Lookup(params, "inputResponses")
	if !ok {
		return req, "", nil
	}
	responses := params[span.Start:span.End]
	answer, ok := mcp.Lookup(responses, consentInput)
	if !ok {
		return req, "", nil
	}
	rest, err := withoutMember(params, "inputResponses") // it was the only question
	if err != nil {
		return nil, "", mcp.Errorf(mcp.CodeInvalidParams, "params cannot be read")
	}
	made := &mcp.Request{Version: req.Version, Header: req.Header}
	made.Message, err = mcp.Scan(mcp.Splice(req.Raw, mcp.Edit{Span: req.Params, Text: rest}), s.depth)
	return made, member(responses[answer.Start:answer.End], "action"), err
}

// withoutMember is an object without one of its members.
func withoutMember(raw jsontext.Value, name string) ([]byte, error) {
	out := []byte{'{'}
	err := mcp.EachMember(raw, func(m mcp.Member) error {
		if m.Name == name {
			return nil
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, raw[m.Whole.Start:m.Whole.End]...)
		return nil
	})
	return append(out, '}'), err
}

// publicError is an error that a client is told, with a cause for the log.
type publicError struct {
	public *mcp.Error
	cause  error
}

func (e *publicError) Error() string   { return e.cause.Error() }
func (e *publicError) Unwrap() []error { return []error{e.public, e.cause} }
