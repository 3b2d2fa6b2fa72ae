package mcpproxy

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
)

// A policy may set headers that say on whose behalf the gateway calls: a key of
// the server, or the user's own token. Whoever they are for is a caller here.
// What the gateway asks on its own behalf has the headers of the call that gave
// rise to it, since a server may answer nothing without them, and what belongs
// to a caller at the server, a session, is not lent to another.

// caller tells callers apart: a hash, so that no credentials are kept for it.
// The zero caller has no headers.
type caller [sha256.Size]byte

// callerOf returns the headers that policies set for the caller of a context,
// and which caller they make; nil and zero where they set none.
func callerOf(ctx context.Context) (http.Header, caller) {
	set := backend.HeaderOf(ctx)
	if len(set) == 0 {
		return nil, caller{}
	}
	var h http.Header
	for name, values := range set {
		if !ofMessage(name) {
			if h == nil {
				h = make(http.Header, len(set))
			}
			h[name] = values
		}
	}
	if h == nil {
		return nil, caller{}
	}
	return h, newCaller(h)
}

// newCaller hashes headers. Lengths stand before names and values, so that
// different headers never make the same text.
func newCaller(h http.Header) caller {
	text := make([]byte, 0, 512)
	add := func(s string) {
		text = append(binary.AppendUvarint(text, uint64(len(s))), s...)
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		add(name)
		text = binary.AppendUvarint(text, uint64(len(h[name])))
		for _, value := range h[name] {
			add(value)
		}
	}
	return sha256.Sum256(text)
}

// ofMessage reports whether a header describes one message, or traces it, and
// so has no place on another and says nothing of the caller.
func ofMessage(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type",
		"Traceparent", "Tracestate", "Baggage",
		mcp.HeaderProtocolVersion, mcp.HeaderSessionID, mcp.HeaderMethod, mcp.HeaderName, mcp.HeaderLastEventID:
		return true
	}
	return strings.HasPrefix(name, "Mcp-Param-")
}

// withSubject makes the caller of a context one of its own where the server is
// called on behalf of callers.
func (p *Proxy) withSubject(ctx context.Context) context.Context {
	if p.subject == nil {
		return ctx
	}
	return backend.WithSubject(ctx, p.subject(ctx))
}

// onBehalf makes a context whose requests have the headers of a caller. It is
// for contexts that do not come from a call.
func onBehalf(ctx context.Context, h http.Header) context.Context {
	if h == nil {
		return ctx
	}
	return backend.WithHeader(ctx, h)
}
