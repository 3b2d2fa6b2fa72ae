package config

import (
	"net/netip"
	"strings"

	"toolgate/shared/pattern"
)

// ClientAddress says how a proxy in front of the gateway tells the address of the
// client: by a header, or as Azure Front Door does. One of Header and FrontDoor is
// set.
type ClientAddress struct {
	Header string `json:"header,omitzero"`
	// Proxies is how many proxies append to Header, 1 at least: the entry that many
	// from the right is the client's, and those to its left are anybody's.
	Proxies int `json:"proxies,omitzero"`
	// From are the addresses of the nearest proxy: the header of a request from
	// elsewhere is not looked at. Nil, which stands beside FrontDoor alone: any.
	From []netip.Prefix `json:"from,omitzero"`
	// FrontDoor is the id of a profile of Azure Front Door, which sends it as
	// X-Azure-FDID.
	FrontDoor string `json:"frontDoor,omitzero"`
}

// maxProxies bounds the proxies in front of a gateway.
const maxProxies = 16

// frontDoorID is the form of X-Azure-FDID.
var frontDoorID = pattern.Lazy(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var clientAddressKeys = vocabulary[ClientAddress]{kind: "clientAddress", check: checkClientAddress, keys: []key[ClientAddress]{
	{name: "header", decode: func(d *decoder, v value, a *ClientAddress) {
		a.Header = d.matching(v, token, "write the name of a header, such as X-Forwarded-For")
		if strings.EqualFold(a.Header, "Forwarded") {
			d.fault(v.at, "have the proxies send X-Forwarded-For", "%s is %s, whose entries are no plain addresses", v.what, quote(a.Header))
		}
	}},
	{name: "proxies", decode: func(d *decoder, v value, a *ClientAddress) { d.integer(v, 1, maxProxies, &a.Proxies) }},
	{name: "from", decode: func(d *decoder, v value, a *ClientAddress) { a.From = d.addressRanges(v) }},
	{name: "frontDoor", decode: func(d *decoder, v value, a *ClientAddress) {
		a.FrontDoor = d.matching(v, frontDoorID, "write the id of the profile, as X-Azure-FDID has it")
	}},
}}

// checkClientAddress checks which keys stand together. A header that is believed
// from anywhere is anybody's to forge, so that this has to be said in full.
func checkClientAddress(d *decoder, v value, present map[string]value, _ *ClientAddress) {
	has := func(name string) bool { _, ok := present[name]; return ok }
	switch {
	case has("header") == has("frontDoor"):
		d.fault(v.key, "give one of them", `%s must have exactly one of "header" and "frontDoor"`, v.what)
	case has("header") && !has("from"):
		d.fault(v.key, `add the addresses of the nearest proxy, as in from: [ 10.0.0.0/8 ]; [ 0.0.0.0/0, "::/0" ] is right only where nobody but the proxy reaches the gateway`, `%s has no "from"`, v.what)
	case has("proxies") && has("frontDoor"):
		d.fault(present["proxies"].key, "remove it", `%s belongs to "header"`, present["proxies"].what)
	}
}

func (d *decoder) clientAddress(v value) *ClientAddress {
	a := &ClientAddress{Proxies: 1}
	decodeMapping(d, v, clientAddressKeys, a)
	if a.Header == "" {
		a.Proxies = 0
	}
	return a
}

// addressRanges are the addresses and the ranges of addresses of a list.
func (d *decoder) addressRanges(v value) (list []netip.Prefix) {
	for item := range d.list(v) {
		s := d.str(item)
		if s == "" {
			continue
		}
		p, ok := d.addressRange(item, s)
		if !ok {
			d.fault(item.at, "write an address, or a range such as 10.1.0.0/16", "%s is %s, which is no address", item.what, quote(s))
			continue
		}
		list = append(list, p)
	}
	return list
}

// addressRange reads an address, or a range of addresses; not ok for anything else.
func (d *decoder) addressRange(v value, s string) (p netip.Prefix, ok bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p != p.Masked() {
			d.fault(v.at, "write "+p.Masked().String(), "%s is %s, which has bits beyond its length", v.what, quote(s))
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return p, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}
