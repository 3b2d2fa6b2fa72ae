package telemetry

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// EventHub is a hub of Azure Event Hubs, to which events are sent by HTTPS (Event
// Hubs REST API, Send batch events).
type EventHub struct {
	ID  string // by which [Recorder.Send] names it
	URL string // of the hub: https://NAMESPACE.servicebus.windows.net/HUB
	// Authorize makes the value of Authorization; see [SharedAccessSignature].
	Authorize func(ctx context.Context) (string, error)
}

// Event is an event for a hub. At most one of the partitions is set.
type Event struct{ Body, PartitionKey, PartitionID string }

// hub is a hub with what waits for it.
type hub struct {
	*signal
	events []Event // guarded by the recorder's mutex
}

func newHub(h EventHub) *hub {
	return &hub{signal: &signal{
		Destination: Destination{URL: h.URL}, contentType: "application/vnd.microsoft.servicebus.json", authorize: h.Authorize,
	}}
}

// Send queues an event; it reports false where there is no such hub. A hub that is
// full drops it.
func (r *Recorder) Send(id string, e Event) bool {
	if r == nil || r.hubs[id] == nil {
		return false
	}
	h := r.hubs[id]
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(h.events) >= r.options.Queue || r.bytes+len(e.Body) > maxBytes {
		r.dropped++
		return true
	}
	h.events, r.bytes = append(h.events, e), r.bytes+len(e.Body)
	r.hurry(len(h.events))
	return true
}

// maxBatch bounds a batch in bytes, below the 256 KB that the smallest tier takes. An
// event that is longer by itself, once it is JSON, is sent alone.
const maxBatch = 240 << 10

// nextEvents makes a batch of the events of one partition.
func (r *Recorder) nextEvents(h *hub) ([]byte, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(h.events) == 0 {
		return nil, 0
	}
	first, body, n := h.events[0], []byte("["), 0
	for _, e := range h.events {
		if e.PartitionID != first.PartitionID || e.PartitionKey != first.PartitionKey || n > 0 && len(body)+len(e.Body) > maxBatch {
			break
		}
		if n > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"Body":`...)
		body, _ = jsontext.AppendQuote(body, valid(e.Body)) // it is valid
		if e.PartitionKey != "" {
			body = append(body, `,"BrokerProperties":{"PartitionKey":`...)
			body, _ = jsontext.AppendQuote(body, valid(e.PartitionKey))
			body = append(body, '}')
		}
		body = append(body, '}')
		r.bytes -= len(e.Body)
		n++
	}
	if h.events = h.events[n:]; len(h.events) == 0 {
		h.events = nil
	}
	h.path = "/messages?api-version=2014-01"
	if first.PartitionID != "" {
		h.path = "/partitions/" + url.PathEscape(first.PartitionID) + h.path
	}
	return append(body, ']'), n
}

// SharedAccessSignature is the value of Authorization by a key (Event Hubs, Shared
// Access Signatures).
func SharedAccessSignature(resource, name, key string, expires time.Time) string {
	escaped, until := url.QueryEscape(resource), strconv.FormatInt(expires.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(escaped + "\n" + until)) // never fails
	return "SharedAccessSignature sr=" + escaped + "&sig=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))) + "&se=" + until + "&skn=" + url.QueryEscape(name)
}
