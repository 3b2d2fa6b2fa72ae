package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"golang.org/x/tools/txtar"
)

// source writes the saved replies, or the extract, of a test of the importers into
// a folder.
func source(t *testing.T, name string) string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(peer.Root(t), "shared", "importer", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "source/"); ok {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// What was saved of Azure becomes a folder that builds, with one command, and no
// file of it has a secret.
func TestImportSaved(t *testing.T) {
	local := peer.Build(t, "./local")
	for _, c := range []struct {
		kind, name string
		want       []string
	}{
		{"logicapp", "logicapp-consumption", []string{"contoso-orders: of 1 operations", "1 exact", "env:CONTOSO_ORDERS_SIG"}},
		{"logicapp", "logicapp-standard", []string{"contoso-flows: of 2 operations", "env:SHIP_SIG"}},
		{"functionapp", "functionapp", []string{"contoso-fn: of 6 operations", "env:CONTOSO_FN_KEY", `function "Admin": it is left out`}},
		{"apim", "apim-extract", []string{"orders-mcp: of 2 operations", `api "soap": it is left out`}},
		{"apim", "apim-service", []string{"agents-weather: of 1 operations", `logger "hub"`}},
	} {
		dir := filepath.Join(t.TempDir(), "gateway")
		args := []string{"import", c.kind, "--from-file", source(t, c.name), dir}
		out := peer.Run(t, peer.Command{Path: local, Args: args})
		if out.ExitCode != 0 {
			t.Errorf("%s: got exit code %d\n%s%s", c.name, out.ExitCode, out.Stdout, out.Stderr)
			continue
		}
		wantText(t, string(out.Stdout), append(c.want, "next: go run ./local serve "+dir)...)
		if strings.Contains(string(out.Stdout)+string(out.Stderr), "PLANTED") {
			t.Errorf("%s: there is a secret in\n%s%s", c.name, out.Stdout, out.Stderr)
		}
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if strings.Contains(string(content), "PLANTED") {
				t.Errorf("%s: there is a secret in %s", c.name, path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if again := peer.Run(t, peer.Command{Path: local, Args: args}); again.ExitCode != 1 || !strings.Contains(string(again.Stderr), "exists already") {
			t.Errorf("%s: got exit code %d for a folder that exists\n%s", c.name, again.ExitCode, again.Stderr)
		}
	}
}

// Policies that this version does not know are copied, and reported as validate
// reports them.
func TestImportNotBuilt(t *testing.T) {
	extract, dir := t.TempDir(), filepath.Join(t.TempDir(), "gateway")
	if err := os.WriteFile(filepath.Join(extract, "policy.xml"), []byte("<policies>\n  <inbound><set-heder name=\"x\" /></inbound>\n</policies>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: []string{"import", "apim", "--from-file", extract, dir}})
	if out.ExitCode != 1 {
		t.Errorf("got exit code %d\n%s", out.ExitCode, out.Stdout)
	}
	wantText(t, string(out.Stderr), dir+" is written, and does not build yet:", `policies/global.xml:2:12: unknown policy "set-heder"`)
}

// A command line, or a folder, that cannot be imported says why.
func TestImportFaults(t *testing.T) {
	local := peer.Build(t, "./local")
	empty, dir := t.TempDir(), filepath.Join(t.TempDir(), "gateway")
	file := filepath.Join(empty, "a.json")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"apim", dir}, 2, "write SOURCE and DIR, or --from-file FOLDER and DIR"},
		{[]string{"apim", "a", dir, "--from-file", empty}, 2, "write SOURCE and DIR, or --from-file FOLDER and DIR"},
		{[]string{"openapi", dir, "--from-file", empty}, 2, "a document is a SOURCE"},
		{[]string{"apim", "contoso", dir}, 1, `"contoso" is no resource id: write /subscriptions/`},
		{[]string{"logicapp", dir, "--from-file", empty}, 1, "resource.json is not there"},
		{[]string{"logicapp", dir, "--from-file", filepath.Join(empty, "no")}, 1, "opening the saved replies"},
		{[]string{"logicapp", dir, "--from-file", file}, 1, "is no folder"},
		{[]string{"logicapp", dir, "--from-file", empty, "--save", empty}, 1, "leave one out"},
	} {
		out := peer.Run(t, peer.Command{Path: local, Args: append([]string{"import"}, c.args...)})
		if out.ExitCode != c.code || !strings.Contains(string(out.Stderr), c.want) {
			t.Errorf("%q: got exit code %d\n%s\nwant %d and %q", c.args, out.ExitCode, out.Stderr, c.code, c.want)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v: a folder was left behind", err)
	}
}
