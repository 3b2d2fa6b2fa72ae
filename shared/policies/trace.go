package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["trace"] = func() policy.Statement { return &trace{} } }

// trace reports a message, always: no sampling leaves it out.
type trace struct {
	Source   string               `attr:"source,required"`
	Severity string               `attr:"severity"`
	Message  policy.Value[string] `element:"message"`
	Metadata []traceMetadata      `elements:"metadata"`
	Text     policy.Value[string] `text:""` // the message, as older documents have it

	sink policy.Sink
}

type traceMetadata struct {
	Name  policy.Value[string] `attr:"name,required"`
	Value policy.Value[string] `attr:"value,required"`
}

func (p *trace) Prepare(c *policy.Compilation) {
	p.sink = sinkOf(c)
	if !p.Message.IsSet() {
		p.Message = p.Text
	}
	if !p.Message.IsSet() {
		c.Fault(c.Element.At, "write <message> in it", "trace has no message")
	}
}

// sinkOf is where policies report to. That there is none is a fault.
func sinkOf(c *policy.Compilation) policy.Sink {
	if c.Services.Sink == nil {
		c.Fault(c.Element.At, "remove the policy", "%s has nowhere to report to", c.Element.Name)
	}
	return c.Services.Sink
}

func (p *trace) Apply(_ context.Context, x *policy.Exchange) error {
	r := policy.TraceRecord{Source: p.Source, Severity: p.Severity}
	var err error
	if r.Message, err = p.Message.Get(x); err != nil {
		return err
	}
	for i := range p.Metadata {
		var a policy.Attr
		if a.Name, err = p.Metadata[i].Name.Get(x); err != nil {
			return err
		}
		if a.Value, err = p.Metadata[i].Value.Get(x); err != nil {
			return err
		}
		r.Metadata = append(r.Metadata, a)
	}
	if x.Tracer != nil {
		x.Note(policy.NoteMessage, r.Source, r.Message)
		for _, a := range r.Metadata {
			x.Note(policy.NoteMessage, a.Name, a.Value)
		}
	}
	p.sink.Trace(x, r)
	return nil
}
