package specs_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"toolgate/shared/openapi"
	"toolgate/shared/profile"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TestProfiles adapts all tools of large documents for every profile: what is made is
// within its limits and a schema, has its own name, leads back to one tool, and is not
// changed again.
func TestProfiles(t *testing.T) {
	for _, path := range specPaths(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			d := parse(t, path)
			names := d.Names(64)
			var tools []jsontext.Value
			for _, o := range d.Operations {
				if tool, _ := d.Tool(o, names[o], openapi.ToolOptions{Output: openapi.OutputNone}); tool != nil {
					tools = append(tools, tool.Definition)
				}
			}
			for _, name := range profile.KnownNames() {
				p := profile.Known(name).For("a-server")
				adapted := 0
				known := map[string]string{}
				for i, c := range p.Survey(tools) {
					if c.Err != nil {
						t.Errorf("%s: %s: %v", name, c.Tool, c.Err)
						continue
					}
					if other, taken := known[c.Name]; taken {
						t.Errorf("%s: %s and %s are both %s", name, other, c.Tool, c.Name)
					}
					known[c.Name] = c.Tool
					if c.Changes != nil {
						adapted++
						holds(t, p, c, tools[i])
					}
				}
				t.Logf("%s: %d of %d tools are adapted", name, adapted, len(tools))
			}
		})
	}
}

// holds checks one definition that was made.
func holds(t *testing.T, p *profile.Profile, c profile.Change, original jsontext.Value) {
	t.Helper()
	made, err := p.Adapt(original, c.Name)
	if err != nil {
		t.Fatal(err)
	}
	var tool struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		InputSchema jsontext.Value `json:"inputSchema"`
	}
	if err := json.Unmarshal(made.Definition, &tool); err != nil {
		t.Fatalf("%s: %s: %v", p.Name, c.Tool, err)
	}
	if tool.Name != c.Name || p.NameLength > 0 && len(tool.Name) > p.NameLength {
		t.Errorf("%s: %s has the name %q, want %q", p.Name, c.Tool, tool.Name, c.Name)
	}
	if p.Description > 0 && utf8.RuneCountInString(tool.Description) > p.Description {
		t.Errorf("%s: %s has a description of %d characters", p.Name, c.Tool, utf8.RuneCountInString(tool.Description))
	}
	if _, err := openapi.CompileSchema(tool.InputSchema); err != nil {
		t.Errorf("%s: %s: %v", p.Name, c.Tool, err)
	}
	again, err := p.Adapt(made.Definition, c.Name)
	if err != nil || string(again.Definition) != string(made.Definition) {
		t.Errorf("%s: %s is changed again, %v", p.Name, c.Tool, err)
	}
	back, err := p.Arguments(schemaOf(t, original))
	if err != nil || !maps.Equal(back, made.Arguments) {
		t.Errorf("%s: %s: got the arguments %v, %v, want %v", p.Name, c.Tool, back, err, made.Arguments)
	}
	var before, after struct {
		Properties map[string]jsontext.Value `json:"properties"`
		Required   []string                  `json:"required"`
	}
	if json.Unmarshal(schemaOf(t, original), &before) != nil || json.Unmarshal(tool.InputSchema, &after) != nil {
		t.Fatalf("%s: %s has a schema that cannot be read", p.Name, c.Tool)
	}
	for name := range before.Properties { // none is lost
		there := after.Properties[name] != nil || slices.Contains(slices.Collect(maps.Values(back)), name)
		if !there {
			t.Errorf("%s: %s has lost the argument %q", p.Name, c.Tool, name)
		}
	}
	if len(after.Required) != len(before.Required) {
		t.Errorf("%s: %s requires %q, of %q", p.Name, c.Tool, after.Required, before.Required)
	}
}

// schemaOf is that of the arguments of a tool.
func schemaOf(t *testing.T, definition jsontext.Value) jsontext.Value {
	t.Helper()
	var tool struct {
		InputSchema jsontext.Value `json:"inputSchema"`
	}
	if err := json.Unmarshal(definition, &tool); err != nil {
		t.Fatal(err)
	}
	return tool.InputSchema
}
