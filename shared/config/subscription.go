package config

import (
	"cmp"
	"strings"
)

// Where subscription keys are looked for unless the file names other places, as in
// API Management.
const (
	defaultKeyHeader = "Ocp-Apim-Subscription-Key"
	defaultKeyQuery  = "subscription-key"
)

// subscriptionKeyNamesKeys are the keys of subscriptionKeyNames.
var subscriptionKeyNamesKeys = vocabulary[SubscriptionKeys]{kind: "subscriptionKeyNames", keys: []key[SubscriptionKeys]{
	{name: "header", decode: func(d *decoder, v value, k *SubscriptionKeys) {
		name := d.matching(v, token, "write the name of a header")
		if ownHeader(name) {
			d.fault(v.at, "choose another name", "%s is %s, which has a meaning of its own", v.what, quote(name))
			return
		}
		k.Header = name
	}},
	{name: "query", decode: func(d *decoder, v value, k *SubscriptionKeys) { k.Query = d.str(v) }},
}}

// ownHeader tells of the headers that HTTP and MCP need for themselves: the key is
// taken out of the request.
func ownHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "accept", "origin",
		"cookie", "last-event-id":
		return true
	}
	return strings.HasPrefix(name, "mcp-")
}

// subscriptionAsk is what an API or a server says of subscriptions.
type subscriptionAsk struct {
	required value // where subscriptionRequired stands
	is       *bool // nil: it does not, or has a fault
	keys     *SubscriptionKeys
}

// ask is what the file says of the subscriptions of an API or a server, to be
// added to.
func (d *decoder) ask(kind, name string) *subscriptionAsk {
	m := member{kind, name}
	if d.asks[m] == nil {
		d.asks[m] = &subscriptionAsk{}
	}
	return d.asks[m]
}

func (d *decoder) subscriptionRequired(v value, kind, name string) {
	a := d.ask(kind, name)
	a.required, a.is = v, d.boolean(v)
}

func (d *decoder) subscriptionKeyNames(v value, kind, name string) {
	a := d.ask(kind, name)
	a.keys = &SubscriptionKeys{}
	decodeMapping(d, v, subscriptionKeyNamesKeys, a.keys)
}

// subscriptions says of every API and server what keys it takes, now that all
// products are known.
func (d *decoder) subscriptions(c *Config) {
	for i := range c.APIs {
		c.APIs[i].SubscriptionKeys = d.subscriptionKeys(member{"api", c.APIs[i].Name})
	}
	for i := range c.Servers {
		c.Servers[i].SubscriptionKeys = d.subscriptionKeys(member{"server", c.Servers[i].Name})
	}
}

// subscriptionKeys is nil for what is in no product and says nothing of
// subscriptions.
func (d *decoder) subscriptionKeys(m member) *SubscriptionKeys {
	a := d.asks[m]
	listed, open := d.inProducts[m], d.open[m]
	if a == nil {
		if !listed {
			return nil
		}
		a = &subscriptionAsk{}
	}
	k := SubscriptionKeys{Required: listed && open == ""}
	if a.is != nil {
		k.Required = *a.is
		if k.Required && open != "" {
			d.fault(a.required.at, "remove it, or take the "+m.kind+" out of that product",
				"%s is true, but the %s is in the open product %s, whose calls need no key", a.required.what, m.kind, quote(open))
		}
	}
	if a.keys != nil {
		k.Header, k.Query = a.keys.Header, a.keys.Query
	}
	k.Header, k.Query = cmp.Or(k.Header, defaultKeyHeader), cmp.Or(k.Query, defaultKeyQuery)
	return &k
}
