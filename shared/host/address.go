package host

import (
	"net/http"
	"net/netip"
	"strings"
)

// AzureClientAddress is the address of the client of a request that came
// through the front end of Azure Functions, which sets these headers itself: a
// client's own values do not reach a custom handler. Without any of them, it is
// that of the connection.
func AzureClientAddress(r *http.Request) string {
	for _, name := range [...]string{"Client-Ip", "X-Client-Ip"} {
		if a := address(r.Header.Get(name)); a != "" {
			return a
		}
	}
	forwarded := strings.Join(r.Header["X-Forwarded-For"], ",")
	if a := address(forwarded[strings.LastIndexByte(forwarded, ',')+1:]); a != "" {
		return a
	}
	return address(r.RemoteAddr)
}

// address reads an address with or without a port; empty for anything else.
func address(text string) string {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return a.Unmap().String()
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().String()
	}
	return ""
}
