package policies

import (
	"context"
	"net/http"

	"toolgate/shared/expr"
	"toolgate/shared/liquid"
	"toolgate/shared/policy"
)

func init() { registered["set-body"] = func() policy.Statement { return &setBody{} } }

// setBody sets the body of the message: to a text, to what an expression
// returns, text or bytes, or to what a Liquid template makes of the body before.
type setBody struct {
	Template  string            `attr:"template"`
	XSINil    string            `attr:"xsi-nil"`
	ParseDate bool              `attr:"parse-date"`
	Text      policy.Value[any] `text:"verbatim"`

	template *liquid.Template // nil without template="liquid"
	services *policy.Services
}

func (p *setBody) Prepare(c *policy.Compilation) {
	p.services = c.Services
	if p.Template != "liquid" {
		return
	}
	source, ok := p.Text.Literal()
	text, _ := source.(string)
	if p.Text.IsSet() && !ok {
		c.Fault(c.Element.Text.At, `write a template, or leave out template="liquid"`, "a Liquid template must not be an expression")
		return
	}
	template, err := liquid.Compile(text)
	if err != nil {
		c.Fault(c.Element.Text.Position(placeOf(text, err.Line, err.Column)), err.Fix, "Liquid: %s", err.Message)
		return
	}
	p.template = template
	c.ReadsBody()
}

func (p *setBody) Apply(_ context.Context, x *policy.Exchange) error {
	if noBody(x) {
		return &policy.Error{
			Source: "set-body", Reason: "BodyNotAllowed", Status: http.StatusInternalServerError,
			Message: "The request is a " + x.Request.Method + ", which has no body to set.",
		}
	}
	content, err := p.content(x)
	if err != nil {
		return err
	}
	setContent(x, content, "")
	return nil
}

// noBody tells whether the target is the request of the call, and of a method
// without a body. One that has a body all the same keeps it.
func noBody(x *policy.Exchange) bool {
	r := x.Target.Request
	if r == nil || r != x.Request || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return x.Target.Body().Len() == 0
}

func (p *setBody) content(x *policy.Exchange) ([]byte, error) {
	if p.template != nil {
		return p.render(x)
	}
	value, err := p.Text.Get(x)
	if err != nil {
		return nil, err
	}
	if content, ok := value.([]byte); ok {
		return content, nil
	}
	text, err := expr.Text(value)
	if err != nil {
		failed := policy.NewError("set-body", policy.ReasonExpressionValueEvaluationFailure, err.Error())
		failed.Cause = err
		return nil, failed
	}
	return []byte(text), nil
}

func (p *setBody) render(x *policy.Exchange) ([]byte, error) {
	body, err := p.body(x)
	if err != nil {
		return nil, err
	}
	text, err := p.template.Render(liquidBindings(x, body), liquid.Options{Now: p.services.Time()})
	if err != nil {
		return nil, templateFailed("The Liquid template could not be rendered.", err)
	}
	return []byte(text), nil
}

// body is the variable body of the template: nil for an empty body, and for one
// that is neither JSON nor XML.
func (p *setBody) body(x *policy.Exchange) (any, error) {
	m, ok := liquidInput(x)
	if !ok {
		return nil, nil
	}
	content, err := m.Body().Bytes(true)
	if err != nil {
		return nil, policy.BodyError("set-body", err)
	}
	contentType := m.Header().Get("Content-Type")
	var body any
	switch {
	case len(content) == 0:
		return nil, nil
	case isMediaType(contentType, "json"):
		body, err = liquid.BodyFromJSON(content, p.ParseDate)
	case isMediaType(contentType, "xml"):
		missing := liquid.Blank
		if p.XSINil == "null" {
			missing = liquid.Null
		}
		body, err = liquid.BodyFromXML(content, missing)
	}
	if err != nil {
		return nil, templateFailed("The body is not of the format that its Content-Type says.", err)
	}
	return body, nil
}

func templateFailed(message string, err error) error {
	return &policy.Error{Source: "set-body", Reason: "TemplateFailed", Message: message, Status: http.StatusInternalServerError, Cause: err}
}

// placeOf is the offset in bytes of a line and a column, which count from 1; a
// line of 0 is the beginning.
func placeOf(text string, line, column int) int {
	n := 1
	for i, r := range text {
		if n == line {
			if column--; column <= 0 {
				return i
			}
		}
		if r == '\n' {
			n++
		}
		if n > max(line, 1) {
			return i
		}
	}
	if line == 0 {
		return 0
	}
	return len(text)
}
