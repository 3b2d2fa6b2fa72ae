package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"toolgate/shared/build"
	"toolgate/shared/fault"
	"toolgate/shared/gatewaytest"
	"toolgate/shared/policy/policytest"

	"golang.org/x/tools/txtar"
)

// runTests runs the tests of folders, once or after every change.
func runTests(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	update := flags.Bool("update", false, "write the transcripts that come out into the tests, in place of those that they want")
	watch := flags.Bool("watch", false, "run the tests again whenever a file changes")
	args, err := c.parse(flags, 0, math.MaxInt)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if err := hasExample("test"); err != nil {
			return err
		}
		args = []string{exampleDir}
	}
	s := &suite{stdout: c.stdout, args: args, update: *update}
	if !*watch {
		return s.run(ctx)
	}
	again := func() {
		if err := s.run(ctx); err != nil {
			fmt.Fprintln(s.stdout, err)
		}
		fmt.Fprintln(s.stdout, "\nwaiting for a change; Ctrl-C stops")
	}
	files := func() []string { return watchedFiles(args) }
	seen := watched{}
	seen.changed(files())
	again()
	seen.everyChange(ctx, files, again)
	return nil
}

// suite are the tests below files and folders.
type suite struct {
	stdout io.Writer
	args   []string
	update bool

	folders map[string]*gatewaytest.Folder // by directory; nil for one outside of a gateway
}

// run runs the tests. The error tells how many failed.
func (s *suite) run(ctx context.Context) error {
	s.folders = map[string]*gatewaytest.Folder{} // what was compiled is stale after a change
	files, err := testFiles(s.args)
	if err != nil {
		return err
	}
	failed := 0
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.test(ctx, file) {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(len(files), "test"))
	}
	fmt.Fprintf(s.stdout, "%s passed\n", count(len(files), "test"))
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// test runs one test and prints what came of it.
func (s *suite) test(ctx context.Context, file string) bool {
	start := time.Now()
	content, err := os.ReadFile(file)
	var archive *txtar.Archive
	var got string
	if err == nil {
		archive = txtar.Parse(content)
		got, err = gatewaytest.Transcript(ctx, archive, s.folder(file))
	}
	if archive == nil {
		s.print("FAIL", file, start)
		fmt.Fprint(s.stdout, indented(err.Error()))
		return false
	}
	want, line := policytest.Want(archive)
	switch {
	case err == nil && got == want:
		s.print("PASS", file, start)
		return true
	case err == nil && s.update:
		policytest.SetWant(archive, got)
		if err = os.WriteFile(file, txtar.Format(archive), 0o644); err == nil {
			s.print("WROTE", file, start)
			return true
		}
	}
	s.print("FAIL", file, start)
	if err != nil {
		fmt.Fprint(s.stdout, indented(explain(file, err)))
	}
	if got != "" && got != want {
		fmt.Fprintf(s.stdout, "    %s:%d: the transcript differs (- wanted, + got)\n%s", file, line, indented(policytest.Diff(want, got, line)))
	}
	return false
}

func (s *suite) print(outcome, file string, start time.Time) {
	fmt.Fprintf(s.stdout, "%-5s  %s  (%d ms)\n", outcome, file, time.Since(start).Milliseconds())
}

// explain says what is wrong with a test, a line each.
func explain(file string, err error) string {
	if e, ok := errors.AsType[*policytest.Error](err); ok {
		return fmt.Sprintf("%s:%d: -- %s --: %v", file, e.Line, e.Section, e.Err)
	}
	if faults, ok := errors.AsType[fault.Faults](err); ok {
		return "the folder of the test has faults; -- env -- has the variables of a test\n" + faults.Error()
	}
	return fmt.Sprintf("%s: %v", file, err)
}

func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return out.String()
}

// folder is the gateway that a test stands in: the nearest folder above it that
// has a gateway.yaml; nil when there is none.
func (s *suite) folder(file string) *gatewaytest.Folder {
	dir := filepath.Dir(file)
	if f, known := s.folders[dir]; known {
		return f
	}
	root := gatewayFolder(dir)
	f := s.folders[root]
	if f == nil && root != "" {
		f = &gatewaytest.Folder{Dir: root, Fetch: build.HTTPFetch}
		s.folders[root] = f
	}
	s.folders[dir] = f
	return f
}

// gatewayFolder is the nearest folder with a gateway.yaml, from one upwards; empty
// when there is none.
func gatewayFolder(dir string) string {
	for {
		for _, name := range []string{"gateway.yaml", "gateway.yml"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
		above := filepath.Dir(dir)
		if !filepath.IsAbs(dir) && (above == dir || filepath.Base(dir) == "..") {
			whole, err := filepath.Abs(dir)
			if err != nil {
				return ""
			}
			above = filepath.Dir(whole)
		}
		if above == dir {
			return ""
		}
		dir = above
	}
}

// testFiles are the tests among and below files and folders.
func testFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		err := walk(arg, func(path string, entry fs.DirEntry) {
			if !entry.IsDir() && filepath.Ext(path) == ".txtar" || path == arg && !entry.IsDir() {
				files = append(files, path)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no tests (*.txtar) in %s: local/docs/policies.md shows one", strings.Join(args, ", "))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// watchedFiles are the files and folders that tests may be made of.
func watchedFiles(args []string) []string {
	var files []string
	for _, arg := range args {
		root := arg
		if info, err := os.Stat(arg); err == nil && !info.IsDir() {
			root = filepath.Dir(arg)
		}
		if dir := gatewayFolder(root); dir != "" {
			root = dir
		}
		// What cannot be looked at now is looked at next time.
		_ = walk(root, func(path string, _ fs.DirEntry) { files = append(files, path) })
	}
	return files
}

// walk visits what is below a path, less what is hidden.
func walk(root string, visit func(path string, entry fs.DirEntry)) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		visit(path, entry)
		return nil
	})
}
