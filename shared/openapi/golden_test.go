package openapi

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenTool is what a golden file holds of each operation.
type goldenTool struct {
	Operation  string         `json:"operation"`
	Server     string         `json:"server"`
	Verdict    Verdict        `json:"verdict"`
	Definition jsontext.Value `json:"definition"`
	Binding    Binding        `json:"binding"`
}

// TestGolden converts the documents of testdata and compares all that comes of
// them with the files beside them; -update writes these.
func TestGolden(t *testing.T) {
	documents, err := filepath.Glob("testdata/petstore-?.?.*")
	if err != nil || len(documents) == 0 {
		t.Fatalf("got no documents: %v", err)
	}
	for _, path := range documents {
		if strings.HasSuffix(path, ".golden.json") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := goldenText(t, path)
			golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".golden.json"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
			for i := range max(len(gotLines), len(wantLines)) {
				if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
					t.Fatalf("%s differs from line %d on: look at it with -update and git diff", golden, i+1)
				}
			}
		})
	}
}

// parseFile parses a document of testdata.
func parseFile(t *testing.T, name string) *Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse("testdata/"+name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func goldenText(t *testing.T, path string) []byte {
	t.Helper()
	d := parseFile(t, filepath.Base(path))
	names := d.Names(0)
	var tools []goldenTool
	for _, o := range d.Operations {
		tool, verdict := d.Tool(o, names[o], ToolOptions{})
		g := goldenTool{Operation: o.Key(), Verdict: verdict}
		server, err := d.ServerURL(o)
		if err != nil {
			t.Error(err)
		}
		g.Server = server
		if tool != nil {
			g.Definition, g.Binding = tool.Definition, tool.Binding
			if _, err := CompileSchema(tool.InputSchema); err != nil {
				t.Errorf("%s: %v", tool.Name, err)
			}
		}
		tools = append(tools, g)
	}
	text, err := json.Marshal(tools)
	if err != nil {
		t.Fatal(err)
	}
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		t.Fatal(err)
	}
	return append(value, '\n')
}
