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
	Rounds          int             `json:"rounds"`
	Calls           int             `json:"calls"`
	Concurrency     int             `json:"concurrency"`
	Starts          int             `json:"starts"`
	Costs           []cost          `json:"costs"`
	Chains          []chain         `json:"chains"`
	Validations     []validation    `json:"validations"`
	Expressions     []expression    `json:"expressions"`
	PolicyDocuments policyDocuments `json:"policyDocuments"`
	Searches        searches        `json:"searches"`
	ColdStarts      []coldStart     `json:"coldStarts"`
}

// over reports whether a figure is over its bound.
func (r *report) over() bool {
	return slices.ContainsFunc(r.Costs, cost.over) || slices.ContainsFunc(r.ColdStarts, coldStart.over) ||
		slices.ContainsFunc(r.Chains, chain.over) || slices.ContainsFunc(r.Validations, validation.over) || slices.ContainsFunc(r.Expressions, expression.over) || r.PolicyDocuments.over() || r.Searches.over()
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
	for _, table := range []func(*bytes.Buffer) error{r.writeCosts, r.writeChains, r.writeValidations, r.writeExpressions, r.writeSearches, r.writeStarts} {
		if err := table(&out); err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (r *report) writeCosts(out *bytes.Buffer) error {
	fmt.Fprintf(out, "A call: CPU time of the serving process with GOMAXPROCS=1, the least of %d rounds of %d calls to each\n", r.Rounds, r.Calls)
	fmt.Fprintf(out, "of %d processes over %d connections; memory allocated by it. Ratios, and what a call adds, are to the nearest row above that\n"+
		"is indented less. What a row adds that does the same once more is how far they are to be trusted.\n\n", instances, r.Concurrency)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tCPU µs\tratio\tadds µs\texpected\t\tallocations\tbytes")
	indent := map[string]string{}
	for _, c := range r.Costs {
		ratio, added := "", ""
		if c.Baseline != "" {
			indent[c.Name] = indent[c.Baseline] + "  "
			ratio, added = fmt.Sprintf("%.2f", c.Ratio), fmt.Sprintf("%.1f", c.Added)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%s\t%s\t%s\t%s\t%.0f\t%.0f\n", indent[c.Name]+c.Name, c.CPUMicroseconds, ratio, added,
			c.expected(), verdict(c.expected() != "", c.over()), c.Allocations, c.Bytes)
	}
	return t.Flush()
}

// expected is the bound as the table shows it.
func (c cost) expected() string {
	switch {
	case c.Bound > 0:
		return fmt.Sprintf("≤ %.2f", c.Bound)
	case c.BoundAdded > 0:
		return fmt.Sprintf("≤ %.1f µs", c.BoundAdded)
	}
	return ""
}

func (r *report) writeChains(out *bytes.Buffer) error {
	fmt.Fprint(out, "\nThe same through the handler alone, in this process, with backends that are a function: by the clock, the least\n"+
		"of all rounds, which are too short for garbage to be collected in the least one: what the instructions take. What\n"+
		"they cause in a process that serves stands above.\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tµs\tadds µs\texpected\t\tallocations")
	for _, c := range r.Chains {
		if c.Baseline == "" {
			fmt.Fprintf(t, "%s\t%.1f\t\t\t\t%.0f\n", c.Name, c.Microseconds, c.Allocations)
			continue
		}
		fmt.Fprintf(t, "  %s\t%.1f\t%.1f\t≤ %.1f\t%s\t%.0f\n", c.Name, c.Microseconds, c.Added, c.BoundAdded, verdict(true, c.over()), c.Allocations)
	}
	return t.Flush()
}

func (r *report) writeExpressions(out *bytes.Buffer) error {
	fmt.Fprintf(out, "\nA policy expression, evaluated: by the clock, the least of %d rounds.\n\n", r.Rounds)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tns\tallocations\texpected\t")
	for _, e := range r.Expressions {
		expected := ""
		if e.BoundTime > 0 {
			expected = fmt.Sprintf("≤ %.0f, %.0f", e.BoundTime, e.BoundAllocations)
		}
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%s\t%s\n", e.Name, e.Nanoseconds, e.Allocations, expected, verdict(expected != "", e.over()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	d := r.PolicyDocuments
	fmt.Fprintf(out, "\nPolicy documents, parsed, checked, composed and compiled: %d (%s), of which %d compile,\nin %.0f ms, expected ≤ %.0f: %s\n",
		d.Documents, d.Origin, d.Compiled, d.Milliseconds, d.Bound, verdict(true, d.over()))
	return nil
}

func (r *report) writeSearches(out *bytes.Buffer) error {
	s := r.Searches
	_, err := fmt.Fprintf(out, "\nA search among %d tools (%s; an index of %d KiB, opened in %.1f µs): the median of %d requests, by the clock,\nin the least of %d rounds: %.0f µs, expected ≤ %.0f: %s\n",
		s.Tools, s.Catalogue, s.Bytes>>10, s.OpenMicroseconds, len(searchedFor), r.Rounds, s.Microseconds, s.Bound, verdict(true, s.over()))
	return err
}

func (r *report) writeStarts(out *bytes.Buffer) error {
	fmt.Fprintf(out, "\nA cold start: from the start of functions/azure to its first answered tools/list, the median and the\n"+
		"fastest of %d; its resident set after that and after %d calls of tools.\n\n", r.Starts, calledTools)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tmedian ms\tfastest ms\texpected\t\tMiB after list\tMiB after calls\texpected\t")
	for _, c := range r.ColdStarts {
		fmt.Fprintf(t, "%d tools (%s)\t%.1f\t%.1f\t≤ %.0f\t%s\t%s\t%s\t≤ %.0f\t%s\n", c.Tools, c.Catalogue, c.Median, c.Fastest,
			c.BoundTime, verdict(true, c.Median > c.BoundTime), mebibytes(c.AfterList), mebibytes(c.AfterCalls),
			c.BoundMemory, verdict(c.AfterCalls > 0, c.AfterCalls > c.BoundMemory))
	}
	return t.Flush()
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
