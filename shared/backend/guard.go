package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// GuardOptions say where requests may go whose URLs nobody configured, such as
// those that policies compute. The zero value allows public addresses only.
type GuardOptions struct {
	// Hosts are allowed whatever their addresses are: names, names with a port, or
	// *.NAME for all names below one. In lower case.
	Hosts []string
	// Addresses are allowed.
	Addresses []netip.Prefix
	// NotPublic allows nothing but Hosts and Addresses.
	NotPublic bool
	// Private allows the addresses of private networks (RFC 1918, RFC 4193, RFC 6598)
	// except those where clouds tell secrets.
	Private bool
	// Loopback allows this machine.
	Loopback bool
}

// NewGuard makes a transport like from, that connects only where the options
// allow. The address that is connected to is looked at, after the name was
// resolved: a name that resolves otherwise the next time gains nothing. Through a
// proxy the gateway does not connect to the destination itself: its addresses are
// then looked up and checked before. The transport nil is the one that the clients
// share; one that is no *http.Transport connects by means of its own and is
// returned as it is.
func NewGuard(from http.RoundTripper, o GuardOptions) http.RoundTripper {
	if from == nil {
		from = shared
	}
	base, ok := from.(*http.Transport)
	if !ok {
		return from
	}
	g := &guard{GuardOptions: o}
	t := base.Clone()
	t.Proxy = g.proxy(base.Proxy)
	t.DialTLSContext = nil
	t.DialContext = g.dial
	return &guarded{Transport: t, guard: g}
}

type guard struct{ GuardOptions }

// guarded is a transport that connects only where its guard allows.
type guarded struct {
	*http.Transport
	guard   *guard
	proxied bool // by a proxy of the request, rather than of the environment
}

// RoundTrip sends a request.
func (t *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.proxied {
		if err := t.guard.lookUp(req.Context(), req.URL); err != nil {
			return nil, refuse(req, Refused, err)
		}
	}
	return t.Transport.RoundTrip(req)
}

// RefusedAddressError says that a request was not sent because of where it would have
// gone.
type RefusedAddressError struct {
	Host string     // as the request has it, with its port
	Addr netip.Addr // what it resolved to
}

// Error is for the log.
func (e *RefusedAddressError) Error() string {
	return fmt.Sprintf("%s is at %s, where policies may send nothing: name it as a backend, or allow it under egress in gateway.yaml", e.Host, e.Addr)
}

// dial connects to a host that is allowed, or to one whose address is.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !g.allowsHost(address) {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("reading the address %q: %w", resolved, err)
			}
			return g.check(address, a.Addr())
		}
	}
	conn, err := d.DialContext(ctx, network, address)
	if refused, ok := errors.AsType[*RefusedAddressError](err); ok {
		return nil, &Error{Refused, refused}
	}
	return conn, err
}

func (g *guard) check(host string, a netip.Addr) error {
	if g.allows(a) {
		return nil
	}
	return &RefusedAddressError{Host: host, Addr: a}
}

// proxy checks the destination of a request that goes through a proxy.
func (g *guard) proxy(find func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if find == nil {
		return nil
	}
	return func(req *http.Request) (*url.URL, error) {
		found, err := find(req)
		if found == nil || err != nil {
			return found, err
		}
		if err := g.lookUp(req.Context(), req.URL); err != nil {
			return nil, &Error{Refused, err}
		}
		return found, nil
	}
}

// lookUp resolves the host of a URL and checks all its addresses.
func (g *guard) lookUp(ctx context.Context, u *url.URL) error {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if g.allowsHost(address) {
		return nil
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return fmt.Errorf("resolving %s: %w", u.Hostname(), err)
	}
	for _, a := range found {
		if err := g.check(address, a); err != nil {
			return err
		}
	}
	return nil
}

// allowsHost tells whether a host with a port is named.
func (g *guard) allowsHost(address string) bool {
	address = strings.ToLower(address)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	return slices.ContainsFunc(g.Hosts, func(allowed string) bool {
		below, wild := strings.CutPrefix(allowed, "*")
		return allowed == host || allowed == address || wild && strings.HasSuffix(host, below) && len(host) > len(below)
	})
}

// allows tells whether an address may be connected to.
func (g *guard) allows(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if slices.ContainsFunc(g.Addresses, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return true
	}
	if inner, ok := embedded(a); ok {
		return g.allows(inner)
	}
	switch {
	case a.IsLoopback():
		return g.Loopback
	case slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) }):
		return false
	case slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(a) }):
		return g.Private
	}
	return a.IsGlobalUnicast() && !g.NotPublic
}

func prefixes(list ...string) []netip.Prefix {
	made := make([]netip.Prefix, len(list))
	for i, text := range list {
		made[i] = netip.MustParsePrefix(text)
	}
	return made
}

// special are addresses that are nobody's to call, and those where clouds tell
// secrets to whoever asks from inside (the IANA registries of special-purpose
// addresses; RFC 6890).
var special = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3",
	"168.63.129.16/32",   // the platform of Azure
	"fd00:ec2::/32",      // that of AWS
	"fd20:ce::/32",       // that of Google Cloud
	"100.100.100.200/32", // that of Alibaba Cloud
	"::/128", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64", "64:ff9b:1::/48", "2001::/32",
)

// private are the addresses of private networks.
var private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour  = netip.MustParsePrefix("2002::/16")    // RFC 3056
	compatible = netip.MustParsePrefix("::/96")        // RFC 4291, 2.5.5.1
)

// embedded is the IPv4 address that an IPv6 address leads to.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() || a.IsLoopback() {
		return a, false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), compatible.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return a, false
}
