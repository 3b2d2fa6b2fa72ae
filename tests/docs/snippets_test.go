package docs_test

import (
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"
)

// mine is the reader's folder, as the guides name it.
const mine = "mygateway"

// gatewayFile is its configuration.
const gatewayFile = mine + "/gateway.yaml"

// fileMarker is a comment that names the file that the snippet below is.
var fileMarker = regexp.MustCompile(`^[\w./-]+\.\w+$`)

// workspace has the files that the guides take for granted, by their paths.
func workspace(t *testing.T) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "workspace.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
		if rest, ok := strings.CutPrefix(f.Name, mine+"/"); ok {
			files["candidate/"+rest] = string(f.Data)
		}
	}
	return files
}

// filePath is where the file of a marker lies: README.md names policies as gateway.yaml
// does, from the reader's folder.
func filePath(marker string) string {
	if strings.HasPrefix(marker, "policies/") {
		return mine + "/" + marker
	}
	return marker
}

// TestSnippets loads and compiles every snippet of configuration and of policies. One
// that is not complete stands in the reader's folder of testdata/workspace.txtar.
func TestSnippets(t *testing.T) {
	for _, p := range followed(t) {
		t.Run(path.Base(p.path), func(t *testing.T) {
			files := workspace(t)
			for _, s := range p.snippets {
				if name := filePath(s.marker); fileMarker.MatchString(s.marker) && name != gatewayFile {
					files[name] = s.text
				}
			}
			for _, s := range p.snippets {
				var err error
				switch s.language {
				case "yaml":
					if !strings.HasPrefix(s.text, "openapi:") { // what names it reads it
						err = buildConfiguration(t, files, s.text)
					}
				case "xml":
					err = buildPolicy(t, files, s.text)
				case "json":
					err = readJSON(s.text)
				case "txtar":
					if !fileMarker.MatchString(s.marker) {
						err = errors.New("the comment above it has to name its file")
					}
				case "": // TestCommands runs it
				default:
					err = errors.New("no test knows the language " + s.language)
				}
				if err != nil {
					t.Errorf("%s:%d: %v", p.path, s.line, err)
				}
			}
		})
	}
}

// TestPagesOfRooms does the same for configuration in the pages beside the code.
func TestPagesOfRooms(t *testing.T) {
	for _, p := range readPages(t) {
		for _, s := range p.snippets {
			if s.language != "yaml" || !strings.HasPrefix(p.path, "shared/") {
				continue
			}
			if err := buildConfiguration(t, workspace(t), s.text); err != nil {
				t.Errorf("%s:%d: %v", p.path, s.line, err)
			}
		}
	}
}

// buildConfiguration compiles a gateway.yaml, or a part of one within the reader's. A
// policy document that it names and that no snippet is does nothing.
func buildConfiguration(t *testing.T, files map[string]string, text string) error {
	t.Helper()
	part, err := readYAML(text)
	if err != nil {
		return err
	}
	files = maps.Clone(files)
	if _, complete := part["name"]; !complete {
		all, err := readYAML(files[gatewayFile])
		if err != nil {
			return err
		}
		merge(all, part)
		content, err := yaml.Marshal(all)
		if err != nil {
			return err
		}
		text = string(content)
	}
	files[gatewayFile] = text
	for _, name := range regexp.MustCompile(`policies/[\w-]+\.xml`).FindAllString(text, -1) {
		if name = mine + "/" + name; files[name] == "" {
			files[name] = document("")
		}
	}
	return compile(t, files)
}

// readYAML reads a mapping; a name that stands twice in it is a fault.
func readYAML(text string) (map[string]any, error) {
	values := map[string]any{}
	err := yaml.Unmarshal([]byte(text), &values)
	return values, err
}

// merge puts a part of a configuration into all of it: what has a name replaces what
// had it, in maps of things with names too.
func merge(all, part map[string]any) {
	for key, value := range part {
		entries, are := value.(map[string]any)
		had, were := all[key].(map[string]any)
		named := slices.Contains([]string{"apis", "backends", "connections", "namedValues", "products", "servers"}, key)
		if are && were && named {
			maps.Copy(had, entries)
			continue
		}
		all[key] = value
	}
}

// document is a policy document with these policies in inbound.
func document(policies string) string {
	return "<policies><inbound><base />\n" + policies +
		"</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
}

// buildPolicy compiles a document, or policies of inbound, at a server of the reader's.
func buildPolicy(t *testing.T, files map[string]string, text string) error {
	t.Helper()
	if !strings.HasPrefix(text, "<policies>") {
		text = document(text)
	}
	files = maps.Clone(files)
	files[mine+"/policies/snippet.xml"] = text
	return buildConfiguration(t, files, "servers: { orders: { api: orders, policy: policies/snippet.xml } }")
}

// compile builds the reader's folder among the files.
func compile(t *testing.T, files map[string]string) error {
	t.Helper()
	dir := folder.Write(t, files)
	_, err := folder.Compile(t.Context(), filepath.Join(dir, mine), nil)
	return err
}

// readJSON reads a value, or members of an object that begins and ends elsewhere.
func readJSON(text string) error {
	if jsontext.Value(text).IsValid() || jsontext.Value("{"+strings.TrimSuffix(strings.TrimSpace(text), ",")+"}").IsValid() {
		return nil
	}
	return errors.New("it is neither JSON nor members of an object")
}

// TestSnippetsCanFail gives the checks what has to be a fault.
func TestSnippetsCanFail(t *testing.T) {
	files := workspace(t)
	for name, err := range map[string]error{
		"an unknown key":       buildConfiguration(t, files, "limit: {}"),
		"an unknown operation": buildConfiguration(t, files, "servers: { orders: { api: orders, tools: [ nothing ] } }"),
		"a complete file":      buildConfiguration(t, files, "name: contoso\nservers: { orders: { api: orders } }"),
		"a key twice":          buildConfiguration(t, files, "limits: {}\nlimits: {}"),
		"an unknown policy":    buildPolicy(t, files, `<rate-limits calls="1" />`),
		"an attribute":         buildPolicy(t, files, `<rate-limit calls="1" />`),
		"JSON":                 readJSON(`{"a": 1,}`),
	} {
		if err == nil {
			t.Errorf("%s is no fault", name)
		}
	}
	if err := buildConfiguration(t, files, "limits: { timeout: 10s }"); err != nil {
		t.Error(err)
	}
}

// TestDeployment holds the commands of README.md for clouds against the guides, which
// tests/infra follows.
func TestDeployment(t *testing.T) {
	guide := map[string]string{}
	for marker, name := range elsewhere {
		content, err := os.ReadFile(filepath.Join(peer.Root(t), filepath.FromSlash(guides), name))
		if err != nil {
			t.Fatal(err)
		}
		guide[marker] = string(content)
	}
	for _, p := range followed(t) {
		for _, s := range p.snippets {
			if p.path != "README.md" || guide[s.marker] == "" {
				continue
			}
			for line := range strings.Lines(s.text) {
				command, _, _ := strings.Cut(line, " #")
				if command = strings.TrimSpace(command); !strings.Contains(guide[s.marker], "\n"+command+"\n") {
					t.Errorf("README.md:%d: the guide does not have %q", s.line, command)
				}
			}
		}
	}
}
