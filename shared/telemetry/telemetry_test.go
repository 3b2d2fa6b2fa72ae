package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// collector counts exports and answers with a status.
type collector struct {
	URL     string
	exports atomic.Int32
	bytes   atomic.Int64
	status  atomic.Int32
	retry   string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.exports.Add(1)
		c.bytes.Add(r.ContentLength)
		if c.retry != "" {
			w.Header().Set("Retry-After", c.retry)
		}
		if n := c.status.Load(); n != 0 {
			w.WriteHeader(int(n))
		}
	}))
	t.Cleanup(s.Close)
	c.URL = s.URL
	return c
}

// clock is a time that stands still until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time               { return time.Unix(1_700_000_000, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration)         { c.nanoseconds.Add(int64(d)) }
func to(url string) Destination               { return Destination{URL: url} }
func nothing() []Attr                         { return nil }
func (r *Recorder) waiting() (calls, all int) { return len(r.calls), len(r.calls) + len(r.records) }

func record(r *Recorder, failed bool) {
	c := &Call{}
	r.Begin(c, Beginning{Start: r.Now(), Ratio: 1})
	c.Root().Name("x")
	if failed {
		c.Root().Fail("500", "")
	}
	c.End(r.Now(), nothing)
}

// A collector that is away is asked again later, one that refuses is not, and what
// waits is sent when it is back.
func TestExportAgain(t *testing.T) {
	c, now := newCollector(t), &clock{}
	c.retry = "7"
	r := New(Options{Traces: to(c.URL), Interval: -1, Now: now.now})
	record(r, false)
	c.status.Store(http.StatusServiceUnavailable)
	var refused *StatusError
	if err := r.Flush(t.Context()); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("got %v, want 503", err)
	}
	now.pass(6 * time.Second)
	if err := r.Flush(t.Context()); err != nil || c.exports.Load() != 1 {
		t.Errorf("before its time: got %v and %d exports, want none more", err, c.exports.Load())
	}
	c.status.Store(0)
	now.pass(2 * time.Second)
	if err := r.Flush(t.Context()); err != nil || c.exports.Load() != 2 || r.Dropped() != 0 {
		t.Errorf("after its time: got %v, %d exports, %d dropped", err, c.exports.Load(), r.Dropped())
	}
	record(r, false)
	c.status.Store(http.StatusBadRequest)
	if err := r.Flush(t.Context()); err == nil || r.Dropped() != 1 {
		t.Errorf("refused: got %v, %d dropped", err, r.Dropped())
	}
	c.status.Store(0)
	if err := r.Close(t.Context()); err != nil || c.exports.Load() != 3 {
		t.Errorf("got %v, %d exports, want nothing sent again", err, c.exports.Load())
	}
}

// A queue that is full gives up calls that went well for those that did not.
func TestQueue(t *testing.T) {
	r := New(Options{Traces: to("http://127.0.0.1:1"), Interval: -1, Queue: 10})
	for range 20 {
		record(r, false)
	}
	for range 4 {
		record(r, true)
	}
	failed := 0
	for _, c := range r.calls {
		if c.failed() {
			failed++
		}
	}
	if n, _ := r.waiting(); n != 10 || failed != 4 || r.Dropped() != 14 {
		t.Errorf("got %d calls, %d failed, %d dropped; want 10, 4, 14", n, failed, r.Dropped())
	}
}

// What waits is bounded in bytes as well, and given back when it is sent.
func TestQueueOfBytes(t *testing.T) {
	c := newCollector(t)
	hub := EventHub{ID: "a", URL: c.URL, Authorize: func(context.Context) (string, error) { return "", nil }}
	r := New(Options{Traces: to(c.URL), Logs: to(c.URL), EventHubs: []EventHub{hub}, Interval: -1})
	const piece = 1 << 20
	text := string(make([]byte, piece))
	for range 2 * maxBytes / piece / 3 {
		call := &Call{}
		r.Begin(call, Beginning{Start: r.Now(), Ratio: 1})
		call.End(r.Now(), func() []Attr { return []Attr{String("a", text)} })
		r.Log(Record{Body: text})
		r.Send("a", Event{Body: text})
	}
	if r.bytes > maxBytes || r.bytes < maxBytes-piece || r.Dropped() == 0 {
		t.Errorf("got %d bytes, %d dropped", r.bytes, r.Dropped())
	}
	if err := r.Flush(t.Context()); err != nil || r.bytes != 0 {
		t.Errorf("got %v, %d bytes", err, r.bytes)
	}
}

// A flush ends with its time although the collector does not answer, and what it had
// is not lost.
func TestFlushIsBounded(t *testing.T) {
	release := make(chan struct{})
	var taken atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			taken.Add(1)
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	r := New(Options{Traces: to(s.URL), Interval: -1})
	record(r, false)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begun))
	}
	close(release)
	if err := r.Flush(t.Context()); err != nil || taken.Load() == 0 || r.Dropped() != 0 {
		t.Errorf("got %v, %d taken, %d dropped", err, taken.Load(), r.Dropped())
	}
}

func TestSampling(t *testing.T) {
	r := New(Options{Traces: to("http://127.0.0.1:1"), Interval: -1, Queue: 1 << 20})
	const n = 20000
	kept := 0
	for range n {
		c := &Call{}
		r.Begin(c, Beginning{Start: r.Now(), Ratio: 0.1})
		if c.Sampled() {
			kept++
		}
	}
	if kept < n/10-300 || kept > n/10+300 { // seven standard deviations
		t.Errorf("got %d of %d, want a tenth", kept, n)
	}
	for _, b := range []struct {
		Beginning
		want bool
	}{
		{Beginning{Ratio: 0, Parent: ParseContext("00-"+traceID+"-"+spanID+"-01", "", "")}, true},
		{Beginning{Ratio: 1, Parent: ParseContext("00-"+traceID+"-"+spanID+"-00", "", "")}, false},
		{Beginning{Ratio: 1, FailuresOnly: true}, false},
		{Beginning{Ratio: 1}, true},
		{Beginning{Ratio: 0}, false},
	} {
		c := &Call{}
		r.Begin(c, b.Beginning)
		if c.Sampled() != b.want {
			t.Errorf("%+v: got %v, want %v", b.Beginning, c.Sampled(), b.want)
		}
	}
}

// Spans that begin, change or end after their call do no harm.
func TestLateSpans(t *testing.T) {
	c := newCollector(t)
	r := New(Options{Traces: to(c.URL), Interval: -1})
	call := &Call{}
	r.Begin(call, Beginning{Start: r.Now(), Ratio: 1})
	children := make([]*Span, 8)
	for i := range children {
		children[i] = call.Root().Child(KindClient, strconv.Itoa(i), r.Now())
	}
	var late sync.WaitGroup
	for _, s := range children {
		late.Go(func() {
			s.Set(Int("a", 1))
			s.Fail("x", "y")
			s.End(r.Now())
			s.Child(KindInternal, "later", r.Now()).End(r.Now())
		})
	}
	call.End(r.Now(), nothing)
	if err := r.Flush(t.Context()); err != nil || c.exports.Load() != 1 {
		t.Errorf("got %v, %d exports", err, c.exports.Load())
	}
	late.Wait()
	if got := call.Root().Child(KindClient, "too late", r.Now()); got != nil {
		t.Errorf("got %v, want no span", got)
	}
	var none *Span
	none.Set(Int("a", 1))
	none.Child(KindClient, "x", r.Now()).End(r.Now())
	if none.Sampled() || none.Context().Valid() {
		t.Error("got something of no span")
	}
}

func TestAggregates(t *testing.T) {
	r := New(Options{Metrics: to("http://127.0.0.1:1"), Interval: -1})
	h := &Instrument{Name: "h", Bounds: []float64{1, 2}}
	for _, v := range []float64{0.5, 1, 1.5, 3} {
		r.Measure(h, v, String("a", "x"))
	}
	r.Measure(h, 9, String("a", "y"))
	list, _ := r.sums.take(r.Now())
	if len(list) != 1 || len(list[0].points) != 2 {
		t.Fatalf("got %+v", list)
	}
	p := list[0].points[0]
	if p.count != 4 || p.sum != 6 || p.least != 0.5 || p.most != 3 || p.buckets[0] != 2 || p.buckets[1] != 1 || p.buckets[2] != 1 {
		t.Errorf("got %+v", p)
	}
	for i := range maxSeries + 500 {
		r.Measure(h, 1, Int("a", i))
	}
	list, _ = r.sums.take(r.Now())
	over := list[0].points[len(list[0].points)-1]
	if len(list[0].points) != maxSeries+1 || over.count != 500 || over.attrs[0] != Bool("otel.metric.overflow", true) {
		t.Errorf("got %d points, the last %+v", len(list[0].points), over)
	}
}

// What is not sampled is not to cost memory beyond the call itself.
func TestAllocations(t *testing.T) {
	r := New(Options{Traces: to("http://127.0.0.1:1"), Metrics: to("http://127.0.0.1:1"), Interval: -1})
	now := r.Now()
	got := testing.AllocsPerRun(100, func() {
		c := &Call{}
		r.Begin(c, Beginning{Start: now})
		c.Root().Name("tools/call x")
		c.Root().Child(KindClient, "GET", now).End(now)
		r.Measure(HTTPClientDuration, 0.1, String(HTTPRequestMethod, "GET"), String(ServerAddress, "contoso.com"), Int(ServerPort, 443))
		c.End(now, nothing)
	})
	if got > 1 {
		t.Errorf("got %v allocations, want that of the call alone", got)
	}
}
