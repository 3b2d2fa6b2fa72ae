package telemetry

import (
	"strings"
	"testing"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

func TestParseContext(t *testing.T) {
	for _, c := range []struct {
		name, parent string
		valid        bool
		sampled      bool
	}{
		{"sampled", "00-" + traceID + "-" + spanID + "-01", true, true},
		{"not sampled", "00-" + traceID + "-" + spanID + "-00", true, false},
		{"other flags", "00-" + traceID + "-" + spanID + "-03", true, true},
		{"a later version", "cc-" + traceID + "-" + spanID + "-01", true, true},
		{"a later version with more", "cc-" + traceID + "-" + spanID + "-01-what-else", true, true},
		{"version 00 with more", "00-" + traceID + "-" + spanID + "-01-what-else", false, false},
		{"a later version without a hyphen", "cc-" + traceID + "-" + spanID + "-01x", false, false},
		{"version ff", "ff-" + traceID + "-" + spanID + "-01", false, false},
		{"capitals", "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01", false, false},
		{"no trace", "00-00000000000000000000000000000000-" + spanID + "-01", false, false},
		{"no span", "00-" + traceID + "-0000000000000000-01", false, false},
		{"short", "00-" + traceID, false, false},
		{"no hexadecimal", "00-" + traceID + "-" + spanID + "-0g", false, false},
		{"empty", "", false, false},
	} {
		got := ParseContext(c.parent, "a=b", "k=v")
		if got.Valid() != c.valid || got.Sampled != c.sampled || (got.State == "a=b") != c.valid || got.Baggage != "k=v" {
			t.Errorf("%s: got %+v", c.name, got)
		}
		if c.valid && !strings.HasPrefix(got.Traceparent(), "00-"+traceID+"-"+spanID+"-0") {
			t.Errorf("%s: got %s", c.name, got.Traceparent())
		}
	}
	long := ParseContext("00-"+traceID+"-"+spanID+"-01", strings.Repeat("a", maxTraceState+1), "k=\r\nX: y")
	if long.State != "" || long.Baggage != "" {
		t.Errorf("got %+v, want neither", long)
	}
}

func TestRequestID(t *testing.T) {
	c := ParseContext("00-"+traceID+"-"+spanID+"-01", "", "")
	got, ok := ParseRequestID(c.RequestID())
	if !ok || got.TraceID != c.TraceID || got.SpanID != c.SpanID {
		t.Errorf("got %+v, %v", got, ok)
	}
	for _, text := range []string{"", "|", "|abc.def.", "|" + traceID + "." + spanID, "|" + traceID + ".0000000000000000.", traceID} {
		if got, ok := ParseRequestID(text); ok || got.Valid() {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func FuzzParseContext(f *testing.F) {
	f.Add("00-"+traceID+"-"+spanID+"-01", "a=b", "k=v")
	f.Fuzz(func(t *testing.T, parent, state, baggage string) {
		c := ParseContext(parent, state, baggage)
		if !c.Valid() {
			return
		}
		if again := ParseContext(c.Traceparent(), c.State, c.Baggage); again != c {
			t.Errorf("got %+v, want %+v", again, c)
		}
	})
}
