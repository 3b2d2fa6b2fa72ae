package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/tests/peer"
)

// runTest runs the command test below a folder.
func runTest(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: append([]string{"test"}, args...), Dir: peer.Root(t)})
	return ended.ExitCode, string(ended.Stdout) + string(ended.Stderr)
}

func TestTest(t *testing.T) {
	code, out := runTest(t)
	if code != 0 {
		t.Errorf("the example: got exit code %d\n%s", code, out)
	}
	wantText(t, out, "PASS", filepath.Join("tests", "limit.txtar"), filepath.Join("tests", "pets.txtar"), "2 tests passed")

	dir := exampleCopy(t)
	pets, limit := filepath.Join(dir, "tests", "pets.txtar"), filepath.Join(dir, "tests", "limit.txtar")
	replace(t, filepath.Join(dir, "policies", "petstore.xml"), "X-Tool", "X-Caller")
	code, out = runTest(t, dir)
	if code != 1 || strings.Contains(out, "Remaining-Calls") {
		t.Errorf("a changed policy: got exit code %d\n%s", code, out)
	}
	wantText(t, out, "FAIL   "+pets, "PASS   "+limit, pets+":17: the transcript differs",
		"   19 -   X-Tool: getPet\n", "      +   X-Caller: getPet\n", "1 of 2 tests failed")
	if code, out = runTest(t, limit); code != 0 || !strings.Contains(out, "1 test passed") {
		t.Errorf("one file: got exit code %d\n%s", code, out)
	}

	code, out = runTest(t, dir, "--update")
	if code != 0 {
		t.Errorf("--update: got exit code %d\n%s", code, out)
	}
	wantText(t, out, "WROTE  "+pets, "PASS   "+limit)
	if code, out = runTest(t, dir); code != 0 {
		t.Errorf("after --update: got exit code %d\n%s", code, out)
	}
	if content, err := os.ReadFile(pets); err != nil || !strings.Contains(string(content), "  X-Caller: petstore_getPet\n") {
		t.Errorf("after --update: got %s, %v", content, err)
	}
}

// What is wrong with a test itself, or with the folder, is told with its place.
func TestTestFaults(t *testing.T) {
	for _, c := range []struct {
		name, file, old, with string
		wants                 []string
	}{
		{"section", "tests/pets.txtar", "-- call petstore", "-- cal petstore", []string{"pets.txtar:10: -- cal petstore getPet --:", "no such file"}},
		{"setting", "tests/limit.txtar", "mcp: tools", "mpc: tools", []string{"limit.txtar:7: -- settings --: mpc: there is no such setting"}},
		{"unused", "tests/pets.txtar", "8081/pets/*", "8081/cats/*", []string{"pets.txtar:3: -- backend GET http://127.0.0.1:8081/cats/* --: no request came for this response"}},
		{"arguments", "tests/pets.txtar", `{"id":1}` + "\n-- call every", `{"id":}` + "\n-- call every", []string{"pets.txtar:10: -- call petstore getPet --: the arguments are no JSON object"}},
		{"policy", "policies/notes.xml", "<rate-limit-by-key", "<rate-limit-by-kye", []string{`policies/notes.xml:8:9: unknown policy "rate-limit-by-kye"`, "2 of 2 tests failed"}},
		{"folder", "gateway.yaml", "title: Notebook", "titel: Notebook", []string{"the folder of the test has faults", `unknown key "titel"`, "1 of 2 tests failed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := exampleCopy(t)
			replace(t, filepath.Join(dir, filepath.FromSlash(c.file)), c.old, c.with)
			code, out := runTest(t, dir)
			if code != 1 {
				t.Errorf("got exit code %d", code)
			}
			wantText(t, out, c.wants...)
		})
	}
	if code, out := runTest(t, t.TempDir()); code != 1 || !strings.Contains(out, "there are no tests (*.txtar)") {
		t.Errorf("an empty folder: got exit code %d\n%s", code, out)
	}
}

// A test that stands in no gateway's folder has one of its own.
func TestTestAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alone.txtar")
	const content = "A gateway of one mocked operation.\n" + `-- gateway.yaml --
name: contoso
namedValues: { who: { env: WHO }, key: { secret: "env:KEY" } }
apis:
  hello: { path: hello, operations: { greet: { method: GET, urlTemplate: / } }, policy: hello.xml }
-- hello.xml --
<policies>
  <inbound><return-response><set-body>Hello {{who}}, {{key}}.</set-body></return-response></inbound>
</policies>
-- env --
WHO=world
-- request --
GET /hello
-- want --
response 200
  | Hello world, KEY.
`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := runTest(t, file); code != 0 {
		t.Errorf("got exit code %d\n%s", code, out)
	}
}

func TestTestWatch(t *testing.T) {
	dir := exampleCopy(t)
	p, err := peer.Start(peer.Command{Path: peer.Build(t, "./local"), Args: []string{"test", dir, "--watch"}, Dir: peer.Root(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	waitForLog(t, p, "2 tests passed")
	waitForLog(t, p, "waiting for a change")
	replace(t, filepath.Join(dir, "policies", "petstore.xml"), "X-Tool", "X-Caller")
	waitForLog(t, p, "1 of 2 tests failed")
	wantText(t, p.Log(), "+   X-Caller: getPet")
}
