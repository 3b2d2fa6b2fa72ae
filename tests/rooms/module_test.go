package rooms_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// requirement is one line of go.mod.
type requirement struct {
	Path     string
	Version  string
	Indirect bool
}

func requirements(t *testing.T) []requirement {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = peer.Root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	var mod struct{ Require []requirement }
	if err := json.Unmarshal(out, &mod, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	return mod.Require
}

// TestDependencies compares the modules that the repository imports with those
// that CONTRIBUTING.md gives a reason for, and with go.mod.
func TestDependencies(t *testing.T) {
	explained := explainedModules(t)
	required := requirements(t)
	if len(explained) > maxDependencies {
		t.Errorf("CONTRIBUTING.md has %d dependencies, want at most %d", len(explained), maxDependencies)
	}
	imported := map[string]string{} // module → a file that imports of it
	for _, s := range parseTree(t).files {
		for _, to := range s.imports {
			if !standard(to) && !strings.HasPrefix(to, module+"/") {
				imported[moduleOf(required, to)] = s.file
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(imported)) {
		if !slices.Contains(explained, m) {
			t.Errorf("%s imports of %s: CONTRIBUTING.md must say what it would take without it", imported[m], m)
		}
	}
	for _, m := range explained {
		if imported[m] == "" {
			t.Errorf("nothing imports of %s any more: remove it from CONTRIBUTING.md", m)
		}
	}
	for _, r := range required {
		if explained := slices.Contains(explained, r.Path); explained == r.Indirect {
			t.Errorf("go.mod has %s as indirect = %v, want %v: run go mod tidy", r.Path, r.Indirect, !explained)
		}
	}
}

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .*[a-z].* \\|$")

// explainedModules reads the table of dependencies in CONTRIBUTING.md.
func explainedModules(t *testing.T) []string {
	t.Helper()
	contributing, err := os.ReadFile(filepath.Join(peer.Root(t), "CONTRIBUTING.md"))
	if err != nil {
		t.Fatalf("reading why each module is needed: %v", err)
	}
	_, section, ok := strings.Cut(string(contributing), "\n## Dependencies\n")
	if !ok {
		t.Fatal(`reading why each module is needed: CONTRIBUTING.md has no section "Dependencies"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var modules []string
	for _, m := range tableRow.FindAllStringSubmatch(section, -1) {
		modules = append(modules, m[1])
	}
	return modules
}

// moduleOf is the required module that a package is of: the one with the
// longest path, or the package's own path when none is required.
func moduleOf(required []requirement, importPath string) string {
	best := ""
	for _, r := range required {
		if (importPath == r.Path || strings.HasPrefix(importPath, r.Path+"/")) && len(r.Path) > len(best) {
			best = r.Path
		}
	}
	if best == "" {
		return importPath
	}
	return best
}
