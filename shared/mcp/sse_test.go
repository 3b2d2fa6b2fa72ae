package mcp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEventReader(t *testing.T) {
	for _, c := range []struct{ name, stream, want string }{
		{"one event", "data: a\n\n", "a"},
		{"no space", "data:a\n\n", "a"},
		{"two spaces keep one", "data:  a\n\n", " a"},
		{"several lines", "data: a\ndata: b\n\n", "a\nb"},
		{"type and id", "event: message\nid: 7\ndata: a\n\n", "message/7/a"},
		{"comment", ": keep-alive\n\ndata: a\n\n", "a"},
		{"retry", "retry: 5\ndata: a\n\n", "a"},
		{"carriage returns", "data: a\r\rdata: b\r\r", "a|b"},
		{"both", "data: a\r\n\r\ndata: b\r\n\r\n", "a|b"},
		{"byte order mark", "\ufeffdata: a\n\n", "a"},
		{"unfinished", "data: a\n\ndata: b\n", "a"},
		{"no data", "event: x\n\ndata: a\n\n", "a"},
		{"empty data", "data\n\n", ""},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.stream), iotest.OneByteReader(strings.NewReader(c.stream))} {
			var got []string
			events := NewEventReader(r, 100)
			for {
				e, err := events.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				text := string(e.Data)
				if e.Type != "" {
					text = e.Type + "/" + e.ID + "/" + text
				}
				got = append(got, text)
			}
			if strings.Join(got, "|") != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		}
	}
}

// A lone carriage return ends a line: the event must not wait for the byte after.
func TestEventReaderDoesNotWait(t *testing.T) {
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "data: a\r\r") }()
	if e, err := NewEventReader(r, 100).Next(); err != nil || string(e.Data) != "a" {
		t.Errorf("got %q, %v", e.Data, err)
	}
}

func TestEventReaderLimits(t *testing.T) {
	for _, stream := range []string{
		"data: " + strings.Repeat("x", 200) + "\n\n",
		strings.Repeat("data: xxxxxxxxxx\n", 20) + "\n",
		strings.Repeat("x", 500),
	} {
		if _, err := NewEventReader(strings.NewReader(stream), 100).Next(); !errors.Is(err, ErrEventTooLarge) {
			t.Errorf("%.20q…: got %v, want %v", stream, err, ErrEventTooLarge)
		}
	}
}

func TestAppendEvent(t *testing.T) {
	for _, c := range []struct{ id, json, want string }{
		{"", `{"a":1}`, "event: message\ndata: {\"a\":1}\n\n"},
		{"7", `{}`, "event: message\nid: 7\ndata: {}\n\n"},
		{"", "{\r\n\"a\":1\n}", "event: message\ndata: {\ndata: \"a\":1\ndata: }\n\n"},
		{"", "{\r\"a\":1}", "event: message\ndata: { \"a\":1}\n\n"},
	} {
		if got := string(AppendEvent(nil, c.id, []byte(c.json))); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func FuzzEventReader(f *testing.F) {
	f.Add("event: message\ndata: {}\n\n: c\r\ndata: x\r\r")
	f.Fuzz(func(t *testing.T, stream string) {
		events := NewEventReader(strings.NewReader(stream), 1000)
		for {
			e, err := events.Next()
			if err != nil {
				return
			}
			if len(e.Data) > 1000 {
				t.Fatalf("an event of %d bytes passed the limit", len(e.Data))
			}
			again, err := NewEventReader(strings.NewReader(string(AppendEvent(nil, "", e.Data))), 2000).Next()
			if want := strings.ReplaceAll(string(e.Data), "\r", " "); err != nil && len(e.Data) > 0 || string(again.Data) != want && len(e.Data) > 0 && !strings.HasSuffix(want, "\n") {
				t.Fatalf("%q came back as %q, %v", e.Data, again.Data, err)
			}
		}
	})
}
