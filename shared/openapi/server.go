package openapi

import (
	"net/url"
	"strings"
)

// ServerURL is the absolute URL, without a slash at its end, that the paths of
// an operation are appended to: the first server of the operation, else of its
// path, else of the document, with the defaults of its variables, relative to
// the location of the document. The error is an *Error.
func (d *Document) ServerURL(o *Operation) (string, error) {
	if d.Dialect == "2.0" {
		return d.serverURL2(o)
	}
	for _, owner := range []*node{o.node, o.item, d.root} {
		servers := owner.items("servers")
		if len(servers) == 0 {
			continue
		}
		server, fault := d.follow(servers[0].value)
		if fault != nil {
			return "", fault
		}
		text, fault := expandServer(server)
		if fault != nil {
			return "", fault
		}
		return d.absolute(text, server, server.file.base)
	}
	return d.absolute("/", d.root, d.root.file.base)
}

// expandServer replaces the variables in the URL of a server.
func expandServer(server *node) (string, *Error) {
	template := server.scalar("url")
	if template == "" {
		return "", faultAt(server, "give it a url", "the server has no url")
	}
	var b strings.Builder
	for {
		literal, name, rest, found := cutPlaceholder(template)
		b.WriteString(literal)
		if !found {
			return b.String(), nil
		}
		variable := server.at("variables", name)
		value := variable.scalar("default")
		if value == "" && variable.get("default") == nil {
			allowed := variable.items("enum")
			if len(allowed) == 0 {
				return "", faultAt(server, "give the variable a default, or configure the backend's URL",
					"the variable {%s} of the server URL has no default", name)
			}
			value = allowed[0].value.text
		}
		b.WriteString(value)
		template = rest
	}
}

// serverURL2 puts together schemes, host and basePath of OpenAPI 2.0.
func (d *Document) serverURL2(o *Operation) (string, error) {
	schemes := o.node.items("schemes")
	if len(schemes) == 0 {
		schemes = d.root.items("schemes")
	}
	scheme := ""
	for _, m := range schemes {
		if name := strings.ToLower(m.value.text); name == "https" || name == "http" && scheme == "" {
			scheme = name
		}
	}
	host := d.root.scalar("host")
	base := "/" + strings.TrimPrefix(d.root.scalar("basePath"), "/")
	if len(schemes) > 0 && scheme == "" {
		return "", faultAt(d.root.get("schemes"), "configure the backend's URL", "none of the schemes is https or http")
	}
	switch {
	case host == "":
		return d.absolute(base, d.root, d.root.file.base)
	case scheme != "":
		return d.absolute(scheme+"://"+host+base, d.root, d.root.file.base)
	case strings.HasPrefix(d.root.file.base, "http://"):
		return d.absolute("http://"+host+base, d.root, d.root.file.base)
	}
	return d.absolute("https://"+host+base, d.root, d.root.file.base)
}

// absolute makes the URL of a server absolute and checks that requests can be
// sent there.
func (d *Document) absolute(text string, at *node, base string) (string, error) {
	const fix = "configure the backend's URL"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return "", faultAt(at, fix, "the server URL %q is not a URL", text)
	}
	if !u.IsAbs() {
		b, err := url.Parse(base)
		if err != nil || b.Host == "" {
			return "", faultAt(at, fix, "the document names no host: its server URL is %q", text)
		}
		u = b.ResolveReference(u)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", faultAt(at, fix, "the server URL %q is not an http or https URL", u.Redacted())
	case u.User != nil:
		return "", faultAt(at, "remove it, and configure the backend's credentials", "the server URL has a user name")
	case u.RawQuery != "" || u.Fragment != "":
		return "", faultAt(at, fix, "the server URL %q has a query or fragment", u.Redacted())
	}
	return strings.TrimRight(u.String(), "/"), nil
}
