package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["emit-metric"] = func() policy.Statement { return &emitMetric{} } }

// emitMetric adds a value to a metric.
type emitMetric struct {
	Name       string                `attr:"name,required"`
	Namespace  string                `attr:"namespace"`
	Value      policy.Value[float64] `attr:"value"`
	Dimensions []dimension           `elements:"dimension"`

	sink policy.Sink
}

func (p *emitMetric) Prepare(c *policy.Compilation) {
	p.sink = sinkOf(c)
	prepareDimensions(c, p.Dimensions)
}

func (p *emitMetric) Apply(_ context.Context, x *policy.Exchange) error {
	m := policy.Metric{Name: p.Name, Namespace: p.Namespace}
	var err error
	if m.Value, err = p.Value.Get(x); err != nil {
		return err
	}
	if m.Dimensions, err = dimensions(x, p.Dimensions); err != nil {
		return err
	}
	p.sink.Metric(x, m)
	return nil
}
