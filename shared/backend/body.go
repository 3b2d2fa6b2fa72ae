package backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

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

// upload is the body of a request as it comes in from a client. It notes what
// the client does wrong, which must not count as a failure of the destination:
// clients could trip its breaker by breaking off what they send.
type upload struct {
	io.ReadCloser
	reading, closed atomic.Bool
	broken          atomic.Pointer[error]
}

// watch replaces the body of a request that is a stream. It returns nil for one
// that is not: what can be read again is no client's connection.
func watch(req *http.Request) *upload {
	if req.Body == nil || req.Body == http.NoBody || req.GetBody != nil {
		return nil
	}
	u := &upload{ReadCloser: req.Body}
	req.Body = u
	return u
}

func (u *upload) Read(p []byte) (int, error) {
	u.reading.Store(true)
	n, err := u.ReadCloser.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		u.reading.Store(false)
	case !u.closed.Load(): // and not because the transport gave up
		u.broken.Store(&err)
	}
	return n, err
}

func (u *upload) Close() error {
	u.closed.Store(true)
	return u.ReadCloser.Close()
}

// waiting reports whether the client's bytes are, or were at the end, what the
// request waits for.
func (u *upload) waiting() bool { return u != nil && u.reading.Load() }

// fault is the error in what the client sent; nil for none.
func (u *upload) fault() error {
	if u == nil {
		return nil
	}
	if err := u.broken.Load(); err != nil {
		return *err
	}
	return nil
}
