// Package corpus_test reads public policy documents, which are no part of the
// repository: TOOLGATE_CORPUS names the folder that has them.
package corpus_test

import (
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
)

// files yields the policy documents of the corpus.
func files(t testing.TB) iter.Seq2[string, []byte] {
	t.Helper()
	folder := os.Getenv("TOOLGATE_CORPUS")
	if folder == "" {
		t.Skip("TOOLGATE_CORPUS does not name a folder of policy documents")
	}
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && strings.HasSuffix(path, ".xml") {
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("looking for documents: %v", err)
	}
	if len(names) == 0 {
		t.Fatalf("%s has no documents", folder)
	}
	return func(yield func(string, []byte) bool) {
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatalf("reading a document: %v", err)
			}
			short, err := filepath.Rel(folder, name)
			if err != nil {
				t.Fatalf("naming a document: %v", err)
			}
			if !yield(filepath.ToSlash(short), content) {
				return
			}
		}
	}
}

// TestPolicies asks that nearly all documents parse and hold only known
// policies, and lists the others with their reasons.
func TestPolicies(t *testing.T) {
	report := policy.Assess(files(t), policy.AssessOptions{})
	total := report.Total
	if parse := percent(total.Parse, total.Documents); parse < 99 {
		t.Errorf("got %.1f %% of the documents that parse, want 99", parse)
	}
	if known := percent(total.Known, total.Documents); known < 97 {
		t.Errorf("got %.1f %% of the documents with known policies only, want 97", known)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if _, err := json.Marshal(report); err != nil {
		t.Errorf("the report as JSON: %v", err)
	}
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

// TestPrint asks that what is printed parses to the same document.
func TestPrint(t *testing.T) {
	for name, content := range files(t) {
		document, faults := policy.Parse(name, content, policy.ParseOptions{})
		if faults.Err() != nil {
			continue // TestPolicies tells how many these are
		}
		again, faults := policy.Parse(name, []byte(policy.Print(document)), policy.ParseOptions{})
		if err := faults.Err(); err != nil {
			t.Errorf("what was printed of %s: %v", name, err)
			continue
		}
		same(t, name, document.Elements, again.Elements)
	}
}

// same compares elements but for their positions.
func same(t *testing.T, path string, want, got []*policy.Element) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d elements, want %d", path, len(got), len(want))
		return
	}
	for i, w := range want {
		g, at := got[i], path+"/"+w.Name
		if g.Name != w.Name || g.ID != w.ID || len(g.Attributes) != len(w.Attributes) {
			t.Errorf("%s: got <%s %v>, want <%s %v>", at, g.Name, g.Attributes, w.Name, w.Attributes)
			continue
		}
		for j, a := range w.Attributes {
			if g.Attributes[j].Name != a.Name || !sameText(g.Attributes[j].Value, a.Value) {
				t.Errorf("%s: got the attribute %v, want %v", at, g.Attributes[j], a)
			}
		}
		if !sameText(g.Text, w.Text) {
			t.Errorf("%s: got %v %q, want %v %q", at, g.Text.Kind, g.Text.Source, w.Text.Kind, w.Text.Source)
		}
		same(t, at, w.Children, g.Children)
	}
}

func sameText(a, b policy.Text) bool {
	return a.Source == b.Source && a.Kind == b.Kind && a.Verbatim == b.Verbatim
}

// BenchmarkPolicies parses and validates all documents. Building a gateway
// with 300 of them has a second for it.
func BenchmarkPolicies(b *testing.B) {
	type file struct {
		name    string
		content []byte
	}
	var all []file
	for name, content := range files(b) {
		all = append(all, file{name, content})
	}
	found := 0
	for b.Loop() {
		for _, f := range all {
			document, faults := policy.Parse(f.name, f.content, policy.ParseOptions{})
			found += len(faults)
			if faults.Err() == nil {
				found += len(policy.Validate(document, policy.ValidateOptions{Placeholders: true}))
			}
		}
	}
	if found == 0 {
		b.Error("got no fault, but some documents have policies that are not run")
	}
	b.ReportMetric(float64(len(all)), "documents/op")
}
