package rooms_test

import (
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"toolgate/tests/peer"
)

// TestForbiddenCalls finds uses of what product code must not use.
func TestForbiddenCalls(t *testing.T) {
	tr := parseTree(t)
	for _, s := range tr.product() {
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, f := range forbiddenCalls {
				if s.names[pkg.Name] == f.path && slices.Contains(f.names, selector.Sel.Name) && !slices.Contains(f.rooms, s.dir) {
					t.Errorf("%s uses %s.%s: %s", tr.at(s, n), f.path, selector.Sel.Name, f.why)
				}
			}
			return true
		})
	}
}

// TestSizes finds functions and files of the product that are too long to be
// taken in.
func TestSizes(t *testing.T) {
	tr := parseTree(t)
	for _, s := range tr.product() {
		if n := tr.fset.File(s.syntax.Pos()).LineCount(); n > maxFile {
			t.Errorf("%s has %d lines, more than %d: split it by concern", s.file, n, maxFile)
		}
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && tr.lines(f) > maxFunction {
				t.Errorf("%s: func %s has %d lines, more than %d", tr.at(s, f), f.Name.Name, tr.lines(f), maxFunction)
			}
		}
	}
}

// TestPackageComments asks for one comment that says what a package knows, in
// one of its files.
func TestPackageComments(t *testing.T) {
	type pkg struct{ dir, name string }
	comments := map[pkg][]string{}
	for _, s := range parseTree(t).files {
		p := pkg{s.dir, strings.TrimSuffix(s.syntax.Name.Name, "_test")}
		if s.syntax.Doc == nil {
			comments[p] = slices.Clip(comments[p]) // the package is there, perhaps without any
			continue
		}
		comments[p] = append(comments[p], s.file)
		begin := "Package " + s.syntax.Name.Name + " "
		if p.name == "main" {
			begin = "Command "
		}
		if !strings.HasPrefix(s.syntax.Doc.Text(), begin) {
			t.Errorf("%s: the package comment begins otherwise than %q", s.file, begin)
		}
	}
	for p, files := range comments {
		if len(files) != 1 {
			t.Errorf("package %s in %s has %d package comments %v, want one", p.name, p.dir, len(files), files)
		}
	}
}

// TestNames finds vague words in the product's exported identifiers.
func TestNames(t *testing.T) {
	tr := parseTree(t)
	avoid := append(avoidedWords(t), vagueWords...)
	found := map[string]bool{}
	for _, s := range tr.product() {
		for _, name := range exported(s.syntax) {
			for _, word := range words(name.Name) {
				if !slices.Contains(avoid, word) {
					continue
				}
				found[name.Name] = true
				if excusedNames[name.Name] == "" {
					t.Errorf("%s: %s: avoid %q; GLOSSARY.md and the specifications have the term", tr.at(s, name), name.Name, word)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(excusedNames)) {
		if !found[name] {
			t.Errorf("the list of excused names has %s, which is no exported identifier: remove it", name)
		}
	}
}

var avoidList = regexp.MustCompile(`\*Avoid: ([^*]+)\*`)

// avoidedWords reads the words to avoid from GLOSSARY.md, with a capital as an
// identifier has them. The sense in which to avoid a word stands there in
// parentheses; it is for the reader.
func avoidedWords(t *testing.T) []string {
	t.Helper()
	glossary, err := os.ReadFile(filepath.Join(peer.Root(t), "GLOSSARY.md"))
	if err != nil {
		t.Fatalf("reading which words to avoid: %v", err)
	}
	var list []string
	for _, m := range avoidList.FindAllStringSubmatch(string(glossary), -1) {
		text, _, _ := strings.Cut(m[1], " (")
		for word := range strings.SplitSeq(strings.TrimSuffix(text, "."), ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, strings.ToUpper(word[:1])+word[1:])
			}
		}
	}
	if len(list) == 0 {
		t.Fatal("reading which words to avoid: GLOSSARY.md has no list of them")
	}
	return list
}

// exported lists the exported identifiers that a file declares at the top
// level, methods and fields among them.
func exported(file *ast.File) []*ast.Ident {
	var names []*ast.Ident
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, id)
			}
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					add(spec.Names...)
				case *ast.TypeSpec:
					add(spec.Name)
					add(members(spec)...)
				}
			}
		}
	}
	return names
}

// members are the fields or methods of an exported type.
func members(spec *ast.TypeSpec) []*ast.Ident {
	if !spec.Name.IsExported() {
		return nil
	}
	var list *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	var names []*ast.Ident
	for _, f := range list.List {
		names = append(names, f.Names...)
	}
	return names
}

// words splits an identifier where a word begins: at a capital that follows a
// small letter, and at the last capital of several.
func words(name string) []string {
	var list []string
	letters := []rune(name)
	start := 0
	for i := 1; i < len(letters); i++ {
		after := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if unicode.IsUpper(letters[i]) && (!unicode.IsUpper(letters[i-1]) || after) {
			list = append(list, string(letters[start:i]))
			start = i
		}
	}
	return append(list, string(letters[start:]))
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"ServeCommon":    {"Serve", "Common"},
		"MetaServerInfo": {"Meta", "Server", "Info"},
		"HTTPStatus":     {"HTTP", "Status"},
		"TTLMs":          {"TTL", "Ms"},
		"Database":       {"Database"},
	} {
		if got := words(name); !slices.Equal(got, want) {
			t.Errorf("words(%q): got %q, want %q", name, got, want)
		}
	}
}
