package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// connect opens a session of the Go SDK's client.
func connect(t *testing.T, endpoint, version string) *mcp.ClientSession {
	t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil)
	s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: endpoint}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func toolNames(t *testing.T, s *mcp.ClientSession) string {
	t.Helper()
	var names []string
	for tool, err := range s.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return strings.Join(names, " ")
}

func startLocal(t *testing.T, args ...string) (*peer.Process, string) {
	t.Helper()
	p, err := peer.Start(peer.Command{
		Path: peer.Build(t, "./local"), Args: append(args, "--listen", "127.0.0.1:0"), Dir: peer.Root(t),
		Ready: regexp.MustCompile(`(?m)^listening on (http://127\.0\.0\.1:\d+)$`),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	url, err := p.AwaitReady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, url
}

// The example is what a newcomer sees first: every server of it works, for
// clients of both eras.
func TestExample(t *testing.T) {
	p, base := startLocal(t)
	wantText(t, p.Log(), `"type": "http"`, base+"/petstore/mcp", base+"/notes/mcp", base+"/everything/mcp", "6 tools of a REST API")
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		t.Run(version, func(t *testing.T) {
			pets := connect(t, base+"/petstore/mcp", version)
			if got, want := toolNames(t, pets), "listPets add_pet getPet replacePet deletePet getPetPhoto"; got != want {
				t.Errorf("got tools %q, want %q", got, want)
			}
			checkAddPet(t, pets)
			checkPhoto(t, pets)
			all := connect(t, base+"/everything/mcp", version)
			if got, want := toolNames(t, all), "petstore_listPets petstore_add_pet petstore_getPet petstore_replacePet petstore_deletePet petstore_getPetPhoto add_note search_notes"; got != want {
				t.Errorf("got tools %q, want %q", got, want)
			}
			checkNotes(t, all)
		})
	}
	wantText(t, p.Log(), "tools/call add_pet", "tools/call search_notes", "200 isError")
}

func callTool(t *testing.T, s *mcp.ClientSession, name string, args map[string]any) *mcp.CallToolResult {
	t.Helper()
	res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return res
}

func text(res *mcp.CallToolResult) string {
	var all []string
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			all = append(all, t.Text)
		}
	}
	return strings.Join(all, "\n")
}

func checkAddPet(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	res := callTool(t, s, "add_pet", map[string]any{"name": "Olga", "kind": "owl"})
	pet, _ := res.StructuredContent.(map[string]any)
	if res.IsError || pet["name"] != "Olga" || pet["status"] != "available" {
		t.Errorf("got %v %s", res.StructuredContent, text(res))
	}
	refused := callTool(t, s, "add_pet", map[string]any{"name": "", "species": "owl"})
	if !refused.IsError {
		t.Error("a pet without a kind was taken")
	}
	wantText(t, text(refused), "kind", "species")
	missing := callTool(t, s, "getPet", map[string]any{"id": 999})
	if !missing.IsError {
		t.Error("a pet that is not there was found")
	}
	wantText(t, text(missing), "404", "There is no pet with the id 999.")
}

func checkPhoto(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	res := callTool(t, s, "getPetPhoto", map[string]any{"id": 1})
	if len(res.Content) != 1 {
		t.Fatalf("got %d blocks", len(res.Content))
	}
	image, ok := res.Content[0].(*mcp.ImageContent)
	if !ok || image.MIMEType != "image/png" || !strings.HasPrefix(string(image.Data), "\x89PNG") {
		t.Errorf("got %#v", res.Content[0])
	}
}

func checkNotes(t *testing.T, s *mcp.ClientSession) {
	t.Helper()
	wantText(t, text(callTool(t, s, "search_notes", map[string]any{"word": "mia"})), "Feed Mia")
	res, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "notes://all"})
	if err != nil || len(res.Contents) != 1 || !strings.Contains(res.Contents[0].Text, "Feed Mia") {
		t.Errorf("got %v, %v", res, err)
	}
	prompt, err := s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "summarize"})
	if err != nil || len(prompt.Messages) != 1 {
		t.Errorf("got %v, %v", prompt, err)
	}
}

// exampleCopy copies the example folder, so that it can be changed.
func exampleCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(peer.Root(t), "local", "examples", "gateway"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func replace(t *testing.T, file, old, with string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(content), old, with)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func waitForLog(t *testing.T, p *peer.Process, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !strings.Contains(p.Log(), want) {
		select {
		case <-ctx.Done():
			t.Fatalf("%q never appeared in:\n%s", want, p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A change is served at once; a bad one leaves what was served before.
func TestReload(t *testing.T) {
	dir := exampleCopy(t)
	p, base := startLocal(t, "serve", dir)
	config := filepath.Join(dir, "gateway.yaml")
	replace(t, config, "add_pet", "adopt_pet")
	waitForLog(t, p, "reloaded")
	if got := toolNames(t, connect(t, base+"/petstore/mcp", "2026-07-28")); !strings.Contains(got, "adopt_pet") {
		t.Errorf("got tools %q after the change", got)
	}
	replace(t, config, "tools:", "toosl:")
	waitForLog(t, p, "the last good configuration goes on")
	wantText(t, p.Log(), `unknown key "toosl"`, `did you mean "tools"?`)
	if got := toolNames(t, connect(t, base+"/petstore/mcp", "2026-07-28")); !strings.Contains(got, "adopt_pet") {
		t.Errorf("got tools %q after the bad change", got)
	}
	replace(t, config, "toosl:", "tools:")
	replace(t, filepath.Join(dir, "apis", "petstore.yaml"), "List pets", "List all animals")
	waitForTitle(t, base+"/petstore/mcp", "List all animals")
}

// waitForTitle waits until the first tool of a server has a title.
func waitForTitle(t *testing.T, endpoint, want string) {
	t.Helper()
	for range 200 {
		list, err := connect(t, endpoint, "2026-07-28").ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if list.Tools[0].Title == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the title never became %q", want)
}

func TestValidate(t *testing.T) {
	dir := exampleCopy(t)
	local := peer.Build(t, "./local")
	good := peer.Run(t, peer.Command{Path: local, Args: []string{"validate", dir, "--all"}})
	if good.ExitCode != 0 {
		t.Errorf("got exit code %d\n%s", good.ExitCode, good.Stderr)
	}
	wantText(t, string(good.Stdout), "exact        createPet → add_pet", "no faults")
	replace(t, filepath.Join(dir, "gateway.yaml"), "operation: createPet", "operation: createPte")
	replace(t, filepath.Join(dir, "gateway.yaml"), "title: Notebook", "titel: Notebook")
	replace(t, filepath.Join(dir, "gateway.yaml"), "- getPet\n", "- getPetz\n")
	bad := peer.Run(t, peer.Command{Path: local, Args: []string{"validate", dir}})
	if bad.ExitCode != 1 || len(bad.Stdout) > 0 {
		t.Errorf("got exit code %d, output %q", bad.ExitCode, bad.Stdout)
	}
	wantText(t, string(bad.Stderr), `unknown key "titel"`, `did you mean "title"?`,
		`no operation of API "petstore" matches operation "createPte"`, `did you mean "createPet"?`,
		`did you mean "getPet"?`, "gateway.yaml:30:9", "3 faults")
}

func TestCommandLine(t *testing.T) {
	local := peer.Build(t, "./local")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"vlaidate"}, 2, `did you mean "validate"?`},
		{[]string{"validate"}, 2, "go run ./local validate DIR"},
		{[]string{"build", "--nope", "x"}, 2, "flag provided but not defined"},
		{[]string{"validate", "/nowhere"}, 1, "gateway.yaml"},
		{[]string{"import", "graphql", "a", "b"}, 2, "import knows openapi"},
		{[]string{"build", "-h"}, 0, "the `file` to write"},
		{[]string{"--help"}, 0, "go run ./local serve"},
		{[]string{"serve", "-h"}, 0, "serve with TLS"},
	} {
		out := peer.Run(t, peer.Command{Path: local, Args: c.args})
		if out.ExitCode != c.code || !strings.Contains(string(out.Stdout)+string(out.Stderr), strings.ReplaceAll(c.want, "`", "")) {
			t.Errorf("%q: got exit code %d\n%s%s\nwant %d and %q", c.args, out.ExitCode, out.Stdout, out.Stderr, c.code, c.want)
		}
	}
}

// A document becomes a folder that serves, with one command.
func TestImportOpenAPI(t *testing.T) {
	backend := startPetstore(t)
	dir := filepath.Join(t.TempDir(), "mine")
	document := filepath.Join(peer.Root(t), "local", "examples", "gateway", "apis", "petstore.yaml")
	local := peer.Build(t, "./local")
	args := []string{"import", "openapi", document, dir, "--url", backend}
	out := peer.Run(t, peer.Command{Path: local, Args: args})
	if out.ExitCode != 0 {
		t.Fatalf("got exit code %d\n%s", out.ExitCode, out.Stderr)
	}
	wantText(t, string(out.Stdout), "of 6 operations", "6 exact", "next: go run ./local serve "+dir)
	_, base := startLocal(t, "serve", dir)
	wantText(t, text(callTool(t, connect(t, base+"/pet-store/mcp", "2026-07-28"), "getPet", map[string]any{"id": 1})), "Mia")
	again := peer.Run(t, peer.Command{Path: local, Args: args})
	if again.ExitCode != 1 {
		t.Errorf("got exit code %d for a folder that exists", again.ExitCode)
	}
	wantText(t, string(again.Stderr), "exists already")
}

func TestAssess(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"good.xml":   "<policies><inbound><base /><set-header name=\"x\"><value>@(context.Request.Headers.GetValueOrDefault(\"y\",\"\"))</value></set-header></inbound></policies>",
		"typo.xml":   "<policies>\n  <inbound><set-heder name=\"x\" /></inbound>\n</policies>",
		"broken.xml": "<policies><inbound>",
		"notes.txt":  "no policy",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	local := peer.Build(t, "./local")
	out := peer.Run(t, peer.Command{Path: local, Args: []string{"assess", dir}})
	if out.ExitCode != 0 {
		t.Fatalf("got exit code %d\n%s", out.ExitCode, out.Stderr)
	}
	wantText(t, string(out.Stdout), "3 documents", `typo.xml:2:12: unknown policy "set-heder": did you mean "set-header"?`, "broken.xml", "need no change")
	asJSON := peer.Run(t, peer.Command{Path: local, Args: []string{"assess", "--json", dir}})
	var report struct {
		Documents []struct{ Name string }
		Total     struct{ Documents, Parse, Known int }
	}
	if err := json.Unmarshal(asJSON.Stdout, &report, json.MatchCaseInsensitiveNames(true)); err != nil || report.Total.Documents != 3 || report.Total.Known != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
	empty := peer.Run(t, peer.Command{Path: local, Args: []string{"assess", t.TempDir()}})
	if empty.ExitCode != 1 {
		t.Errorf("got exit code %d for a folder without documents", empty.ExitCode)
	}
	wantText(t, string(empty.Stderr), "holds no .xml files")
}
