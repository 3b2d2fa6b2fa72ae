package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	explained "toolgate/shared/explain" // package main has a func of that name
	"toolgate/shared/trace"

	"github.com/go-json-experiment/json"
)

// livePath is where the page of the live view is. No server can have the name: the
// names of servers begin with a letter or a digit.
const livePath = "/_live"

//go:embed live
var liveFiles embed.FS

// livePolicy is what the page may do: its own script and style, and asking for news.
const livePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	// liveBatch is the least time between two messages to a page.
	liveBatch = 200 * time.Millisecond
	// liveIdle is the most: activity grows old without a call.
	liveIdle = activitySlice
)

// servePage answers requests for the page of the live view; false for all others, and
// for everybody who is not on this machine. The streams of pages end with ctx.
func (l *live) servePage(ctx context.Context, w http.ResponseWriter, r *http.Request) bool {
	path, ok := strings.CutPrefix(r.URL.Path, livePath)
	if !ok || path != "" && path[0] != '/' || !onThisMachine(r) {
		return false
	}
	h := w.Header()
	h.Set("Content-Security-Policy", livePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this page is read with GET", http.StatusMethodNotAllowed)
		return true
	}
	id, isTrace := strings.CutPrefix(path, "/calls/")
	switch {
	case path == "" || path == "/":
		sendLiveFile(w, "page.html", "text/html; charset=utf-8")
	case path == "/page.css":
		sendLiveFile(w, "page.css", "text/css; charset=utf-8")
	case path == "/icon.svg":
		sendLiveFile(w, "icon.svg", "image/svg+xml")
	case path == "/page.js":
		sendLiveFile(w, "page.js", "text/javascript; charset=utf-8")
	case path == "/events":
		l.serveEvents(ctx, w, r)
	case isTrace:
		l.serveTrace(w, id)
	default:
		http.Error(w, "there is no such page; the live view is at "+livePath, http.StatusNotFound)
	}
	return true
}

// onThisMachine tells whether a request comes from loopback, by a name of loopback, so
// that a page of somebody else's cannot reach it by a name of its own (DNS rebinding),
// and not by a proxy that stands open to others.
func onThisMachine(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host"} {
		if r.Header[name] != nil {
			return false
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && address.IsLoopback()
}

func sendLiveFile(w http.ResponseWriter, name, contentType string) {
	content, err := liveFiles.ReadFile("live/" + name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(content) // the browser
}

// serveTrace shows the way of a request.
func (l *live) serveTrace(w http.ResponseWriter, id string) {
	t := l.trace(id)
	if t == nil {
		http.Error(w, fmt.Sprintf("this trace is not kept: the last %d are", keptTraces), http.StatusNotFound)
		return
	}
	var page bytes.Buffer
	if err := explained.Page(&page, "Request trace", []*trace.Trace{t}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Del("Content-Security-Policy") // the page brings its own, with the hash of its style
	w.Header().Set("X-Frame-Options", "DENY")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes()) // the browser
}

// serveEvents sends what is there, and what comes, until the client goes or ctx ends.
// A client that comes again says what it had, with the id of the last event.
func (l *live) serveEvents(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := http.NewResponseController(w)
	began, number, _ := strings.Cut(r.Header.Get("Last-Event-ID"), "-")
	after, err := strconv.Atoi(number)
	if began != l.began || err != nil || after < 0 {
		after = 0
	}
	for {
		view, seq, changed := l.view(after)
		event, err := json.Marshal(&liveEvent{Began: l.began, liveView: view})
		if err != nil {
			return // cannot be: nothing in it fails
		}
		if _, err := fmt.Fprintf(w, "id: %s-%d\ndata: %s\n\n", l.began, seq, event); err != nil {
			return
		}
		if err := flusher.Flush(); err != nil {
			return
		}
		after = seq
		if !pause(ctx, r.Context(), liveBatch, nil) || !pause(ctx, r.Context(), liveIdle, changed) {
			return
		}
	}
}

// liveEvent is an event of the stream.
type liveEvent struct {
	// Began is another one when the gateway was started again: what the page has is of
	// the old one.
	Began string `json:"began"`
	liveView
}

// pause waits for a time, or until something comes; false when one of the contexts
// has ended.
func pause(a, b context.Context, d time.Duration, came <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-a.Done():
		return false
	case <-b.Done():
		return false
	case <-came:
	case <-timer.C:
	}
	return true
}
