package authserver

import (
	"net/url"
	"slices"
	"strings"
)

const (
	maxRedirectURI  = 512 // bytes
	maxRedirectURIs = 10
)

// notForApplications are schemes that a browser acts on by itself, and those of
// parts of operating systems, which do what the rest of the URI says.
var notForApplications = []string{
	"about", "android-app", "blob", "callto", "chrome", "chrome-extension", "cid", "content", "data", "facetime", "file", "filesystem",
	"ftp", "geo", "git", "gopher", "http", "intent", "itms-apps", "itms-services", "jar", "javascript", "ldap", "ldaps", "livescript",
	"magnet", "mailto", "market", "mid", "mocha", "moz-extension", "nfs", "res", "resource", "search", "sftp", "shell", "sip", "sips",
	"smb", "sms", "ssh", "tel", "telnet", "vbscript", "view-source", "ws", "wss",
}

// ofWindows begins the schemes of parts of Windows, such as ms-msdt.
const ofWindows = "ms-"

// checkRedirectURI says what is wrong with a redirect URI; it is empty when
// nothing is. Allowed are https; http to a loopback host, where a client on the
// user's machine listens; and schemes that applications register for themselves
// (OAuth 2.1, 2.3; RFC 8252, 7).
func (s *Server) checkRedirectURI(text string) (wrong string) {
	if text == "" || len(text) > maxRedirectURI {
		return "is empty or too long"
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", r) }) {
		return "has a character that no URI has"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is no URI"
	case strings.Contains(text, "#"):
		return "has a fragment"
	case u.User != nil:
		return "has a user"
	case u.Opaque != "":
		return "has no path that begins with a slash"
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return "has no host"
		}
	case u.Scheme == "http":
		if !loopbackHost(u.Hostname()) {
			return "is http to another machine"
		}
		if !s.loopback {
			return "is on the user's machine, which is not allowed here"
		}
	case u.Scheme == "" || slices.Contains(notForApplications, u.Scheme) || strings.HasPrefix(u.Scheme, ofWindows):
		return "has a scheme that is not allowed"
	}
	return ""
}

// sameRedirectURI compares a redirect URI with a registered one: exactly, but for
// the port of a loopback host, which a client gets from its system at that moment
// (RFC 8252, 7.3).
func sameRedirectURI(registered, given string) bool {
	if registered == given {
		return true
	}
	a, okA := withoutPort(registered)
	b, okB := withoutPort(given)
	return okA && okB && a == b
}

// withoutPort is a redirect URI to a loopback host without the port; not ok is any
// other. The rest stays as it was written.
func withoutPort(text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, "http://")
	if !ok {
		return "", false
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	u, err := url.Parse("http://" + authority)
	if err != nil || u.User != nil || u.Path != "" || !loopbackHost(u.Hostname()) {
		return "", false
	}
	return strings.TrimSuffix(authority, ":"+u.Port()) + path, true
}

// addParameters appends parameters to the query of a redirect URI.
func addParameters(text string, values url.Values) string {
	base, query, has := strings.Cut(text, "?")
	if has && query != "" {
		query += "&"
	}
	return base + "?" + query + values.Encode()
}
