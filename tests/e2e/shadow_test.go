package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A candidate beside a folder is told of in a file, which a report puts together.
func TestShadow(t *testing.T) {
	live, candidate := t.TempDir(), t.TempDir()
	for dir, status := range map[string]string{live: "200", candidate: "403"} {
		for name, content := range map[string]string{
			"gateway.yaml": "name: contoso\napis:\n  hello: { path: hello, policy: hello.xml, operations: { greet: { method: GET, urlTemplate: / } } }\n",
			"hello.xml":    `<policies><inbound><return-response><set-status code="` + status + `" reason="A" /></return-response></inbound></policies>`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	differences := filepath.Join(live, "differences.jsonl")
	p, base := startLocal(t, "serve", live, "--shadow", candidate, "--differences", differences)
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/hello", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("got status %d, want that of the live configuration", res.StatusCode)
		}
	}
	p.Stop()
	code, text := runLocal(t, nil, "shadow", "report", differences)
	if code != 0 {
		t.Errorf("got exit code %d", code)
	}
	wantText(t, text, "hello   GET greet  decision  3", "→ refused by api/inbound/return-response[1] at hello.xml:1:20", "0 the same, 3 different")
	code, text = runLocal(t, nil, "shadow", "report", "--json", differences)
	if code != 0 {
		t.Errorf("got exit code %d", code)
	}
	wantText(t, text, `"different": 3`, `"kind": "decision"`)
	if code, text := runLocal(t, nil, "shadow", "repotr", differences); code != 2 || !strings.Contains(text, `did you mean "report"?`) {
		t.Errorf("got exit code %d\n%s", code, text)
	}
	if code, text := runLocal(t, nil, "serve", live, "--shadow", filepath.Join(live, "none")); code != 1 || !strings.Contains(text, "none/gateway.yaml") {
		t.Errorf("got exit code %d\n%s", code, text)
	}
}
