package telemetry

import (
	"sync"
	"time"
)

// Kind is the kind of a span, with the numbers of OTLP.
type Kind uint8

// The kinds of spans.
const (
	KindInternal Kind = 1
	KindServer   Kind = 2
	KindClient   Kind = 3
)

// Call is what one request of a client leaves behind: its span, and the spans of
// what happened inside of it. The zero Call is begun by [Recorder.Begin].
type Call struct {
	recorder *Recorder
	parent   Context  // of Root; may be none
	link     *Context // of the transport, where the message has a parent of its own; nil: it has none
	sampled  bool

	mu    sync.Mutex
	ended bool
	spans []*Span
	first [2]Span  // most calls have no more
	list  [3]*Span // the memory of spans, for as many
	used  int
	root  Span
}

// Span is one piece of work of a call. A nil span records nothing. Its methods may
// be called concurrently.
type Span struct {
	call       *Call
	id, parent SpanID
	kind       Kind
	name       string
	start, end instant
	failure    *failure // nil: it did not fail
	attrs      []Attr
	describer  Describer // nil: there is none
}

// instant is a time as OTLP has it, in nanoseconds since 1970; 0 is none. Every call
// has spans, and few are kept: they are small.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixNano())
}

// failure is what [Span.Fail] says of a span.
type failure struct{ errorType, description string }

// Describer makes the attributes of a span, which is only asked of those that are
// kept. What it looks at must not change any more.
type Describer interface{ Describe() []Attr }

// Beginning says how a call begins.
type Beginning struct {
	Start time.Time
	// Parent is what the client sent; Link is that of the transport where the
	// message has its own. Either may be none.
	Parent, Link Context
	// Ratio is the share of the calls without a parent that are kept, 0 to 1. Whether
	// a call with a parent is kept is the decision of the parent.
	Ratio float64
	// FailuresOnly has calls kept that fail, and no others.
	FailuresOnly bool
}

// Begin begins a call, which is zero. The recorder may not be nil.
func (r *Recorder) Begin(c *Call, b Beginning) {
	c.recorder, c.parent = r, b.Parent
	switch {
	case !b.Link.Valid():
	case c.parent.Valid():
		link := b.Link // alone in its memory, which few calls need
		c.link = &link
	default:
		c.parent = b.Link
	}
	c.root = Span{call: c, id: newSpanID(), kind: KindServer, start: instantOf(b.Start)}
	c.spans = append(c.list[:0], &c.root)
	if c.parent.Valid() {
		c.sampled = c.parent.Sampled && !b.FailuresOnly
		c.root.parent = c.parent.SpanID
		return
	}
	baggage := c.parent.Baggage
	c.parent = Context{TraceID: newTraceID(), Baggage: baggage}
	c.sampled = !b.FailuresOnly && sampledBy(c.parent.TraceID, b.Ratio)
}

// sampledBy decides by the trace, so that all services with one ratio decide alike.
func sampledBy(id TraceID, ratio float64) bool {
	var n uint64
	for _, b := range id[8:] {
		n = n<<8 | uint64(b)
	}
	return float64(n>>11)/(1<<53) < ratio
}

// Root is the span of the call itself.
func (c *Call) Root() *Span { return &c.root }

// Sampled tells whether the call is kept whatever becomes of it.
func (c *Call) Sampled() bool { return c.sampled }

// End ends the call. It is kept when it is sampled, or when its span has failed;
// attributes are asked for then, and no other time. Spans that have not ended end
// with it.
func (c *Call) End(at time.Time, attributes func() []Attr) {
	c.mu.Lock()
	kept := (c.sampled || c.root.failure != nil) && c.recorder.traces != nil
	c.mu.Unlock()
	var attrs []Attr
	if kept {
		attrs = attributes()
	}
	c.mu.Lock()
	c.ended = true
	for _, s := range c.spans {
		if s.end == 0 {
			s.end = instantOf(at)
		}
		if kept && s.describer != nil {
			s.attrs = joined(s.attrs, s.describer.Describe())
		}
		s.describer = nil
	}
	c.root.attrs = joined(c.root.attrs, attrs)
	c.mu.Unlock()
	if kept {
		c.recorder.keep(c)
	}
}

// joined is both lists; most often the first is empty, and the other one need not be
// written again.
func joined(list, more []Attr) []Attr {
	if len(list) == 0 {
		return more
	}
	return append(list, more...)
}

// failed tells whether the call failed; it has ended.
func (c *Call) failed() bool { return c.root.failure != nil }

// Child begins a span below s. It is nil below a nil one, and after the call.
func (s *Span) Child(kind Kind, name string, at time.Time) *Span {
	if s == nil {
		return nil
	}
	c := s.call
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || len(c.spans) >= maxSpans {
		return nil
	}
	var child *Span
	if c.used < len(c.first) {
		child = &c.first[c.used]
		c.used++
	} else {
		child = new(Span)
	}
	*child = Span{call: c, id: newSpanID(), parent: s.id, kind: kind, name: name, start: instantOf(at)}
	c.spans = append(c.spans, child)
	return child
}

// maxSpans bounds the spans of a call: a policy that retries for ever must not fill
// the memory.
const maxSpans = 512

// Now is the time by the recorder's clock.
func (s *Span) Now() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.call.recorder.options.Now()
}

// Name names the span.
func (s *Span) Name(name string) { s.change(func() { s.name = name }) }

// Set adds attributes. They are kept as they are: what is dear to make is made for
// calls that are sampled only, see [Span.Sampled].
func (s *Span) Set(attrs ...Attr) { s.change(func() { s.attrs = append(s.attrs, attrs...) }) }

// Fail says that the span failed: with a class of errors (error.type), and a
// description that may be empty.
func (s *Span) Fail(errorType, description string) {
	s.change(func() { s.failure = &failure{errorType, description} })
}

// Describe gives the span what makes its attributes.
func (s *Span) Describe(d Describer) { s.change(func() { s.describer = d }) }

// End ends the span.
func (s *Span) End(at time.Time) {
	s.change(func() {
		if s.end == 0 {
			s.end = instantOf(at)
		}
	})
}

// change changes the span unless its call has ended: then it may be read already.
func (s *Span) change(by func()) {
	if s == nil {
		return
	}
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if !s.call.ended {
		by()
	}
}

// Sampled tells whether the span is kept whatever becomes of its call.
func (s *Span) Sampled() bool { return s != nil && s.call.sampled }

// Context is what travels on to those that the span asks; none for a nil span.
func (s *Span) Context() Context {
	if s == nil {
		return Context{}
	}
	c := s.call
	return Context{TraceID: c.parent.TraceID, SpanID: s.id, Sampled: c.sampled, State: c.parent.State, Baggage: c.parent.Baggage}
}

// Recorder is that of the call; nil for a nil span.
func (s *Span) Recorder() *Recorder {
	if s == nil {
		return nil
	}
	return s.call.recorder
}
