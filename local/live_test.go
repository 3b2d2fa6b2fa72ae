package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/trace"

	"github.com/go-json-experiment/json"
)

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)} }

func toolCall(server, name string, took time.Duration) gateway.Call {
	return gateway.Call{Server: server, Method: mcp.MethodCallTool, Name: name, Status: 200, Duration: took}
}

func TestLiveRows(t *testing.T) {
	at := newClock()
	l := newLive(at.now)
	for i := range 20 {
		l.add(toolCall("orders", "getOrder", time.Duration(i+1)*time.Millisecond))
	}
	at.at = at.at.Add(2 * activitySlice)
	busy := toolCall("orders", "getOrder", time.Second)
	busy.Status = 429
	l.add(busy)
	l.add(gateway.Call{Server: "orders", Method: mcp.MethodListTools, Status: 500})
	v, seq, _ := l.view(20)
	if seq != 22 || len(v.Latest) != 2 || v.Latest[0].Outcome != refused || v.Latest[1].Outcome != failed {
		t.Fatalf("got %d and %+v", seq, v.Latest)
	}
	if len(v.Rows) != 2 || v.Calls != 22 || v.Refused != 1 || v.Failed != 1 {
		t.Fatalf("got %+v", v)
	}
	r := v.Rows[0]
	if r.Name != "getOrder" || !r.Tool || r.Calls != 21 || r.Refused != 1 || r.P50 != 11 || r.P95 != 20 {
		t.Errorf("got %+v", r)
	}
	end := activitySlices - 1
	if r.Activity[end-2] != 20 || r.Activity[end-1] != 0 || r.Activity[end] != 1 || r.Bad[end] != 1 {
		t.Errorf("got the activity %v and %v", r.Activity, r.Bad)
	}
	at.at = at.at.Add(activitySlices * activitySlice)
	if v, _, _ = l.view(seq); len(v.Latest) != 0 || strings.Trim(fmt.Sprint(v.Rows[0].Activity), "[0 ]") != "" {
		t.Errorf("after 5 minutes: got %v", v.Rows[0].Activity)
	}
}

// What clients make up does not fill the memory.
func TestLiveIsBounded(t *testing.T) {
	l := newLive(newClock().now)
	for i := range 3 * keptCalls {
		id := fmt.Sprint("trace", i)
		l.keep(&trace.Trace{ID: id, Status: 200})
		c := toolCall("orders", fmt.Sprint("tool", i), time.Millisecond)
		c.TraceID = id
		l.add(c)
	}
	v, _, _ := l.view(0)
	if len(v.Rows) != keptRows || len(v.Latest) != keptCalls || v.Calls != 3*keptCalls {
		t.Errorf("got %d rows, %d calls, %d counted", len(v.Rows), len(v.Latest), v.Calls)
	}
	last := v.Latest[keptCalls-1]
	if last.Seq != 3*keptCalls || last.Trace == "" || l.trace(last.Trace) == nil || l.trace("trace0") != nil {
		t.Errorf("got %+v", last)
	}
}

func TestLiveReasons(t *testing.T) {
	limit := trace.Step{Kind: trace.Policy, Name: "rate-limit-by-key", ID: "few", At: "policies/notes.xml:8:9", Outcome: trace.Failed,
		Failure: &trace.Failure{Source: "rate-limit-by-key", Reason: "RateLimitExceeded", Message: "Try again.", Status: 429}}
	around := trace.Step{Kind: trace.Policy, Name: "choose", Outcome: trace.Failed, Steps: []trace.Step{limit}}
	answer := trace.Step{Kind: trace.Policy, Name: "return-response", At: "policies/global.xml:3:5", Outcome: trace.Returned}
	request := trace.Step{Kind: trace.Request, Name: "GET http://127.0.0.1/orders/1", Effects: []trace.Effect{{Kind: "status", After: "404"}}}
	for _, c := range []struct {
		name  string
		call  gateway.Call
		steps []trace.Step
		want  string
	}{
		{"by a policy", gateway.Call{Status: 429, Err: errors.New("text")}, []trace.Step{around}, "refused|rate-limit-by-key #few|policies/notes.xml:8:9|RateLimitExceeded|Try again."},
		{"told to the model", gateway.Call{Status: 200, Failed: true}, []trace.Step{around}, "refused|rate-limit-by-key #few|policies/notes.xml:8:9|RateLimitExceeded|Try again."},
		{"got over", gateway.Call{Status: 200}, []trace.Step{around}, "ok||||"},
		{"answered by a policy", gateway.Call{Status: 403}, []trace.Step{answer}, "refused|return-response|policies/global.xml:3:5||answered 403"},
		{"kept for all", gateway.Call{Status: 200}, []trace.Step{answer}, "ok|return-response|policies/global.xml:3:5||"},
		{"the backend", gateway.Call{Status: 200, Failed: true}, []trace.Step{request}, "failed||||the backend answered 404"},
		{"a wrong request", gateway.Call{Status: 200, Err: &mcp.Error{Code: mcp.CodeInvalidParams, Message: "unknown tool"}}, nil, "refused||||unknown tool (-32602)"},
		{"looking for a stream", gateway.Call{Method: "GET", Status: 405}, nil, "ok||||"},
		{"without a trace", gateway.Call{Status: 500, Err: errors.New("no connection")}, nil, "failed||||no connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLive(newClock().now)
			if c.steps != nil {
				c.call.TraceID = "1"
				l.keep(&trace.Trace{ID: "1", Status: c.call.Status, Failed: c.call.Failed, Steps: c.steps})
			}
			l.add(c.call)
			v, _, _ := l.view(0)
			one := v.Latest[0]
			if got := strings.Join([]string{string(one.Outcome), one.Policy, one.At, one.Code, one.Reason}, "|"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLivePage(t *testing.T) {
	l := newLive(newClock().now)
	l.keep(&trace.Trace{ID: "abc", Server: "orders", Method: mcp.MethodCallTool, Name: "<b>getOrder", Status: 200})
	get := func(path string, change func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080"+path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:50000"
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		if !l.servePage(t.Context(), w, r) {
			w.Code = 0
		}
		return w
	}
	for path, kind := range map[string]string{"/_live": "text/html", "/_live/": "text/html", "/_live/page.css": "text/css", "/_live/page.js": "text/javascript", "/_live/icon.svg": "image/svg+xml", "/_live/calls/abc": "text/html"} {
		w := get(path, nil)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %v", path, w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "https://") {
			t.Errorf("%s names something elsewhere", path)
		}
	}
	if page := get("/_live/calls/abc", nil).Body.String(); strings.Contains(page, "<b>getOrder") || !strings.Contains(page, "getOrder") {
		t.Errorf("got %s", page)
	}
	if w := get("/_live", nil); regexp.MustCompile(`<script>|<style|\son\w+=|\sstyle=`).MatchString(w.Body.String()) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the page has what its policy forbids")
	}
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		want   int // 0: not served
	}{
		"from another machine":         {"/_live", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:50000" }, 0},
		"by another name":              {"/_live", func(r *http.Request) { r.Host = "rebound.contoso.com:8080" }, 0},
		"through a proxy":              {"/_live/events", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 0},
		"by localhost":                 {"/_live", func(r *http.Request) { r.Host = "localhost" }, 200},
		"by the other loopback":        {"/_live", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:50000", "[::1]:8080" }, 200},
		"another path":                 {"/_lively", nil, 0},
		"a server":                     {"/orders/mcp", nil, 0},
		"written to":                   {"/_live", func(r *http.Request) { r.Method = http.MethodPost }, 405},
		"what is not there":            {"/_live/../main.go", nil, 404},
		"a trace that is not there":    {"/_live/calls/abcd", nil, 404},
		"from an address that is none": {"/_live", func(r *http.Request) { r.RemoteAddr = "" }, 0},
	} {
		if w := get(c.path, c.change); w.Code != c.want {
			t.Errorf("%s: got %d, want %d", name, w.Code, c.want)
		}
	}
}

// nextEvent reads the next event of a stream: its id and what it says.
func nextEvent(t *testing.T, lines *bufio.Scanner) (id string, e liveEvent) {
	t.Helper()
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = text
		}
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			return id, e
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return "", e
}

func TestLiveEvents(t *testing.T) {
	l := newLive(time.Now)
	ended, end := context.WithCancel(t.Context())
	defer end()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.servePage(ended, w, r) }))
	defer s.Close()
	connect := func(after string) *bufio.Scanner {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/_live/events", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if after != "" {
			r.Header.Set("Last-Event-ID", after)
		}
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		return lines
	}
	l.add(toolCall("orders", "getOrder", time.Millisecond))
	stream := connect("")
	_, first := nextEvent(t, stream)
	l.add(toolCall("orders", "createOrder", time.Millisecond))
	id, second := nextEvent(t, stream)
	if len(first.Latest) != 1 || len(second.Latest) != 1 || second.Latest[0].Name != "createOrder" || second.Calls != 2 || second.Began != first.Began {
		t.Errorf("got %+v and %+v", first, second)
	}
	l.add(toolCall("orders", "cancelOrder", time.Millisecond))
	if _, e := nextEvent(t, connect(id)); len(e.Latest) != 1 || e.Latest[0].Name != "cancelOrder" {
		t.Errorf("after %s: got %+v", id, e.Latest)
	}
	if _, e := nextEvent(t, connect("another-2")); len(e.Latest) != 3 {
		t.Errorf("after another run: got %+v", e.Latest)
	}
	end()
	for stream.Scan() {
		continue
	}
	if err := stream.Err(); err != nil {
		t.Errorf("got %v, want the end of the stream", err)
	}
}

// terminal is a screen on a terminal of a size that tests choose.
func terminal(out io.Writer, l *live, width, height int) *screen {
	return &screen{out: out, live: l, size: func() (int, int, bool) { return width, height, true }}
}

func TestScreen(t *testing.T) {
	var out bytes.Buffer
	l := newLive(newClock().now)
	s := terminal(&out, l, 80, 24)
	write := func(text string) {
		if _, err := io.WriteString(s, text); err != nil {
			t.Fatal(err)
		}
	}
	write("listening\nhalf a li")
	s.show(false)
	if got, want := out.String(), "listening\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	l.add(toolCall("orders", "getOrder", 3*time.Millisecond))
	l.add(gateway.Call{Server: "orders", Method: mcp.MethodCallTool, Name: "列\x1b[2J", Status: 429})
	write("ne\n")
	s.show(false)
	want := `half a line
────────────────────────────────────────────────────────────────────────────────
2 calls · 1 refused · 0 failed · p50 0.0 ms · p95 3.0 ms
SERVER  TOOL       CALLS  REFUSED  FAILED   P50 ms   P95 ms  5 MIN
orders  getOrder       1        ·       ·      3.0      3.0                █
orders  ??[2J          1        1       ·      0.0      0.0                █
`
	trimmed := regexp.MustCompile(` +\n`).ReplaceAllString(out.String(), "\n")
	if trimmed != want {
		t.Errorf("got\n%s\nwant\n%s", trimmed, want)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
	out.Reset()
	s.show(false)
	if out.Len() != 0 {
		t.Errorf("nothing has changed: got %q", out.String())
	}
	write("reloaded\n")
	s.show(false)
	if !strings.HasPrefix(out.String(), "\x1b[5A\r\x1b[Jreloaded\n──") {
		t.Errorf("got %q", out.String())
	}
	out.Reset()
	s.stop = func() {}
	write("the end")
	s.close()
	if !strings.HasPrefix(out.String(), "\x1b[5A\r\x1b[Jthe end\n──") || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("got %q", out.String())
	}
}

// The table fits every terminal, or is not there.
func TestScreenSizes(t *testing.T) {
	l := newLive(newClock().now)
	for i := range 40 {
		l.add(toolCall("a-server-with-a-long-name", strings.Repeat("long", 20)+fmt.Sprint(i), time.Millisecond))
	}
	l.add(toolCall("b", "busy", time.Millisecond))
	l.add(toolCall("b", "busy", time.Millisecond))
	for width := 1; width < 200; width++ {
		for _, height := range []int{1, 11, 12, 24, 60, 200} {
			var out bytes.Buffer
			s := terminal(&out, l, width, height)
			s.show(false)
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if width < leastWidth || height < leastHeight {
				if out.Len() > 0 {
					t.Fatalf("%d × %d: got %q", width, height, out.String())
				}
				continue
			}
			if len(lines) >= height || !strings.Contains(out.String(), "busy") && width > 60 {
				t.Fatalf("%d × %d: got %d lines\n%s", width, height, len(lines), out.String())
			}
			for _, line := range lines {
				if n := len([]rune(line)); n > width {
					t.Fatalf("%d × %d: a line of %d columns: %q", width, height, n, line)
				}
			}
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		list []int
		room int
		want string
	}{
		{[]int{0, 1, 2, 4, 8}, 5, " ▁▂▄█"},
		{[]int{0, 0, 3, 5}, 2, " █"},
		{[]int{0, 0}, 2, "  "},
		{[]int{1}, 0, ""},
	} {
		if got := bars(c.list, c.room); got != c.want {
			t.Errorf("%v in %d: got %q, want %q", c.list, c.room, got, c.want)
		}
	}
}
