package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// report is everything that was measured.
type report struct {
	Rounds      int         `json:"rounds"`
	Calls       int         `json:"calls"`
	Concurrency int         `json:"concurrency"`
	Starts      int         `json:"starts"`
	Costs       []cost      `json:"costs"`
	ColdStarts  []coldStart `json:"coldStarts"`
}

// over reports whether a figure is over its bound.
func (r *report) over() bool {
	return slices.ContainsFunc(r.Costs, cost.over) || slices.ContainsFunc(r.ColdStarts, coldStart.over)
}

func (r *report) writeJSON(w io.Writer) error {
	out, err := json.Marshal(r, jsontext.Multiline(true))
	if err == nil {
		_, err = w.Write(append(out, '\n'))
	}
	return err
}

func (r *report) write(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "A call: CPU time of the serving process with GOMAXPROCS=1, the least of %d rounds of %d calls\n", r.Rounds, r.Calls)
	fmt.Fprintf(&out, "over %d connections; memory allocated by it. Ratios are to the row above that is not indented.\n\n", r.Concurrency)
	t := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tCPU µs\tratio\texpected\t\tallocations\tbytes")
	for _, c := range r.Costs {
		name, ratio := c.Name, ""
		if c.Baseline != "" {
			name, ratio = "  "+c.Name, fmt.Sprintf("%.2f", c.Ratio)
		}
		expected := ""
		if c.Bound > 0 {
			expected = fmt.Sprintf("≤ %.2f", c.Bound)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%s\t%s\t%s\t%.0f\t%.0f\n", name, c.CPUMicroseconds, ratio, expected, verdict(expected != "", c.over()), c.Allocations, c.Bytes)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&out, "\nA cold start: from the start of functions/azure to its first answered tools/list, the median and the\n"+
		"fastest of %d; its resident set after that and after %d calls of tools.\n\n", r.Starts, calledTools)
	t = tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tmedian ms\tfastest ms\texpected\t\tMiB after list\tMiB after calls\texpected\t")
	for _, c := range r.ColdStarts {
		fmt.Fprintf(t, "%d tools (%s)\t%.1f\t%.1f\t≤ %.0f\t%s\t%s\t%s\t≤ %.0f\t%s\n", c.Tools, c.Catalogue, c.Median, c.Fastest,
			c.BoundTime, verdict(true, c.Median > c.BoundTime), mebibytes(c.AfterList), mebibytes(c.AfterCalls),
			c.BoundMemory, verdict(c.AfterCalls > 0, c.AfterCalls > c.BoundMemory))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

func mebibytes(n float64) string {
	if n == 0 {
		return "not measured here"
	}
	return fmt.Sprintf("%.1f", n)
}

func verdict(bounded, over bool) string {
	switch {
	case !bounded:
		return ""
	case over:
		return "over"
	}
	return "ok"
}
