package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected faults")

// faultCase is one case of testdata/faults.txt.
type faultCase struct {
	name   string
	schema bool // gateway.schema.json refuses it as well
	text   string
	want   string // one fault a line
}

// faultCases reads testdata/faults.txt, and what stands before its first case.
func faultCases(t testing.TB) (preface string, cases []faultCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	preface, rest, _ := strings.Cut(string(data), "=== ")
	for part := range strings.SplitSeq(rest, "\n=== ") {
		title, body, _ := strings.Cut(strings.TrimRight(part, "\n"), "\n")
		var c faultCase
		c.name, c.schema = strings.CutSuffix(title, " (schema)")
		var text, want strings.Builder
		for line := range strings.Lines(body + "\n") {
			if fault, ok := strings.CutPrefix(line, "> "); ok {
				want.WriteString(fault)
				continue
			}
			text.WriteString(line)
		}
		c.text, c.want = strings.TrimRight(text.String(), "\n")+"\n", strings.TrimRight(want.String(), "\n")
		cases = append(cases, c)
	}
	return preface, cases
}

// TestFaults compares all faults of each case, in their order.
func TestFaults(t *testing.T) {
	preface, cases := faultCases(t)
	updated := strings.Builder{}
	updated.WriteString(preface)
	for i, c := range cases {
		_, faults := parseText(t, c.text)
		got := faults.Error()
		switch {
		case got == "":
			t.Errorf("%s: got no fault", c.name)
		case got != c.want && !*update:
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
		if i > 0 {
			updated.WriteString("\n")
		}
		title := c.name
		if c.schema {
			title += " (schema)"
		}
		updated.WriteString("=== " + title + "\n" + c.text + "> " + strings.ReplaceAll(got, "\n", "\n> ") + "\n")
	}
	if *update {
		if err := os.WriteFile("testdata/faults.txt", []byte(updated.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
