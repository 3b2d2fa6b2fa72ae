package mcp

import (
	"strconv"
	"time"
)

// LastID is the id of the last complete event, with or without data; empty when
// there was none. A client that sends it as Last-Event-ID asks for what follows
// (2025-11-25, basic/transports, resumability and redelivery).
func (r *EventReader) LastID() string { return r.lastID }

// Retry is how long the server asks a client to wait before it connects again;
// 0 when it did not say.
func (r *EventReader) Retry() time.Duration { return r.retry }

// setRetry takes a field "retry", which counts only when it is all digits.
func (r *EventReader) setRetry(value []byte) {
	if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
		r.retry = time.Duration(ms) * time.Millisecond
	}
}
