package e2e

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

const filesDocument = `
openapi: 3.1.0
info: { title: Files, version: "1" }
paths:
  /folders/{folder}/files/{name}:
    get:
      operationId: readFile
      parameters:
        - { name: folder, in: path, required: true, schema: { type: string } }
        - { name: name, in: path, required: true, schema: { type: string } }
        - { name: X-Reason, in: header, schema: { type: string } }
        - { name: version, in: query, schema: { type: integer } }
      responses: { "200": { description: The file. } }
`

// startFiles serves a gateway in front of a backend that keeps the path of the
// last request.
func startFiles(t *testing.T) (base string, seen *atomic.Pointer[string]) {
	t.Helper()
	seen = new(atomic.Pointer[string])
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(new(r.RequestURI))
		_, _ = io.WriteString(w, "content")
	}))
	t.Cleanup(backend.Close)
	dir := t.TempDir()
	files := map[string]string{
		"files.yaml":   filesDocument,
		"gateway.yaml": "name: files\nbackends: { files: { url: " + backend.URL + "/v1 } }\napis: { files: { openapi: files.yaml, backend: files } }\nservers: { files: { api: files } }\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return peer.GatewayFolder(t, dir), seen
}

type answer struct {
	status int
	Result struct {
		IsError bool
		Content []struct{ Text string }
	}
	Error struct {
		Code    int
		Message string
	}
}

func send(t *testing.T, endpoint string, body io.Reader, length int64, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = length
	req.Header.Set("Content-Type", "application/json")
	maps.Copy(req.Header, header)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &a, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return a
}

// What bends no rule reaches the backend; this shows that the tests below could
// see it.
func TestFriendlyInput(t *testing.T) {
	base, seen := startFiles(t)
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"readFile","arguments":{"folder":"a b/ü","name":"x..y","version":3}}}`
	if a := send(t, base+"/files/mcp", strings.NewReader(body), int64(len(body)), nil); a.Result.IsError || a.Error.Code != 0 {
		t.Fatalf("got %+v", a)
	}
	if got, want := *seen.Load(), "/v1/folders/a%20b%2F%C3%BC/files/x..y?version=3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever the arguments, the request stays on the operation's path, or is not
// sent.
func TestArgumentsCannotBendTheRequest(t *testing.T) {
	base, seen := startFiles(t)
	for _, value := range []string{
		"..", ".", "../x", "x/../../y", `..\x`, "%2e%2e", "%2e%2e%2fadmin", "%252e%252e%252fadmin", "..%2f..", "",
		"a\r\nHost: evil.example", "a\x00b", "x/..", "x/./y",
	} {
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"readFile","arguments":{"folder":` + string(quoted) + `,"name":"n"}}}`
		a := send(t, base+"/files/mcp", strings.NewReader(body), int64(len(body)), nil)
		if !a.Result.IsError || len(a.Result.Content) == 0 || !strings.Contains(a.Result.Content[0].Text, "folder") {
			t.Errorf("%q: got %+v, want a refusal that names the argument", value, a)
		}
		if uri := seen.Swap(nil); uri != nil {
			t.Errorf("%q: the backend saw %s", value, *uri)
		}
	}
	for _, header := range []string{"a\r\nX-Admin: 1", "a\nb", "a\x00"} {
		quoted, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"readFile","arguments":{"folder":"f","name":"n","X-Reason":` + string(quoted) + `}}}`
		a := send(t, base+"/files/mcp", strings.NewReader(body), int64(len(body)), nil)
		if uri := seen.Swap(nil); !a.Result.IsError || uri != nil {
			t.Errorf("header %q: got %+v, the backend saw %v", header, a, uri)
		}
	}
}

func TestHostileMessages(t *testing.T) {
	base, seen := startFiles(t)
	call := func(params string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + params + `}`
	}
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	modern := http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"readFile"}}
	with := func(name string, values ...string) http.Header {
		h := modern.Clone()
		h[name] = values
		return h
	}
	good := `{"name":"readFile","arguments":{"folder":"f","name":"n"},` + meta + `}`
	for _, c := range []struct {
		name, body string
		header     http.Header
		status     int
		code       int // JSON-RPC; 0: a result with isError
	}{
		{"duplicate key", call(`{"name":"readFile","name":"other"}`), nil, 400, -32700},
		{"duplicate key in the arguments", call(`{"name":"readFile","arguments":{"folder":"a","folder":"..","name":"n"}}`), nil, 400, -32700},
		{"deep nesting", call(`{"name":"readFile","arguments":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + `}`), nil, 400, -32600},
		{"unclosed nesting", strings.Repeat("[", 100_000), nil, 400, -32600},
		{"invalid UTF-8", call("{\"name\":\"read\xffFile\"}"), nil, 400, -32700},
		{"name is a number", call(`{"name":5}`), nil, 200, -32602},
		{"arguments is an array", call(`{"name":"readFile","arguments":[1]}`), nil, 200, 0},
		{"arguments is null", call(`{"name":"readFile","arguments":null}`), nil, 200, 0},
		{"argument of another type", call(`{"name":"readFile","arguments":{"folder":{"a":1},"name":"n"}}`), nil, 200, 0},
		{"unknown argument", call(`{"name":"readFile","arguments":{"folder":"a","name":"n","host":"evil.example"}}`), nil, 200, 0},
		{"params is an array", call(`[]`), nil, 400, -32600},
		{"id is an object", `{"jsonrpc":"2.0","id":{},"method":"tools/call"}`, nil, 400, -32600},
		{"another name in the header", call(good), with("Mcp-Name", "other"), 400, -32020},
		{"two names in the header", call(good), with("Mcp-Name", "readFile", "other"), 400, -32020},
		{"another method in the header", call(good), with("Mcp-Method", "tools/list"), 400, -32020},
		{"two versions in the header", call(good), with("Mcp-Protocol-Version", "2026-07-28", "2025-11-25"), 400, -32020},
		{"legacy header over a modern body", call(good), with("Mcp-Protocol-Version", "2025-11-25"), 400, -32020},
		{"foreign page", call(good), with("Origin", "http://evil.example"), 403, -32600},
	} {
		a := send(t, base+"/files/mcp", strings.NewReader(c.body), int64(len(c.body)), c.header)
		if a.status != c.status || a.Error.Code != c.code || c.code == 0 && !a.Result.IsError {
			t.Errorf("%s: got %+v, want %d and %d", c.name, a, c.status, c.code)
		}
		if uri := seen.Swap(nil); uri != nil {
			t.Errorf("%s: the backend saw %s", c.name, *uri)
		}
	}
}

// A body of 100 MB is refused by its length, before it is sent, and one of
// unknown length as soon as it has passed the limit.
func TestLargeBodies(t *testing.T) {
	base, _ := startFiles(t)
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	for _, c := range []struct{ length, size int64 }{{100 << 20, 100 << 20}, {-1, 4<<20 + 1000}} {
		body := &counted{r: io.LimitReader(spaces{}, c.size)}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/files/mcp", body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = c.length
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Expect", "100-continue")
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("length %d: got %d, want 413", c.length, res.StatusCode)
		}
		if sent := body.n.Load(); c.length > 0 && sent > 0 {
			t.Errorf("length %d: %d bytes were sent", c.length, sent)
		}
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
