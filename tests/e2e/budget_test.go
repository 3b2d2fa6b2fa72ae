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

// budgetFolder is a folder with a budget and nothing that takes keys.
func budgetFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateway.yaml": `
name: contoso
apis:
  ping: { path: ping, operations: { ping: { method: GET, urlTemplate: /, policy: ping.xml }, pong: { method: GET, urlTemplate: /pong, policy: ping.xml } } }
`,
		"ping.xml": `<policies><inbound>
  <budget amount="0.005" currency="EUR" budget-period="Yearly" counter-key="@("team " + context.Request.Headers.GetValueOrDefault("Team"))" price-per-call="0.002" />
  <return-response />
</inbound></policies>`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runBudget runs the command budget.
func runBudget(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: append([]string{"budget"}, args...), Dir: peer.Root(t)})
	return ended.ExitCode, string(ended.Stdout) + string(ended.Stderr)
}

// What is spent is reported when the gateway has ended, and still counts when it
// begins anew.
func TestBudgetReport(t *testing.T) {
	dir := budgetFolder(t)
	if code, out := runBudget(t, "report", dir); code != 0 || out != "nothing was spent of a budget in this period or in the last one\n" {
		t.Fatalf("got exit code %d\n%s", code, out)
	}
	spend := func(paths ...string) (statuses string) {
		p, base := startLocal(t, "serve", dir)
		defer p.Stop()
		for _, path := range paths {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Team", "a")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			statuses += res.Status[:3] + " "
		}
		return statuses
	}
	if got := spend("/ping", "/ping/pong"); got != "200 200 " {
		t.Errorf("got %s, want that two calls pass", got)
	}
	if got := spend("/ping"); got != "403 " {
		t.Errorf("got %s from another process, want 403", got)
	}
	code, out := runBudget(t, "report", "--store", "file:"+filepath.ToSlash(filepath.Join(dir, "state.db")))
	if code != 0 {
		t.Fatalf("got exit code %d\n%s", code, out)
	}
	for _, line := range []string{
		`PERIOD +FROM +TO +KEY +TOOL +CALLS +SPENT +BUDGET +CURRENCY`,
		`current +\d{4}-01-01T00:00:00Z +\d{4}-01-01T00:00:00Z +team a +all +2 +0\.004 +0\.005 +EUR`,
		`current .* team a +ping/ping +1 +0\.002 +EUR`,
		`current .* team a +ping/pong +1 +0\.002 +EUR`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out) {
			t.Errorf("got no line %s in\n%s", line, out)
		}
	}
}

func TestBudgetFaults(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 2, "report [DIR]"},
		{"reprot", 2, `did you mean "report"?`},
		{"report --store memory:", 1, "name another store"},
		{"report --store redis:a", 1, "this program has no such store"},
		{"report a b", 2, "report [DIR]"},
	} {
		code, out := runBudget(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%q: got exit code %d, want %d, with %q:\n%s", c.args, code, c.code, c.want, out)
		}
	}
}
