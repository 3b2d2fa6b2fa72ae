package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"toolgate/shared/openapi"
	"toolgate/shared/search"
)

// searches is one row of the report: what it takes to find tools by what is to be done.
type searches struct {
	Catalogue string `json:"catalogue"`
	Tools     int    `json:"tools"`
	// Microseconds are the median of all searches, by the clock, in the least of all
	// rounds; OpenMicroseconds are what it takes before the first.
	Microseconds     float64 `json:"microseconds"`
	OpenMicroseconds float64 `json:"openMicroseconds"`
	Bytes            int     `json:"bytes"` // of the index
	Bound            float64 `json:"boundMicroseconds"`
}

func (s searches) over() bool { return s.Microseconds > s.Bound }

// searchedFor are requests as people put them.
var searchedFor = []string{
	"open a bug about the login page", "who belongs to the team", "show what is running", "get rid of the old ones", "change the description of a project",
	"which resources have an owner", "make a new one for an organization", "list everything", "replace the labels", "approve what is waiting",
}

// measureSearches searches a large catalogue: GitHub's where TOOLGATE_SPECS has it, and
// otherwise a made one of the size.
func (b *bench) measureSearches() (searches, error) {
	s := searches{Catalogue: "made", Bound: 1000}
	var content []byte
	var err error
	if folder := os.Getenv("TOOLGATE_SPECS"); folder != "" {
		s.Catalogue = "GitHub"
		content, err = os.ReadFile(filepath.Join(folder, "github.json"))
	} else {
		content, err = document(1200)
	}
	if err != nil {
		return s, fmt.Errorf("reading the catalogue to search: %w", err)
	}
	index, err := searchIndex(content)
	if err != nil {
		return s, err
	}
	start := time.Now()
	x, err := search.Open(index)
	if err != nil {
		return s, err
	}
	s.OpenMicroseconds, s.Tools, s.Bytes = microseconds(time.Since(start)), x.Len(), len(index)
	for round := range b.rounds + 1 {
		taken := make([]time.Duration, 0, len(searchedFor))
		for _, request := range searchedFor {
			start := time.Now()
			x.Search(request, search.DefaultLimit, nil)
			taken = append(taken, time.Since(start))
		}
		slices.Sort(taken)
		median := microseconds(taken[len(taken)/2])
		if round == 0 {
			s.Microseconds = median
		}
		s.Microseconds = min(s.Microseconds, median)
	}
	return s, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// searchIndex makes the index of a document's operations.
func searchIndex(content []byte) ([]byte, error) {
	d, err := openapi.Parse("catalogue", content, nil)
	if err != nil {
		return nil, err
	}
	var b search.Builder
	names := d.Names(48)
	for _, o := range d.Operations {
		tool, _ := d.Tool(o, names[o], openapi.ToolOptions{})
		if tool == nil {
			continue
		}
		entry, err := search.Read(tool.Definition)
		if err != nil {
			return nil, err
		}
		entry.Tags, entry.Method, entry.Path = o.Tags, o.Method, o.Path
		b.Add(entry)
	}
	return b.Bytes()
}
