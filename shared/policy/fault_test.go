package policy

import (
	"flag"
	"os"
	"strings"
	"testing"

	"toolgate/shared/fault"
)

var update = flag.Bool("update", false, "rewrite the expected faults")

// TestFaults compares the faults of each document of testdata/faults.txt, from
// reading and from holding it against the vocabulary. A case is a line
// "=== name", the document, a line "---" and the faults.
func TestFaults(t *testing.T) {
	const path = "testdata/faults.txt"
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prose, cases, _ := strings.Cut(string(golden), "=== ")
	var rewritten strings.Builder
	rewritten.WriteString(prose)
	for c := range strings.SplitSeq(cases, "\n=== ") {
		name, rest, _ := strings.Cut(c, "\n")
		text, want, found := strings.Cut(rest, "\n---\n")
		if !found {
			text = strings.TrimSuffix(rest, "\n---")
		}
		d, faults := Parse("p.xml", []byte(text), ParseOptions{})
		if faults.Err() == nil {
			faults = append(faults, Validate(d, ValidateOptions{})...)
		}
		got := faults.Sorted().Error()
		if !*update && got != strings.TrimSpace(want) {
			t.Errorf("%s:\ngot:\n%s\nwant:\n%s", name, got, want)
		}
		rewritten.WriteString("=== " + name + "\n" + text + "\n---\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(rewritten.String(), "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaultsErr(t *testing.T) {
	if err := (fault.Faults{{Warning: true}}).Err(); err != nil {
		t.Errorf("got %v for a warning alone, want nil", err)
	}
	if err := (fault.Faults{{Warning: true}, {Message: "m"}}).Err(); err == nil {
		t.Error("got nil for a fault, want an error")
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
