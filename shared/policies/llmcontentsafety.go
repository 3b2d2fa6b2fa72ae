package policies

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["llm-content-safety"] = func() policy.Statement { return &llmContentSafety{} }
}

// llmContentSafety has text judged by Azure AI Content Safety, and refuses it
// with the status 403: in inbound prompts, and the arguments of MCP's
// tools/call; in outbound completions, and the text of a tool's result. What could
// not be judged does not pass, unless on-service-failure says so.
//
// The events of a completion that comes as a stream are held back for a window
// of text; after a violation the stream ends. Of an MCP server each notification is
// judged before it is sent on, and the result as a whole.
type llmContentSafety struct {
	BackendID            policy.Value[string]   `attr:"backend-id,required"`
	ShieldPrompt         policy.Value[bool]     `attr:"shield-prompt"`
	EnforceOnCompletions policy.Value[bool]     `attr:"enforce-on-completions"`
	WindowSize           policy.Value[int]      `attr:"window-size"`         // in characters, of responses
	WindowOverlap        policy.Value[int]      `attr:"window-overlap-size"` // in characters, of responses
	OnServiceFailure     string                 `attr:"on-service-failure"`
	Categories           *harmCategories        `element:"categories"`
	Blocklists           []policy.Value[string] `elements:"blocklists/id"`

	services *policy.Services
	element  *policy.Element
}

// harmCategories are those that are looked for.
type harmCategories struct {
	OutputType policy.Value[string] `attr:"output-type"`
	Categories []harmCategory       `elements:"category"`
}

// harmCategory blocks text of a severity from the threshold on.
type harmCategory struct {
	Name      policy.Value[string] `attr:"name,required"`
	Threshold policy.Value[int]    `attr:"threshold,required"`
}

func (p *llmContentSafety) Prepare(c *policy.Compilation) {
	p.services, p.element = c.Services, c.Element
	c.ReadsBody()
	backend := literalBackend(c, &p.BackendID)
	if p.services.Sender == nil {
		c.Fault(c.Element.At, "remove it", "llm-content-safety is not run by this gateway: it sends no requests")
	}
	if backend != nil && !backend.Credentials && p.services.Identity == nil {
		c.Fault(attributeAt(c.Element, "backend-id"), "add credentials to the backend", "the gateway has no identity, and the backend %s no credentials", backend.ID)
	}
	if enforced, literal := p.EnforceOnCompletions.Literal(); c.Element.Section == policy.Inbound && (enforced || !literal) {
		c.NeedsResponse()
	}
	size, sized := p.WindowSize.Literal()
	overlap, _ := p.WindowOverlap.Literal()
	if sized && overlap >= size {
		c.Fault(c.Element.At, "write a smaller window-overlap-size", "windows of %d characters cannot overlap by %d", size, overlap)
	}
}

func (p *llmContentSafety) Apply(ctx context.Context, x *policy.Exchange) error {
	s, enforce, err := p.check(x)
	if err != nil {
		return err
	}
	if x.Target.Request == nil {
		return p.response(ctx, x, s)
	}
	if enforce {
		x.OnResponse(func(ctx context.Context) error {
			if err := p.response(ctx, x, s); err != nil {
				return asPolicyError(err).At(p.element)
			}
			return nil
		})
	}
	return p.request(ctx, x, s)
}

// asPolicyError is the error as it is: all of this policy's are of that type.
func asPolicyError(err error) *policy.Error {
	if e, ok := errors.AsType[*policy.Error](err); ok {
		return e
	}
	return safetyUnavailable(err)
}

// check evaluates what is to be looked for. Without a word of it, it is any
// category from severity 4 on, the middle of the scale.
func (p *llmContentSafety) check(x *policy.Exchange) (s *safetyCheck, enforce bool, err error) {
	e := &evaluation{x: x}
	s = &safetyCheck{
		services: p.services, backend: evaluate(e, &p.BackendID), shield: evaluate(e, &p.ShieldPrompt),
		blocklists: evaluateTexts(e, p.Blocklists), outputType: "FourSeverityLevels",
		window: evaluate(e, &p.WindowSize), overlap: evaluate(e, &p.WindowOverlap),
		open: strings.EqualFold(p.OnServiceFailure, "allow"),
	}
	enforce = evaluate(e, &p.EnforceOnCompletions)
	if p.Categories != nil {
		s.outputType = evaluate(e, &p.Categories.OutputType)
		for i := range p.Categories.Categories {
			c := &p.Categories.Categories[i]
			s.categories = append(s.categories, threshold{evaluate(e, &c.Name), evaluate(e, &c.Threshold)})
		}
	}
	if p.Categories == nil && p.Blocklists == nil && !s.shield {
		const medium = 4
		for _, name := range []string{"Hate", "SelfHarm", "Sexual", "Violence"} {
			s.categories = append(s.categories, threshold{name, medium})
		}
	}
	if s.window < 1 || s.window > maxWindow {
		s.window = maxWindow
	}
	if s.overlap < 0 || s.overlap >= s.window {
		s.overlap = s.window / 2
	}
	return s, enforce, e.err
}

// request judges what a request says.
func (p *llmContentSafety) request(ctx context.Context, x *policy.Exchange, s *safetyCheck) error {
	mcp := isMCP(p.element.Scope, x)
	if mcp && (x.Mcp == nil || x.Mcp.Method != callTool) {
		return nil
	}
	body, err := x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("llm-content-safety", err)
	}
	t := subject{name: "Request", window: maxWindow, overlap: requestOverlap}
	if mcp {
		t.text = argumentsText(body)
	} else {
		if why := unreadable(x.Target, body); why != "" {
			return violates(t, why)
		}
		t.text = promptText(contentTypeOf(x.Target), body)
	}
	return p.judge(ctx, x, s, t)
}

// judge has a text judged. A failure to do so lets it pass where on-service-failure
// says so, and leaves a trace.
func (p *llmContentSafety) judge(ctx context.Context, x *policy.Exchange, s *safetyCheck, t subject) error {
	err := s.judge(ctx, t)
	failed, ok := errors.AsType[*serviceError](err)
	switch {
	case !ok:
		return err
	case !s.open || ctx.Err() != nil:
		return safetyUnavailable(failed.cause)
	}
	p.trace(x, "The text was not judged, and passed: "+failed.Error())
	return nil
}

func (p *llmContentSafety) trace(x *policy.Exchange, message string) {
	if p.services.Sink != nil {
		p.services.Sink.Trace(x, policy.TraceRecord{Source: "llm-content-safety", Severity: "error", Message: message})
	}
}

// response judges what a response says.
func (p *llmContentSafety) response(ctx context.Context, x *policy.Exchange, s *safetyCheck) error {
	message := policy.Message{Response: x.Response}
	if x.Response == nil || message.Body() == nil {
		return nil
	}
	contentType := contentTypeOf(message)
	mcp := isMCP(p.element.Scope, x)
	if mcp && (x.Mcp == nil || x.Mcp.Method != callTool) {
		return nil
	}
	t := subject{name: "Response", window: s.window, overlap: s.overlap, isDocument: true}
	if _, held := message.Body().Held(); contentType == eventStream && !mcp && !held {
		if why := unreadable(message, nil); why != "" {
			return violates(t, why)
		}
		judge := func(text string) error {
			err := p.judge(ctx, x, s, subject{name: "Response", text: text, window: maxWindow, isDocument: true})
			if err != nil {
				p.trace(x, "The stream was ended: "+err.Error())
			}
			return err
		}
		x.Response.Body = policy.NewStream(newJudgedStream(message.Body().Reader(), s.window, s.overlap, judge), -1)
		delete(x.Response.Headers, http.CanonicalHeaderKey("Content-Length"))
		return nil
	}
	if mcp {
		x.OnNotification(func(notice []byte) error {
			t := t
			t.text = notificationText(notice)
			return p.judge(ctx, x, s, t)
		})
	}
	body, err := message.Body().Bytes(true)
	if refused, ok := errors.AsType[*policy.Error](err); ok { // a notification was
		return refused
	}
	if err != nil {
		return policy.BodyError("llm-content-safety", err)
	}
	if mcp {
		t.text = resultText(contentType, body)
	} else {
		if why := unreadable(message, body); why != "" {
			return violates(t, why)
		}
		t.text = completionText(contentType, body)
	}
	return p.judge(ctx, x, s, t)
}
