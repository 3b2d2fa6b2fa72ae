package gateway

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/shared/snapshot"
)

// admission decides by Host and Origin whether a request is looked at at all.
// A browser that was led to a name which now points here (DNS rebinding) sends
// that name as Host, and the page's address as Origin (2025-11-25,
// basic/transports, security warning).
type admission struct {
	anyHost  bool
	loopback bool // only this machine reaches the gateway: its pages may call
	hosts    map[string]bool
	origins  map[string]bool
}

func newAdmission(m *snapshot.Manifest, anyHost bool) admission {
	a := admission{hosts: map[string]bool{}, origins: map[string]bool{}, loopback: m.PublicURL == ""}
	if u, err := url.Parse(m.PublicURL); err == nil && u.Host != "" {
		a.hosts[strings.ToLower(u.Host)] = true
		a.origins[strings.ToLower(u.Scheme+"://"+u.Host)] = true
	}
	for _, h := range m.AllowedHosts {
		a.hosts[strings.ToLower(h)] = true
	}
	for _, o := range m.AllowedOrigins {
		a.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	a.anyHost = anyHost && len(a.hosts) == 0
	return a
}

func (a *admission) checkHost(r *http.Request) error {
	if !a.hostAllowed(r.Host) {
		return forbidden("Host", "allowedHosts")
	}
	return nil
}

// checkOrigin is for MCP endpoints. What pages of other origins may do with an
// API, its policy cors says.
func (a *admission) checkOrigin(r *http.Request) error {
	for _, origin := range r.Header["Origin"] {
		if !a.originAllowed(origin) {
			return forbidden("Origin", "allowedOrigins")
		}
	}
	return nil
}

func forbidden(header, key string) *mcp.Error {
	return &mcp.Error{
		Code: mcp.CodeInvalidRequest, Status: http.StatusForbidden,
		Message: "the " + header + " of this request is not allowed; gateway.yaml names those that are in publicUrl and " + key,
	}
}

func (a *admission) hostAllowed(host string) bool {
	if a.anyHost || loopbackHost(host) {
		return true
	}
	host = strings.ToLower(host)
	if a.hosts[host] {
		return true
	}
	name, _, err := net.SplitHostPort(host)
	return err == nil && a.hosts[name]
}

func (a *admission) originAllowed(origin string) bool {
	if a.origins["*"] || a.origins[strings.ToLower(origin)] {
		return true
	}
	if !a.loopback {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && loopbackHost(u.Host)
}

// loopbackHost reports whether a Host value names this machine, with any port.
// Such a name cannot be rebound.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	switch strings.ToLower(strings.Trim(name, "[]")) {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}
