package rooms_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"toolgate/tests/peer"
)

// testFunction is a test or a fuzz target of the repository.
type testFunction struct {
	dir  string
	name string
}

// TestThreats reads SECURITY.md: every threat has a test, and every test that it
// names is there.
func TestThreats(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(peer.Root(t), "SECURITY.md"))
	if err != nil {
		t.Fatalf("reading the threats: %v", err)
	}
	threats := threatsOf(string(content))
	if len(threats) == 0 {
		t.Fatal("reading the threats: SECURITY.md has no table of them")
	}
	tests := testStrings(t)
	for _, th := range threats {
		if len(th.tests) == 0 {
			t.Errorf("SECURITY.md:%d: %s has no test: name one, as in `shared/auth.TestAttacks`", th.line, th.name)
		}
		for _, name := range th.tests {
			if fault := missing(t, name, tests); fault != "" {
				t.Errorf("SECURITY.md:%d: %s: %s %s", th.line, th.name, name, fault)
			}
		}
	}
}

// threat is a row of the table.
type threat struct {
	line  int
	name  string
	tests []string
}

var (
	threatRow = regexp.MustCompile(`^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	testName  = regexp.MustCompile("`([^`]+)`")
	testPath  = regexp.MustCompile(`^([a-z0-9/]+)\.((?:Test|Fuzz)\w+)(?:/(.+))?$`)
)

// threatsOf reads the rows of tables whose last column names tests.
func threatsOf(content string) (list []threat) {
	inTable := false
	line := 0
	for text := range strings.SplitSeq(content, "\n") {
		line++
		row := threatRow.FindStringSubmatch(text)
		switch {
		case strings.HasPrefix(text, "|--"): // between the names of columns and the rows
		case row == nil:
			inTable = false
		case row[3] == "Tests":
			inTable = true
		case inTable:
			th := threat{line: line, name: row[1]}
			for _, m := range testName.FindAllStringSubmatch(row[3], -1) {
				th.tests = append(th.tests, m[1])
			}
			list = append(list, th)
		}
	}
	return list
}

// testStrings are the tests of the repository, with the texts that stand in the
// folder of each: the names of parts are among them.
func testStrings(t *testing.T) map[testFunction]map[string]bool {
	t.Helper()
	texts := map[string]map[string]bool{} // of a folder
	found := map[testFunction]map[string]bool{}
	for _, s := range parseTree(t).files {
		if !s.test {
			continue
		}
		if texts[s.dir] == nil {
			texts[s.dir] = map[string]bool{}
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					texts[s.dir][text] = true
				}
			}
			return true
		})
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[testFunction{s.dir, f.Name.Name}] = texts[s.dir]
			}
		}
	}
	return found
}

// missing says what is wrong with the name of a test, package.TestName or
// package.TestName/part; empty when it is there. A part is a text in the tests of
// the package, or a file of its testdata.
func missing(t *testing.T, name string, tests map[testFunction]map[string]bool) string {
	t.Helper()
	m := testPath.FindStringSubmatch(name)
	if m == nil {
		return "is not of the form package.TestName"
	}
	dir, function, part := m[1], m[2], m[3]
	texts, ok := tests[testFunction{dir, function}]
	switch {
	case !ok:
		return "is no test"
	case part == "" || texts[part]:
		return ""
	}
	if _, err := os.Stat(filepath.Join(peer.Root(t), filepath.FromSlash(dir), "testdata", part+".txtar")); err == nil {
		return ""
	}
	return "has no such part"
}

func TestThreatsOf(t *testing.T) {
	got := threatsOf("| Threat | What stops it | Tests |\n|---|---|---|\n| A | b | `x.TestA`, `x.TestB/c` |\n| B | c | later |\n\n| a | b | `c` |\n")
	if len(got) != 2 || got[0].line != 3 || got[0].name != "A" || len(got[0].tests) != 2 || got[0].tests[1] != "x.TestB/c" || got[1].tests != nil {
		t.Errorf("got %+v", got)
	}
	tests := map[testFunction]map[string]bool{{"x", "TestA"}: {"part": true}}
	for name, want := range map[string]string{
		"x.TestA": "", "x.TestA/part": "", "x.TestA/other": "has no such part", "x.TestB": "is no test", "y.TestA": "is no test",
		"TestA": "is not of the form package.TestName",
	} {
		if fault := missing(t, name, tests); fault != want {
			t.Errorf("%s: got %q, want %q", name, fault, want)
		}
	}
}
