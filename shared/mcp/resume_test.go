package mcp

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestEventReaderRemembersWhereToResume(t *testing.T) {
	tests := []struct {
		name, stream string
		events       int
		id           string
		retry        time.Duration
	}{
		{"nothing said", "data: 1\n\n", 1, "", 0},
		{"id of a data event", "id: a_0\ndata: 1\n\n", 1, "a_0", 0},
		{"priming event with empty data", "id: a_0\ndata: \n\n", 1, "a_0", 0},
		{"priming event without data", "id: a_0\n\n", 0, "a_0", 0},
		{"an event without id keeps the last", "id: a_0\ndata: 1\n\ndata: 2\n\n", 2, "a_0", 0},
		{"an unfinished event does not count", "id: a_0\ndata: 1\n\nid: a_1\ndata: 2\n", 1, "a_0", 0},
		{"retry", "retry: 250\nid: a_0\n\n", 0, "a_0", 250 * time.Millisecond},
		{"retry that is no number", "retry: 2s\n\nretry: -1\n\n", 0, "", 0},
		{"retry beyond all bounds", "retry: 99999999999\n\n", 0, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewEventReader(strings.NewReader(tt.stream), 100)
			events := 0
			for {
				_, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("Next: %v", err)
				}
				events++
			}
			if events != tt.events || r.LastID() != tt.id || r.Retry() != tt.retry {
				t.Errorf("got %d events, id %q, retry %v, want %d, %q, %v", events, r.LastID(), r.Retry(), tt.events, tt.id, tt.retry)
			}
		})
	}
}
