// Package e2e runs the commands and the platform entry points as a user does.
package e2e

import (
	"net"
	"net/http"
	"strconv"
	"testing"

	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

// The Functions host starts the handler with a port in the environment, polls /
// until it answers, and forwards requests to loopback.
func TestAzure(t *testing.T) {
	backend := startPetstore(t)
	snapshot := buildExample(t, backend)
	port := freePort(t)
	p, err := peer.Start(peer.Command{
		Path: peer.Build(t, "./functions/azure"),
		Env:  []string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + strconv.Itoa(port), "TOOLGATE_SNAPSHOT=" + snapshot},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	waitFor(t, base+"/")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/petstore/mcp", callGetPet())
	if err != nil {
		t.Fatal(err)
	}
	setModernHeaders(req.Header, "tools/call", "getPet")
	req.Header.Set("X-Forwarded-Host", "contoso.azurewebsites.net")
	req.Header.Set("Client-Ip", "203.0.113.9:4711")  // of the front end
	req.Header.Set("X-Forwarded-For", "203.0.113.1") // of the client, as are the others
	req.Header.Set("X-Azure-ClientIP", "203.0.113.2")
	req.Header.Set("Forwarded", "for=203.0.113.3")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	checkPet(t, res.StatusCode, res.Header.Get("Content-Type"), res.Body)
	waitForLog(t, p, `"client":"203.0.113.9"`)
}

func TestAzureSaysWhatIsMissing(t *testing.T) {
	out := peer.Run(t, peer.Command{Path: peer.Build(t, "./functions/azure"), Env: []string{"TOOLGATE_SNAPSHOT=/nowhere.snapshot"}})
	if out.ExitCode != 1 {
		t.Errorf("got exit code %d, want 1", out.ExitCode)
	}
	wantText(t, string(out.Stdout), "/nowhere.snapshot", "go run ./local build")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
