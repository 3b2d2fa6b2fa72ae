// Package backend sends requests to the destinations behind the gateway: REST
// APIs and MCP servers, alone or in pools, and to where policies send requests
// of their own. It knows connections, timeouts, circuit breakers and the
// credentials a destination is given; what a request means is its callers'
// concern.
package backend

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"maps"
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
	// Authorize sets credentials that are made for each request, such as an access
	// token or a signature; nil: there are none. It is called last before a request
	// is sent, and again for each redirect within the URL's scheme and host. Its
	// error keeps the request from being sent, as [Unauthorized].
	Authorize Authorize
	// Challenged is told of an answer 401 or 403 to a request; nil: it is answered
	// with. True has the request sent again, if its body can be, with credentials that
	// Authorize sets anew. An error takes the answer's place, as [Unauthorized].
	Challenged Challenged
	// Certificate is presented when the destination asks for one, unless
	// [SendOptions] have another; nil is none.
	Certificate *tls.Certificate
	// Timeout bounds the wait for the response's header; 0 leaves that to the
	// caller's context.
	Timeout time.Duration
	// Transport carries the requests; nil shares one among all destinations. One
	// that is no *http.Transport carries them whatever [SendOptions] say of the
	// connection.
	Transport http.RoundTripper
	// Breaker keeps requests from a destination that fails; the zero value never
	// does.
	Breaker BreakerOptions
	// Now is the clock of the breaker; nil is time.Now.
	Now func() time.Time
}

// Authorize sets the credentials of one request.
type Authorize func(ctx context.Context, req *http.Request) error

// Challenged tells whether a request that was refused is to be sent again.
type Challenged func(ctx context.Context, req *http.Request, res *http.Response) (again bool, err error)

// Client sends requests to one destination. It follows no redirects unless it is
// told to: a redirect leads to a place nobody configured. It is safe for
// concurrent use.
type Client struct {
	base        *url.URL
	header      []Credential
	query       string
	authorize   Authorize        // nil: none
	challenged  Challenged       // nil: none
	certificate *tls.Certificate // nil: none
	timeout     time.Duration
	rt          http.RoundTripper
	breaker     *breaker // nil: none
}

// New checks the options.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the URL of a backend: %w", err)
	}
	if !absolute(base) {
		return nil, fmt.Errorf("%q is no absolute http or https URL", o.URL)
	}
	c := &Client{base: base, authorize: o.Authorize, challenged: o.Challenged, certificate: o.Certificate, timeout: o.Timeout, rt: o.Transport}
	if c.rt == nil {
		c.rt = shared
	}
	if c.breaker, err = newBreaker(o.Breaker, o.Now); err != nil {
		return nil, err
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

// absolute reports whether a URL says where to connect to.
func absolute(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// URL is the base URL. The caller must not change it.
func (c *Client) URL() *url.URL { return c.base }

// Query is the encoded query string of the credentials; empty for none.
func (c *Client) Query() string { return c.query }

// Open reports whether the circuit breaker is open, so that a request would be
// refused as [Tripped].
func (c *Client) Open(now time.Time) bool { return c.breaker != nil && c.breaker.open(now) }

// SendOptions are what one request may have otherwise than the destination's
// other requests. The zero value changes nothing.
type SendOptions struct {
	// Timeout bounds the wait for the response's header, redirects included, in
	// place of the client's; 0 leaves that.
	Timeout time.Duration
	// HTTPVersion is the version to speak; empty leaves it to the transport.
	HTTPVersion HTTPVersion
	// FollowRedirects follows up to ten redirects, and answers with the last
	// response. The destination's credentials, cookies and Authorization go no
	// further than its scheme and host.
	FollowRedirects bool
	// Proxy is the http URL of a proxy, with its credentials as user information;
	// nil is what the environment of the process says.
	Proxy *url.URL
	// Certificate is presented when a server asks for one; nil is none.
	Certificate *tls.Certificate
}

// Do sends a request to the destination, with the credentials set. The
// request's URL must have the base's scheme and host; its query must already
// hold [Client.Query] (see [Client.AddQuery]). The headers of the request's
// context are set too (see [WithHeader]). The error is an *[Error]. The caller
// closes the response's body.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	return c.Send(req, SendOptions{})
}

// Send is [Client.Do] with options for this request.
func (c *Client) Send(req *http.Request, o SendOptions) (*http.Response, error) {
	if req.URL.Scheme != c.base.Scheme || req.URL.Host != c.base.Host {
		return nil, refuse(req, Refused, fmt.Errorf("the request leaves %s", c.base.Host))
	}
	if c.breaker != nil && c.breaker.tripped() {
		return nil, refuse(req, Tripped, errTripped)
	}
	o.Certificate = cmp.Or(o.Certificate, c.certificate)
	rt, err := connections.via(c.rt, o)
	if err != nil {
		return nil, refuse(req, Refused, err)
	}
	c.setHeader(req)
	if o.FollowRedirects {
		if rt, err = follow(rt, c.rt, o, c, req.Header); err != nil {
			return nil, refuse(req, Refused, err)
		}
	}
	timeout := cmp.Or(o.Timeout, c.timeout)
	res, err := c.attempt(rt, req, timeout)
	for range maxChallenges {
		if err != nil || c.challenged == nil || res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
			break
		}
		again, refused := c.challenged(req.Context(), req, res)
		if refused != nil {
			res.Body.Close()
			return nil, &Error{unauthorized(req.Context(), refused), refused}
		}
		if !again || !rewind(req) {
			break
		}
		res.Body.Close()
		res, err = c.attempt(rt, req, timeout)
	}
	return res, err
}

// maxChallenges bounds how often a request that is refused is sent again.
const maxChallenges = 3

// rewind makes the body of a request one that was not read; false where it cannot be
// read twice.
func rewind(req *http.Request) bool {
	if req.Body == nil || req.Body == http.NoBody {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	body, err := req.GetBody()
	if err == nil {
		req.Body = body
	}
	return err == nil
}

// attempt sends a request once.
func (c *Client) attempt(rt http.RoundTripper, req *http.Request, timeout time.Duration) (*http.Response, error) {
	if c.authorize != nil {
		if err := c.authorize(req.Context(), req); err != nil {
			return nil, refuse(req, unauthorized(req.Context(), err), err)
		}
	}
	u := watch(req)
	end := traced(req)
	res, err := within(timeout, rt, req)
	if end != nil {
		end(res, err)
	}
	if err != nil {
		return nil, c.failed(req, u, err)
	}
	if c.breaker != nil {
		c.breaker.answered(res)
	}
	return res, nil
}

// failed makes the error of a request that had no response, and counts it if it
// was the destination's fault. The request is the one given to [Client.Send].
func (c *Client) failed(req *http.Request, u *upload, err error) error {
	e := blame(req, u, err)
	if c.breaker == nil {
		return e
	}
	switch {
	case e.Reason == Timeout && u.waiting():
		// The time went by with waiting for the client's own bytes.
	case e.Reason == Timeout, e.Reason == Unreachable:
		c.breaker.fail(nil)
	}
	return e
}

// refuse is the error of a request that is not sent. As a RoundTripper, it
// closes the request's body.
func refuse(req *http.Request, reason Reason, err error) *Error {
	if req.Body != nil {
		req.Body.Close()
	}
	return &Error{reason, err}
}

// within bounds the wait for the header; 0 sets no bound. The body has no bound
// of its own: an event stream may last. The error is an *Error.
func within(timeout time.Duration, rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	if timeout <= 0 {
		res, err := carry(rt, req)
		return res, asError(req.Context(), err)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(timeout, func() { cancel(errTimeout) })
	res, err := carry(rt, req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = asError(ctx, err)
		cancel(nil)
		return nil, err
	}
	res.Body = &cancelOnClose{res.Body, cancel}
	return res, nil
}

// headerKey is the context's key of [WithHeader].
type headerKey struct{}

// WithHeader makes a context whose headers are set on every request that a
// [Client] sends with it, in place of the request's own; a name without values
// takes the request's header away. The destination's credentials win over them,
// and hop-by-hop headers among them are left out. Names are in canonical form.
// The headers must not be changed afterwards.
func WithHeader(ctx context.Context, h http.Header) context.Context {
	return context.WithValue(ctx, headerKey{}, h)
}

// HeaderOf returns the headers that [WithHeader] gave a context, for one that
// does not come of it; nil when there are none. They must not be changed.
func HeaderOf(ctx context.Context) http.Header {
	h, _ := ctx.Value(headerKey{}).(http.Header)
	return h
}

// subjectName is the name under which [WithSubject] keeps its token among the
// headers of a context. No header can have it, and it is not sent.
const subjectName = ":subject"

// WithSubject makes a context whose requests are sent on behalf of the caller who
// showed an access token, for [Options.Authorize] to find by [SubjectOf]. The token
// is among the headers of [HeaderOf]: who keeps callers apart by these keeps these
// callers apart as well. An empty token is none.
func WithSubject(ctx context.Context, token string) context.Context {
	set := HeaderOf(ctx)
	h := make(http.Header, len(set)+1)
	maps.Copy(h, set)
	delete(h, subjectName)
	if token != "" {
		h[subjectName] = []string{token}
	}
	return WithHeader(ctx, h)
}

// SubjectOf is the token that [WithSubject] gave a context; empty for none.
func SubjectOf(ctx context.Context) string { return strings.Join(HeaderOf(ctx)[subjectName], "") }

// setHeader sets what is set on every request: what the context has, and then
// the credentials.
func (c *Client) setHeader(req *http.Request) {
	set := HeaderOf(req.Context())
	if req.Header == nil {
		req.Header = make(http.Header, len(set)+len(c.header))
	}
	for name, values := range set {
		switch {
		case hopByHop(name), name == subjectName:
		case name == "Host":
			req.Host = strings.Join(values, "") // empty: that of the URL
		default:
			req.Header[name] = values
		}
	}
	for _, h := range c.header {
		req.Header[h.Name] = []string{h.Value}
	}
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
