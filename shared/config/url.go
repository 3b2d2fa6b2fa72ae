package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/pattern"
)

// hostName is a host without a port: a DNS name, or the address of an IPv4
// host. IPv6 addresses are checked apart.
var hostName = pattern.Lazy(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// absoluteURL returns an http or https URL as it is written; "" after a fault.
// A query is a fault unless it is allowed.
func (d *decoder) absoluteURL(v value, query bool) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	if _, message, fix := parseURL(s, query); message != "" {
		d.fault(v.at, fix, "%s %s", v.what, message)
		return ""
	}
	return s
}

// baseURL returns a URL that paths are appended to, without a trailing slash.
func (d *decoder) baseURL(v value) string {
	return strings.TrimRight(d.absoluteURL(v, false), "/")
}

// parseURL checks an absolute http or https URL. The message says what is wrong
// with it, and is empty when nothing is. Messages show no part of user
// information, which may be a password.
func parseURL(s string, query bool) (u *url.URL, message, fix string) {
	const example = "write it as https://host/path"
	u, err := url.Parse(s)
	switch {
	case err != nil && strings.Contains(s, "@"):
		return nil, "is not a URL", example
	case err != nil:
		return nil, "is " + quote(s) + ", which is not a URL", example
	case u.User != nil:
		return nil, "has a user or a password in its URL", `remove it, and give the key in "credentials"`
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "is " + quote(s) + ", which is not an http or https URL", example
	case !validHost(u.Hostname(), u.Port()) || strings.HasSuffix(u.Host, ":"):
		return nil, "is " + quote(s) + ", whose host is not valid", example
	case u.Fragment != "" || strings.Contains(s, "#"):
		return nil, "is " + quote(s) + ", which has a fragment", `remove "#" and what follows`
	case !query && (u.RawQuery != "" || u.ForceQuery):
		return nil, "is " + quote(s) + ", which has a query", `remove "?" and what follows`
	case hasDotSegment(u.Path):
		return nil, "is " + quote(s) + `, whose path has a "." or ".." segment`, "write the path that is meant"
	}
	return u, "", ""
}

func validHost(host, port string) bool {
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if strings.Contains(host, ":") {
		address, err := netip.ParseAddr(host)
		return err == nil && address.Is6() && address.Zone() == ""
	}
	return len(host) <= 253 && hostName().MatchString(host)
}

// hasDotSegment reports whether a decoded path has a segment that servers
// resolve against the others.
func hasDotSegment(path string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }),
		func(segment string) bool { return segment == "." || segment == ".." })
}

// allowedHost returns a value of the Host header in lower case.
func (d *decoder) allowedHost(v value) string {
	const fix = "write a host, or host:port, as in tools.contoso.com"
	s := d.str(v)
	if s == "" {
		return ""
	}
	u, err := url.Parse("//" + s)
	if err != nil || u.Host != s || strings.HasSuffix(s, ":") || !validHost(u.Hostname(), u.Port()) {
		d.fault(v.at, fix, "%s is %s, which is not a host", v.what, quote(s))
		return ""
	}
	return strings.ToLower(s)
}

// allowedOrigin returns a value of the Origin header as browsers write it: in
// lower case and without the default port of the scheme.
func (d *decoder) allowedOrigin(v value) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	u, message, _ := parseURL(s, false)
	if message == "" && u.Path != "" {
		message = "is " + quote(s) + ", which has a path"
	}
	if message != "" {
		d.fault(v.at, "write the origin alone, as in https://app.contoso.com", "%s %s", v.what, message)
		return ""
	}
	defaultPort := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.ToLower(strings.TrimSuffix(u.Host, defaultPort))
}
