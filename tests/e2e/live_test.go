package e2e

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// liveEvent is what the page of the live view is told.
type liveEvent struct {
	Calls, Refused int
	Rows           []struct{ Server, Name string }
	Latest         []struct{ Server, Name, Outcome, Code, Policy, At, Trace string }
}

// The page of the live view shows calls as they come, who refused them, and the way of
// each; it ends with the command.
func TestLive(t *testing.T) {
	p, base := startLocal(t)
	wantText(t, p.Log(), base+"/_live")
	page := open(t, base+"/_live")
	if html := body(t, page); page.StatusCode != http.StatusOK || !strings.Contains(html, "/_live/page.js") {
		t.Fatalf("got %d %s", page.StatusCode, html)
	}
	stream := open(t, base+"/_live/events")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 1<<20)
	notes := connect(t, base+"/notes/mcp", "2025-11-25")
	for range 20 {
		callTool(t, notes, "search_notes", map[string]any{"word": "mia"})
	}
	if _, err := notes.CallTool(t.Context(), &mcp.CallToolParams{Name: "search_notes", Arguments: map[string]any{"word": "mia"}}); err == nil {
		t.Fatal("the call beyond the limit was answered")
	}
	trace := ""
	for trace == "" {
		e := nextEvent(t, lines)
		for _, c := range e.Latest {
			if c.Outcome != "refused" {
				continue
			}
			if c.Server != "notes" || c.Name != "search_notes" || c.Policy != "rate-limit-by-key" || c.Code != "RateLimitExceeded" || c.At != "policies/notes.xml:8:9" {
				t.Errorf("got %+v", c)
			}
			trace = c.Trace
		}
		if trace != "" && (e.Refused != 1 || e.Calls < 21 || len(e.Rows) < 2) {
			t.Errorf("got %+v", e)
		}
	}
	explained := open(t, base+"/_live/calls/"+trace)
	wantText(t, body(t, explained), "rate-limit-by-key", "policies/notes.xml:8:9", "0 of 20 left")
	p.Stop()
	if _, err := io.Copy(io.Discard, stream.Body); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}

func nextEvent(t *testing.T, lines *bufio.Scanner) (e liveEvent) {
	t.Helper()
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &e, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return e
}

func open(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
