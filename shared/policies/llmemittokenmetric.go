package policies

import (
	"cmp"
	"context"

	"toolgate/shared/policy"
)

func init() {
	registered["llm-emit-token-metric"] = func() policy.Statement { return &llmEmitTokenMetric{} }
}

// llmEmitTokenMetric adds the tokens of a call of a language model to metrics
// when the response was sent: those that the model reports, or estimated ones.
// A call without an answer of a model adds nothing.
type llmEmitTokenMetric struct {
	Namespace  string      `attr:"namespace"`
	Dimensions []dimension `elements:"dimension"`

	source string
	sink   policy.Sink
}

func (p *llmEmitTokenMetric) Prepare(c *policy.Compilation) {
	p.source = c.Element.Name
	p.sink = sinkOf(c)
	prepareDimensions(c, p.Dimensions)
	c.ReadsBody()
	c.NeedsResponse()
}

func (p *llmEmitTokenMetric) Apply(_ context.Context, x *policy.Exchange) error {
	meter, err := meterOf(p.source, x)
	if err != nil {
		return err
	}
	attrs, err := dimensions(x, p.Dimensions)
	if err != nil {
		return err
	}
	x.AtEnd(func(context.Context) {
		used, ok := meter.usage()
		if !ok {
			return
		}
		for i := range attrs { // such as the backend, which is chosen later
			if value := defaultDimensions[attrs[i].Name]; value != nil && !p.Dimensions[i].Value.IsSet() {
				attrs[i].Value = value(x)
			}
		}
		for _, m := range []policy.Metric{
			{Name: "Total Tokens", Value: float64(used.total)},
			{Name: "Prompt Tokens", Value: float64(used.prompt)},
			{Name: "Completion Tokens", Value: float64(used.completion)},
		} {
			m.Namespace, m.Dimensions = cmp.Or(p.Namespace, "API Management"), attrs
			p.sink.Metric(x, m)
		}
	})
	return nil
}
