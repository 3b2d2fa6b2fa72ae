package hosts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"go.yaml.in/yaml/v4"
)

// azdKeys are the keys of azd's schema that azure.yaml uses, by their place; the
// schema itself lets every other pass. Free is for names that are the user's.
var azdKeys = map[string][]string{
	"":                        {"name", "metadata", "requiredVersions", "infra", "hooks", "services", "workflows"},
	"metadata":                {"template"},
	"requiredVersions":        {"azd"},
	"infra":                   {"provider", "path", "module"},
	"hooks":                   {"predeploy", "preprovision", "postprovision", "prepackage", "postdeploy"},
	"hooks.predeploy":         {"posix", "windows"},
	"hooks.predeploy.posix":   {"shell", "run"},
	"hooks.predeploy.windows": {"shell", "run"},
	"services":                {"gateway"},
	"services.gateway":        {"project", "language", "host"},
	"workflows":               {"up"},
	"workflows.up":            {"steps"},
	"workflows.up.steps[]":    {"azd"},
}

// unknownKeys are those of a document that azd would not look at.
func unknownKeys(place string, v any) []string {
	var unknown []string
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if !slices.Contains(azdKeys[place], name) {
				unknown = append(unknown, strings.TrimPrefix(place+"."+name, "."))
				continue
			}
			unknown = append(unknown, unknownKeys(strings.TrimPrefix(place+"."+name, "."), value)...)
		}
	case []any:
		for _, value := range v {
			unknown = append(unknown, unknownKeys(place+"[]", value)...)
		}
	}
	return unknown
}

type azdHook struct{ Shell, Run string }

type azdProject struct {
	Name             string
	RequiredVersions struct{ Azd string } `yaml:"requiredVersions"`
	Infra            struct{ Provider, Path, Module string }
	Hooks            struct {
		Predeploy struct{ Posix, Windows azdHook }
	}
	Services  map[string]struct{ Project, Language, Host string }
	Workflows struct {
		Up struct{ Steps []struct{ Azd string } }
	}
}

// azd deploys the package that the hook writes, on all three systems, without a
// feature that has to be turned on.
func TestAzureYAML(t *testing.T) {
	root := peer.Root(t)
	content, err := os.ReadFile(filepath.Join(root, "azure.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document any
	var p azdProject
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &p); err != nil {
		t.Fatal(err)
	}
	for _, key := range unknownKeys("", document) {
		t.Errorf("azd does not know the key %s", key)
	}
	const archive = "dist/functions.zip"
	run := "go run ./local package azure -o " + archive
	for _, c := range []struct{ what, got, want string }{
		{"hook of Linux and macOS", fmt.Sprint(p.Hooks.Predeploy.Posix), fmt.Sprint(azdHook{"sh", run})},
		{"hook of Windows", fmt.Sprint(p.Hooks.Predeploy.Windows), fmt.Sprint(azdHook{"pwsh", run})},
		{"services", fmt.Sprint(p.Services), "map[gateway:{. go function}]"}, // language custom has to be turned on
		{"steps of up", fmt.Sprint(p.Workflows.Up.Steps), "[{provision} {deploy gateway --from-package " + archive + "}]"},
		{"infra", fmt.Sprint(p.Infra), "{bicep infra main}"},
		{"azd", p.RequiredVersions.Azd, ">= 1.26.0"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, c.got, c.want)
		}
	}
	// A bare `azd deploy` compiles the root of the repository. That has to fail, as the
	// package would have no functions in it.
	if sources, err := filepath.Glob(filepath.Join(root, "*.go")); err != nil || len(sources) > 0 {
		t.Errorf("got %v, %v in the root, want no sources", sources, err)
	}
}

func TestUnknownKeys(t *testing.T) {
	var document any
	if err := yaml.Unmarshal([]byte("name: a\nworkflow: {}\nservices: { gateway: { distt: b } }\nworkflows: { up: { steps: [ { azdd: c } ] } }\n"), &document); err != nil {
		t.Fatal(err)
	}
	got := unknownKeys("", document)
	slices.Sort(got)
	if want := []string{"services.gateway.distt", "workflow", "workflows.up.steps[].azdd"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
