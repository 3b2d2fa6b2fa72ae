package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"toolgate/tests/peer"
)

// keysFolder is a folder with a product that needs subscriptions.
func keysFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateway.yaml": `
name: contoso
apis:
  ping: { path: ping, operations: { ping: { method: GET, urlTemplate: /, policy: ping.xml } } }
products:
  starter: { apis: [ ping ] }
`,
		"ping.xml": `<policies><inbound><return-response><set-body>@(context.Subscription.Id + " by " + context.User.Id + ", " + context.Product.Id)</set-body></return-response></inbound></policies>`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runKeys runs the command keys.
func runKeys(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: append([]string{"keys"}, args...), Dir: peer.Root(t)})
	return ended.ExitCode, string(ended.Stdout) + string(ended.Stderr)
}

// wantKeys runs the command keys, which has to succeed.
func wantKeys(t *testing.T, args ...string) string {
	t.Helper()
	code, out := runKeys(t, args...)
	if code != 0 {
		t.Fatalf("keys %s: got exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

var keyPattern = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// A key that the command makes opens what its scope says, and no longer when the
// command has taken it back.
func TestKeys(t *testing.T) {
	dir := keysFolder(t)
	folder := "--folder=" + dir
	out := wantKeys(t, "create", folder, "--scope", "product:starter", "--id", "team-a", "--name", "Team A", "--owner", "adele", "--end", "2999-01-01")
	keys := keyPattern.FindAllString(out, -1)
	if len(keys) != 2 || keys[0] == keys[1] {
		t.Fatalf("got keys %v in\n%s", keys, out)
	}
	wantText(t, out, "team-a", "Team A", "product:starter", "active", "adele", "2999-01-01T00:00:00Z", "shown this once")
	ping(t, dir, map[string]string{
		"": "401 missing subscription key", strings.Repeat("0", 64): "401 invalid subscription key",
		keys[0]: "200 team-a by adele, starter", keys[1]: "200 team-a by adele, starter",
	})

	rotated := keyPattern.FindString(wantKeys(t, "rotate", "team-a", "primary", folder))
	ping(t, dir, map[string]string{keys[0]: "401 invalid", keys[1]: "200", rotated: "200"})
	wantText(t, wantKeys(t, "suspend", "team-a", folder), "team-a is suspended", "within 30s")
	wantText(t, wantKeys(t, "show", "team-a", folder), "suspended")
	ping(t, dir, map[string]string{keys[1]: "401 invalid", rotated: "401 invalid"})
	wantKeys(t, "activate", "team-a", folder)
	ping(t, dir, map[string]string{keys[1]: "200", rotated: "200"})

	other := wantKeys(t, "create", folder, "--scope", "all", "--state", "submitted")
	list := wantKeys(t, "list", folder)
	wantText(t, list, "team-a", "submitted")
	wantKeys(t, "delete", "team-a", folder)
	if list := wantKeys(t, "list", folder); strings.Contains(list, "team-a") {
		t.Errorf("a deleted subscription is listed:\n%s", list)
	}
	ping(t, dir, map[string]string{rotated: "401 invalid", keyPattern.FindString(other): "401 invalid"})
	for _, secret := range append(keys, rotated) {
		content, err := os.ReadFile(filepath.Join(dir, "state.db"))
		if err != nil || strings.Contains(string(content), secret) || strings.Contains(list, secret) {
			t.Errorf("the store (%v) or the list has a key", err)
		}
	}
}

// ping serves the folder and makes a call with each key; what is wanted is the
// status and a part of the body.
func ping(t *testing.T, dir string, wants map[string]string) {
	t.Helper()
	p, base := startLocal(t, "serve", dir)
	defer p.Stop()
	for key, want := range wants {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/ping", nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("Ocp-Apim-Subscription-Key", key)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		status, text, _ := strings.Cut(want, " ")
		if err != nil || !strings.HasPrefix(res.Status, status) || !strings.Contains(string(body), text) {
			t.Errorf("key %.4s…: got %s %s, %v, want %s", key, res.Status, body, err, want)
		}
	}
	if code, out := runKeys(t, "list", "--folder", dir); code != 1 || !strings.Contains(out, "another process has it") {
		t.Errorf("while the folder is served: got exit code %d\n%s", code, out)
	}
}

func TestKeysFaults(t *testing.T) {
	dir := keysFolder(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 2, "create, list, show"},
		{"lst", 2, `did you mean "list"?`},
		{"show", 2, "keys show ID"},
		{"rotate a", 2, "keys rotate ID primary|secondary"},
		{"rotate a third", 1, "write primary or secondary"},
		{"create", 1, "write all, product:NAME"},
		{"create --scope product:startr", 1, `has no product "startr": did you mean "starter"?`},
		{"create --scope server:a", 1, `has no server "a"`},
		{"create --scope all --id A", 1, `the id "A" is not`},
		{"create --scope all --end tomorrow", 1, `--end: "tomorrow" is no time`},
		{"create --scope all --start 2026-02-01 --end 2026-01-01", 1, "is not after its start"},
		{"create --scope all --state suspended", 1, "active or submitted"},
		{"show nobody", 1, `"nobody": there is no such subscription`},
		{"suspend nobody", 1, "no such subscription"},
		{"delete nobody", 1, "no such subscription"},
		{"list --store memory:", 1, "name another store"},
		{"list --store redis:a", 1, "this program has no such store"},
	} {
		code, out := runKeys(t, append(strings.Fields(c.args), "--folder="+dir)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%q: got exit code %d, want %d, with %q:\n%s", c.args, code, c.code, c.want, out)
		}
	}
}

// A platform's gateway that requires keys and was not told where they are does not
// start, and says so.
func TestKeysNeedAStore(t *testing.T) {
	snapshot := filepath.Join(t.TempDir(), "gateway.snapshot")
	built := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: []string{"build", keysFolder(t), "-o", snapshot}})
	if built.ExitCode != 0 {
		t.Fatalf("build: exit code %d\n%s%s", built.ExitCode, built.Stdout, built.Stderr)
	}
	for _, program := range []string{"./functions/azure", "./functions/lambda"} {
		for store, want := range map[string]string{"": "no store to look them up in", "file:state.db": "no such store"} {
			out := peer.Run(t, peer.Command{Path: peer.Build(t, program), Env: []string{"TOOLGATE_SNAPSHOT=" + snapshot, "TOOLGATE_STORE=" + store}})
			if out.ExitCode != 1 || !strings.Contains(string(out.Stdout), want) {
				t.Errorf("%s with the store %q: got exit code %d, want 1 and %q\n%s", program, store, out.ExitCode, want, out.Stdout)
			}
		}
	}
}
