package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"

	"toolgate/shared/trace"
)

// recorder appends calls to a file of records. A nil recorder records nothing.
type recorder struct {
	log *slog.Logger

	mu   sync.Mutex
	file *os.File
}

// openRecorder opens the file; nil where none is named.
func openRecorder(path string, log *slog.Logger) (*recorder, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("writing the records: %w", err)
	}
	return &recorder{log: log, file: file}, nil
}

// bodies is how many bytes of what was asked are recorded.
func (r *recorder) bodies() int {
	if r == nil {
		return 0
	}
	return recordedBytes
}

// add appends the record of a call. What was no message has none.
func (r *recorder) add(t *trace.Trace) {
	if r == nil {
		return
	}
	one := t.Record()
	if one == nil {
		return
	}
	line, err := trace.AppendRecord(nil, one)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, err = r.file.Write(line)
	}
	if err != nil {
		r.log.Error("a call is not recorded", "server", t.Server, "method", t.Method, "error", err)
	}
}

func (r *recorder) close() {
	if r != nil {
		_ = r.file.Close() // each line was written by itself
	}
}
