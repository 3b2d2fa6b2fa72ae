package importer

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"toolgate/shared/config"
)

// What is written as text is read as the same text.
func FuzzScalar(f *testing.F) {
	for _, seed := range []string{"a", "yes", "12", "1.0", "0x1", "a: b", "# c", "{{x}}", "'", "\"", "\\", "a\nb", "\x7f", "\u0085", "\u2028", "\ufeff", "😀", " a", "a ", "-", "~", "null", "2026-01-31", "1e3", "/a/b", "env:X", "env:", "https://a/:"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > maxValue || config.ValueReference().MatchString(text) {
			return
		}
		d := newDraft("")
		d.name = "x"
		d.namedValues = object{{"v", text}}
		if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), d.yaml(), 0o600); err != nil {
			t.Fatal(err)
		}
		c, faults := config.Load(dir, func(string) (string, bool) { return "", false })
		if len(faults) > 0 {
			t.Fatalf("%q: got %v of\n%s", text, faults, d.yaml())
		}
		got := ""
		for _, p := range c.NamedValues[0].Value.Parts {
			got += p.Literal
		}
		if got != text {
			t.Errorf("got %q, want %q, of\n%s", got, text, d.yaml())
		}
	})
}
