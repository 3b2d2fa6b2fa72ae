// Package backend sends requests to the destinations behind the gateway: REST
// APIs and MCP servers. It knows connections, timeouts and the credentials a
// destination is given; what a request means is its callers' concern.
package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Credential is a header or query parameter with its value, a secret as a rule.
type Credential struct{ Name, Value string }

// Options describe one destination.
type Options struct {
	// URL is the absolute base URL; requests go to its scheme and host only.
	URL string
	// Header and Query are set on every request, in place of what it has.
	Header, Query []Credential
	// Timeout bounds the wait for the response's header; 0 leaves that to the
	// caller's context.
	Timeout time.Duration
	// Transport carries the requests; nil shares one among all destinations.
	Transport http.RoundTripper
}

// Client sends requests to one destination. It follows no redirects: a redirect
// would carry the credentials to a place nobody configured. It is safe for
// concurrent use.
type Client struct {
	base    *url.URL
	header  []Credential
	query   string
	timeout time.Duration
	rt      http.RoundTripper
}

// shared is the transport of all destinations, so that they share connections.
// Connections stay open between the calls of a warm instance.
var shared = &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConns:          512,
	MaxIdleConnsPerHost:   128,
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   10 * time.Second,
	ExpectContinueTimeout: time.Second,
}

// New checks the options.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the URL of a backend: %w", err)
	}
	if base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is no absolute http or https URL", o.URL)
	}
	c := &Client{base: base, timeout: o.Timeout, rt: o.Transport}
	if c.rt == nil {
		c.rt = shared
	}
	for _, h := range o.Header {
		c.header = append(c.header, Credential{http.CanonicalHeaderKey(h.Name), h.Value})
	}
	query := url.Values{}
	for _, q := range o.Query {
		query.Set(q.Name, q.Value)
	}
	c.query = query.Encode()
	return c, nil
}

// URL is the base URL. The caller must not change it.
func (c *Client) URL() *url.URL { return c.base }

// Query is the encoded query string of the credentials; empty for none.
func (c *Client) Query() string { return c.query }

// Do sends a request to the destination, with the credentials set. The
// request's URL must have the base's scheme and host; its query must already
// hold [Client.Query] (see [Client.AddQuery]). The error is an *[Error]. The
// caller closes the response's body.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != c.base.Scheme || req.URL.Host != c.base.Host {
		return nil, &Error{Reason: Refused, Err: fmt.Errorf("the request leaves %s", c.base.Host)}
	}
	for _, h := range c.header {
		req.Header[h.Name] = []string{h.Value}
	}
	if c.timeout <= 0 {
		res, err := c.rt.RoundTrip(req)
		return res, asError(req.Context(), err)
	}
	return c.doWithin(req)
}

// doWithin bounds the wait for the header. The body has no bound of its own: an
// event stream may last.
func (c *Client) doWithin(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(c.timeout, func() { cancel(errTimeout) })
	res, err := c.rt.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = asError(ctx, err)
		cancel(nil)
		return nil, err
	}
	res.Body = &cancelOnClose{res.Body, cancel}
	return res, nil
}

// cancelOnClose ends the request's context with its body.
type cancelOnClose struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelOnClose) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// AddQuery puts the credentials of the destination into a raw query, in place
// of parameters of the same names.
func (c *Client) AddQuery(raw string) string {
	if c.query == "" {
		return raw
	}
	ours, _ := url.ParseQuery(c.query) // encoded by New
	kept := make([]string, 0, 8)
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); pair != "" && (err != nil || !ours.Has(decoded)) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(append(kept, c.query), "&")
}

// Reason classifies what went wrong before there was a response.
type Reason string

const (
	Timeout     Reason = "timeout"
	Unreachable Reason = "unreachable"
	Cancelled   Reason = "cancelled" // the client went away
	Refused     Reason = "refused"   // by this package
)

// Error says why there is no response. Its text names no URL, since a URL may
// hold a key; Err is for the log.
type Error struct {
	Reason Reason
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("backend %s: %v", e.Reason, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Public is what a client may be told.
func (e *Error) Public() string {
	switch e.Reason {
	case Timeout:
		return "The backend did not answer in time."
	case Cancelled:
		return "The call was cancelled."
	case Refused:
		return "The request is not allowed to leave the gateway."
	}
	return "The backend could not be reached."
}

var errTimeout = errors.New("no response header within the time limit")

func asError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(cause, errTimeout), errors.Is(cause, context.DeadlineExceeded):
		return &Error{Timeout, errTimeout}
	case cause != nil:
		return &Error{Cancelled, cause}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Timeout, err}
	}
	return &Error{Unreachable, err}
}

// ReadBody reads up to limit bytes of a response's body and reports whether
// there were more. What is read before an error is returned with it.
func ReadBody(res *http.Response, limit int) (body []byte, truncated bool, err error) {
	size := 4096
	if n := res.ContentLength; n >= 0 {
		size = int(min(n, int64(limit))) + 1
	}
	body = make([]byte, 0, size)
	for len(body) <= limit {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := res.Body.Read(body[len(body):min(cap(body), limit+1)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, false, nil
		case err != nil:
			return body, false, asError(res.Request.Context(), err)
		}
	}
	return body[:limit], true, nil
}
