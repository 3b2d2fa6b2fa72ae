package policy

import (
	"context"
	"errors"
	"math/bits"
	"net/http"

	"toolgate/shared/expr"
)

// Pipeline are the policies of a call, compiled. It does not change and serves
// any number of calls at a time.
type Pipeline struct {
	sections [4]Block
	reads    [4]Reads
	hold     bool // the request's body is read again after it was sent
	looks    bool // policies of inbound look at the response
}

// index is the place of one section among the four.
func index(s Section) int { return bits.TrailingZeros8(uint8(s)) }

func (p *Pipeline) section(s Section) *Block { return &p.sections[index(s)] }

// Reads says which bodies the policies of a section read.
func (p *Pipeline) Reads(s Section) Reads { return p.reads[index(s)] }

// Forwards tells whether the pipeline does no more behind inbound than to
// forward the request as it is: nobody looks at the response.
func (p *Pipeline) Forwards() bool {
	backend := p.section(Backend).statements
	return !p.looks && len(p.section(Outbound).statements) == 0 && len(backend) == 1 &&
		backend[0].element.Name == "forward-request" && len(backend[0].element.Attributes) == 0
}

// AtForward puts the place of the policy that Forwards tells of into an error of
// what does its work.
func (p *Pipeline) AtForward(err error) error { return p.section(Backend).statements[0].failure(err) }

// HandlesFailures tells whether there are policies in on-error.
func (p *Pipeline) HandlesFailures() bool { return len(p.section(OnError).statements) > 0 }

// Block are policies one after another.
type Block struct{ statements []statement }

type statement struct {
	Statement
	element *Element
}

// Len is the number of policies.
func (b *Block) Len() int { return len(b.statements) }

// Split is a block for each policy, in order.
func (b *Block) Split() []Block {
	blocks := make([]Block, len(b.statements))
	for i := range b.statements {
		blocks[i].statements = b.statements[i : i+1]
	}
	return blocks
}

// How a policy ends more than its turn, without an error.
var (
	// Returned ends the pipeline: the response of the exchange is sent.
	Returned = errors.New("the pipeline has ended with a response") //nolint:errname,staticcheck // no failure, the way of io.EOF
	// Answered leaves out what is left of inbound and the backend: the
	// response of the exchange goes through outbound.
	Answered = errors.New("the response is there already") //nolint:errname,staticcheck // as above
)

// Run runs the policies. An error other than Returned and Answered is an
// *Error with the place of the policy that failed.
func (b *Block) Run(ctx context.Context, x *Exchange) error {
	for i := range b.statements {
		s := &b.statements[i]
		if x.Tracer != nil {
			if err := s.traced(ctx, x, s.Apply); err != nil {
				return err
			}
			continue
		}
		if err := s.Apply(ctx, x); err != nil {
			return s.failure(err)
		}
	}
	return nil
}

// failure puts the place of the policy into an error.
func (s *statement) failure(err error) error {
	if err == Returned || err == Answered { //nolint:errorlint // never wrapped
		return err
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Source: s.element.Name, Reason: "InternalError", Message: "Internal server error", Status: http.StatusInternalServerError, Cause: err}
	}
	return e.At(s.element)
}

// Inbound runs the inbound policies. Its error is for Continue.
func (p *Pipeline) Inbound(ctx context.Context, x *Exchange) error {
	x.begin()
	if x.IsPreflight() {
		if answered, err := p.section(Inbound).preflight(ctx, x); answered {
			return err
		}
	}
	return p.section(Inbound).Run(ctx, x)
}

// Continue runs what follows inbound, which ended with err: backend, outbound,
// and on-error after a failure. The exchange has a response afterwards,
// whatever happened, and its Failure says what went wrong.
func (p *Pipeline) Continue(ctx context.Context, x *Exchange, err error) {
	if err == nil {
		err = p.backend(ctx, x)
	}
	if err == nil || err == Answered { //nolint:errorlint // never wrapped
		err = p.outbound(ctx, x)
	}
	if err != nil && err != Returned && err != Answered { //nolint:errorlint // never wrapped
		p.fail(ctx, x, err)
	}
}

// Refuse runs on-error for a failure before any policy.
func (p *Pipeline) Refuse(ctx context.Context, x *Exchange, e *Error) {
	x.begin()
	p.fail(ctx, x, e)
}

// Run runs all sections.
func (p *Pipeline) Run(ctx context.Context, x *Exchange) { p.Continue(ctx, x, p.Inbound(ctx, x)) }

func (p *Pipeline) backend(ctx context.Context, x *Exchange) error {
	if p.hold {
		if err := x.Target.Body().Hold(); err != nil {
			return BodyError("forward-request", err)
		}
	}
	x.Pending = unanswered
	if err := p.section(Backend).Run(ctx, x); err != nil {
		return err
	}
	if x.Response == nil { // nothing was sent
		x.NewResponse(http.StatusOK)
	}
	return nil
}

// unanswered is what expressions see in the backend section before there is a
// response: it succeeds unless something fails.
var unanswered = &expr.Response{StatusCode: http.StatusOK, StatusReason: http.StatusText(http.StatusOK)}

func (p *Pipeline) outbound(ctx context.Context, x *Exchange) error {
	x.lateHeaders()
	x.Target = Message{Response: x.Response}
	if err := x.responded(ctx); err != nil {
		return err
	}
	return p.section(Outbound).Run(ctx, x)
}

// fail runs on-error: the response has the status of the failure already.
func (p *Pipeline) fail(ctx context.Context, x *Exchange, err error) {
	x.Fail(err)
	err = p.section(OnError).Run(ctx, x)
	if err != nil && err != Returned && err != Answered { //nolint:errorlint // never wrapped
		x.Fail(err)
	}
}

// begin makes an exchange ready for inbound.
func (x *Exchange) begin() {
	x.request, x.Pending = x.Request, nil
	x.Target = Message{Request: x.Request}
	if x.Variables == nil {
		x.Variables = &x.variables
	}
}

// Fail makes a failure the state of the call: context.LastError, and a response
// with its status.
func (x *Exchange) Fail(err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Source: "gateway", Reason: "InternalError", Message: "Internal server error", Status: http.StatusInternalServerError, Cause: err}
	}
	x.Failure = e
	x.LastError = e.LastError()
	x.NewResponse(e.Status)
	x.Response.Headers["Content-Type"] = []string{"application/json"}
	x.Response.Body = NewBody(e.body(x.RequestID.String()))
	x.Target = Message{Response: x.Response}
}

// BodyError is the failure of a policy that could not read a body.
func BodyError(source string, err error) *Error {
	e := &Error{Source: source, Reason: ReasonClientConnectionFailure, Message: "The body could not be read.", Status: http.StatusBadRequest, Cause: err}
	if _, limited := errors.AsType[*http.MaxBytesError](err); limited || errors.Is(err, ErrBodyTooLarge) {
		e.Reason, e.Message, e.Status = "RequestEntityTooLarge", "The body is too large.", http.StatusRequestEntityTooLarge
	}
	return e
}
