package policies

import (
	"maps"
	"slices"

	"toolgate/shared/fault"
	"toolgate/shared/policy"
)

// dimension is one of a metric. A name that API Management knows needs no
// value.
type dimension struct {
	Name  policy.Value[string] `attr:"name,required"`
	Value policy.Value[string] `attr:"value"`
}

// maxDimensions are those with values of their own that a metric may have.
const maxDimensions = 5

// defaultDimensions have the values of dimensions that API Management knows by
// name. What a call does not have is empty.
var defaultDimensions = map[string]func(*policy.Exchange) string{
	"API ID": func(x *policy.Exchange) string {
		if x.Api == nil {
			return ""
		}
		return x.Api.ID
	},
	"Operation ID": func(x *policy.Exchange) string {
		if x.Operation == nil {
			return ""
		}
		return x.Operation.ID
	},
	"Product ID": func(x *policy.Exchange) string {
		if x.Product == nil {
			return ""
		}
		return x.Product.ID
	},
	"User ID": func(x *policy.Exchange) string {
		if x.User == nil {
			return ""
		}
		return x.User.ID
	},
	"Subscription ID": func(x *policy.Exchange) string {
		if x.Subscription == nil {
			return ""
		}
		return x.Subscription.ID
	},
	"Location": func(x *policy.Exchange) string {
		if x.Deployment == nil {
			return ""
		}
		return x.Deployment.Region
	},
	"Gateway ID": func(x *policy.Exchange) string {
		if x.Deployment == nil {
			return ""
		}
		return x.Deployment.GatewayID
	},
	"Backend ID": func(x *policy.Exchange) string {
		if x.Backend == nil {
			return ""
		}
		return x.Backend.ID
	},
}

// prepareDimensions finds what is wrong with the dimensions of a metric.
func prepareDimensions(c *policy.Compilation, list []dimension) {
	own := 0
	for i := range list {
		name, literal := list[i].Name.Literal()
		if list[i].Value.IsSet() {
			own++
		} else if literal && defaultDimensions[name] == nil {
			known := slices.Sorted(maps.Keys(defaultDimensions))
			c.Fault(nthChild(c.Element, "dimension", i), fault.Suggest(name, known, "write its value"), "the dimension %q has no value", name)
		}
	}
	if own > maxDimensions {
		c.Fault(c.Element.At, "remove some", "%s has %d dimensions with a value, more than %d", c.Element.Name, own, maxDimensions)
	}
}

// dimensions are the names and values of a metric's dimensions.
func dimensions(x *policy.Exchange, list []dimension) ([]policy.Attr, error) {
	attrs := make([]policy.Attr, len(list))
	for i := range list {
		var err error
		if attrs[i].Name, err = list[i].Name.Get(x); err != nil {
			return nil, err
		}
		if list[i].Value.IsSet() {
			if attrs[i].Value, err = list[i].Value.Get(x); err != nil {
				return nil, err
			}
		} else if value := defaultDimensions[attrs[i].Name]; value != nil {
			attrs[i].Value = value(x)
		}
	}
	return attrs, nil
}

// nthChild is the place of the element of a name inside, counted from 0.
func nthChild(e *policy.Element, name string, n int) fault.Position {
	for _, child := range e.Children {
		if child.Name != name {
			continue
		}
		if n == 0 {
			return child.At
		}
		n--
	}
	return e.At
}
