package mcpproxy

import (
	"context"
	"errors"
	"net/http"
	"time"

	"toolgate/shared/mcp"
)

// streamable is the wire of a session over Streamable HTTP, the transport of
// the revisions since 2025-03-26.
type streamable struct {
	proxy   *Proxy
	header  http.Header // of the caller, for what comes of no call
	id      string      // the server's session id; empty when it has none
	version string      // empty until negotiated
	opened  time.Time
}

// call posts the request. A stream that the server breaks off is resumed, as
// far as the server gave it event ids to resume it by.
func (w *streamable) call(ctx context.Context, client http.Header, id string, body []byte, visit visitor) error {
	res, err := w.proxy.post(ctx, w.proxy.legacyHeader(client, w.version, w.id), body) //nolint:bodyclose // read closes it
	if err != nil {
		return w.lost(err, id)
	}
	if w.version == "" { // this is the handshake
		w.id = res.Header.Get(mcp.HeaderSessionID)
	}
	own := func(m *mcp.Message) (bool, error) {
		if m.Kind == mcp.KindResponse && !answers(m, id) {
			return false, nil
		}
		return visit(m)
	}
	done, from, err := w.read(res, own)
	for attempt := 0; !done && err == nil; attempt++ {
		if from.id == "" || attempt == maxResumptions {
			return mcp.ErrNoResponse
		}
		done, from, err = w.resume(ctx, from, own)
	}
	return err
}

// answers reports whether a response is the one to the request with this id. A
// server that could not read a request answers with the id null.
func answers(m *mcp.Message, id string) bool {
	got := m.Bytes(m.ID)
	return got == nil || string(got) == id || got.Kind() == 'n'
}

// read visits the messages of one answer and closes it.
func (w *streamable) read(res *http.Response, visit visitor) (bool, resumption, error) {
	defer finish(res)
	done, from, err := w.proxy.messages(res, visit)
	if isType[*broken](err) && from.id != "" {
		err = nil
	}
	return done, from, err
}

const (
	// maxResumptions bounds how often one stream is resumed. Servers that poll
	// (2025-11-25, SEP-1699) end a stream every so often.
	maxResumptions = 64
	// defaultRetry is how long to wait before a stream is resumed when the server
	// does not say; maxRetry bounds what it says.
	defaultRetry = time.Second
	maxRetry     = 30 * time.Second
)

// resume asks for what follows the last event.
func (w *streamable) resume(ctx context.Context, from resumption, visit visitor) (bool, resumption, error) {
	wait := defaultRetry
	if from.after > 0 {
		wait = min(from.after, maxRetry)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, from, context.Cause(ctx)
	case <-timer.C:
	}
	h := w.proxy.legacyHeader(nil, w.version, w.id)
	delete(h, "Content-Type")
	h["Accept"] = acceptSSE
	h[mcp.HeaderLastEventID] = []string{from.id}
	res, err := w.proxy.request(ctx, http.MethodGet, h) //nolint:bodyclose // read closes it
	if err != nil {
		return false, from, err
	}
	done, next, err := w.read(res, visit)
	if next.id == "" {
		next.id = from.id
	}
	if next.after == 0 {
		next.after = from.after
	}
	return done, next, err
}

// forgetAfter is the age from which a refusal may mean that the server is not
// the one that the handshake was made with: some say 400 in place of 404 where
// they forgot a session, and one that had no sessions may have them now. Before
// that the handshake has just been made, and another would not help.
const forgetAfter = 5 * time.Second

// lost tells the refusal of a session from that of a request, which has the
// request's id.
func (w *streamable) lost(err error, id string) error {
	r, ok := errors.AsType[*refusal](err)
	if !ok || string(r.id) == id {
		return err
	}
	aged := w.proxy.now().Sub(w.opened) > forgetAfter
	switch {
	case r.status == http.StatusNotFound && w.id != "":
	case r.status == http.StatusNotFound && aged, r.status == http.StatusBadRequest && aged:
	default:
		return err
	}
	return errors.Join(errSessionLost, err)
}

func (w *streamable) send(ctx context.Context, body []byte) error {
	res, err := w.proxy.post(ctx, w.proxy.legacyHeader(nil, w.version, w.id), body)
	if err != nil {
		return err
	}
	finish(res)
	return nil
}

func (w *streamable) close() error {
	if w.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(onBehalf(context.Background(), w.header), goodbyeTimeout)
	defer cancel()
	h := w.proxy.legacyHeader(nil, w.version, w.id)
	delete(h, "Content-Type")
	res, err := w.proxy.request(ctx, http.MethodDelete, h)
	if r, ok := errors.AsType[*refusal](err); ok && (r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed) {
		return nil // gone already, or the server ends it in its own time
	}
	if err != nil {
		return err
	}
	finish(res)
	return nil
}
