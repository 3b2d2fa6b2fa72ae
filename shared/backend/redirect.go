package backend

import (
	"io"
	"maps"
	"net/http"
	"net/url"
)

// maxRedirects are followed for one request.
const maxRedirects = 10

// redirects is a RoundTripper that follows redirects. A redirect that is not
// followed is the response: the eleventh, one from https to http, one to what is
// no http URL, and one that asks for a body which cannot be sent again.
type redirects struct {
	rt     http.RoundTripper
	away   http.RoundTripper // beyond the first scheme and host: presents no certificate
	client *Client           // whose credentials stay with its destination; nil for none
	// header is the first request's before [Options.Authorize] added to it.
	header http.Header
}

// follow makes the RoundTripper that follows the redirects of a request with the
// options and the header.
func follow(rt, from http.RoundTripper, o SendOptions, c *Client, header http.Header) (http.RoundTripper, error) {
	r := &redirects{rt: rt, away: rt, client: c, header: header}
	if c != nil && c.authorize != nil {
		r.header = maps.Clone(header)
	}
	var err error
	if o.Certificate != nil {
		o.Certificate = nil
		r.away, err = connections.via(from, o)
	}
	return r, err
}

// RoundTrip sends a request and those it is redirected to. The request's body
// is sent again only where the request has a GetBody.
func (r *redirects) RoundTrip(req *http.Request) (*http.Response, error) {
	t := trail{first: req, client: r.client, plain: r.header}
	rt := r.rt
	for range maxRedirects {
		res, err := carry(rt, req)
		if err != nil {
			return nil, err
		}
		follow := t.next(req, res)
		if follow == nil {
			return res, nil
		}
		discard(res)
		req = follow
		switch {
		case t.left:
			rt = r.away
		case r.client != nil && r.client.authorize != nil:
			if err := r.client.authorize(req.Context(), req); err != nil {
				return nil, refuse(req, unauthorized(req.Context(), err), err)
			}
		}
	}
	return carry(rt, req)
}

// trail is what has become of a request on its way.
type trail struct {
	first    *http.Request
	client   *Client
	plain    http.Header // of the first request, without what is made for each
	left     bool        // the scheme and host of the first request, and so for good
	bodiless bool        // a redirect took the body away, and so for good
}

// next is the request that a response redirects to; nil when it does not, or
// when it is not followed.
func (t *trail) next(req *http.Request, res *http.Response) *http.Request {
	method, keepsBody := redirected(req.Method, res.StatusCode)
	location := res.Header.Get("Location")
	if method == "" || location == "" {
		return nil
	}
	target, err := req.URL.Parse(location)
	if err != nil || !absolute(target) || req.URL.Scheme == "https" && target.Scheme == "http" {
		return nil
	}
	t.bodiless = t.bodiless || !keepsBody
	t.left = t.left || !sameOrigin(target, t.first.URL)
	follow := &http.Request{
		Method: method, URL: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: t.header(),
	}
	if t.first.Body != nil && t.first.Body != http.NoBody && !t.bodiless {
		if t.first.GetBody == nil {
			return nil
		}
		if follow.Body, err = t.first.GetBody(); err != nil {
			return nil
		}
		follow.GetBody, follow.ContentLength = t.first.GetBody, t.first.ContentLength
	}
	if !t.left {
		follow.Host = t.first.Host
		if t.client != nil {
			target.RawQuery = t.client.AddQuery(target.RawQuery)
		}
	}
	return follow.WithContext(t.first.Context())
}

// header is the first request's, without what is not for the next destination.
func (t *trail) header() http.Header {
	h := maps.Clone(t.plain)
	if t.bodiless {
		for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type", "Content-Length"} {
			delete(h, name)
		}
	}
	if !t.left {
		return h
	}
	for _, name := range []string{"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate", "Referer"} {
		delete(h, name)
	}
	if t.client != nil {
		for _, c := range t.client.header {
			delete(h, c.Name)
		}
	}
	return h
}

// redirected is the method after a redirect, and whether the body goes with it
// (RFC 9110, 15.4; as browsers and .NET, a 301 or 302 makes a GET of POST only).
// The method is empty when the status is no redirect.
func redirected(method string, status int) (string, bool) {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound:
		if method == http.MethodPost {
			return http.MethodGet, false
		}
	case http.StatusSeeOther:
		if method == http.MethodHead {
			return method, false
		}
		return http.MethodGet, false
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return "", false
	}
	if method == "" {
		method = http.MethodGet
	}
	return method, true
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// maxDiscard is what is read of a redirect's body, so that its connection can be
// used again.
const maxDiscard = 2 << 10

func discard(res *http.Response) {
	if 0 < res.ContentLength && res.ContentLength <= maxDiscard {
		_, _ = io.Copy(io.Discard, res.Body) // an error only costs the connection
	}
	res.Body.Close()
}
