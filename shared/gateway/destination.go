package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// destination is a backend, single or a pool, and the time it has for a whole
// call, body included.
type destination struct {
	id     string          // of the configuration; empty for a server of a document
	client *backend.Client // of a pool, its first member
	pool   *backend.Pool   // nil for a single backend
	// credentials tells whether the configuration has some for it.
	credentials bool
	timeout     time.Duration
}

// pick is the client for one request.
func (d *destination) pick() *backend.Client {
	if d.pool != nil {
		return d.pool.Pick()
	}
	return d.client
}

// clients are the client, or those of the members.
func (d *destination) clients() []*backend.Client {
	if d.pool != nil {
		return d.pool.Clients()
	}
	return []*backend.Client{d.client}
}

// url is the URL of the backend, of a pool that of its first member.
func (d *destination) url() *url.URL { return d.client.URL() }

// backends are the named ones of a configuration. They serve policy.Backends.
type backends map[string]*destination

// Backend finds one by its id.
func (b backends) Backend(id string) *policy.BackendEntity {
	d := b[id]
	if d == nil {
		return nil
	}
	return &policy.BackendEntity{ID: id, Pool: d.pool != nil, URL: d.url(), Credentials: d.credentials}
}

// IDs are their ids.
func (b backends) IDs() []string {
	ids := make([]string, 0, len(b))
	for id := range b {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// namedBackends makes all backends of the configuration.
func (a *assembly) namedBackends() (backends, error) {
	made := make(backends, len(a.snapshot.Backends))
	var errs []error
	for _, pools := range []bool{false, true} { // pools are made of the others
		for i := range a.snapshot.Backends {
			b := &a.snapshot.Backends[i]
			if (b.Pool != nil) != pools || b.URL == "" && !pools {
				continue
			}
			d, err := a.destination(b, made)
			if err != nil {
				errs = append(errs, fmt.Errorf("backend %q: %w", b.Name, err))
				continue
			}
			made[b.Name] = d
		}
	}
	return made, errors.Join(errs...)
}

// destination makes a backend, or finds it among those that were made.
func (a *assembly) destination(b *config.Backend, made backends) (*destination, error) {
	if d := made[b.Name]; d != nil && (b.Pool != nil || d.pool == nil && d.client.URL().String() == b.URL) {
		return d, nil
	}
	d := &destination{id: b.Name, timeout: cmp.Or(b.Timeout, a.snapshot.Limits.Timeout)}
	if b.Pool == nil {
		var err error
		d.client, err = a.client(b, 0)
		d.credentials = b.Credentials.Given()
		return d, err
	}
	var members []backend.PoolMember
	for _, m := range b.Pool {
		member := made[m.Backend]
		if member == nil || member.pool != nil {
			return nil, fmt.Errorf("its member %q is no backend with a URL", m.Backend)
		}
		members = append(members, backend.PoolMember{Client: member.client, Priority: m.Priority, Weight: m.Weight})
	}
	d.client = members[0].Client
	d.pool = backend.NewPool(members, a.options.Services.Now)
	return d, nil
}

// restCall is a request to a REST API on its way through policies.
type restCall struct {
	gateway     *Gateway
	exchange    *policy.Exchange
	destination *destination // nil: the API has none, policies choose or answer
	base        *url.URL     // of the destination, as it was at the beginning; nil with it
	plain       bool         // a client's own HTTP request rather than a tool's
	looks       bool         // policies read the response's body
	attempts    int          // so far
	// pinned is the request of an operation that goes on: policies do not choose where
	// it goes. Nil for others.
	pinned *pinned
	// sent is the URL of the last request, without the credentials of the backend, where
	// follows is set; nil: none was sent to a backend.
	sent    *url.URL
	follows bool
}

// pinned is where a request goes whatever policies say.
type pinned struct {
	client *backend.Client
	url    *url.URL
}

// forward sends the request to the backend that the policies chose.
func (c *restCall) forward(ctx context.Context, o policy.ForwardOptions) error {
	x := c.exchange
	d := c.destination
	if x.BackendID != "" {
		if d = c.gateway.backends[x.BackendID]; d == nil {
			return unknownBackend(x.BackendID)
		}
	}
	if x.Response != nil { // of an attempt before
		_ = policy.Message{Response: x.Response}.Body().Close()
		x.Response = nil
	}
	ctx = again(ctx, c.attempts)
	c.attempts++
	req := c.request(ctx)
	var res *http.Response
	var err error
	options := backend.SendOptions{
		Timeout: o.Timeout, HTTPVersion: backend.HTTPVersion(o.HTTPVersion), FollowRedirects: o.FollowRedirects, Proxy: x.Proxy,
	}
	if x.Certificate != nil {
		options.Certificate = &x.Certificate.Certificate
	}
	switch chosen := x.Service(); {
	case c.pinned != nil:
		res, err = c.sendTo(c.pinned.client, *c.pinned.url, req, options) //nolint:bodyclose // as below
	case d == nil && chosen == nil:
		return noBackend()
	case d == nil, x.BackendID == "" && chosen != c.base:
		// A URL of a policy: nobody's credentials are for it.
		var client *backend.Client
		c.sent = req.URL
		if client, err = backend.New(backend.Options{URL: origin(req.URL), Transport: c.gateway.egress}); err == nil {
			res, err = client.Send(req, options) //nolint:bodyclose // the exchange's response has it
		}
	default:
		res, err = c.send(d, req, options) //nolint:bodyclose // as above
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return policy.BodyError("forward-request", err)
		}
		if e, ok := errors.AsType[*backend.Error](err); ok {
			return forwardError(e)
		}
		return err
	}
	x.Respond(&expr.Response{
		StatusCode: res.StatusCode, StatusReason: reason(res), Headers: onlyEndToEnd(res.Header),
		Body: policy.NewStream(res.Body, res.ContentLength),
	})
	return nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// send sends the request to a backend of the configuration.
func (c *restCall) send(d *destination, req *http.Request, o backend.SendOptions) (*http.Response, error) {
	client := d.pick()
	target := *req.URL
	if d.pool != nil { // of the member, in place of the pool's first
		target = *policy.Below(client.URL(), c.exchange.Path(), target.RawQuery)
	}
	return c.sendTo(client, target, req, o)
}

// sendTo sends the request to a URL of a backend.
func (c *restCall) sendTo(client *backend.Client, target url.URL, req *http.Request, o backend.SendOptions) (*http.Response, error) {
	if c.follows {
		own := target
		c.sent = &own
	}
	target.RawQuery = client.AddQuery(target.RawQuery)
	req.URL, req.Host = &target, target.Host
	return client.Send(req, o)
}

// request is the request as the policies left it.
func (c *restCall) request(ctx context.Context) *http.Request {
	r := c.exchange.Request
	body := policy.Message{Request: r}.Body()
	req := (&http.Request{
		Method: r.Method, URL: r.URL, Host: r.URL.Host, Header: endToEnd(r.Headers), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if content, held := body.Held(); held {
		if len(content) > 0 {
			setBody(req, content)
		}
	} else {
		length := body.Len() // which a stream has no more once it was taken
		req.Body, req.ContentLength = body.Reader(), length
	}
	req.Header.Del("Host")
	req.Header.Del("Content-Length")
	if c.looks {
		req.Header["Accept-Encoding"] = []string{"identity"}
	}
	if c.plain {
		if prior := req.Header["X-Forwarded-For"]; prior != nil {
			req.Header["X-Forwarded-For"] = []string{strings.Join(prior, ", ") + ", " + r.IPAddress}
		} else {
			req.Header["X-Forwarded-For"] = []string{r.IPAddress}
		}
	} else {
		req.Header["User-Agent"] = userAgent
	}
	return req
}

// endToEnd is a header without that of the connection, as a copy.
func endToEnd(h http.Header) http.Header {
	out := make(http.Header, len(h)+2)
	named := h["Connection"]
	for name, values := range h {
		if !hopByHop[name] && !slices.ContainsFunc(named, func(v string) bool { return lists(v, name) }) {
			out[name] = values
		}
	}
	return out
}

// onlyEndToEnd takes what is of the connection out of a header and returns it,
// never nil.
func onlyEndToEnd(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	named := h["Connection"]
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return hopByHop[name] || slices.ContainsFunc(named, func(v string) bool { return lists(v, name) })
	})
	return h
}

// lists tells whether a comma-separated list has a name.
func lists(value, name string) bool {
	for item := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(item), name) {
			return true
		}
	}
	return false
}

// reason is the phrase of a status line.
func reason(res *http.Response) string {
	if _, text, ok := strings.Cut(res.Status, " "); ok {
		return text
	}
	return http.StatusText(res.StatusCode)
}

func unknownBackend(id string) *policy.Error {
	return &policy.Error{
		Source: "set-backend-service", Reason: "BackendNotFound", Status: http.StatusInternalServerError,
		Message: fmt.Sprintf("There is no backend %q.", id),
	}
}

func noBackend() *policy.Error {
	return &policy.Error{
		Source: "forward-request", Reason: policy.ReasonBackendConnectionFailure, Status: http.StatusInternalServerError,
		Message: "The API has no backend: set one in gateway.yaml or by set-backend-service, or answer by return-response.",
	}
}

// sourceAPI finds an API of the manifest.
func sourceAPI(s *snapshot.Snapshot, name string) *snapshot.SourceAPI {
	for i := range s.APIs {
		if s.APIs[i].Name == name {
			return &s.APIs[i]
		}
	}
	return nil
}

// readResponse reads a response for a tool, up to a limit.
func readResponse(r *expr.Response, limit int) (body []byte, truncated bool, err error) {
	b := policy.Message{Response: r}.Body()
	if content, held := b.Held(); held {
		return content[:min(limit, len(content))], len(content) > limit, nil
	}
	stream := b.Reader()
	defer stream.Close()
	body, err = io.ReadAll(io.LimitReader(stream, int64(limit)+1))
	if len(body) > limit {
		return body[:limit], true, nil
	}
	return body, false, err
}
