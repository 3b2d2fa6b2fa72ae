// Package specs_test converts large public OpenAPI documents, which are not part
// of the repository: TOOLGATE_SPECS names the folder that holds them.
package specs_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"toolgate/shared/openapi"
)

// operations are the numbers of operations of documents, as their publishers
// and other readers of them count.
var operations = map[string]int{
	"github.json":                1223,
	"kubernetes-v2-swagger.json": 1062,
}

// specPaths are the documents of the folder, in order.
func specPaths(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("TOOLGATE_SPECS")
	if dir == "" {
		t.Skip("TOOLGATE_SPECS does not name a folder of OpenAPI documents")
	}
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && !entry.IsDir() && (ext == ".json" || ext == ".yaml" || ext == ".yml") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range operations {
		if !slices.ContainsFunc(paths, func(path string) bool { return filepath.Base(path) == name }) {
			t.Errorf("%s is not in %s", name, dir)
		}
	}
	return paths
}

func parse(t *testing.T, path string) *openapi.Document {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openapi.Parse(path, data, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// published is an operation with what became of it.
type published struct {
	operation *openapi.Operation
	tool      *openapi.Tool
	verdict   openapi.Verdict
}

// publish converts all operations of a document.
func publish(d *openapi.Document, opt openapi.ToolOptions) (all []published) {
	names := d.Names(0)
	for _, o := range d.Operations {
		tool, verdict := d.Tool(o, names[o], opt)
		all = append(all, published{o, tool, verdict})
	}
	return all
}

// TestDocuments converts every operation of every document, in both output
// modes that publish a schema.
func TestDocuments(t *testing.T) {
	for _, path := range specPaths(t) {
		for _, mode := range []openapi.OutputMode{openapi.OutputPermissive, openapi.OutputExact} {
			t.Run(filepath.Base(path)+"/"+string(mode), func(t *testing.T) {
				began := time.Now()
				d := parse(t, path)
				parsed := time.Now()
				all := publish(d, openapi.ToolOptions{Output: mode})
				converted := time.Now()
				if want, known := operations[filepath.Base(path)]; known && len(all) != want {
					t.Errorf("got %d operations, want %d", len(all), want)
				}
				report(t, all)
				t.Logf("parsed in %v, converted in %v", parsed.Sub(began).Round(time.Millisecond), converted.Sub(parsed).Round(time.Millisecond))
				checkNames(t, all)
				for _, p := range all {
					if p.tool != nil {
						checkTool(t, p.tool)
					}
				}
			})
		}
	}
}

// report prints how many operations came to what, and checks that nearly all
// are published.
func report(t *testing.T, all []published) {
	t.Helper()
	kinds := make(map[openapi.VerdictKind]int)
	reasons := make(map[string]int)
	place := regexp.MustCompile(` \([^ ]*:\d+:\d+\)$`)
	input, definition := 0, 0
	for _, p := range all {
		kinds[p.verdict.Kind]++
		for _, reason := range p.verdict.Reasons {
			reasons[string(p.verdict.Kind)+": "+place.ReplaceAllString(reason, "")]++
		}
		if p.tool != nil {
			input += len(p.tool.InputSchema)
			definition += len(p.tool.Definition)
		}
	}
	t.Logf("%d operations: %d exact, %d lossy, %d refused; definitions %d KiB, input schemas %d KiB of them", len(all),
		kinds[openapi.Exact], kinds[openapi.Lossy], kinds[openapi.Refused], definition>>10, input>>10)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%5d × %s", reasons[reason], reason)
	}
	if refused := kinds[openapi.Refused]; refused*100 > len(all)*3 {
		t.Errorf("got %d of %d refused, want at most 3 %%", refused, len(all))
	}
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)

func checkNames(t *testing.T, all []published) {
	t.Helper()
	taken := make(map[string]string)
	for _, p := range all {
		if p.tool == nil {
			continue
		}
		name := p.tool.Name
		if !toolName.MatchString(name) {
			t.Errorf("%s: got the name %q", p.operation.Key(), name)
		}
		if other, ok := taken[name]; ok {
			t.Errorf("%q is the name of %s and of %s", name, p.operation.Key(), other)
		}
		taken[name] = p.operation.Key()
	}
}

// definition is a tool as tools/list shows it.
type definition struct {
	Name, Title, Description  string
	InputSchema, OutputSchema json.RawMessage
	Annotations               map[string]bool
}

var argumentName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// checkTool checks a tool as a client would, with a validator of 2020-12 as it
// comes: what that cannot compile, no client could.
func checkTool(t *testing.T, tool *openapi.Tool) {
	t.Helper()
	var d definition
	if err := json.Unmarshal(tool.Definition, &d); err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	if d.Name != tool.Name || d.Description == "" || len([]rune(d.Description)) > 1024 || len([]rune(d.Title)) > 64 {
		t.Errorf("%s: got name %q, title %q, description %q", tool.Name, d.Name, d.Title, d.Description)
	}
	if len(d.InputSchema) > 64<<10 || len(d.OutputSchema) > 64<<10 {
		t.Errorf("%s: got schemas of %d and %d bytes", tool.Name, len(d.InputSchema), len(d.OutputSchema))
	}
	compile(t, tool.Name, d.InputSchema)
	if d.OutputSchema != nil {
		compile(t, tool.Name, d.OutputSchema)
	}
	var input struct {
		Type       string
		Properties map[string]json.RawMessage
		Required   []string
	}
	if err := json.Unmarshal(d.InputSchema, &input); err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	if input.Type != "object" {
		t.Errorf("%s: got an input schema of type %q", tool.Name, input.Type)
	}
	for name := range input.Properties {
		if !argumentName.MatchString(name) {
			t.Errorf("%s: got the argument %q", tool.Name, name)
		}
	}
	for _, name := range input.Required {
		if input.Properties[name] == nil {
			t.Errorf("%s: %q is required but not described", tool.Name, name)
		}
	}
	checkBound(t, tool, slices.Sorted(maps.Keys(input.Properties)))
}

// checkBound checks that each argument of the schema goes somewhere, and nothing
// comes from an argument that is not there.
func checkBound(t *testing.T, tool *openapi.Tool, arguments []string) {
	t.Helper()
	var bound []string
	for _, p := range tool.Binding.Params {
		bound = append(bound, p.Arg)
	}
	if body := tool.Binding.Body; body != nil {
		if body.Arg != "" {
			bound = append(bound, body.Arg)
		}
		for _, p := range body.Properties {
			bound = append(bound, p.Arg)
		}
	}
	slices.Sort(bound)
	if !slices.Equal(bound, arguments) {
		t.Errorf("%s: got the arguments %q bound to %q", tool.Name, arguments, bound)
	}
}

func compile(t *testing.T, name string, schema json.RawMessage) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schema)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("urn:tool", value); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if _, err := c.Compile("urn:tool"); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
