package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Bounds of a hot counter with leases.
const (
	leastOfIdeal   = 0.90
	mostOperations = 0.25
	mostP50        = 50 // microseconds
)

// fault says which bound a figure is over; empty: none.
func (c counted) fault() string {
	hot := c.Situation == situations[len(situations)-1].name
	switch {
	case c.Limiter != "leases":
		return ""
	case c.Peak > 1:
		return "over the limit"
	case c.GivenUp > 0:
		return "calls that were not counted"
	case !hot:
		return ""
	case c.OfIdeal < leastOfIdeal:
		return fmt.Sprintf("admitted < %.2f", leastOfIdeal)
	case c.Operations > mostOperations:
		return fmt.Sprintf("operations > %.2f", mostOperations)
	case c.P50 > mostP50:
		return fmt.Sprintf("p50 > %d µs", mostP50)
	}
	return ""
}

// outcome is what the table says of the bounds.
func (c counted) outcome() string {
	if c.Limiter != "leases" {
		return ""
	}
	return cmp.Or(c.fault(), "ok")
}

func writeCounted(w io.Writer, store string, trip time.Duration, all []counted) error {
	fmt.Fprintf(w, "Instances that share a limit of %d calls in %v, on %s with %v added to each operation. Peak is the most that was\n"+
		"admitted in any such period, by the limit; admitted is by what one limiter would admit that sees all calls.\n"+
		"Operations of the store are for each call, refused ones too; p50 and p99 are what the limiter added to admitted calls.\n\n",
		sharedLimit.Calls, sharedLimit.Period, store, trip)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "calls come\tinstances\tlimiter\tcalls\tpeak\tadmitted\toperations\tp50 µs\tp99 µs\tgiven up\t")
	for _, c := range all {
		peak := "-"
		if c.Peak > 0 {
			peak = fmt.Sprintf("%.3f", c.Peak)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%.3f\t%.3f\t%.0f\t%.0f\t%d\t%s\n",
			c.Situation, c.Instances, c.Limiter, c.Calls, peak, c.OfIdeal, c.Operations, c.P50, c.P99, c.GivenUp, c.outcome())
	}
	return t.Flush()
}
