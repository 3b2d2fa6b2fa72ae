// Package telemetry knows OpenTelemetry: what a call leaves behind as spans,
// metrics and log records, the names of the semantic conventions, W3C Trace
// Context, and how all of it is sent by OTLP/HTTP.
//
// A call is written down in its own [Call] while it runs, which costs a few
// hundred nanoseconds, and only at its end is it decided whether that is kept:
// failures always are. Spans are encoded in the background, after the answer.
package telemetry

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Scope is the name of the instrumentation scope of everything that is exported.
const Scope = "toolgate"

// Options are what a [Recorder] works with. The zero value records nothing but
// the contexts that travel on.
type Options struct {
	// Traces, Metrics and Logs are where each signal goes; one without a URL is not
	// exported.
	Traces, Metrics, Logs Destination
	// Token gets the access token that requests to destinations carry; nil: none.
	Token func(ctx context.Context) (string, error)
	// Header has headers that each export carries besides those of its destination; nil:
	// none. It is asked each time, since secrets change.
	Header func() (http.Header, error)
	// EventHubs are the loggers of log-to-eventhub.
	EventHubs []EventHub
	// Resource describes the process: service.name and its kin.
	Resource []Attr
	// Transport carries the exports; nil is a transport of their own.
	Transport http.RoundTripper
	// Interval is the time between exports in the background; 0 is 2 s, below 0
	// leaves exports to [Recorder.Flush].
	Interval time.Duration
	// Timeout bounds one export; 0 is 10 s.
	Timeout time.Duration
	// Queue bounds the calls, the log records and the events that wait for an export; 0
	// is 2048 of each. What comes beyond it, or beyond 16 MiB of text, is dropped and
	// counted.
	Queue int
	// Log receives that exports fail, at most once a minute; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Destination is where one signal is sent.
type Destination struct {
	URL    string // absolute; the path of the signal included
	Header http.Header
}

// Recorder keeps what calls leave behind until it is exported. It is safe for
// concurrent use; a nil one records nothing.
type Recorder struct {
	options Options
	traces  *signal // nil: not exported, as are the others
	metrics *signal
	logs    *signal
	hubs    map[string]*hub
	sums    aggregates

	mu      sync.Mutex
	calls   []*Call
	records []Record
	bytes   int // of text in what waits, events included
	dropped int64
	warned  time.Time

	exporting chan struct{} // holds one token while an export is under way
	wake      chan struct{}
	stop      chan struct{}
	once      sync.Once
	done      sync.WaitGroup
}

// New makes a recorder. Close it to export what is left.
func New(o Options) *Recorder {
	o.Interval, o.Timeout, o.Queue = cmp.Or(o.Interval, 2*time.Second), cmp.Or(o.Timeout, 10*time.Second), cmp.Or(o.Queue, 2048)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
			TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: 30 * time.Second, // below the time that a frozen instance sleeps
		}
	}
	r := &Recorder{options: o, exporting: make(chan struct{}, 1), wake: make(chan struct{}, 1), stop: make(chan struct{})}
	r.traces, r.metrics, r.logs = newSignal(o.Traces), newSignal(o.Metrics), newSignal(o.Logs)
	r.sums.start = o.Now()
	r.hubs = make(map[string]*hub, len(o.EventHubs))
	for _, h := range o.EventHubs {
		r.hubs[h.ID] = newHub(h)
	}
	if o.Interval > 0 && (r.traces != nil || r.metrics != nil || r.logs != nil || len(r.hubs) > 0) {
		r.done.Go(r.run)
	}
	return r
}

// run exports in the background until the recorder is closed.
func (r *Recorder) run() {
	tick := time.NewTicker(r.options.Interval)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
		case <-r.wake: // the queue is half full
		}
		ctx, cancel := context.WithTimeout(context.Background(), r.options.Timeout)
		_ = r.export(ctx) // it has been logged
		cancel()
	}
}

// Close exports what is left within the time of ctx, and ends.
func (r *Recorder) Close(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.once.Do(func() { close(r.stop) })
	r.done.Wait()
	return r.export(ctx)
}

// CloseWithin is Close with so much time, for the end of a program. That something
// could not be exported has been logged.
func (r *Recorder) CloseWithin(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = r.Close(ctx)
}

// Flush exports what has been recorded so far, within the time of ctx. What could
// not be sent in it waits for the next export.
func (r *Recorder) Flush(ctx context.Context) error {
	if r == nil {
		return nil
	}
	return r.export(ctx)
}

// maxBytes bounds the text in what waits for an export.
const maxBytes = 16 << 20

// keep queues a call for export.
func (r *Recorder) keep(c *Call) {
	if r.traces == nil {
		return
	}
	size := c.size()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.calls) >= r.options.Queue || r.bytes+size > maxBytes {
		if !c.failed() || !r.makeRoom() {
			r.dropped++
			return
		}
	}
	r.calls, r.bytes = append(r.calls, c), r.bytes+size
	r.hurry(len(r.calls))
}

// makeRoom gives up a call that did not fail, if there is one.
func (r *Recorder) makeRoom() bool {
	i := slices.IndexFunc(r.calls, func(c *Call) bool { return !c.failed() })
	if i < 0 {
		return false
	}
	r.dropped++
	r.bytes -= r.calls[i].size()
	r.calls = slices.Delete(r.calls, i, i+1)
	return true
}

// size is how much text a call that has ended holds.
func (c *Call) size() int {
	n := 0
	for _, s := range c.spans {
		n += textSize(s.attrs)
	}
	return n
}

func textSize(attrs []Attr) int {
	n := 0
	for i := range attrs {
		n += len(attrs[i].text)
	}
	return n
}

// hurry has an export made ahead of its time.
func (r *Recorder) hurry(waiting int) {
	if waiting != r.options.Queue/2 {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// LogsExported tells whether log records go anywhere.
func (r *Recorder) LogsExported() bool { return r != nil && r.logs != nil }

// MetricsExported tells whether metrics go anywhere.
func (r *Recorder) MetricsExported() bool { return r != nil && r.metrics != nil }

// Now is the time by the recorder's clock.
func (r *Recorder) Now() time.Time { return r.options.Now() }

// Log queues a log record for export.
func (r *Recorder) Log(record Record) {
	if !r.LogsExported() {
		return
	}
	size := len(record.Body) + textSize(record.Attrs)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) >= r.options.Queue || r.bytes+size > maxBytes {
		r.dropped++
		return
	}
	r.records, r.bytes = append(r.records, record), r.bytes+size
	r.hurry(len(r.records))
}

// Dropped is how many calls and log records were given up because they could not
// be exported.
func (r *Recorder) Dropped() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// newSpanID is random and not zero.
func newSpanID() (id SpanID) {
	for n := rand.Uint64(); ; n = rand.Uint64() { //nolint:gosec // it names a span and protects nothing
		if n != 0 {
			putUint64(id[:], n)
			return id
		}
	}
}

func newTraceID() (id TraceID) {
	putUint64(id[:8], rand.Uint64())   //nolint:gosec // it names a trace and protects nothing
	putUint64(id[8:], rand.Uint64()|1) //nolint:gosec // as above; never zero
	return id
}
