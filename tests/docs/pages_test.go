// Package docs_test keeps the documentation true: links lead somewhere, snippets are
// loaded and compiled, commands run, and generated pages are not stale.
package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

// guides is the folder of the guides, from the root.
const guides = "local/docs"

// page is a file of Markdown, by its path from the root.
type page struct {
	path, text string
	snippets   []snippet
}

// snippet is one fenced block.
type snippet struct {
	line     int    // of its first line
	language string // empty for commands
	marker   string // the comment directly above it; empty when there is none
	text     string
}

// readPages reads all pages of the repository.
func readPages(t *testing.T) []page {
	t.Helper()
	root := peer.Root(t)
	var pages []page
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata" || base == "dist") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		p := page{path: filepath.ToSlash(rel), text: strings.ReplaceAll(string(text), "\r\n", "\n")}
		p.snippets = snippetsOf(t, p)
		pages = append(pages, p)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the pages: %v", err)
	}
	return pages
}

// followed are the pages whose snippets a reader follows: README.md and the guides.
func followed(t *testing.T) []page {
	t.Helper()
	pages := slices.DeleteFunc(readPages(t), func(p page) bool {
		return p.path != "README.md" && path.Dir(p.path) != guides
	})
	if len(pages) < 2 {
		t.Fatalf("got %d pages, want README.md and the guides", len(pages))
	}
	return pages
}

var comment = regexp.MustCompile(`^<!-- (.+) -->$`)

// snippetsOf are the fenced blocks of a page.
func snippetsOf(t *testing.T, p page) (list []snippet) {
	t.Helper()
	var open *snippet
	above := ""
	for i, line := range strings.Split(p.text, "\n") {
		switch {
		case open == nil && strings.HasPrefix(line, "```"):
			open = &snippet{line: i + 2, language: strings.TrimPrefix(line, "```")}
			if m := comment.FindStringSubmatch(above); m != nil {
				open.marker = m[1]
			}
		case open != nil && line == "```":
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
		above = line
	}
	if open != nil {
		t.Errorf("%s:%d: the block is not closed", p.path, open.line)
	}
	return list
}

// prose is the text without its fenced blocks.
func (p page) prose() string {
	return regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllStringFunc(p.text, func(s string) string {
		return strings.Repeat("\n", strings.Count(s, "\n"))
	})
}

var (
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	inlineCode = regexp.MustCompile("`[^`\n]+`")
	heading    = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// TestLinks follows the links between the files of the repository, with their anchors.
// Links to other places have to be https URLs.
func TestLinks(t *testing.T) {
	root := peer.Root(t)
	pages := readPages(t)
	texts := map[string]page{}
	for _, p := range pages {
		texts[p.path] = p
	}
	for _, p := range pages {
		for _, m := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(p.prose(), ""), -1) {
			target, err := url.Parse(m[1])
			switch {
			case err != nil:
				t.Errorf("%s: the link %s: %v", p.path, m[1], err)
				continue
			case target.IsAbs():
				if target.Scheme != "https" {
					t.Errorf("%s: the link %s is no https URL", p.path, m[1])
				}
				continue
			}
			to := p.path
			if target.Path != "" {
				to = path.Join(path.Dir(p.path), target.Path)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: the link %s leads to no file", p.path, m[1])
				continue
			}
			if target.Fragment != "" && !slices.Contains(anchors(texts[to]), target.Fragment) {
				t.Errorf("%s: the link %s: %s has no such heading", p.path, m[1], to)
			}
		}
	}
}

// anchors are the names of the headings of a page, as GitHub makes them.
func anchors(p page) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(p.prose(), -1) {
		list = append(list, anchor(m[1]))
	}
	return list
}

// anchor is the name of a heading: lower case, without punctuation, with hyphens for
// spaces.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ', r == '-':
			return '-'
		case r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// TestGuidesAreListed finds guides that README.md does not lead to.
func TestGuidesAreListed(t *testing.T) {
	pages := followed(t)
	readme := pages[slices.IndexFunc(pages, func(p page) bool { return p.path == "README.md" })]
	for _, p := range pages {
		if p.path != readme.path && !strings.Contains(readme.text, "]("+p.path+")") {
			t.Errorf("README.md does not lead to %s", p.path)
		}
	}
	if n := strings.Count(readme.text, "\n"); n > 180 {
		t.Errorf("README.md has %d lines, more than 180: move what is for one job into its guide", n)
	}
}
