package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// serveFolder serves a gateway over a folder, whose log is that of the process.
func serveFolder(t *testing.T, files map[string]string) (base string, p *peer.Process) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, base = startLocal(t, "serve", dir)
	return base, p
}

// hostile is a backend whose answers want to be too much.
func hostile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	const much = 1 << 30
	switch r.URL.Query().Get("kind") {
	case "bomb": // as long as it is read
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range much >> 20 {
			if _, err := z.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
		_ = z.Close()
	case "endless":
		for range much >> 20 {
			if _, err := w.Write([]byte(strings.Repeat(" ", 1<<20))); err != nil {
				return
			}
		}
	case "claimed": // and never sent
		w.Header().Set("Content-Length", fmt.Sprint(much))
		_, _ = io.WriteString(w, "{}")
	case "deep":
		_, _ = io.WriteString(w, strings.Repeat(`{"a":[`, 60_000)+"1"+strings.Repeat("]}", 60_000))
	case "names":
		_, _ = io.WriteString(w, `{"a":1,"a":2}`)
	case "header":
		for i := range 4 << 10 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 1<<10))
		}
	case "status":
		w.WriteHeader(http.StatusSwitchingProtocols)
	default:
		_, _ = io.WriteString(w, `{"fine":true}`)
	}
}

const hostileDocument = `
openapi: 3.1.0
info: { title: Hostile, version: "1" }
paths:
  /:
    get:
      operationId: ask
      parameters: [ { name: kind, in: query, schema: { type: string } } ]
      responses: { "200": { description: It., content: { application/json: { schema: {} } } } }
`

// Whatever a backend answers, the tool's result is small, and comes in time; the
// gateway goes on.
func TestHostileAnswers(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(hostile))
	t.Cleanup(backend.Close)
	base, _ := serveFolder(t, map[string]string{
		"hostile.yaml": hostileDocument,
		"gateway.yaml": "name: contoso\nlimits: { resultBytes: 64KiB, timeout: 10s }\nbackends: { b: { url: " + backend.URL + " } }\napis: { a: { openapi: hostile.yaml, backend: b } }\nservers: { s: { api: a } }\n",
	})
	for _, c := range []struct {
		kind   string
		failed bool
	}{
		{"", false}, {"bomb", false}, {"endless", false}, {"claimed", true}, {"deep", false}, {"names", false}, {"header", true}, {"status", true}, {"", false},
	} {
		begun := time.Now()
		a := message(t, base, "tools/call", `{"name":"ask","arguments":{"kind":"`+c.kind+`"}}`)
		size := 0
		for _, block := range a.Result.Content {
			size += len(block.Text)
		}
		if took := time.Since(begun); took > 30*time.Second || size == 0 || size > 65<<10 {
			t.Errorf("%q: got %d bytes of text after %v", c.kind, size, took)
		}
		if a.status != http.StatusOK || a.Error.Code != 0 || a.Result.IsError != c.failed {
			t.Errorf("%q: got status %d, error %+v, isError %v, want a failure: %v", c.kind, a.status, a.Error, a.Result.IsError, c.failed)
		}
	}
}

// message sends a message of a legacy client.
func message(t *testing.T, base, method, params string) answer {
	t.Helper()
	quoted, err := json.Marshal(method)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"jsonrpc":"2.0","id":1,"method":` + string(quoted) + `,"params":` + params + `}`
	return send(t, base+"/s/mcp", strings.NewReader(body), int64(len(body)), nil)
}

// What a client sends is written on one line of the log, and cannot speak to the
// terminal.
func TestLogIsOfOneLine(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(hostile))
	t.Cleanup(backend.Close)
	base, p := serveFolder(t, map[string]string{
		"hostile.yaml": hostileDocument,
		"gateway.yaml": "name: contoso\nbackends: { b: { url: " + backend.URL + " } }\napis: { a: { openapi: hostile.yaml, backend: b } }\nservers: { s: { api: a } }\n",
	})
	names := []string{"x\nforged line", "x\r\x1b[2Jforged", "x\u202eforged", "x\u2028forged", "x\x07forged", "x\u009bforged"}
	for _, name := range names {
		quoted, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		message(t, base, "tools/call", `{"name":`+string(quoted)+`,"arguments":{}}`)
	}
	message(t, base, "forged\nmethod\x1b[2J", "{}")
	message(t, base, "last", "{}")
	waitForLog(t, p, " last ")
	for line := range strings.SplitSeq(p.Log(), "\n") {
		if strings.HasPrefix(line, "forged") || strings.HasPrefix(line, "method") {
			t.Errorf("got the line %q", line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' && r != '\r' }); i >= 0 {
			t.Errorf("got a character that is none to print in %q", line)
		}
	}
}
