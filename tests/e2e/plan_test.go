package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

// runWith runs a command and wants an exit code.
func runWith(t *testing.T, code int, env []string, args ...string) string {
	t.Helper()
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: args, Dir: peer.Root(t), Env: env})
	out := string(ended.Stdout) + string(ended.Stderr)
	if ended.ExitCode != code {
		t.Fatalf("%q: got exit code %d, want %d\n%s", args, ended.ExitCode, code, out)
	}
	return out
}

// planned are folders of a gateway with one API; the second has a tool more, the third
// one less.
func planned(t *testing.T) (first, more, less string) {
	t.Helper()
	with := func(tools string) string {
		return folder.Write(t, map[string]string{
			"gateway.yaml": "name: contoso\napis: { x: { openapi: x.json } }\nservers: { x: { api: x, tools: [ " + tools + " ] } }\n",
			"x.json":       `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"servers":[{"url":"https://x.contoso.com"}],"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"ok"}}}},"/b":{"get":{"operationId":"b","responses":{"200":{"description":"ok"}}}},"/c":{"get":{"operationId":"c","responses":{"200":{"description":"ok"}}}}}}`,
		})
	}
	return with("a, b"), with("a, b, c"), with("a")
}

// pack puts the snapshot of a folder into a package, beside a program.
func pack(t *testing.T, dir, program string) (path, hash string) {
	t.Helper()
	built := filepath.Join(t.TempDir(), "gateway.snapshot")
	out := runWith(t, 0, nil, "build", dir, "-o", built)
	hash = regexp.MustCompile(`hash ([0-9a-f]{64})`).FindStringSubmatch(out)[1]
	content, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, content := range map[string][]byte{"app": []byte(program), "gateway.snapshot": content} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "package.zip")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, hash
}

// The plan of a pipeline ends with another code for each kind of change, against a
// file, a folder of releases, and what a gateway serves.
func TestPlan(t *testing.T) {
	first, more, less := planned(t)
	path, hash := pack(t, first, "program")
	releases := filepath.Join(t.TempDir(), "releases")
	runWith(t, 0, nil, "release", path, "--in", releases)
	serving := httptest.NewServer(folder.Open(t, first, nil, gateway.Options{}))
	defer serving.Close()
	for _, against := range [][]string{{path}, {releases}, {serving.URL, "--releases", releases}} {
		args := append([]string{"--against"}, against...)
		if out := runWith(t, 0, nil, append([]string{"plan", first}, args...)...); !strings.Contains(out, "nothing would change") {
			t.Errorf("got %s", out)
		}
		if out := runWith(t, 2, nil, append([]string{"plan", more}, args...)...); !strings.Contains(out, "+ x/c: added") || !strings.Contains(out, hash) {
			t.Errorf("got %s", out)
		}
		out := runWith(t, 3, nil, append([]string{"plan", less, "--json"}, args...)...)
		var p struct {
			Before  string
			Changes []struct{ Area, Subject, Kind string }
		}
		if err := json.Unmarshal([]byte(out), &p); err != nil || p.Before != hash || len(p.Changes) != 1 || p.Changes[0].Subject != "x/b" || p.Changes[0].Kind != "removed" {
			t.Errorf("got %s, %v", out, err)
		}
	}
	if out := runWith(t, 1, nil, "plan", more, "--against", serving.URL); !strings.Contains(out, "--releases") {
		t.Errorf("got %s", out)
	}
	for _, args := range [][]string{{"plan"}, {"plan", first}, {"plan", first, "--odd"}, {"plan", first, "--against", "absent"}, {"plan", filepath.Join(first, "absent"), "--against", path}} {
		runWith(t, 1, nil, args...)
	}
}

// A gateway says which snapshot it serves, and nothing else; an API at the root may
// answer there for itself.
func TestHealth(t *testing.T) {
	first, _, _ := planned(t)
	_, hash := pack(t, first, "")
	for _, c := range []struct {
		method string
		status int
		want   string
	}{{http.MethodGet, 200, `{"status":"ok","snapshot":"` + hash + "\"}\n"}, {http.MethodHead, 200, ""}, {http.MethodPost, 405, "takes GET"}} {
		w := httptest.NewRecorder()
		folder.Open(t, first, nil, gateway.Options{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, "http://localhost/healthz", nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.method, w.Code, w.Body, c.status, c.want)
		}
	}
	own := folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\napis: { x: { path: /, operations: { h: { method: GET, urlTemplate: /healthz, policy: h.xml } } } }\n",
		"h.xml":        `<policies><inbound><return-response><set-body>mine</set-body></return-response></inbound></policies>`,
	})
	w := httptest.NewRecorder()
	folder.Open(t, own, nil, gateway.Options{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/healthz", nil))
	if w.Body.String() != "mine" {
		t.Errorf("got %d %s, want the API's own answer", w.Code, w.Body)
	}
}

// Roll back is one command: it deploys what was deployed before, by the tools of the
// platform, and is done when the gateway serves it.
func TestRollback(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins for az and aws are shell scripts")
	}
	first, more, less := planned(t)
	tools, deployed := t.TempDir(), filepath.Join(t.TempDir(), "deployed")
	for _, name := range []string{"az", "aws"} {
		script := "#!/bin/sh\necho \"" + name + " $*\" >> " + deployed + "\n[ ! -e " + deployed + ".broken ]\n"
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"PATH=" + tools + string(os.PathListSeparator) + os.Getenv("PATH")}
	serving := httptest.NewServer(folder.Open(t, first, nil, gateway.Options{}))
	defer serving.Close()
	releases := filepath.Join(t.TempDir(), "releases")
	in := []string{"--in", releases, "--to", "azure:group/app", "--keep", "2"}
	run := func(code int, command string, args ...string) string {
		t.Helper()
		return runWith(t, code, env, append(append([]string{command}, in...), args...)...)
	}
	a, hashA := pack(t, first, "1")
	b, hashB := pack(t, more, "1")
	c, _ := pack(t, less, "1")
	run(1, "rollback")
	run(0, "release", a, "--url", serving.URL)
	run(1, "rollback")
	run(0, "release", b)
	if out := run(0, "rollback", "--url", serving.URL); !strings.Contains(out, "deployed the snapshot "+hashA) || !strings.Contains(out, "serves it") {
		t.Errorf("got %s", out)
	}
	if out := run(1, "release", b, "--url", serving.URL, "--wait", "1s"); !strings.Contains(out, "does not serve the snapshot "+hashB[:12]) {
		t.Errorf("got %s", out)
	}
	run(0, "release", c)
	if out := run(1, "rollback", hashA[:12]); !strings.Contains(out, "keeps no release") {
		t.Errorf("got %s, want the oldest release gone", out)
	}
	if out := runWith(t, 0, env, "rollback", hashB[:12], "--in", releases, "--to", "lambda:tools"); !strings.Contains(out, hashB) {
		t.Errorf("got %s", out)
	}
	if out := runWith(t, 0, env, "rollback", "--in", releases); !strings.Contains(out, "\ndeploy "+releases) {
		t.Errorf("got %s, want the path to deploy", out)
	}
	log, err := os.ReadFile(deployed)
	if err != nil || !strings.Contains(string(log), "az functionapp deployment source config-zip --resource-group group --name app --src "+releases) ||
		!strings.Contains(string(log), "aws lambda update-function-code --function-name tools --zip-file fileb://"+releases) {
		t.Errorf("got %s, %v", log, err)
	}
	before, _ := os.ReadFile(filepath.Join(releases, "releases.json"))
	if err := os.WriteFile(deployed+".broken", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(1, "rollback")
	if after, _ := os.ReadFile(filepath.Join(releases, "releases.json")); !bytes.Equal(before, after) {
		t.Errorf("a deployment that failed is in the list: %s", after)
	}
	damaged, _ := filepath.Glob(filepath.Join(releases, hashB[:16]+"*.zip"))
	if err := os.WriteFile(damaged[0], []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(1, "rollback", hashB[:12]); !strings.Contains(out, "is not the file that was released") {
		t.Errorf("got %s", out)
	}
	if out := run(1, "release", c, "--to", "nowhere"); !strings.Contains(out, "azure:GROUP/APP") {
		t.Errorf("got %s", out)
	}
}

// The bills of a folder have what its policies ask of the store.
func TestCost(t *testing.T) {
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\npolicy: g.xml\napis: { x: { path: x, operations: { a: { method: GET, urlTemplate: /a } } } }\n",
		"g.xml":        `<policies><inbound><quota-by-key calls="1" renewal-period="300" counter-key="a" /></inbound></policies>`,
	})
	out := runWith(t, 0, nil, "cost", dir, "--calls", "1e7", "--latency", "300")
	for _, want := range []string{"quota-by-key", "Azure Functions, Flex Consumption", "AWS Lambda (arm64)", "API Management Basic v2", "List prices of ", "Not included"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %s, want %q", out, want)
		}
	}
	var bills struct{ Bills []struct{ Low, High float64 } }
	if err := json.Unmarshal([]byte(runWith(t, 0, nil, "cost", "--policies", "quota", "--json")), &bills); err != nil || len(bills.Bills) < 5 {
		t.Errorf("got %v, %v", bills, err)
	}
	if out := runWith(t, 1, nil, "cost", "--policies", "set-header"); !strings.Contains(out, "asks nothing of a store") {
		t.Errorf("got %s", out)
	}
	runWith(t, 1, nil, "cost", "--prices", "absent")
	runWith(t, 1, nil, "cost", "--calls", "-1")
}

// The command writes the file and says what is left to the gateway.
func TestEdgeRules(t *testing.T) {
	first, _, _ := planned(t)
	for target, want := range map[string]string{"frontdoor": "FrontDoorWebApplicationFirewallPolicies", "waf": "AWS::WAFv2::WebACL"} {
		path := filepath.Join(t.TempDir(), "edge.json")
		if out := runWith(t, 0, nil, "edge-rules", first, "--for", target, "-o", path); !strings.Contains(out, "UnknownPath") || !strings.Contains(out, "left to the gateway") {
			t.Errorf("got %s", out)
		}
		if content, err := os.ReadFile(path); err != nil || !bytes.Contains(content, []byte(want)) {
			t.Errorf("got %s, %v", content, err)
		}
	}
	if out := runWith(t, 1, nil, "edge-rules", first, "--for", "x"); !strings.Contains(out, "--for frontdoor") {
		t.Errorf("got %s", out)
	}
}
