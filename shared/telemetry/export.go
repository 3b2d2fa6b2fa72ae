package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// signal is what is sent to one destination, one request at a time.
type signal struct {
	Destination
	path        string // below the URL, of the pending request
	contentType string
	// authorize makes the Authorization; nil: the recorder's own, of collectors.
	authorize func(ctx context.Context) (string, error)
	pending   []byte    // a request that waits to be sent again; nil for none
	items     int       // in pending
	retry     time.Time // not before
	wait      time.Duration
	failures  int // one after another
}

func newSignal(d Destination) *signal {
	if d.URL == "" {
		return nil
	}
	return &signal{Destination: d, contentType: "application/x-protobuf"}
}

const (
	firstWait = time.Second
	maxWait   = 30 * time.Second
	// maxItems are the calls, or log records, of one request.
	maxItems = 512
)

// export sends what there is. Only one export is under way at any time.
func (r *Recorder) export(ctx context.Context) error {
	select {
	case r.exporting <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for another export: %w", ctx.Err())
	}
	defer func() { <-r.exporting }()
	type source struct {
		*signal
		next func() ([]byte, int)
	}
	sources := []source{{r.traces, r.nextCalls}, {r.metrics, r.nextMetrics}, {r.logs, r.nextRecords}}
	for _, h := range r.hubs {
		sources = append(sources, source{h.signal, func() ([]byte, int) { return r.nextEvents(h) }})
	}
	errs := make(chan error, len(sources))
	n := 0
	for _, each := range sources {
		if each.signal == nil {
			continue
		}
		n++
		go func() { errs <- r.drain(ctx, each.signal, each.next) }()
	}
	var failed error
	for range n {
		failed = errors.Join(failed, <-errs)
	}
	r.warn(failed)
	return failed
}

// drain sends the requests of a signal until there are none, or one fails.
func (r *Recorder) drain(ctx context.Context, s *signal, next func() ([]byte, int)) error {
	for {
		if s.pending == nil {
			if s.pending, s.items = next(); s.pending == nil {
				return nil
			}
		} else if r.options.Now().Before(s.retry) {
			return nil
		}
		again, err := r.post(ctx, s)
		if err == nil {
			s.pending, s.wait, s.failures = nil, 0, 0
			continue
		}
		if again < 0 {
			r.mu.Lock()
			r.dropped += int64(s.items)
			r.mu.Unlock()
			s.pending = nil
			return err
		}
		// That the first of several flushes was too short is not the collector's fault.
		if s.failures++; ctx.Err() == nil || s.failures > 1 {
			s.wait = min(max(2*s.wait, firstWait, again), maxWait)
			s.retry = r.options.Now().Add(s.wait)
		}
		return err
	}
}

// post sends the pending request. After an error, again is how long to wait before
// the next attempt; below 0 there should be none.
func (r *Recorder) post(ctx context.Context, s *signal) (again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+s.path, bytes.NewReader(s.pending))
	if err != nil {
		return -1, fmt.Errorf("exporting telemetry: %w", err)
	}
	maps.Copy(req.Header, s.Header)
	req.Header.Set("Content-Type", s.contentType)
	req.Header.Set("User-Agent", "toolgate")
	if err := r.authorize(ctx, s, req.Header); err != nil {
		return 0, fmt.Errorf("exporting telemetry: %w", err)
	}
	res, err := r.options.Transport.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("exporting telemetry: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0: by our own clock
		return time.Duration(max(seconds, 0)) * time.Second, &StatusError{res.StatusCode}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return -1, &StatusError{res.StatusCode}
	}
	return 0, nil
}

// authorize sets what an export is let in by.
func (r *Recorder) authorize(ctx context.Context, s *signal, h http.Header) error {
	if s.authorize != nil {
		value, err := s.authorize(ctx)
		h.Set("Authorization", value)
		return err
	}
	if r.options.Header != nil {
		more, err := r.options.Header()
		if err != nil {
			return err
		}
		maps.Copy(h, more)
	}
	if r.options.Token == nil {
		return nil
	}
	token, err := r.options.Token(ctx)
	if err != nil {
		return fmt.Errorf("getting a token: %w", err)
	}
	h.Set("Authorization", "Bearer "+token)
	return nil
}

// StatusError is the answer of a collector that did not take an export.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("exporting telemetry: the collector answered %d %s", e.Status, http.StatusText(e.Status))
}

// warn tells the log that exports fail or that something was dropped, at most once
// a minute.
func (r *Recorder) warn(err error) {
	r.mu.Lock()
	now, dropped := r.options.Now(), r.dropped
	quiet := err == nil || now.Sub(r.warned) < time.Minute
	if !quiet {
		r.warned = now
	}
	r.mu.Unlock()
	if !quiet {
		r.options.Log.Warn("telemetry is not exported", "error", err.Error(), "dropped", dropped)
	}
}

// nextCalls makes a request of the calls that wait.
func (r *Recorder) nextCalls() ([]byte, int) {
	r.mu.Lock()
	calls := r.calls[:min(len(r.calls), maxItems)]
	for _, c := range calls {
		r.bytes -= c.size()
	}
	if r.calls = r.calls[len(calls):]; len(r.calls) == 0 {
		r.calls = nil
	}
	r.mu.Unlock()
	if len(calls) == 0 {
		return nil, 0
	}
	return r.encodeCalls(calls), len(calls)
}

// nextRecords makes a request of the log records that wait.
func (r *Recorder) nextRecords() ([]byte, int) {
	r.mu.Lock()
	records := r.records[:min(len(r.records), maxItems)]
	for i := range records {
		r.bytes -= len(records[i].Body) + textSize(records[i].Attrs)
	}
	if r.records = r.records[len(records):]; len(r.records) == 0 {
		r.records = nil
	}
	r.mu.Unlock()
	if len(records) == 0 {
		return nil, 0
	}
	return r.encodeRecords(records), len(records)
}

// nextMetrics makes a request of the metrics since the last one.
func (r *Recorder) nextMetrics() ([]byte, int) {
	now := r.options.Now()
	list, from := r.sums.take(now)
	if len(list) == 0 {
		return nil, 0
	}
	return r.encodeMetrics(list, from, now), 0
}
