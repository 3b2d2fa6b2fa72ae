package policy

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteText writes the report for people: the documents in which something
// would have to change, then the totals.
func (r *Report) WriteText(w io.Writer) error {
	var out strings.Builder
	for i := range r.Documents {
		r.Documents[i].write(&out)
	}
	t := &r.Total
	fmt.Fprintf(&out, "%d documents\n", t.Documents)
	share(&out, t.Parse, t.Documents, "parse")
	share(&out, t.Known, t.Documents, "have only known policies")
	share(&out, t.Run, t.Documents, "need no change")
	if t.Compiled != nil {
		share(&out, *t.Compiled, t.Expressions, "expressions compile")
	}
	counts(&out, "policies by documents", t.Policies)
	counts(&out, "policies that are not run", t.NotRun)
	counts(&out, "unknown policies", t.Unknown)
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func share(out *strings.Builder, n, of int, what string) {
	if of > 0 {
		fmt.Fprintf(out, "  %5d of %5d (%5.1f %%) %s\n", n, of, 100*float64(n)/float64(of), what)
	}
}

func (d *DocumentReport) write(out *strings.Builder) {
	if d.Runs && len(d.Warnings) == 0 {
		return
	}
	verdict := "runs as it is"
	switch {
	case !d.Parses:
		verdict = "cannot be read"
	case !d.Runs:
		verdict = "has to change"
	}
	fmt.Fprintf(out, "%s: %s\n", d.File, verdict)
	for _, n := range d.NotRun {
		fmt.Fprintf(out, "  %s is not run: %s\n", n.Policy, n.Reason)
	}
	for _, f := range slices.Concat(d.Faults, d.Warnings) {
		fmt.Fprintf(out, "  %s\n", f)
	}
}

// counts writes a table, the greatest number first.
func counts(out *strings.Builder, title string, table map[string]int) {
	if len(table) == 0 {
		return
	}
	fmt.Fprintf(out, "%s:\n", title)
	names := slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		if table[a] != table[b] {
			return table[b] - table[a]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		fmt.Fprintf(out, "  %5d %s\n", table[name], name)
	}
}
