package rooms_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"toolgate/tests/peer"
)

const module = "toolgate"

// source is one parsed Go file.
type source struct {
	file    string // path from the root, with slashes
	dir     string // folder of file: the import path without the module
	test    bool
	syntax  *ast.File
	imports []string          // paths
	names   map[string]string // name in the file → import path
}

// tree is every Go file of the repository.
type tree struct {
	fset  *token.FileSet
	files []source
}

// parseTree parses the repository. Build tags are not looked at: a rule holds
// on every platform.
func parseTree(t *testing.T) *tree {
	t.Helper()
	root := peer.Root(t)
	tr := &tree{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return tr.add(name, filepath.ToSlash(rel))
	})
	if err != nil {
		t.Fatalf("reading the repository: %v", err)
	}
	if len(tr.files) == 0 {
		t.Fatal("reading the repository: no Go file was found")
	}
	return tr
}

func (tr *tree) add(name, file string) error {
	syntax, err := parser.ParseFile(tr.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s := source{
		file: file, dir: path.Dir(file), syntax: syntax, names: map[string]string{},
		test: strings.HasSuffix(file, "_test.go"),
	}
	for _, spec := range syntax.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		local := packageName(to)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		s.imports = append(s.imports, to)
		s.names[local] = to
	}
	tr.files = append(tr.files, s)
	return nil
}

// packageName guesses the name of a package from its path: the last element
// that is no version.
func packageName(importPath string) string {
	name := path.Base(importPath)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(importPath))
	}
	return strings.TrimPrefix(name, "go-")
}

// product are the files that ship: neither tests nor what serves them.
func (tr *tree) product() []source {
	return slices.DeleteFunc(slices.Clone(tr.files), func(s source) bool {
		return s.test || s.dir == "tests" || strings.HasPrefix(s.dir, "tests/")
	})
}

// at is the place of a node, for messages.
func (tr *tree) at(s source, n ast.Node) string {
	return s.file + ":" + strconv.Itoa(tr.fset.Position(n.Pos()).Line)
}

// lines is the number of lines a node takes up.
func (tr *tree) lines(n ast.Node) int {
	return tr.fset.Position(n.End()).Line - tr.fset.Position(n.Pos()).Line + 1
}

// standard reports whether an import path is of the standard library.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && first != module
}
