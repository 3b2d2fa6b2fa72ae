package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"toolgate/shared/approval"
	"toolgate/shared/config"
	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// approvedCall is one call of a tool that waits for a person.
type approvedCall struct {
	*approving
	terms *config.Approval
	who   *applicant
	ctx   context.Context
	req   *mcp.Request
	reply mcp.Reply
}

// way is how a client can have its user decide.
type way uint8

const (
	noWay   way = iota
	byForm      // the client asks
	byPage      // the client leads to the page, 2026-07-28
	byError     // the client leads to the page, 2025-11-25
)

const (
	// approvalInput is the key of the question among the inputs of a call.
	approvalInput = "approval"
	// Who decided, where no id is known.
	approvedByClient = "client"
	approvedByLink   = "link"
)

// maxInnerState bounds the requestState of a server behind that is wrapped, in bytes.
const maxInnerState = 1 << 20

// serve has the call approved, or answers why it is not made.
func (c *approvedCall) serve() error {
	params, err := membersOf(c.req.Bytes(c.req.Params))
	if err != nil {
		return mcp.Errorf(mcp.CodeInvalidParams, "params cannot be read")
	}
	call, err := c.binding(params, &c.who.call)
	if err != nil {
		return mcp.Errorf(mcp.CodeInvalidParams, "params cannot be read")
	}
	if text := params["requestState"]; c.req.Version.Modern() && text.Kind() == '"' {
		return c.resume(params, call)
	}
	switch how := c.way(); {
	case how == noWay:
		return c.fail(approvalUnavailable, "", c.cannotAsk(), nil)
	case how == byForm:
		return c.ask(call)
	case c.who.base == "":
		return c.fail(approvalUnavailable, "", c.notCalled()+" needs the approval of a person on a page of the gateway, whose URL the gateway does not know: its gateway.yaml needs a publicUrl.", nil)
	default:
		return c.page(params, how)
	}
}

func (c *approvedCall) notCalled() string { return "Not called: the tool " + c.req.Text(c.req.Name) }

func (c *approvedCall) cannotAsk() string {
	return c.notCalled() + " needs the approval of a person, and this client has no way to ask for it. Use a client of MCP 2026-07-28 that supports elicitation, or one of 2025-11-25 that supports elicitation by URL."
}

// binding is what an approval is for: all that the call consists of but for what
// carries the approval itself and for _meta, which has traces and tokens of progress.
func (c *approvedCall) binding(params map[string]jsontext.Value, caller *[32]byte) (approval.Binding, error) {
	var b approval.Binding
	called := make(map[string]jsontext.Value, len(params))
	for name, value := range params {
		switch name {
		case "_meta", "requestState", "inputResponses":
		default:
			called[name] = value
		}
	}
	text, err := json.Marshal(called, json.Deterministic(true))
	if err != nil {
		return b, err
	}
	canonical := jsontext.Value(text)
	// Numbers keep their digits: two large ones must not become one.
	if err := canonical.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return b, err
	}
	f := newFields("approval")
	f.add(string(caller[:]), c.name, c.req.Text(c.req.Name), string(canonical))
	f.sum((*[32]byte)(&b))
	return b, nil
}

// membersOf are the members of an object by name.
func membersOf(raw jsontext.Value) (map[string]jsontext.Value, error) {
	found := map[string]jsontext.Value{}
	if raw == nil {
		return found, nil
	}
	err := mcp.EachMember(raw, func(m mcp.Member) error {
		found[m.Name] = raw[m.Value.Start:m.Value.End]
		return nil
	})
	return found, err
}

// way is how the client of the request can have its user decide. An empty capability
// is that of forms (2026-07-28, client/elicitation). What a client of 2025-11-25
// declared, it said in initialize, of which nothing is kept; -32042 is that revision's
// own answer, which tells a client that cannot show a page that it would have to.
func (c *approvedCall) way() way {
	switch {
	case c.req.Version == mcp.V20251125:
		return byError
	case !c.req.Version.Modern():
		return noWay
	}
	capabilities, err := membersOf(c.req.Bytes(c.req.Meta.ClientCapabilities))
	if err != nil || capabilities["elicitation"].Kind() != '{' {
		return noWay
	}
	modes, err := membersOf(capabilities["elicitation"])
	switch {
	case err != nil:
		return noWay
	case modes["form"].Kind() == '{' || len(modes) == 0:
		return byForm
	case modes["url"].Kind() == '{':
		return byPage
	}
	return noWay
}

func (c *approvedCall) question() approval.Question {
	return approval.NewQuestion(c.name, c.req.Text(c.req.Name), c.terms.Message, c.req.Bytes(c.req.Arguments))
}

// decisionSchema is what a person is asked for. There is no default: who only
// confirms has not decided.
const decisionSchema = `{"type":"object","properties":{"decision":{"type":"string","title":"Decision","enum":["approve","refuse"]}},"required":["decision"]}`

// ask has the client ask its user.
func (c *approvedCall) ask(b approval.Binding) error {
	q := c.question()
	params := append([]byte(`{"mode":"form","message":`), mcp.AppendString(nil, q.Text())...)
	params = append(append(params, `,"requestedSchema":`...), decisionSchema...)
	return c.require(c.gateway.approvals.Ticket(b, approval.Asked, c.terms.Expires), append(params, '}'))
}

// require sends a result that asks for one input, an elicitation with the given
// params.
func (c *approvedCall) require(t approval.Ticket, params []byte) error {
	state, err := c.gateway.approvals.State(t)
	if err != nil {
		return err
	}
	c.note(approvalAsked, "")
	out := append([]byte(`{"resultType":"input_required","inputRequests":{"`+approvalInput+`":{"method":"elicitation/create","params":`), params...)
	out = append(out, `}},"requestState":`...)
	out = append(mcp.AppendString(out, state), `,"_meta":{"`+mcp.MetaServerInfo+`":`...)
	return c.reply.Result(append(append(out, c.info...), `}}`...))
}

// page looks for the decision that was made on the page, and leads there when there
// is none.
func (c *approvedCall) page(params map[string]jsontext.Value, how way) error {
	b, err := c.binding(params, &c.who.page)
	if err != nil {
		return err
	}
	made, found, err := c.gateway.approvals.Decision(c.ctx, b)
	switch {
	case err != nil:
		return c.storeFailed(err)
	case found:
		return c.decided(made.Approved, approvedByLink, params)
	}
	t, q := c.gateway.approvals.Ticket(b, "", c.terms.Expires), c.question()
	link, err := c.gateway.approvals.Link(t, q)
	if err != nil {
		return err
	}
	elicitation := append([]byte(`{"mode":"url","message":`), mcp.AppendString(nil, q.Text())...)
	elicitation = mcp.AppendString(append(elicitation, `,"url":`...), c.who.base+link)
	if how == byPage {
		call, err := c.binding(params, &c.who.call)
		if err != nil {
			return err
		}
		return c.require(c.gateway.approvals.Ticket(call, approval.Led, c.terms.Expires), append(elicitation, '}'))
	}
	elicitation = mcp.AppendString(append(elicitation, `,"elicitationId":`...), t.ID)
	c.note(approvalAsked, "")
	return &mcp.Error{
		Code:    mcp.CodeURLElicitationRequired,
		Message: "The tool needs the approval of a person, on the page that the data of this error names. Call it again with the same arguments when the person has approved. A client that does not support elicitation by URL cannot show the page.",
		Data:    append(append([]byte(`{"elicitations":[`), elicitation...), `}]}`...),
	}
}

// resume goes on with a call that comes back with a state.
func (c *approvedCall) resume(params map[string]jsontext.Value, b approval.Binding) error {
	t, err := c.gateway.approvals.Open(text(params["requestState"]), b)
	switch {
	case errors.Is(err, approval.ErrExpired):
		delete(params, "requestState") // asked again
		if how := c.way(); how == byForm {
			return c.ask(b)
		} else if how == byPage && c.who.base != "" {
			return c.page(params, how)
		}
		return c.fail(approvalUnavailable, "", c.cannotAsk(), nil)
	case err != nil:
		c.note(approvalInvalid, "")
		return mcp.Errorf(mcp.CodeInvalidParams, "the requestState is not of this call: it was made for another caller, tool or arguments, or was changed on the way. Call the tool without it")
	case t.Step == approval.Led:
		return c.led(params, t)
	}
	if err := c.gateway.approvals.Use(c.ctx, t); errors.Is(err, approval.ErrUsed) {
		return c.fail(approvalInvalid, "", c.notCalled()+" was called with this approval before, and an approval is for one call. Call it again without requestState to ask anew.", nil)
	} else if err != nil {
		return c.storeFailed(err)
	}
	if t.Step == approval.Approved {
		c.note(approvalApproved, "")
		return c.forward(params, t.Inner, true)
	}
	action, decision := answerOf(params["inputResponses"])
	by := c.who.user
	if by == "" {
		by = approvedByClient
	}
	return c.decided(action == "accept" && decision == "approve", by, params)
}

// led goes on after the user was led to the page: with the decision, if it has been
// made.
func (c *approvedCall) led(params map[string]jsontext.Value, t approval.Ticket) error {
	if action, _ := answerOf(params["inputResponses"]); action != "accept" {
		if err := c.gateway.approvals.Use(c.ctx, t); err != nil && !errors.Is(err, approval.ErrUsed) {
			return c.storeFailed(err)
		}
		return c.decided(false, approvedByClient, params)
	}
	b, err := c.binding(params, &c.who.page)
	if err != nil {
		return err
	}
	made, found, err := c.gateway.approvals.Decision(c.ctx, b)
	switch {
	case err != nil:
		return c.storeFailed(err)
	case !found:
		return c.fail(approvalAsked, "", c.notCalled()+" waits for the decision of a person, who was led to the page. Call it again with the same arguments when the person has decided.", nil)
	}
	return c.decided(made.Approved, approvedByLink, params)
}

// answerOf is what the client answered for its user; empty for anything else.
func answerOf(responses jsontext.Value) (action, decision string) {
	var answers map[string]jsontext.Value
	if json.Unmarshal(responses, &answers) != nil {
		return "", ""
	}
	answer := answers[approvalInput]
	content, ok := mcp.Lookup(answer, "content")
	if ok && answer[content.Start] == '{' {
		decision = member(answer[content.Start:content.End], "decision")
	}
	return member(answer, "action"), decision
}

// decided makes the call, or tells the model that it is not made.
func (c *approvedCall) decided(approved bool, by string, params map[string]jsontext.Value) error {
	if !approved {
		return c.fail(approvalRefused, by, c.notCalled()+": the person who was asked refused. Do not call it again unless they ask for it.", nil)
	}
	c.note(approvalApproved, by)
	return c.forward(params, nil, false)
}

func (c *approvedCall) storeFailed(err error) error {
	return c.fail(approvalInvalid, "", c.notCalled()+": the gateway could not find out whether the approval was used already. Try again later.", err)
}

// forward makes the call. The server behind gets its own requestState, if it has one,
// and the answers to its own questions.
func (c *approvedCall) forward(params map[string]jsontext.Value, inner *string, answers bool) error {
	req, err := c.without(params, inner, answers)
	if err != nil {
		return err
	}
	ctx := context.WithValue(c.ctx, approvedKey{}, true)
	if c.catalog != nil || !req.Version.Modern() { // they ask for nothing
		return c.inner.Serve(ctx, req, c.reply)
	}
	return c.inner.Serve(ctx, req, &approvedReply{Reply: c.reply, call: c, params: params})
}

// without is the request less what is the gateway's own.
func (c *approvedCall) without(params map[string]jsontext.Value, inner *string, answers bool) (*mcp.Request, error) {
	_, hasState := params["requestState"]
	_, hasAnswers := params["inputResponses"]
	if !hasState && !hasAnswers {
		return c.req, nil
	}
	raw := c.req.Bytes(c.req.Params)
	out := []byte{'{'}
	add := func(parts ...[]byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		for _, p := range parts {
			out = append(out, p...)
		}
	}
	err := mcp.EachMember(raw, func(m mcp.Member) error {
		switch {
		case m.Name == "requestState", m.Name == "inputResponses" && !answers:
		default:
			add(raw[m.Whole.Start:m.Whole.End])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if inner != nil {
		add([]byte(`"requestState":`), mcp.AppendString(nil, *inner))
	}
	made := &mcp.Request{Version: c.req.Version, Header: c.req.Header}
	made.Message, err = mcp.Scan(mcp.Splice(c.req.Raw, mcp.Edit{Span: c.req.Params, Text: append(out, '}')}), c.gateway.depth)
	return made, err
}

// note tells the log.
func (c *approvedCall) note(outcome, by string) { noteApproval(c.reply, outcome, by) }

// fail answers with a result that tells the model why the tool was not called. The
// cause is for the log; nil where the result says everything.
func (c *approvedCall) fail(outcome, by, message string, cause error) error {
	c.note(outcome, by)
	noteFailed(c.reply, cause)
	out := append([]byte(`{"content":[{"type":"text","text":`), mcp.AppendString(nil, message)...)
	out = append(out, `}],"isError":true`...)
	return c.reply.Result(append(mcp.AppendResultMembers(out, c.req.Version, c.info), '}'))
}

// approvedReply is the reply to a call that was approved. Where the server behind
// asks for more, its state is sealed together with the approval, so that the next
// round is made without asking the person again.
type approvedReply struct {
	mcp.Reply
	call   *approvedCall
	params map[string]jsontext.Value
}

// Result wraps the state of a result that asks for more.
func (r *approvedReply) Result(result jsontext.Value) error {
	wrapped, err := r.wrap(result)
	if err != nil {
		return err
	}
	return r.Reply.Result(wrapped)
}

// Relay reads the result out of another server's answer.
func (r *approvedReply) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(r.Reply, status, header, body, r.Result)
}

func (r *approvedReply) wrap(result jsontext.Value) (jsontext.Value, error) {
	if member(result, "resultType") != "input_required" {
		return result, nil
	}
	c := r.call
	b, err := c.binding(r.params, &c.who.call)
	if err != nil {
		return nil, err
	}
	t := c.gateway.approvals.Ticket(b, approval.Approved, c.terms.Expires)
	span, has := mcp.Lookup(result, "requestState")
	if has && result[span.Start] == '"' {
		inner := text(result[span.Start:span.End])
		if len(inner) > maxInnerState {
			return nil, errors.New("the requestState of the server behind is too large to be kept")
		}
		t.Inner = &inner
	}
	state, err := c.gateway.approvals.State(t)
	if err != nil {
		return nil, err
	}
	quoted := mcp.AppendString(nil, state)
	if has {
		return mcp.Splice(result, mcp.Edit{Span: span, Text: quoted}), nil
	}
	end := strings.LastIndexByte(string(result), '}')
	return mcp.Splice(result, mcp.Edit{Span: mcp.Span{Start: end, End: end}, Text: append([]byte(`,"requestState":`), quoted...)}), nil
}

// Failed passes on that the result has isError set.
func (r *approvedReply) Failed(cause error) { noteFailed(r.Reply, cause) }

// Cached passes on that the result is that of an earlier call.
func (r *approvedReply) Cached() { noteCached(r.Reply) }
