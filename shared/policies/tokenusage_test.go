package policies

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func TestPromptLetters(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"no JSON", "text", 0},
		{"no object", `["text"]`, 0},
		{"nothing", `{}`, 0},
		{"cut off", `{"prompt":"four","input":`, 4},
		{"a prompt", `{"prompt":["ab","cd"],"model":"long-name"}`, 4},
		{"messages", `{"messages":[{"role":"user","content":"abc"},{"role":"user","content":[{"type":"text","text":"dé"},{"type":"image_url","image_url":{"url":"data:…"}}]}]}`, 5},
		{"responses", `{"instructions":"ab","input":[{"role":"user","content":[{"type":"input_text","text":"cd"}]}]}`, 4},
		{"messages API", `{"system":[{"type":"text","text":"ab"}],"messages":[{"role":"user","content":"c"}]}`, 3},
		{"tools", `{"tools":[{"a":1}],"prompt":"a"}`, 10},
	} {
		if got := promptLetters([]byte(tt.body)); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// metered passes a body through a meter in parts, and returns what was read.
func metered(t *testing.T, kind string, body io.Reader) (*tokenMeter, string) {
	t.Helper()
	x := &policy.Exchange{}
	x.Request = &expr.Request{}
	x.Response = &expr.Response{StatusCode: http.StatusOK, Headers: http.Header{"Content-Type": {kind}}, Body: policy.NewStream(io.NopCloser(body), -1)}
	m := &tokenMeter{prompt: 3}
	m.watch(x)
	r := policy.Message{Response: x.Response}.Body().Reader()
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return m, string(got)
}

func TestTokenMeter(t *testing.T) {
	const events = "text/event-stream; charset=utf-8"
	for _, tt := range []struct {
		name, kind, body string
		want             tokenUsage
	}{
		{"a document", "application/json", `{"choices":[{"message":{"content":"12345678"}}],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":11}}`, tokenUsage{5, 6, 11}},
		{"a document without usage", "application/json", `{"choices":[{"message":{"role":"assistant","content":"12345678"}}]}`, tokenUsage{3, 2, 5}},
		{"usage elsewhere", "application/json", `{"output":{"usage":{"total_tokens":99}},"choices":[]}`, tokenUsage{3, 0, 3}},
		{"usage with details", "application/problem+json", `{"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"x":null,"completion_tokens":1}}`, tokenUsage{5, 1, 6}},
		{"embeddings", "application/json", `{"data":[{"embedding":[0.1,0.2]}],"usage":{"prompt_tokens":8,"total_tokens":8}}`, tokenUsage{8, 0, 8}},
		{"no JSON", "application/json", `oops`, tokenUsage{3, 0, 3}},
		{"a stream with usage", events, "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\r\n\r\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"total_tokens\":11}}\r\n\r\ndata: [DONE]\r\n\r\n", tokenUsage{5, 6, 11}},
		{"a stream without usage", events, "data: {\"choices\":[{\"delta\":{\"content\":\"1234567\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"89\"}}]}\n\ndata: [DONE]\n\n", tokenUsage{3, 3, 6}},
		{"messages", events, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":15}}\n\n", tokenUsage{25, 15, 40}},
		{"responses cut off", events, "data: {\"type\":\"response.output_text.delta\",\"delta\":\"12345678\"}\n\ndata: {\"type\":\"response.output_text.done\",\"text\":\"12345678\"}\n\n", tokenUsage{3, 2, 5}},
		{"an event without an end", events, "data: {\"usage\":{\"total_tokens\":7}}", tokenUsage{0, 0, 7}},
		{"an event that is too long", events, "data: {\"x\":\"" + strings.Repeat("x", maxTokenEvent) + "\"}\n\ndata: {\"usage\":{\"total_tokens\":7}}\n\n", tokenUsage{0, 0, 7}},
	} {
		for name, reader := range map[string]io.Reader{
			"at once": strings.NewReader(tt.body), "in parts": iotest.HalfReader(strings.NewReader(tt.body)), "with its end": iotest.DataErrReader(strings.NewReader(tt.body)),
		} {
			m, got := metered(t, tt.kind, reader)
			if got != tt.body {
				t.Errorf("%s, %s: the body changed on its way", tt.name, name)
			}
			if got, ok := m.usage(); got != tt.want || !ok {
				t.Errorf("%s, %s: got %+v, %v, want %+v", tt.name, name, got, ok, tt.want)
			}
		}
	}
}

func TestTokenMeterLeavesOthersAlone(t *testing.T) {
	m, _ := metered(t, "image/png", strings.NewReader("x"))
	if _, ok := m.usage(); ok {
		t.Error("an image counts as the answer of a model")
	}
}

// A stream is passed on as it comes, part by part.
func TestTokenMeterKeepsStreaming(t *testing.T) {
	from, to := io.Pipe()
	x := &policy.Exchange{}
	x.Request = &expr.Request{}
	x.Response = &expr.Response{StatusCode: http.StatusOK, Headers: http.Header{"Content-Type": {"text/event-stream"}}, Body: policy.NewStream(from, -1)}
	m := &tokenMeter{}
	m.watch(x)
	r := policy.Message{Response: x.Response}.Body().Reader()
	for _, part := range []string{"data: {\"usage\":", "{\"total_tokens\":7}}\n\n"} {
		go func() { _, _ = io.WriteString(to, part) }()
		buffer := make([]byte, 100)
		if n, err := r.Read(buffer); err != nil || string(buffer[:n]) != part {
			t.Fatalf("got %q, %v, want %q", buffer[:n], err, part)
		}
	}
	if got, _ := m.usage(); got.total != 7 { // before the stream has ended
		t.Errorf("got %+v, want a total of 7", got)
	}
}

func FuzzTokenMeter(f *testing.F) {
	f.Add([]byte(`{"usage":{"prompt_tokens":1}}`), true)
	f.Add([]byte("data: {\"delta\":\"x\"}\n\ndata:"), false)
	f.Add([]byte(`{"messages":[{"content":["a"]}],"tools":{}}`), true)
	f.Fuzz(func(t *testing.T, body []byte, whole bool) {
		m := &tokenMeter{events: !whole}
		for part := range slices.Chunk(body, 7) {
			m.see(part, false)
		}
		m.see(nil, true)
		if u, _ := m.usage(); u.prompt < 0 || u.completion < 0 || u.total < 0 {
			t.Errorf("got %+v", u)
		}
		if n := promptLetters(body); n < 0 || n > len(body) {
			t.Errorf("%d characters in %d bytes", n, len(body))
		}
	})
}

func TestInWords(t *testing.T) {
	for seconds, want := range map[int64]string{
		1: "1 second", 59: "59 seconds", 60: "1 minute", 2514: "41 minutes and 54 seconds", 3600: "1 hour",
		2*24*3600 + 14*3600 + 60: "2 days, 14 hours, and 1 minute",
	} {
		if got := inWords(seconds); got != want {
			t.Errorf("%d: got %q, want %q", seconds, got, want)
		}
	}
}
