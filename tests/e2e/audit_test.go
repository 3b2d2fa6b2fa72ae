package e2e

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/shared/audit"
	"toolgate/shared/state"
	"toolgate/shared/state/embedded"
	"toolgate/tests/peer"
)

// auditDir is a folder with an audit.
func auditDir(t *testing.T, settings string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateway.yaml": `
name: contoso
sealingKey: { secret: env:AUDIT_SEALING_KEY }
audit: { include: all` + settings + ` }
apis:
  ping: { path: ping, operations: { ping: { method: GET, urlTemplate: /, policy: ping.xml }, pong: { method: GET, urlTemplate: /pong, policy: pong.xml } } }
`,
		"ping.xml": `<policies><inbound><return-response /></inbound></policies>`,
		"pong.xml": `<policies><inbound><ip-filter id="nobody" action="allow"><address>10.0.0.1</address></ip-filter></inbound></policies>`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runAudit runs the command audit.
func runAudit(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: append([]string{"audit"}, args...), Dir: peer.Root(t)})
	return ended.ExitCode, string(ended.Stdout) + string(ended.Stderr)
}

func visit(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
}

// openFile opens the store of a folder, which no process has open.
func openFile(t *testing.T, dir string) state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), "file://"+filepath.ToSlash(filepath.Join(dir, "state.db")), embedded.Opener())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is served is recorded, verified and listed; and somebody who has the file and
// not the key cannot change it unseen.
func TestAuditCommand(t *testing.T) {
	t.Setenv("AUDIT_SEALING_KEY", strings.Repeat("k", 40))
	dir := auditDir(t, ", log: true")
	var log string
	for range 2 { // two instances
		p, base := startLocal(t, "serve", dir)
		for _, path := range []string{"/ping", "/ping/pong"} {
			visit(t, base+path)
		}
		p.Stop()
		log += p.Log()
	}
	code, out := runAudit(t, "verify", dir)
	if code != 0 || !regexp.MustCompile(`(?m)^CHAIN .* FAULTS\n(\d{8}-90-[0-9a-f]{24} .* [45] .* HMAC +ended +[01] +0\n){2}$`).MatchString(out) {
		t.Errorf("verify: got exit code %d\n%s", code, out)
	}
	code, out = runAudit(t, "list", dir, "--decision", "refused", "--since", "1h")
	if code != 0 || strings.Count(out, "\n") != 3 || strings.Count(out, "ip-filter#nobody") != 2 {
		t.Errorf("list: got exit code %d\n%s", code, out)
	}
	if code, out = runAudit(t, "list", dir, "--json", "--tool", "ping"); code != 0 || strings.Count(out, `"decision":"allowed"`) != 2 {
		t.Errorf("list --json: got exit code %d\n%s", code, out)
	}
	file := filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out = runAudit(t, "verify", "--log", file, dir); code != 0 || strings.Count(out, "HMAC") != 2 {
		t.Errorf("verify --log: got exit code %d\n%s", code, out)
	}
	if code, out = runAudit(t, "verify", "--log", file, "--key", "env:AUDIT_SEALING_KEY"); code != 0 {
		t.Errorf("verify --log --key: got exit code %d\n%s", code, out)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(log, `"allowed"`, `"refused"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out = runAudit(t, "verify", "--log", file, dir); code != 1 || !strings.Contains(out, "does not have its hash") || !strings.Contains(out, "1 fault\n") {
		t.Errorf("verify --log of a changed log: got exit code %d\n%s", code, out)
	}
	t.Setenv("AUDIT_SEALING_KEY", strings.Repeat("x", 40))
	if code, out = runAudit(t, "verify", dir); code != 1 || !strings.Contains(out, "wrong key") {
		t.Errorf("verify with another key: got exit code %d\n%s", code, out)
	}
}

// A process that is killed loses what it recorded in the last seconds, and its chain
// is sound.
func TestAuditOfKilledProcess(t *testing.T) {
	t.Setenv("AUDIT_SEALING_KEY", strings.Repeat("k", 40))
	dir := auditDir(t, "")
	process, base := startUnsupervised(t, "serve", dir)
	const calls = 40
	began := time.Now()
	for range calls {
		visit(t, base+"/ping")
		time.Sleep(100 * time.Millisecond) // the calls of four seconds
	}
	rate := calls / time.Since(began).Seconds()
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if code, out := runAudit(t, "verify", dir); code != 0 || !strings.Contains(out, " open ") {
		t.Errorf("got exit code %d\n%s", code, out)
	}
	store := openFile(t, dir)
	defer store.Close()
	contents, err := audit.Read(context.Background(), store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// Those of two seconds, and those that came while a batch was written.
	if got := len(contents.Calls()); float64(got) < calls-3*rate {
		t.Errorf("%d of %d calls are recorded, at %.0f a second", got, calls, rate)
	}
}

// startUnsupervised starts a process that a test can kill.
func startUnsupervised(t *testing.T, args ...string) (*os.Process, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), peer.Build(t, "./local"), append(args, "--listen", "127.0.0.1:0")...)
	cmd.Dir = peer.Root(t)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				ready <- base
			}
		}
	}()
	select {
	case base := <-ready:
		return cmd.Process, base
	case <-time.After(time.Minute):
		t.Fatal("the gateway never listens")
		return nil, ""
	}
}

func TestAuditFaults(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 2, "verify|list DIR"},
		{"verfiy x", 2, `did you mean "verify"?`},
		{"verify", 2, "needs a folder"},
		{"list x --since yesterday", 2, "write a time"},
		{"list x --decision denied", 2, "there is no decision"},
		{"list --log /nowhere/at/all", 1, "no such file"},
		{"verify --store memory:", 1, "name another store"},
	} {
		code, out := runAudit(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%q: got exit code %d, want %d, with %q:\n%s", c.args, code, c.code, c.want, out)
		}
	}
}
