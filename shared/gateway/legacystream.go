package gateway

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"toolgate/shared/mailbox"
	"toolgate/shared/mcp"
)

// legacyStream is the stream of one client of HTTP+SSE.
type legacyStream struct {
	id     string
	ctx    context.Context // of the stream's life
	cancel context.CancelFunc
	events chan []byte // taken by the stream alone, one at a time

	mu      sync.Mutex
	session mailbox.Session
}

// send gives the stream a message, and waits until it is taken.
func (s *legacyStream) send(ctx context.Context, message []byte) error {
	select {
	case s.events <- mcp.AppendEvent(nil, "", message):
		return nil
	case <-s.ctx.Done():
		return errStreamGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *legacyStream) known() mailbox.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

func (s *legacyStream) learn(session mailbox.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.ID != "" {
		s.session.ID = session.ID
	}
	if session.Version != "" {
		s.session.Version = session.Version
	}
}

// openStream opens a stream and serves it to its end.
func (x *exchange) openStream(ctx context.Context, e endpoint) {
	l := x.gateway.sse
	if !accepts(x.r.Header["Accept"], mcp.ContentSSE) {
		x.failHTTP(http.StatusNotAcceptable, "this endpoint answers with "+mcp.ContentSSE)
		return
	}
	if !streams(x.w) {
		x.failHTTP(http.StatusNotImplemented, "HTTP+SSE needs a response that streams, and what serves this gateway sends whole ones; POST to /{server}/mcp")
		return
	}
	expires := l.end(ctx)
	s := &legacyStream{id: streamID(), events: make(chan []byte)}
	s.ctx, s.cancel = context.WithDeadline(ctx, expires)
	defer s.cancel()
	session, err := l.seal(s.id, expires, x.sessionContext())
	if err != nil {
		x.fail(err)
		return
	}
	defer x.endSession(ctx, e, s)
	if !l.add(s) {
		x.w.Header().Set("Retry-After", "5")
		x.failHTTP(http.StatusServiceUnavailable, "this instance has as many streams as it can hold; try again later")
		return
	}
	defer l.remove(s)
	closeBox, err := x.readMailbox(s, expires)
	if err != nil {
		x.fail(unreachable(err))
		return
	}
	defer closeBox()
	x.startStream()
	x.call.Err = x.pump(s, "event: endpoint\ndata: "+x.messagesURL(session)+"\n\n")
}

// streams tells whether a client gets a response as it is written, and not once it has
// ended: some doors of platforms have no other way.
func streams(w http.ResponseWriter) bool {
	for {
		wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			_, ok = w.(http.Flusher)
			return ok
		}
		w = wrapped.Unwrap()
	}
}

// end is when a stream that begins now has to end. It leaves a platform that cuts
// calls off some time to see the end coming.
func (l *legacySSE) end(ctx context.Context) time.Time {
	expires := time.Now().Add(l.maxAge)
	if cut, ok := ctx.Deadline(); ok && cut.Add(-beforeCut).Before(expires) {
		expires = cut.Add(-beforeCut)
	}
	return expires
}

const beforeCut = 2 * time.Second

// pump writes the events of a stream until it ends.
func (x *exchange) pump(s *legacyStream, first string) error {
	defer func() { _ = http.NewResponseController(x.w).SetWriteDeadline(time.Time{}) }()
	alive := time.NewTicker(x.gateway.sse.keepAlive)
	defer alive.Stop()
	next := []byte(first)
	for {
		if err := x.writeEvent(next); err != nil {
			return err
		}
		select {
		case <-s.ctx.Done():
			return nil // the client has gone, or the time is over
		case next = <-s.events:
		case <-alive.C:
			next = []byte(": keep-alive\n\n")
		}
	}
}

// writeEvent writes to a client that must not take forever to read.
func (x *exchange) writeEvent(event []byte) error {
	deadline := http.NewResponseController(x.w)
	_ = deadline.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every platform has one
	if _, err := x.w.Write(event); err != nil {
		return err
	}
	return x.flush()
}

// readMailbox makes the mailbox of a stream and has it read, where there is a
// store. The function that it returns ends that, and removes the mailbox.
func (x *exchange) readMailbox(s *legacyStream, expires time.Time) (closeBox func(), err error) {
	store := x.gateway.sse.store
	if store == nil {
		return func() {}, nil
	}
	// Rows outlive the stream, and clocks differ.
	box, err := mailbox.Create(s.ctx, mailbox.Options{Store: store, ID: s.id}, expires.Add(time.Minute))
	if err != nil {
		return nil, err
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		err := box.Read(s.ctx, func(message []byte, known mailbox.Session) error {
			s.learn(known)
			return s.send(s.ctx, message)
		})
		if s.ctx.Err() == nil {
			x.gateway.log.Error("a stream ends, because its mailbox cannot be read", "server", x.server, "error", err.Error())
		}
		s.cancel()
	})
	return func() {
		s.cancel()
		reading.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), farewell)
		defer cancel()
		if err := box.Close(ctx); err != nil { // it expires
			x.gateway.log.Warn("the mailbox of a stream that has ended stays until it is swept", "server", x.server, "error", err.Error())
		}
	}, nil
}

// farewell bounds what is done after a stream.
const farewell = 5 * time.Second

// endSession ends the session at the server behind the gateway: a client of this
// transport ends it with the stream, and cannot say so.
func (x *exchange) endSession(ctx context.Context, e endpoint, s *legacyStream) {
	known := s.known()
	if e.session == nil || known.ID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	x.asOf(known, x.r.URL.RawQuery)
	r := x.r.WithContext(ctx)
	r.Method = http.MethodDelete
	e.session(&unheard{header: http.Header{}}, r)
}

// unheard takes a response that nobody waits for.
type unheard struct{ header http.Header }

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (u *unheard) WriteHeader(int)             {}
