package host

import (
	"net/http"
	"testing"
)

func TestAzureClientAddress(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		want   string
	}{
		{"connection", nil, "127.0.0.1"},
		{"front end", map[string]string{"Client-Ip": "203.0.113.9:4711", "X-Forwarded-For": "198.51.100.1"}, "203.0.113.9"},
		{"front end, IPv6", map[string]string{"Client-Ip": "[2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv6 without port", map[string]string{"X-Client-Ip": "2001:db8::2"}, "2001:db8::2"},
		{"last hop of several", map[string]string{"X-Forwarded-For": "10.0.0.1, 203.0.113.7:99"}, "203.0.113.7"},
		{"mapped", map[string]string{"X-Client-Ip": "::ffff:203.0.113.8"}, "203.0.113.8"},
		{"no address", map[string]string{"Client-Ip": "unknown", "X-Forwarded-For": "_hidden"}, "127.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{}}
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		if got := AzureClientAddress(r); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
