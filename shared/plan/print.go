package plan

import (
	"fmt"
	"io"
	"strings"

	"toolgate/shared/toolslock"
)

// signs begin the line of a change of each kind.
var signs = map[Kind]string{Added: "+", Removed: "-", Renamed: ">", Changed: "~"}

// Print writes the plan for a terminal. What would not be seen is written as an escape
// sequence.
func (p *Plan) Print(w io.Writer) error {
	var b strings.Builder
	if len(p.Changes) == 0 {
		fmt.Fprintf(&b, "nothing would change: both have the hash %s\n", p.After)
	}
	area, broken := Area(""), 0
	for _, c := range p.Changes {
		if c.Area != area {
			area = c.Area
			fmt.Fprintf(&b, "%s\n", area)
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", signs[c.Kind], c.Subject, c.Kind)
		if len(c.Breaking) > 0 {
			broken++
		}
		for _, reason := range c.Breaking {
			fmt.Fprintf(&b, "    ! breaking: %s\n", reason)
		}
		for _, detail := range c.Details {
			fmt.Fprintf(&b, "      %s\n", detail)
		}
	}
	if len(p.Changes) > 0 {
		fmt.Fprintf(&b, "\n%d changes, %d of them breaking for clients\n%s → %s\n", len(p.Changes), broken, p.Before, p.After)
	}
	_, err := w.Write(toolslock.Visible([]byte(b.String())))
	return err
}
