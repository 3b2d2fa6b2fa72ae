package policytest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"toolgate/shared/policy"
)

// Writer writes a transcript. The zero Writer is empty. It is safe for
// concurrent use: policies may send requests at the same time.
type Writer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

// String is the transcript so far.
func (w *Writer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

// Printf writes a line.
func (w *Writer) Printf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.out, format+"\n", args...)
}

// Message writes a line, the headers of a message in order of their names, and
// its body, all indented.
func (w *Writer) Message(first string, header http.Header, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.WriteString(first)
	w.out.WriteByte('\n')
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(&w.out, "  %s: %s\n", name, value)
		}
	}
	if len(body) == 0 {
		return
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(body), "\n"), "\n") {
		fmt.Fprintf(&w.out, "  | %s\n", strings.TrimSuffix(line, "\r"))
	}
}

// Trace, Metric and Event serve policy.Sink.
func (w *Writer) Trace(_ *policy.Exchange, t policy.TraceRecord) {
	w.Printf("trace %s %s: %s%s", t.Severity, t.Source, t.Message, attrs(t.Metadata))
}

// Metric writes a metric.
func (w *Writer) Metric(_ *policy.Exchange, m policy.Metric) {
	w.Printf("metric %s/%s %v%s", m.Namespace, m.Name, m.Value, attrs(m.Dimensions))
}

// Event writes an event.
func (w *Writer) Event(_ *policy.Exchange, e policy.Event) {
	w.Printf("event %s %s%s: %s", e.Logger, e.PartitionID, e.PartitionKey, e.Text)
}

func attrs(list []policy.Attr) string {
	var out strings.Builder
	for _, a := range list {
		fmt.Fprintf(&out, " %s=%s", a.Name, a.Value)
	}
	return out.String()
}
