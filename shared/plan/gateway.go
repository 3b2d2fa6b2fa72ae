package plan

import (
	"fmt"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/snapshot"
)

// compared are the members of the manifest that have areas of their own.
var compared = []string{
	"format", "limits", "servers", "policies", "globalPolicy", "fragments", "namedValues", "backends", "apis", "products",
}

// gateway compares what holds for all servers.
func (c *comparison) gateway() {
	var breaking []string
	if a, b := c.before.PublicURL, c.after.PublicURL; a != b && a != "" {
		breaking = append(breaking, "the URL of every server is another")
	}
	if removed := missing(c.before.AllowedOrigins, c.after.AllowedOrigins); len(removed) > 0 {
		breaking = append(breaking, fmt.Sprintf("pages of %v are refused", removed))
	}
	if removed := missing(c.before.AllowedHosts, c.after.AllowedHosts); len(removed) > 0 {
		breaking = append(breaking, fmt.Sprintf("requests to %v are refused", removed))
	}
	c.changed(AreaGateway, c.after.Name, breaking, differences(flat(c.before.Manifest, compared...), flat(c.after.Manifest, compared...)))
	breaking = nil
	a, b := c.before.Limits, c.after.Limits
	if b.RequestBytes < a.RequestBytes {
		breaking = append(breaking, "requests of a size that was taken are refused")
	}
	if b.Depth < a.Depth {
		breaking = append(breaking, "requests of a depth that was taken are refused")
	}
	c.changed(AreaLimit, "gateway", breaking, differences(flat(a), flat(b)))
}

// missing are those of a that b does not have.
func missing[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(one T) bool { return slices.Contains(b, one) })
}

// products compares who needs a subscription to what.
func (c *comparison) products() error {
	return paired(c.before.Products, c.after.Products, func(p *snapshot.Product) string { return p.Name }, func(name string, a, b *snapshot.Product) error {
		switch subject := "product " + name; {
		case a == nil:
			c.add(Change{Area: AreaAuthorization, Subject: subject, Kind: Added, Details: differences(nil, flat(b, "name", "policy"))})
		case b == nil:
			c.add(Change{Area: AreaAuthorization, Subject: subject, Kind: Removed, Breaking: []string{"its subscriptions open nothing any more"}})
		default:
			var breaking []string
			if gone := append(missing(a.Servers, b.Servers), missing(a.APIs, b.APIs)...); len(gone) > 0 {
				breaking = append(breaking, fmt.Sprintf("its subscriptions do not open %v any more", gone))
			}
			if a.Open && !b.Open {
				breaking = append(breaking, "calls without a subscription key are not under it any more")
			}
			c.changed(AreaAuthorization, subject, breaking, differences(flat(a, "policy"), flat(b, "policy")))
		}
		return nil
	})
}

// backends compares the destinations that have names.
func (c *comparison) backends() {
	_ = paired(c.before.Backends, c.after.Backends, func(b *config.Backend) string { return b.Name }, func(name string, a, b *config.Backend) error {
		switch {
		case a == nil:
			c.add(Change{Area: AreaBackend, Subject: name, Kind: Added, Details: differences(nil, flat(b, "name"))})
		case b == nil:
			c.add(Change{Area: AreaBackend, Subject: name, Kind: Removed})
		default:
			c.changed(AreaBackend, name, nil, differences(flat(a), flat(b)))
		}
		return nil // nothing fails
	})
}

// namedValues compares the named values; what they are is not told.
func (c *comparison) namedValues() {
	_ = paired(c.before.NamedValues, c.after.NamedValues, func(v *config.NamedValue) string { return v.Name }, func(name string, a, b *config.NamedValue) error {
		switch {
		case a == nil:
			c.add(Change{Area: AreaNamedValue, Subject: name, Kind: Added})
		case b == nil:
			c.add(Change{Area: AreaNamedValue, Subject: name, Kind: Removed})
		case written(a) != written(b):
			c.changed(AreaNamedValue, name, nil, []string{"another value"})
		}
		return nil // nothing fails
	})
}

// apis compares the APIs that plain HTTP clients reach.
func (c *comparison) apis() error {
	return paired(c.before.APIs, c.after.APIs, func(a *snapshot.SourceAPI) string { return a.Name }, func(name string, a, b *snapshot.SourceAPI) error {
		switch {
		case a == nil && b.HasPath:
			c.add(Change{Area: AreaAPI, Subject: name, Kind: Added, Details: []string{"plain HTTP clients reach it at /" + b.Path}})
		case a == nil:
			c.add(Change{Area: AreaAPI, Subject: name, Kind: Added})
		case b == nil && a.HasPath:
			c.add(Change{Area: AreaAPI, Subject: name, Kind: Removed, Breaking: []string{"plain HTTP clients reached it at /" + a.Path}})
		case b == nil:
			c.add(Change{Area: AreaAPI, Subject: name, Kind: Removed})
		default:
			return c.api(a, b)
		}
		return nil
	})
}

func (c *comparison) api(a, b *snapshot.SourceAPI) error {
	var breaking []string
	switch {
	case a.HasPath && !b.HasPath:
		breaking = append(breaking, "plain HTTP clients do not reach it any more")
	case a.HasPath && a.Path != b.Path:
		breaking = append(breaking, "plain HTTP clients reach it under another path")
	}
	details := differences(flat(a, "policy", "operationPolicies", "subscriptionKeys"), flat(b, "policy", "operationPolicies", "subscriptionKeys"))
	if a.HasPath && b.HasPath {
		before, err := c.before.Operations(a.Name)
		if err != nil {
			return err
		}
		after, err := c.after.Operations(b.Name)
		if err != nil {
			return err
		}
		more, lines := operations(before, after)
		breaking, details = append(breaking, more...), append(details, lines...)
	}
	c.changed(AreaAPI, a.Name, breaking, details)
	if a.HasPath && b.HasPath {
		c.changed(AreaAuthorization, "api "+a.Name, subscriptionKeys(a.SubscriptionKeys, b.SubscriptionKeys), differences(flat(a.SubscriptionKeys), flat(b.SubscriptionKeys)))
	}
	return nil
}

// operations compares the operations of an API.
func operations(before, after []snapshot.Operation) (breaking, details []string) {
	_ = paired(before, after, func(o *snapshot.Operation) string { return o.ID }, func(id string, a, b *snapshot.Operation) error {
		switch {
		case a == nil:
			details = append(details, fmt.Sprintf("operation %s was added: %s %s", id, b.Method, b.URLTemplate))
		case b == nil:
			breaking = append(breaking, fmt.Sprintf("operation %s was removed: %s %s", id, a.Method, a.URLTemplate))
		case a.Method != b.Method || a.URLTemplate != b.URLTemplate:
			breaking = append(breaking, fmt.Sprintf("operation %s is %s %s, was %s %s", id, b.Method, b.URLTemplate, a.Method, a.URLTemplate))
		case a.Title != b.Title:
			details = append(details, fmt.Sprintf("operation %s: another title", id))
		}
		return nil // nothing fails
	})
	return breaking, details
}

// subscriptionKeys judges which keys are asked for.
func subscriptionKeys(a, b *config.SubscriptionKeys) (breaking []string) {
	if b == nil {
		return nil
	}
	if b.Required && (a == nil || !a.Required) {
		breaking = append(breaking, "calls without a subscription key are refused")
	}
	if a != nil && (a.Header != b.Header || a.Query != b.Query) {
		breaking = append(breaking, "subscription keys are looked for under other names")
	}
	return breaking
}
