package gateway

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/config"
)

// clientAddresses find out from where a request comes: from which address the
// platform, or the connection, has it (its peer), and, where that is a proxy which
// the configuration names, for whom that one asks.
//
// An address is one without a port and without a zone, which mean nothing beyond a
// machine, and one of IPv4 is never written as IPv6. So one client has one address,
// however it is spelt.
type clientAddresses struct {
	headers []string              // of the platform; see Options.AddressHeaders
	told    *config.ClientAddress // nil: nobody in front of the platform tells more
}

// Headers of Azure Front Door, which it sets whatever a client sent. X-Azure-ClientIP
// is not among them: it follows an X-Forwarded-For of the client.
const (
	headerFrontDoorID      = "X-Azure-Fdid"
	headerFrontDoorAddress = "X-Azure-Socketip"
)

func newClientAddresses(headers []string, told *config.ClientAddress) clientAddresses {
	c := clientAddresses{headers: make([]string, len(headers)), told: told}
	for i, name := range headers {
		c.headers[i] = http.CanonicalHeaderKey(name)
	}
	if told != nil {
		own := *told // it is shared, and read as it was written
		own.Header = http.CanonicalHeaderKey(told.Header)
		c.told = &own
	}
	return c
}

// of is the address of the client. Where the connection has no IP address, it is
// what the server calls its other end.
func (c *clientAddresses) of(r *http.Request) string {
	peer := c.peer(r)
	a, text, ok := parseAddress(peer)
	if !ok {
		return peer
	}
	if c.told != nil && isFrom(c.told.From, a) {
		if _, told, ok := parseAddress(c.behind(r)); ok {
			return told
		}
	}
	return text
}

// peerIsFrom tells whether a request comes from one of some addresses, as far as the
// platform, or else the connection, says.
func (c *clientAddresses) peerIsFrom(list []netip.Prefix, r *http.Request) bool {
	a, _, ok := parseAddress(c.peer(r))
	return ok && isFrom(list, a)
}

// peer is from where the platform has the request, or else the other end of the
// connection.
func (c *clientAddresses) peer(r *http.Request) string {
	for _, name := range c.headers {
		entry := fromRight(r.Header[name], 1)
		if _, _, ok := parseAddress(entry); ok {
			return entry
		}
	}
	return r.RemoteAddr
}

// behind is the address that the proxies tell; none where the request did not come
// by all of them.
func (c *clientAddresses) behind(r *http.Request) string {
	if c.told.FrontDoor == "" {
		return fromRight(r.Header[c.told.Header], c.told.Proxies)
	}
	id := r.Header[headerFrontDoorID]
	if len(id) != 1 || subtle.ConstantTimeCompare([]byte(strings.ToLower(id[0])), []byte(strings.ToLower(c.told.FrontDoor))) == 0 {
		return ""
	}
	return fromRight(r.Header[headerFrontDoorAddress], 1)
}

// isFrom tells whether an address is one of some; nil is any.
func isFrom(list []netip.Prefix, a netip.Addr) bool {
	return list == nil || slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// fromRight is the n-th entry from the right of a header whose values are lists,
// from 1; empty where there are fewer. Entries are counted from the right because
// each proxy appends its own: what a client sent stands to the left of them all.
func fromRight(values []string, n int) string {
	for _, value := range slices.Backward(values) {
		for rest, more := value, true; more; n-- {
			entry := rest
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				entry, rest = rest[at+1:], rest[:at]
			} else {
				more = false
			}
			if n == 1 {
				return entry
			}
		}
	}
	return ""
}

// parseAddress reads an IP address, in brackets or not, with or without a port.
// The text is the one way to write it.
func parseAddress(written string) (a netip.Addr, text string, ok bool) {
	host := withoutPort(strings.TrimSpace(written))
	if host == "" {
		return a, "", false
	}
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return netip.Addr{}, "", false
	case a.Is4(): // as it stands, and without memory for it
		return a, host, true
	}
	a = a.Unmap().WithZone("")
	return a, a.String(), true
}

// withoutPort takes the port and the brackets from an address; empty for what has
// something else behind it.
func withoutPort(written string) string {
	host, port := written, ""
	if inner, ok := strings.CutPrefix(written, "["); ok {
		if host, port, ok = strings.Cut(inner, "]"); !ok {
			return ""
		}
	} else if at := strings.IndexByte(written, ':'); at >= 0 && at == strings.LastIndexByte(written, ':') {
		host, port = written[:at], written[at:]
	}
	if port == "" {
		return host
	}
	if _, err := strconv.ParseUint(port[1:], 10, 16); err != nil || port[0] != ':' {
		return ""
	}
	return host
}
