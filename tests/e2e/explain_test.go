package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toolgate/tests/peer"
)

// runLocal runs a command.
func runLocal(t *testing.T, env []string, args ...string) (code int, out string) {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: args, Dir: peer.Root(t), Env: env})
	return ended.ExitCode, string(ended.Stdout) + string(ended.Stderr)
}

// A request that is explained becomes a table, a page, a trace to show again, and a
// record that tells what a change does.
func TestExplain(t *testing.T) {
	dir, out := exampleCopy(t), t.TempDir()
	page, traces, records := filepath.Join(out, "a.html"), filepath.Join(out, "a.json"), filepath.Join(out, "a.jsonl")
	code, text := runLocal(t, nil, "explain", dir, "--server", "petstore", "--tool", "getPet", "--args", `{"id":1}`, "--html", page, "--json", traces, "--record", records)
	if code != 0 || strings.Contains(text, "\x1b") {
		t.Fatalf("got exit code %d\n%s", code, text)
	}
	wantText(t, text, "petstore tools/call getPet", "status 200", "set-header", "api inbound", "policies/petstore.xml:", "GET http://127.0.0.1:8081/pets/1")
	content, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(content), "<h1>Request trace</h1>") {
		t.Errorf("the page: got %s, %v", content, err)
	}
	code, again := runLocal(t, nil, "explain", "--trace", traces)
	if code != 0 || again != text {
		t.Errorf("the trace again: got exit code %d\n%s\nwant\n%s", code, again, text)
	}
	code, text = runLocal(t, nil, "explain", "--replay", records, dir)
	if code != 0 || text != "1 record decided as before\n" {
		t.Errorf("nothing changed: got exit code %d\n%s", code, text)
	}
	replace(t, filepath.Join(dir, "policies", "petstore.xml"), "X-Tool", "X-Caller")
	code, text = runLocal(t, nil, "explain", "--replay", records, dir)
	if code != 1 {
		t.Errorf("a changed policy: got exit code %d", code)
	}
	wantText(t, text, "record 1 ", "petstore tools/call getPet", "request 1 header X-Caller: none → getPet", "1 of 1 record decided otherwise")
}

func TestExplainFaults(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"explain"}, "name the folder"},
		{[]string{"explain", "local/examples/gateway"}, "say which request"},
		{[]string{"explain", "local/examples/gateway", "--server", "notes", "--request", "x"}, "not both"},
		{[]string{"explain", "local/examples/gateway", "--server", "notes", "--tool", "a", "--args", "["}, "the arguments are no JSON object"},
		{[]string{"explain", "local/examples/gateway", "--server", "notes", "--subscription", "x"}, "is no scope"},
		{[]string{"explain", "--trace", "README.md"}, "reading the trace"},
		{[]string{"explain", "--replay", "README.md", "local/examples/gateway"}, "README.md: reading line 1"},
		{[]string{"trace", "token", "local/examples/gateway", "--server", "notes"}, `give gateway.yaml a "sealingKey"`},
	} {
		if code, text := runLocal(t, nil, c.args...); code != 1 || !strings.Contains(text, c.want) {
			t.Errorf("%q: got exit code %d\n%swant %q", c.args, code, text, c.want)
		}
	}
	if code, text := runLocal(t, nil, "trace", "tokn"); code != 2 || !strings.Contains(text, `did you mean "token"?`) {
		t.Errorf("got exit code %d\n%s", code, text)
	}
}

// A debug token that the command issues has the gateway keep a trace, which both the
// token and the command find.
func TestTraceCommand(t *testing.T) {
	dir := t.TempDir()
	env := []string{"SEALING_KEY=a sealing key of tests, and of nobody else"}
	for name, content := range map[string]string{
		"gateway.yaml": "name: contoso\nsealingKey: { secret: \"env:SEALING_KEY\" }\napis:\n  hello: { path: hello, policy: hello.xml, operations: { greet: { method: GET, urlTemplate: / } } }\n",
		"hello.xml":    `<policies><inbound><return-response><set-body>Hello.</set-body></return-response></inbound></policies>`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, text := runLocal(t, env, "trace", "token", dir, "--server", "helo"); code != 1 || !strings.Contains(text, `did you mean "hello"?`) {
		t.Errorf("an unknown API: got exit code %d\n%s", code, text)
	}
	if code, text := runLocal(t, env, "trace", "token", dir, "--server", "hello", "--expires", "61m"); code != 1 || !strings.Contains(text, "at most 1h") {
		t.Errorf("more than an hour: got exit code %d\n%s", code, text)
	}
	code, token := runLocal(t, env, "trace", "token", dir, "--server", "hello")
	if token = strings.TrimSpace(token); code != 0 || token == "" {
		t.Fatalf("got exit code %d\n%s", code, token)
	}
	t.Setenv("SEALING_KEY", "a sealing key of tests, and of nobody else")
	store := "file://" + filepath.Join(dir, "traces.db")
	p, base := startLocal(t, "serve", dir, "--store", store)
	get := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Apim-Debug-Authorization", token)
		res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	id := get("/hello").Header.Get("Apim-Trace-Id")
	if id == "" {
		t.Fatal("the response names no trace")
	}
	content, err := io.ReadAll(get("/hello/trace/" + id).Body)
	if err != nil || !strings.Contains(string(content), `"name":"return-response"`) {
		t.Errorf("got %s, %v", content, err)
	}
	p.Stop()
	code, text := runLocal(t, env, "trace", "get", id, dir, "--store", store)
	if code != 0 {
		t.Errorf("got exit code %d", code)
	}
	wantText(t, text, "hello GET greet", "status 200", "return-response", "hello.xml:1:20", "returned")
	if code, text := runLocal(t, env, "trace", "get", strings.Repeat("0", 32), dir, "--store", store); code != 1 || !strings.Contains(text, "no such trace") {
		t.Errorf("another id: got exit code %d\n%s", code, text)
	}
}
