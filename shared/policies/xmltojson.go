package policies

import (
	"context"
	"net/http"

	"toolgate/shared/policy"
	"toolgate/shared/xmljson"
)

func init() { registered["xml-to-json"] = func() policy.Statement { return &xmlToJSON{} } }

// xmlToJSON turns an XML body into JSON. An empty body stays empty.
type xmlToJSON struct {
	conversion
	Kind        policy.Value[string] `attr:"kind,required"`
	AlwaysArray policy.Value[bool]   `attr:"always-array-child-elements"`
}

func (p *xmlToJSON) Prepare(c *policy.Compilation) { p.prepare(c) }

func (p *xmlToJSON) Apply(_ context.Context, x *policy.Exchange) error {
	kind, err := p.Kind.Get(x)
	if err != nil {
		return err
	}
	always, err := p.AlwaysArray.Get(x)
	if err != nil {
		return err
	}
	o := xmljson.ToJSONOptions{AlwaysArray: always}
	if kind == "javascript-friendly" {
		o.Kind = xmljson.JavaScriptFriendly
	}
	return p.convert(x, "xml", "json", func(content []byte) ([]byte, error) { return xmljson.ToJSON(content, o) })
}

// conversion is what xml-to-json and json-to-xml have in common: when they
// apply.
type conversion struct {
	When           policy.Value[string] `attr:"apply,required"`
	ConsiderAccept policy.Value[bool]   `attr:"consider-accept-header"`

	source string // the policy, for errors
	status int    // of a failure: the body is the client's in inbound
}

func (p *conversion) prepare(c *policy.Compilation) {
	p.source, p.status = c.Element.Name, http.StatusInternalServerError
	if c.Element.Section == policy.Inbound {
		p.status = http.StatusBadRequest
	}
	c.ReadsBody()
}

// convert converts the body from one format to another, json or xml.
func (p *conversion) convert(x *policy.Exchange, from, to string, convert func([]byte) ([]byte, error)) error {
	applies, err := p.applies(x, from, to)
	if err != nil || !applies {
		return err
	}
	content, err := x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError(p.source, err)
	}
	if len(content) == 0 {
		return nil
	}
	converted, err := convert(content)
	if err != nil {
		return &policy.Error{
			Source: p.source, Reason: "ConversionFailed", Status: p.status, Cause: err,
			Message: "The body could not be converted from " + from + " to " + to + ".",
		}
	}
	setContent(x, converted, "application/"+to)
	return nil
}

func (p *conversion) applies(x *policy.Exchange, from, to string) (bool, error) {
	when, err := p.When.Get(x)
	if err != nil || when != "always" && !isMediaType(x.Target.Header().Get("Content-Type"), from) {
		return false, err
	}
	accept, err := p.ConsiderAccept.Get(x)
	if err != nil {
		return false, err
	}
	return !accept || prefers(x.Request.Headers, to, from), nil
}
