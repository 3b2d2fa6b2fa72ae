package corpus_test

import (
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"toolgate/shared/expr"
)

// wantCompiled is the share of expressions that must compile.
const wantCompiled = 0.97

// found is an expression in a document.
type found struct {
	source string // as it stands, with @( or @{ and the closing bracket
	at     expr.Position
	whole  bool // it has an end
}

// TestExpressionsCompile compiles every expression of the policy documents in
// the folder that TOOLGATE_CORPUS names.
func TestExpressionsCompile(t *testing.T) {
	root := os.Getenv("TOOLGATE_CORPUS")
	if root == "" {
		t.Skip("TOOLGATE_CORPUS names no folder of policy documents")
	}
	total, compiled, documents := 0, 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, ".xml") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		documents++
		name, _ := filepath.Rel(root, path)
		for _, f := range expressionsOf(string(text)) {
			total++
			if problem := compile(f); problem == "" {
				compiled++
			} else {
				t.Logf("%s:%s", name, problem)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the documents: %v", err)
	}
	if total == 0 {
		t.Fatalf("%s has no expressions", root)
	}
	share := float64(compiled) / float64(total)
	t.Logf("%d of %d expressions in %d documents compile: %.2f %%", compiled, total, documents, 100*share)
	if share < wantCompiled {
		t.Errorf("got a share of %.4f, want at least %.2f", share, wantCompiled)
	}
}

// compile says what is wrong, or "".
func compile(f found) string {
	if !f.whole {
		return f.at.String() + ": the expression has no end"
	}
	kind := expr.Single
	if f.source[1] == '{' {
		kind = expr.Statements
	}
	at := f.at
	at.Column += 2
	_, errs := expr.Compile(f.source[2:len(f.source)-1], kind, at)
	problems := make([]string, len(errs))
	for i, e := range errs {
		problems[i] = e.Error()
	}
	return strings.Join(problems, "; ")
}

var (
	comment    = regexp.MustCompile(`(?s)<!--.*?-->`)
	beginning  = regexp.MustCompile(`@[({]`)
	namedValue = regexp.MustCompile(`\{\{[\w .-]+\}\}`)
	escaped    = regexp.MustCompile(`&(quot|amp|lt|gt|apos|#\d+|#x[0-9a-fA-F]+);`)
)

// expressionsOf finds the expressions of a document. Named values are replaced by
// 1, which is a number outside of quotes and text within.
func expressionsOf(document string) []found {
	document = strings.TrimPrefix(document, "\ufeff")
	document = comment.ReplaceAllStringFunc(document, blank)
	document = namedValue.ReplaceAllString(document, "1")
	var list []found
	for pos := 0; ; {
		loc := beginning.FindStringIndex(document[pos:])
		if loc == nil {
			return list
		}
		start := pos + loc[0]
		f, n := extract(document, start)
		f.at = position(document, start)
		list = append(list, f)
		pos = start + n
	}
}

// blank keeps line breaks.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, s)
}

// extract reads the expression at start; n is its length in the document. In an
// attribute with escaped quotes, entities are decoded before the end is looked
// for.
func extract(document string, start int) (f found, n int) {
	rest := document[start:]
	if quote := document[max(start-1, 0)]; quote == '"' || quote == '\'' {
		if end := strings.IndexByte(rest, quote); end > 0 && escaped.MatchString(rest[:end]) {
			decoded := html.UnescapeString(rest[:end])
			if m, ok := expr.Extent(decoded); ok {
				return found{source: decoded[:m], whole: true}, end
			}
		}
	}
	m, ok := expr.Extent(rest)
	if !ok {
		return found{source: rest[:2]}, 2
	}
	return found{source: html.UnescapeString(rest[:m]), whole: true}, m
}

func position(document string, offset int) expr.Position {
	before := document[:offset]
	return expr.Position{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))}
}
