package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/commands.md")

const commandsIntroduction = `# Commands

The words behind ` + "`go run ./local`" + `. The page is generated from the commands' own usage texts: do not edit it, run ` + "`go test ./local -run TestCommandsPage -update`" + `.

Flags have one hyphen or two, and may stand before or behind the arguments. The exit code is 0, 1 for a fault in what was given, and 2 for a command line that cannot be run; where a command has others, its text says so. Without a command the example is served.

`

var (
	flagLine    = regexp.MustCompile(`^  -(\S+)(?: (.+))?$`)
	defaultText = regexp.MustCompile(` \(default "?(.*?)"?\)$`)
)

// TestCommandsPage compares docs/commands.md with what the commands print of
// themselves. With -update it writes the page.
func TestCommandsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(commandsIntroduction)
	for _, c := range commands() {
		fmt.Fprintf(&b, "- [%s](#%s)\n", c.name, c.name)
	}
	for _, c := range commands() {
		summary := strings.ToUpper(c.summary[:1]) + c.summary[1:]
		fmt.Fprintf(&b, "\n## %s\n\n`go run ./local %s %s`\n\n%s.\n", c.name, c.name, c.arguments, summary)
		words := [][]string{nil}
		if c.name == "trace" { // its words have flags of their own
			words = [][]string{{"token"}, {"get"}}
		}
		for _, args := range words {
			writeFlags(t, &b, c, args)
		}
	}
	file := filepath.Join("docs", "commands.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != b.String() {
		t.Errorf("%s is stale, %v: go test ./local -run TestCommandsPage -update writes it", file, err)
	}
}

// writeFlags writes a table of what a command prints for -h behind the words.
func writeFlags(t *testing.T, b *strings.Builder, c command, words []string) {
	t.Helper()
	var usage bytes.Buffer
	env := func(string) (string, bool) { return "", false }
	if code := run(t.Context(), append(append([]string{c.name}, words...), "-h"), &usage, &usage, env); code != 0 {
		t.Fatalf("%s -h: exit code %d\n%s", c.name, code, usage.String())
	}
	rows := flagRows(usage.String())
	if len(rows) == 0 {
		return
	}
	title := "flag"
	if len(words) > 0 {
		title = "flag of `" + words[0] + "`"
	}
	fmt.Fprintf(b, "\n| %s | does |\n|---|---|\n%s", title, strings.Join(rows, ""))
}

// flagRows are the rows of what package flag prints.
func flagRows(usage string) (rows []string) {
	lines := strings.Split(usage, "\n")
	for i, line := range lines {
		m := flagLine.FindStringSubmatch(line)
		if m == nil || i+1 == len(lines) {
			continue
		}
		name := "--" + m[1]
		if m[2] != "" {
			name += " " + m[2]
		}
		text := strings.TrimSpace(lines[i+1])
		if d := defaultText.FindStringSubmatch(text); d != nil && !strings.Contains(d[1], " ") {
			text = strings.TrimSuffix(text, d[0]) + " (default `" + d[1] + "`)"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), strings.ReplaceAll(text, "|", `\|`)))
	}
	return rows
}
