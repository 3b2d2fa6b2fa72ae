package telemetry

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// TraceID and SpanID are those of W3C Trace Context; zero is none.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

func (id TraceID) String() string { return hex.EncodeToString(id[:]) }
func (id SpanID) String() string  { return hex.EncodeToString(id[:]) }

func putUint64(b []byte, n uint64) { binary.BigEndian.PutUint64(b, n) }

// Context is what travels between services: which span of which trace something
// belongs to. The zero Context is none.
type Context struct {
	TraceID TraceID
	SpanID  SpanID
	Sampled bool
	// State and Baggage are passed on as they came.
	State, Baggage string
}

// Valid tells whether there is a context.
func (c Context) Valid() bool { return c.TraceID != TraceID{} && c.SpanID != SpanID{} }

const (
	traceparentLength = 55
	// maxTraceState and maxBaggage bound what is passed on, in bytes; a list that is
	// longer is left out whole (Trace Context, section 3.3.1.5; Baggage, section 3.3.2).
	maxTraceState = 512
	maxBaggage    = 8192
)

// ParseContext reads the headers of a trace. What is not valid is not there; a
// tracestate without a valid traceparent is not looked at.
func ParseContext(traceparent, tracestate, baggage string) Context {
	c, ok := parseTraceparent(traceparent)
	if ok && len(tracestate) <= maxTraceState && printable(tracestate) {
		c.State = tracestate
	}
	if len(baggage) <= maxBaggage && printable(baggage) {
		c.Baggage = baggage
	}
	return c
}

// printable tells whether a text may stand in a header.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' && text[i] != '\t' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// parseTraceparent reads version-traceid-parentid-flags (Trace Context, section
// 3.2). A version that is not known yet may have more behind the flags.
func parseTraceparent(text string) (c Context, ok bool) {
	if len(text) < traceparentLength || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return c, false
	}
	var version, flags [1]byte
	switch {
	case !lowerHex(version[:], text[:2]), version[0] == 0xff, version[0] == 0 && len(text) != traceparentLength,
		len(text) > traceparentLength && text[traceparentLength] != '-',
		!lowerHex(c.TraceID[:], text[3:35]), !lowerHex(c.SpanID[:], text[36:52]), !lowerHex(flags[:], text[53:55]), !c.Valid():
		return Context{}, false
	}
	c.Sampled = flags[0]&1 != 0
	return c, true
}

// lowerHex decodes hexadecimal digits, of which the specification knows small ones.
func lowerHex(to []byte, text string) bool {
	if strings.ContainsAny(text, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(to, []byte(text))
	return err == nil
}

// Traceparent is the header of the context, version 00.
func (c Context) Traceparent() string {
	var b [traceparentLength]byte
	copy(b[:], "00-")
	hex.Encode(b[3:], c.TraceID[:])
	b[35] = '-'
	hex.Encode(b[36:], c.SpanID[:])
	copy(b[52:], "-00")
	if c.Sampled {
		b[54] = '1'
	}
	return string(b[:])
}

// RequestID is the context as the header Request-Id of Application Insights before
// it spoke W3C: |trace.span.
func (c Context) RequestID() string {
	return "|" + c.TraceID.String() + "." + c.SpanID.String() + "."
}

// ParseRequestID reads a Request-Id of the form |trace.span. whose parts are those
// of a trace; others name no span that could be a parent.
func ParseRequestID(text string) (c Context, ok bool) {
	trace, rest, found := strings.Cut(strings.TrimPrefix(text, "|"), ".")
	span, _, ended := strings.Cut(rest, ".")
	if !found || !ended || len(trace) != 32 || len(span) != 16 || !lowerHex(c.TraceID[:], trace) || !lowerHex(c.SpanID[:], span) || !c.Valid() {
		return Context{}, false
	}
	c.Sampled = true
	return c, true
}
