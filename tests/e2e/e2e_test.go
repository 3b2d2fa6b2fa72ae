package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toolgate/local/examples/petstore"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// startPetstore serves the example backend and returns its URL.
func startPetstore(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(petstore.New())
	t.Cleanup(s.Close)
	return s.URL
}

// buildExample builds the example folder with the command a user runs, and
// returns the snapshot.
func buildExample(t *testing.T, petstoreURL string) string {
	t.Helper()
	snapshot := filepath.Join(t.TempDir(), "gateway.snapshot")
	out := peer.Run(t, peer.Command{
		Path: peer.Build(t, "./local"),
		Args: []string{"build", filepath.Join(peer.Root(t), "local", "examples", "gateway"), "-o", snapshot},
		Env:  []string{"PETSTORE_URL=" + petstoreURL},
	})
	if out.ExitCode != 0 {
		t.Fatalf("build: exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	wantText(t, string(out.Stdout), "petstore: of 6 operations in apis/petstore.yaml, 6 exact")
	return snapshot
}

// waitFor polls a URL as the Functions host does, until there is any answer.
func waitFor(t *testing.T, url string) {
	t.Helper()
	for range 400 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
			res.Body.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("%s never answered", url)
}

func callGetPet() io.Reader {
	return strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getPet","arguments":{"id":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
}

func setModernHeaders(h http.Header, method, name string) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	h.Set("MCP-Protocol-Version", "2026-07-28")
	h.Set("Mcp-Method", method)
	h.Set("Mcp-Name", name)
}

// checkPet checks the answer to callGetPet.
func checkPet(t *testing.T, status int, contentType string, body io.Reader) {
	t.Helper()
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Result struct {
			ResultType        string
			StructuredContent petstore.Pet
		}
	}
	if err := json.Unmarshal(raw, &answer, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	if status != http.StatusOK || contentType != "application/json" || answer.Result.ResultType != "complete" || answer.Result.StructuredContent.Name != "Bruno" {
		t.Errorf("got %d %s %s", status, contentType, raw)
	}
}

func wantText(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}
