package openapi

import "fmt"

// VerdictKind says how well an operation became a tool.
type VerdictKind string

const (
	// Exact: the tool says and sends what the document says.
	Exact VerdictKind = "exact"
	// Lossy: the tool works, but the model or the backend sees less than the
	// document says.
	Lossy VerdictKind = "lossy"
	// Refused: there is no tool, since no call of it could be right.
	Refused VerdictKind = "refused"
)

// Verdict is how an operation became a tool, and the reasons where it is not
// exact: short sentences, with the place in the document where they have one.
//
// Prose within its limits is no loss when it is shortened: descriptions have a
// length, examples are samples. Nor is what a permissive outputSchema leaves
// out, since the result itself is always whole. What [ToolOptions].MaxSchemaBytes
// leaves out of other schemas is one.
type Verdict struct {
	Kind    VerdictKind `json:"kind"`
	Reasons []string    `json:"reasons,omitzero"`
}

// maxReasons bounds how many reasons a verdict lists.
const maxReasons = 20

// findings collects the reasons of a verdict, each once.
type findings struct {
	lossy, refused []string
	known          map[string]bool
}

// lose notes that something of the document does not reach the tool.
func (f *findings) lose(format string, args ...any) {
	if reason := fmt.Sprintf(format, args...); f.fresh(reason) {
		f.lossy = append(f.lossy, reason)
	}
}

// refuse notes why there can be no tool.
func (f *findings) refuse(format string, args ...any) {
	if reason := fmt.Sprintf(format, args...); f.fresh(reason) {
		f.refused = append(f.refused, reason)
	}
}

func (f *findings) fresh(reason string) bool {
	if f.known == nil {
		f.known = make(map[string]bool)
	}
	fresh := !f.known[reason]
	f.known[reason] = true
	return fresh
}

// add takes over the notes of a normalized schema, all as losses if mild.
func (f *findings) add(notes []note, mild bool) {
	for _, n := range notes {
		if n.refuse && !mild {
			f.refuse("%s", n.text)
		} else {
			f.lose("%s", n.text)
		}
	}
}

// verdict sums up.
func (f *findings) verdict() Verdict {
	switch {
	case len(f.refused) > 0:
		return Verdict{Kind: Refused, Reasons: bounded(f.refused)}
	case len(f.lossy) > 0:
		return Verdict{Kind: Lossy, Reasons: bounded(f.lossy)}
	default:
		return Verdict{Kind: Exact}
	}
}

func bounded(reasons []string) []string {
	if len(reasons) <= maxReasons {
		return reasons
	}
	more := len(reasons) - maxReasons + 1
	return append(reasons[:maxReasons-1:maxReasons-1], fmt.Sprintf("and %d more", more))
}
