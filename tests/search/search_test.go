// Package search_test finds the tools of large catalogues by what people ask for.
package search_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/openapi"
	"toolgate/shared/search"
)

// catalogues are the documents whose operations are asked for, by the file of requests.
var catalogues = map[string]string{"asana": "asana.yaml", "github": "github.json", "kubernetes": "kubernetes-v2-swagger.json"}

// labelled is a request and the operations that do what it asks for.
type labelled struct {
	request string
	wanted  []string
}

// readRequests reads a file of requests. Every third is held out: the ranking is never
// tuned by it.
func readRequests(t *testing.T, name string) (tuned, heldOut []labelled) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		request, wanted, ok := strings.Cut(s.Text(), " => ")
		if !ok || strings.HasPrefix(request, "#") {
			continue
		}
		one := labelled{request, strings.Split(wanted, " | ")}
		if n++; n%3 == 0 {
			heldOut = append(heldOut, one)
		} else {
			tuned = append(tuned, one)
		}
	}
	return tuned, heldOut
}

func specs(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("TOOLGATE_SPECS")
	if folder == "" {
		t.Skip("TOOLGATE_SPECS names no folder of OpenAPI documents")
	}
	return folder
}

func parse(t *testing.T, folder, file string) *openapi.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Skip(err)
	}
	d, err := openapi.Parse(file, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// catalogue is a searchable document.
type catalogue struct {
	index      *search.Index
	operations map[string]string // by the name of the tool
	listed     int               // bytes of the definitions of all tools
}

func index(t *testing.T, d *openapi.Document) catalogue {
	t.Helper()
	var b search.Builder
	c := catalogue{operations: map[string]string{}}
	names := d.Names(48)
	for _, o := range d.Operations {
		tool, _ := d.Tool(o, names[o], openapi.ToolOptions{Output: openapi.OutputPermissive})
		if tool == nil {
			continue
		}
		document, err := search.Read(tool.Definition)
		if err != nil {
			t.Fatal(err)
		}
		document.Tags = o.Tags
		b.Add(document)
		c.operations[tool.Name], c.listed = o.Key(), c.listed+len(tool.Definition)+1
	}
	content, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if c.index, err = search.Open(content); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tools, %d KiB of index, %d KiB of definitions", c.index.Len(), len(content)>>10, c.listed>>10)
	return c
}

// recall is the share of requests for which an operation that does what is asked for is
// among the first five. verbose tells those for which none is.
func (c *catalogue) recall(t *testing.T, list []labelled, verbose bool) (found int) {
	t.Helper()
	for _, l := range list {
		var got []string
		for _, hit := range c.index.Search(l.request, 5, nil) {
			got = append(got, c.operations[hit.Name])
		}
		if slices.ContainsFunc(got, func(o string) bool { return slices.Contains(l.wanted, o) }) {
			found++
		} else if verbose {
			rank := 0
			for i, hit := range c.index.Search(l.request, 200, nil) {
				if slices.Contains(l.wanted, c.operations[hit.Name]) {
					rank = i + 1
					break
				}
			}
			t.Logf("%q: got %v, want one of %v, which is at %d", l.request, got, l.wanted, rank)
		}
	}
	return found
}

// TestPromptSize asks that what a model reads before it does anything is less by 95 % at
// least.
func TestPromptSize(t *testing.T) {
	folder := specs(t)
	for name, file := range catalogues {
		t.Run(name, func(t *testing.T) {
			c := index(t, parse(t, folder, file))
			saved := 1 - share(len(search.Definitions), c.listed)
			t.Logf("%d bytes in place of %d: %.2f %% less", len(search.Definitions), c.listed, 100*saved)
			if saved < 0.95 {
				t.Errorf("got %.3f less, want 0.95 at least", saved)
			}
		})
	}
}

// TestRecall asks that requests as people put them find an operation for them among the
// first five, also those by which the ranking was not tuned.
func TestRecall(t *testing.T) {
	folder := specs(t)
	const least, leastHeldOut = 0.85, 0.70
	var found, asked, heldFound, heldAsked int
	for name, file := range catalogues {
		t.Run(name, func(t *testing.T) {
			c := index(t, parse(t, folder, file))
			tuned, held := readRequests(t, name)
			a, b := c.recall(t, tuned, testing.Verbose()), c.recall(t, held, false)
			t.Logf("recall@5: %d of %d tuned by, %d of %d held out", a, len(tuned), b, len(held))
			found, asked, heldFound, heldAsked = found+a, asked+len(tuned), heldFound+b, heldAsked+len(held)
		})
	}
	if asked == 0 {
		return
	}
	tuned, held, all := share(found, asked), share(heldFound, heldAsked), share(found+heldFound, asked+heldAsked)
	t.Logf("recall@5 over all: %.3f (%d requests); tuned by: %.3f; held out: %.3f", all, asked+heldAsked, tuned, held)
	if all < least {
		t.Errorf("got a recall@5 of %.3f, want at least %.2f", all, least)
	}
	if held < leastHeldOut {
		t.Errorf("got a recall@5 of %.3f of those held out, want at least %.2f", held, leastHeldOut)
	}
}

func share(part, whole int) float64 { return float64(part) / float64(whole) }
