package gateway

import (
	"net/http"
	"net/netip"
	"testing"

	"toolgate/shared/config"
)

// azure are the headers of a platform that sets some, as package host names those of
// Azure Functions.
var azure = []string{"Client-Ip", "X-Client-Ip", "X-Forwarded-For"}

const profile = "11111111-2222-3333-4444-55555555aaaa"

func prefixes(list ...string) (made []netip.Prefix) {
	for _, text := range list {
		made = append(made, netip.MustParsePrefix(text))
	}
	return made
}

func TestClientAddress(t *testing.T) {
	type header map[string][]string
	behindProxy := &config.ClientAddress{Header: "x-forwarded-for", Proxies: 1, From: prefixes("10.0.0.0/8", "fd00::/8")}
	behindTwo := &config.ClientAddress{Header: "X-Forwarded-For", Proxies: 2, From: prefixes("10.0.0.0/8")}
	frontDoor := &config.ClientAddress{FrontDoor: profile}
	for _, c := range []struct {
		name       string
		platform   []string
		told       *config.ClientAddress
		connection string
		header     header
		want       string
	}{
		{"local", nil, nil, "192.0.2.1:4711", nil, "192.0.2.1"},
		{"local, forged", nil, nil, "192.0.2.1:4711", header{
			"X-Forwarded-For": {"203.0.113.1"}, "Client-Ip": {"203.0.113.1"}, "X-Client-Ip": {"203.0.113.1"}, "X-Real-Ip": {"203.0.113.1"},
			"Forwarded": {"for=203.0.113.1"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {profile},
		}, "192.0.2.1"},
		{"local, IPv6", nil, nil, "[2001:DB8::1]:4711", nil, "2001:db8::1"},
		{"local, IPv6 zone", nil, nil, "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"local, IPv4 as IPv6", nil, nil, "[::ffff:192.0.2.1]:4711", nil, "192.0.2.1"},
		{"no IP connection", nil, nil, "@", header{"X-Forwarded-For": {"203.0.113.1"}}, "@"},

		{"Lambda", nil, nil, "198.51.100.2:0", header{"X-Forwarded-For": {"203.0.113.1"}}, "198.51.100.2"},
		{"Lambda, IPv6", nil, nil, "[2001:db8::2]:0", header{"X-Forwarded-For": {"203.0.113.1"}}, "2001:db8::2"},

		{"Azure", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"203.0.113.9:4711"}, "X-Forwarded-For": {"198.51.100.1"}}, "203.0.113.9"},
		{"Azure, IPv6 with a port", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"[2001:db8::1]:4711"}}, "2001:db8::1"},
		{"Azure, IPv6", azure, nil, "127.0.0.1:1", header{"X-Client-Ip": {"2001:db8::2"}}, "2001:db8::2"},
		{"Azure, IPv4 as IPv6", azure, nil, "127.0.0.1:1", header{"X-Client-Ip": {"::ffff:203.0.113.8"}}, "203.0.113.8"},
		{"Azure, what the client sent before", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"192.0.2.66", "203.0.113.9:4711"}}, "203.0.113.9"},
		{"Azure, forged in one value", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"192.0.2.66, 203.0.113.9:4711"}}, "203.0.113.9"},
		{"Azure, forged X-Forwarded-For", azure, nil, "127.0.0.1:1", header{"X-Forwarded-For": {"192.0.2.66, 192.0.2.67", "203.0.113.7:99"}}, "203.0.113.7"},
		{"Azure, forged Front Door", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"203.0.113.9:1"}, "X-Azure-Socketip": {"192.0.2.66"}, "X-Azure-Fdid": {profile}}, "203.0.113.9"},
		{"Azure, no addresses", azure, nil, "127.0.0.1:1", header{"Client-Ip": {"unknown"}, "X-Forwarded-For": {"_hidden"}}, "127.0.0.1"},
		{"Azure, none", azure, nil, "127.0.0.1:1", nil, "127.0.0.1"},

		{"proxy", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"203.0.113.1"}}, "203.0.113.1"},
		{"proxy, forged", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"192.0.2.66, 203.0.113.1"}}, "203.0.113.1"},
		{"proxy, forged in a line of its own", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"192.0.2.66", "203.0.113.1"}}, "203.0.113.1"},
		{"proxy, with a port", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"[2001:db8::3]:99"}}, "2001:db8::3"},
		{"proxy, zone", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"fe80::3%a"}}, "fe80::3"},
		{"proxy, in brackets", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"[2001:db8::3]"}}, "2001:db8::3"},
		{"proxy of IPv6", nil, behindProxy, "[fd00::1]:5", header{"X-Forwarded-For": {"203.0.113.1"}}, "203.0.113.1"},
		{"proxy of IPv4 as IPv6", nil, behindProxy, "[::ffff:10.1.2.3]:5", header{"X-Forwarded-For": {"203.0.113.1"}}, "203.0.113.1"},
		{"past the proxy", nil, behindProxy, "192.0.2.1:5", header{"X-Forwarded-For": {"203.0.113.1"}}, "192.0.2.1"},
		{"proxy that says nothing", nil, behindProxy, "10.1.2.3:5", nil, "10.1.2.3"},
		{"proxy, no address", nil, behindProxy, "10.1.2.3:5", header{"X-Forwarded-For": {"203.0.113.1, unknown"}}, "10.1.2.3"},
		{"two proxies", nil, behindTwo, "10.1.2.3:5", header{"X-Forwarded-For": {"192.0.2.66, 203.0.113.1", "10.9.9.9"}}, "203.0.113.1"},
		{"past the first of two", nil, behindTwo, "10.1.2.3:5", header{"X-Forwarded-For": {"203.0.113.1"}}, "10.1.2.3"},
		{"proxy before Azure", azure, behindProxy, "127.0.0.1:1", header{"Client-Ip": {"10.1.2.3:9"}, "X-Forwarded-For": {"203.0.113.1"}}, "203.0.113.1"},
		{"past a proxy before Azure", azure, behindProxy, "127.0.0.1:1", header{"Client-Ip": {"192.0.2.1:9"}, "X-Forwarded-For": {"203.0.113.1"}}, "192.0.2.1"},

		{"Front Door", azure, frontDoor, "127.0.0.1:1", header{"Client-Ip": {"147.243.0.1:9"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {"11111111-2222-3333-4444-55555555AAAA"}}, "203.0.113.1"},
		{"another Front Door", azure, frontDoor, "127.0.0.1:1", header{"Client-Ip": {"147.243.0.1:9"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {"99999999-2222-3333-4444-55555555aaaa"}}, "147.243.0.1"},
		{"two ids of Front Door", azure, frontDoor, "127.0.0.1:1", header{"Client-Ip": {"147.243.0.1:9"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {profile, profile}}, "147.243.0.1"},
		{"Front Door, forged X-Forwarded-For", azure, frontDoor, "127.0.0.1:1", header{"X-Azure-Clientip": {"192.0.2.66"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {profile}}, "203.0.113.1"},
		{"past Front Door", azure, frontDoor, "127.0.0.1:1", header{"Client-Ip": {"192.0.2.1:9"}, "X-Azure-Socketip": {"203.0.113.1"}}, "192.0.2.1"},
		{"Front Door that says nothing", azure, frontDoor, "127.0.0.1:1", header{"Client-Ip": {"147.243.0.1:9"}, "X-Azure-Fdid": {profile}}, "147.243.0.1"},
		{"Front Door, from elsewhere", azure, &config.ClientAddress{FrontDoor: profile, From: prefixes("147.243.0.0/16")}, "127.0.0.1:1",
			header{"Client-Ip": {"192.0.2.1:9"}, "X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {profile}}, "192.0.2.1"},
	} {
		addresses := newClientAddresses(c.platform, c.told)
		if got := addresses.of(&http.Request{RemoteAddr: c.connection, Header: http.Header(c.header)}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Finding the address of a connection needs no memory.
func TestClientAddressDoesNotAllocate(t *testing.T) {
	addresses := newClientAddresses(azure, nil)
	for _, r := range []*http.Request{
		{RemoteAddr: "192.0.2.1:4711"},
		{RemoteAddr: "127.0.0.1:1", Header: http.Header{"Client-Ip": {"203.0.113.9:4711"}}},
	} {
		if n := testing.AllocsPerRun(10, func() { addresses.of(r) }); n != 0 {
			t.Errorf("%v: got %v allocations, want 0", r.Header, n)
		}
	}
}

// An address is read as one, in its one form, or not at all.
func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"", "192.0.2.1:1", " [2001:db8::1%a]:1", "[::ffff:192.0.2.1]", "[192.0.2.1]", "192.0.2.1]", "::", "1.2.3.4%a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, written, ok := parseAddress(text)
		if !ok {
			return
		}
		if a.Zone() != "" || a.Is4In6() || written != a.String() {
			t.Errorf("%q: got %v, written %q", text, a, written)
		}
	})
}
