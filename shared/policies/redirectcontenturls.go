package policies

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["redirect-content-urls"] = func() policy.Statement { return &redirectContentURLs{} }
}

// redirectContentURLs makes links to the backend in the body of the response
// links to the API at the gateway, and in the request the other way about.
// Headers stay as they are. Links to http and https are the same place.
type redirectContentURLs struct{}

func (p *redirectContentURLs) Prepare(c *policy.Compilation) { c.ReadsBody() }

func (p *redirectContentURLs) Apply(_ context.Context, x *policy.Exchange) error {
	backend, public := x.Service(), publicURL(x)
	if backend == nil || public == nil {
		return nil
	}
	body, err := x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("redirect-content-urls", err)
	}
	from, to := backend, public
	if x.Target.Request != nil {
		from, to = public, backend
	}
	if changed := redirect(body, from, to); changed != nil {
		setContent(x, changed, "")
	}
	return nil
}

// publicURL is the URL of the API at the gateway.
func publicURL(x *policy.Exchange) *url.URL {
	o := x.Request.OriginalURL
	if o == nil {
		return nil
	}
	u := &url.URL{Scheme: o.Scheme, Host: o.Host}
	if x.Api != nil {
		u.Path = "/" + strings.Trim(x.Api.Path, "/")
	}
	return u
}

// redirect replaces a URL wherever a link begins with it, also as JSON writes
// it with \/. It returns nil when there is nothing to replace.
func redirect(body []byte, from, to *url.URL) []byte {
	target := to.Scheme + "://" + to.Host + strings.TrimSuffix(to.EscapedPath(), "/")
	rest := "//" + from.Host + strings.TrimSuffix(from.EscapedPath(), "/")
	out := body
	for _, escaped := range []bool{false, true} {
		for _, scheme := range []string{"https:", "http:"} {
			find, put := scheme+rest, target
			if escaped {
				find, put = strings.ReplaceAll(find, "/", `\/`), strings.ReplaceAll(put, "/", `\/`)
			}
			out = replaceLinks(out, []byte(find), []byte(put))
		}
	}
	if bytes.Equal(out, body) {
		return nil
	}
	return out
}

// replaceLinks replaces a text where it is the beginning of a link: it must not
// go on with more of a host's name, or of a segment.
func replaceLinks(body, find, put []byte) []byte {
	var out []byte
	for {
		i := bytes.Index(body, find)
		if i < 0 {
			if out == nil {
				return body
			}
			return append(out, body...)
		}
		out = append(out, body[:i]...)
		body = body[i+len(find):]
		if goesOn(body) {
			out = append(out, find...)
		} else {
			out = append(out, put...)
		}
	}
}

// goesOn tells whether what follows a URL belongs to its last segment. A dot or
// a colon does when more follows it; at the end of a sentence it does not.
func goesOn(rest []byte) bool {
	if len(rest) == 0 {
		return false
	}
	switch c := rest[0]; c {
	case '-', '_', '~', '%', '@', '+':
		return true
	case '.', ':':
		return len(rest) > 1 && isAlphanumeric(rest[1])
	default:
		return isAlphanumeric(c)
	}
}
