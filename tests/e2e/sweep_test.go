package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"toolgate/tests/peer"
)

// The Functions host calls the timer of a custom handler by the name of its folder,
// and a client cannot.
func TestAzureSweep(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(peer.Root(t), "functions", "sweep", "function.json"))
	if err != nil {
		t.Fatal(err)
	}
	var function struct {
		Bindings []struct{ Type, Direction, Name, Schedule string }
	}
	if err := json.Unmarshal(data, &function, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if b := function.Bindings; len(b) != 1 || b[0].Type != "timerTrigger" || b[0].Direction != "in" || b[0].Schedule == "" {
		t.Errorf("bindings: got %v", b)
	}
	port := freePort(t)
	p, err := peer.Start(peer.Command{
		Path: peer.Build(t, "./functions/azure"),
		Env:  []string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + strconv.Itoa(port), "TOOLGATE_SNAPSHOT=" + buildExample(t, startPetstore(t))},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	waitFor(t, base+"/")
	for _, c := range []struct {
		header string
		status int
		body   string
	}{
		{"X-Azure-Functions-InvocationId", http.StatusOK, `{"Outputs":{},"Logs":[],"ReturnValue":null}`},
		{"X-Ms-Invocation-Id", http.StatusNotFound, "there is nothing here"},
		{"X-Forwarded-Host", http.StatusNotFound, "there is nothing here"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/sweep", strings.NewReader(`{"Data":{"timer":{}},"Metadata":{}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(c.header, "x")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status || !strings.Contains(string(body), c.body) {
			t.Errorf("with %s: got %d %s, want %d %s", c.header, res.StatusCode, body, c.status, c.body)
		}
	}
}
