package costs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// streamWriter is the response of a stream.
type streamWriter struct {
	*io.PipeWriter
	header http.Header
}

func (w *streamWriter) Header() http.Header { return w.header }
func (w *streamWriter) WriteHeader(int)     {}
func (w *streamWriter) Flush()              {}

// openStream opens a stream of HTTP+SSE on an instance, and returns the path for
// its messages. The messages that come are sent to the channel.
func (w *world) openStream(ctx context.Context, instance int) (path string, messages chan string) {
	reader, writer := io.Pipe()
	go func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://gateway/orders/sse", nil)
		r.Header.Set("Accept", "text/event-stream")
		w.instances[instance].ServeHTTP(&streamWriter{writer, http.Header{}}, r)
		_ = writer.Close() // it returns no error
	}()
	messages = make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				messages <- data
			}
		}
		close(messages)
	}()
	return <-messages, messages
}

// kinds are what is measured of a stream: to which of two instances messages go,
// one a minute; -1 is none.
var kinds = []struct {
	how string
	to  int
}{
	{"an open stream, for each minute", -1},
	{"a message, to the instance with the stream, besides", 0},
	{"a message, to another instance, besides", 1},
}

// streams counts the operations of a stream, and of its messages.
func streams(t *testing.T, content []byte) (list []measured) {
	const minutes = 10 // within the life of a stream
	for _, k := range kinds {
		m := measured{policy: stream, how: k.how, calls: minutes}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, content, 2)
			ctx, cancel := context.WithCancel(t.Context())
			path, messages := w.openStream(ctx, 0)
			w.ask(t, 0, path, messages, 0, `"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"c","version":"1"}}`)
			time.Sleep(time.Minute)
			before := w.store.counted()
			for n := range minutes {
				if k.to >= 0 {
					w.ask(t, k.to, path, messages, n+1, `"tools/list"`)
				}
				time.Sleep(time.Minute)
			}
			m.operations = w.store.counted().minus(before)
			cancel()
			for range messages { // until the stream has ended
			}
		})
		if k.to >= 0 {
			m.operations = m.minus(list[0].operations)
		}
		list = append(list, m)
	}
	return list
}

// ask sends a request to an instance, and awaits its answer on the stream.
func (w *world) ask(t *testing.T, instance int, path string, messages <-chan string, id int, method string) {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s}`, id, method)
	if got := w.serve(instance, post(t.Context(), path, body)); got != http.StatusAccepted {
		t.Fatalf("%s: got %d, want 202", body, got)
	}
	if got, want := <-messages, fmt.Sprintf(`"id":%d,`, id); !strings.Contains(got, want) {
		t.Errorf("%s: got %s, want %s", body, got, want)
	}
}
