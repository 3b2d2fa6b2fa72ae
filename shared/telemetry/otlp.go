package telemetry

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// valid is a text as protocol buffers have it: UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, "�") }

// envelope writes what the requests of all signals have in common: one resource
// with one scope, and in it what body writes. Field numbers are the same in
// ResourceSpans, ResourceMetrics and ResourceLogs. It should not take many more bytes
// than size.
func (r *Recorder) envelope(size int, body func(w *wire)) []byte {
	w := &wire{b: make([]byte, 0, 4096+size)}
	resource := w.open(1)
	description := w.open(1)
	w.attrs(1, r.options.Resource)
	w.close(description)
	scope := w.open(2)
	name := w.open(1)
	w.text(1, Scope)
	w.close(name)
	body(w)
	w.close(scope)
	w.close(resource)
	return w.b
}

// encodeCalls makes an ExportTraceServiceRequest.
func (r *Recorder) encodeCalls(calls []*Call) []byte {
	size := 0
	for _, c := range calls {
		for _, s := range c.spans {
			size += spanSize + textSize(s.attrs) + attrSize*len(s.attrs)
		}
	}
	return r.envelope(size, func(w *wire) {
		for _, c := range calls {
			for _, s := range c.spans {
				w.span(c, s)
			}
		}
	})
}

// What an encoded span takes about, and an attribute beside its text, in bytes.
const (
	spanSize = 160
	attrSize = 40
)

const (
	statusError  = 2
	flagSampled  = 1
	flagIsKnown  = 0x100 // whether the parent is of another process is said
	flagIsRemote = 0x200
)

func (w *wire) span(c *Call, s *Span) {
	at := w.open(2)
	w.bytes(1, c.parent.TraceID[:])
	w.bytes(2, s.id[:])
	w.text(3, c.parent.State)
	flags := uint32(flagIsKnown)
	if c.sampled {
		flags |= flagSampled
	}
	if s.parent != (SpanID{}) {
		w.bytes(4, s.parent[:])
		if s == &c.root {
			flags |= flagIsRemote
		}
	}
	w.text(5, valid(s.name))
	w.varint(6, uint64(s.kind))
	w.fixed64(7, uint64(s.start)) //nolint:gosec // not before 1970
	w.fixed64(8, uint64(s.end))   //nolint:gosec // as above
	w.attrs(9, s.attrs)
	if s == &c.root && c.link != nil {
		link := w.open(13)
		w.bytes(1, c.link.TraceID[:])
		w.bytes(2, c.link.SpanID[:])
		w.close(link)
	}
	if f := s.failure; f != nil {
		w.attrs(9, []Attr{String(ErrorType, f.errorType)})
		status := w.open(15)
		w.text(2, valid(f.description))
		w.varint(3, statusError)
		w.close(status)
	}
	w.fixed32(16, flags)
	w.close(at)
}

// encodeRecords makes an ExportLogsServiceRequest.
func (r *Recorder) encodeRecords(records []Record) []byte {
	return r.envelope(0, func(w *wire) {
		for i := range records {
			w.record(&records[i])
		}
	})
}

func (w *wire) record(l *Record) {
	at := w.open(2)
	w.time(1, l.Time)
	w.varint(2, uint64(l.Severity))
	w.text(3, l.Severity.text())
	body := w.open(5)
	w.text(1, valid(l.Body))
	w.close(body)
	w.attrs(6, l.Attrs)
	if l.Context.Valid() {
		if l.Context.Sampled {
			w.fixed32(8, flagSampled)
		}
		w.bytes(9, l.Context.TraceID[:])
		w.bytes(10, l.Context.SpanID[:])
	}
	w.time(11, l.Time)
	w.text(12, l.Event)
	w.close(at)
}

// deltaTemporality says that a point counts from the one before it: instances of
// functions come and go, and each would be a time series of its own otherwise,
// whose last value nobody takes away.
const deltaTemporality = 1

// encodeMetrics makes an ExportMetricsServiceRequest.
func (r *Recorder) encodeMetrics(metrics []*aggregate, from, to time.Time) []byte {
	return r.envelope(0, func(w *wire) {
		for _, a := range metrics {
			w.metric(a, from, to)
		}
	})
}

func (w *wire) metric(a *aggregate, from, to time.Time) {
	at := w.open(2)
	w.text(1, a.instrument.Name)
	w.text(2, a.instrument.Description)
	w.text(3, a.instrument.Unit)
	if a.instrument.Kind == Counter {
		sum := w.open(7)
		for _, p := range a.points {
			point := w.open(1)
			w.time(2, from)
			w.time(3, to)
			w.fixed64(6, uint64(math.Round(p.sum))) // of counts
			w.attrs(7, p.attrs)
			w.close(point)
		}
		w.varint(2, deltaTemporality)
		w.varint(3, 1)
		w.close(sum)
	} else {
		histogram := w.open(9)
		for _, p := range a.points {
			w.histogramPoint(a.instrument, p, from, to)
		}
		w.varint(2, deltaTemporality)
		w.close(histogram)
	}
	w.close(at)
}

func (w *wire) histogramPoint(i *Instrument, p *point, from, to time.Time) {
	at := w.open(1)
	w.time(2, from)
	w.time(3, to)
	w.fixed64(4, p.count)
	w.double(5, p.sum)
	counts := w.open(6)
	for _, n := range p.buckets {
		w.b = binary.LittleEndian.AppendUint64(w.b, n)
	}
	w.close(counts)
	if len(i.Bounds) > 0 {
		bounds := w.open(7)
		for _, f := range i.Bounds {
			w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f))
		}
		w.close(bounds)
	}
	w.attrs(9, p.attrs)
	w.double(11, p.least)
	w.double(12, p.most)
	w.close(at)
}
