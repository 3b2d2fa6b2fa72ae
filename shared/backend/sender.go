package backend

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SenderOptions are what a [Sender] works with.
type SenderOptions struct {
	// Transport carries the requests; nil shares connections with the clients.
	// One that is no *http.Transport carries them whatever proxy or certificate a
	// request has.
	Transport http.RoundTripper
}

// Sender sends requests to any absolute URL, as policies' send-request does. It
// is safe for concurrent use.
type Sender struct{ rt http.RoundTripper }

// NewSender makes a sender.
func NewSender(o SenderOptions) *Sender {
	if o.Transport == nil {
		return &Sender{shared}
	}
	return &Sender{o.Transport}
}

// Request is a request that a [Sender] sends.
type Request struct {
	Method string   // empty: GET
	URL    *url.URL // absolute, http or https
	// Header is sent without hop-by-hop headers, which are the transport's; Host
	// is in place of the URL's. Without Accept-Encoding the transport may ask for
	// gzip, and decodes it. It is not changed.
	Header  http.Header
	Body    []byte        // nil for none
	Timeout time.Duration // of the whole exchange, the body included; 0: none but the context's
	// Proxy is the http URL of a proxy, with its credentials as user information;
	// nil is what the environment of the process says.
	Proxy *url.URL
	// Certificate is presented when the server asks for one; nil is none.
	Certificate *tls.Certificate
	// Follow follows up to ten redirects, and answers with the last response.
	// Cookies and Authorization go no further than the URL's scheme and host.
	Follow bool
}

// Send sends a request and returns any response there is. The error is an
// *[Error]. The caller reads the response's body, by [ReadBody], and closes it.
func (s *Sender) Send(ctx context.Context, r Request) (*http.Response, error) {
	if r.URL == nil || !absolute(r.URL) {
		return nil, &Error{Refused, errors.New("a request goes to an absolute http or https URL")}
	}
	o := SendOptions{Proxy: r.Proxy, Certificate: r.Certificate}
	rt, err := connections.via(s.rt, o)
	if err != nil {
		return nil, &Error{Refused, err}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := func() bool { return false }
	if r.Timeout > 0 {
		stop = time.AfterFunc(r.Timeout, func() { cancel(errWhole) }).Stop
	}
	req := r.request().WithContext(ctx)
	if r.Follow {
		if rt, err = follow(rt, s.rt, o, nil, req.Header); err != nil {
			stop()
			cancel(nil)
			return nil, &Error{Refused, err}
		}
	}
	end := traced(req)
	res, err := carry(rt, req)
	if end != nil {
		end(res, err)
	}
	if err != nil {
		stop()
		e := blame(req, nil, asError(ctx, err))
		cancel(nil)
		return nil, e
	}
	res.Body = &stopOnClose{cancelOnClose{res.Body, cancel}, stop}
	return res, nil
}

// request is r as the transport has it.
func (r *Request) request() *http.Request {
	req := &http.Request{
		Method: r.Method, URL: r.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.Header)+1),
	}
	for name, values := range r.Header {
		switch name = http.CanonicalHeaderKey(name); {
		case hopByHop(name):
		case name == "Host":
			req.Host = strings.Join(values, "")
		default:
			req.Header[name] = append(req.Header[name], values...)
		}
	}
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header["User-Agent"] = []string{"toolgate"}
	}
	if len(r.Body) > 0 {
		req.ContentLength = int64(len(r.Body))
		// A connection that the server closed while it was idle is replaced, and a
		// redirect may ask for the body again.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

// hopByHop reports whether a header is for one connection only (RFC 9110,
// 7.6.1). What Connection names besides is not left out: a client that is copied
// from could take away with it what a policy sets.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// stopOnClose ends the time limit with the response's body.
type stopOnClose struct {
	cancelOnClose
	stop func() bool
}

func (b *stopOnClose) Close() error {
	b.stop()
	return b.cancelOnClose.Close()
}
