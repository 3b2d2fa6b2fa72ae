package plan_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/plan"
	"toolgate/shared/snapshot"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the plans into testdata")

// TestPlans compares two folders that a file has, before/ and after/, and holds the
// plan against the one in the file.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before, after := built(t, a, "before/"), built(t, a, "after/")
			p, err := plan.Compare(before, after)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := p.Print(&out); err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(before.Hash, "BEFORE", after.Hash, "AFTER").Replace(out.String())
			for _, secret := range []string{"hunter2", "SECRET_OF"} {
				if strings.Contains(got, secret) {
					t.Errorf("the plan has the secret %q:\n%s", secret, got)
				}
			}
			last := &a.Files[len(a.Files)-1]
			if *update && last.Name == "want" {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if last.Name != "want" || got != string(last.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, last.Data)
			}
			if same, err := plan.Compare(after, built(t, a, "after/")); err != nil || len(same.Changes) > 0 {
				t.Errorf("got %v, %v, want no changes from a folder to itself", same, err)
			}
		})
	}
}

// built compiles a folder of a test, in a directory of its own.
func built(t *testing.T, a *txtar.Archive, prefix string) *snapshot.Snapshot {
	t.Helper()
	dir := t.TempDir()
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok {
			if name, ok = strings.CutPrefix(f.Name, "both/"); !ok {
				continue
			}
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, faults := config.Load(dir, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	result, err := build.Build(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(); err != nil {
		t.Error(err)
	}
	return s
}
