package mcpproxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// buffers are for copying answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// stream passes on an answer as it comes: an event is not held back by the next
// one, and the header not by the first event, which may be long in coming.
func (p *Proxy) stream(w http.ResponseWriter, res *http.Response) {
	h := w.Header()
	if !isSSE(res) {
		w.WriteHeader(res.StatusCode) // the answer to DELETE has nothing to say
		return
	}
	h["Content-Type"] = res.Header["Content-Type"]
	h["Cache-Control"] = []string{"no-cache, no-transform"}
	h["X-Accel-Buffering"] = []string{"no"}
	w.WriteHeader(res.StatusCode)
	rc := http.NewResponseController(w)
	if err := rc.Flush(); err != nil {
		p.log.Debug("a stream cannot be flushed", "error", err)
	}
	if err := copyFlushing(w, rc, res.Body); err != nil && res.Request.Context().Err() == nil {
		p.log.Debug("a session's stream broke off", "error", err)
	}
}

// copyFlushing copies until the end and flushes after each read, where anything can be.
func copyFlushing(w io.Writer, rc *http.ResponseController, body io.Reader) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if _, err := w.Write((*buf)[:n]); err != nil {
				return err
			}
			if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
