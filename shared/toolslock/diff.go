package toolslock

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is what became of a tool.
type Kind string

const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Renamed Kind = "renamed"
	Changed Kind = "changed"
)

// Difference is what became of one tool.
type Difference struct {
	Kind Kind
	Tool string
	// From is the name that a renamed tool had.
	From string
	// Details say what of a definition is another. A tool that only has another
	// name has none.
	Details []Detail
}

// Detail is one thing that is another.
type Detail struct {
	// Text says what, for example `parameter "reason" was added`.
	Text string
	// Loud marks what makes a tool more dangerous than what was reviewed.
	Loud bool
	// Old and New are the two texts, where texts differ.
	Old, New string
}

// Compare says what has changed from the tools that were reviewed to those of now,
// in the order of their names.
func Compare(reviewed, now Tools) []Difference {
	var gone, came []string
	var all []Difference
	for _, name := range reviewed.names() {
		tool, ok := now[name]
		switch {
		case !ok:
			gone = append(gone, name)
		case tool.Hash != reviewed[name].Hash:
			all = append(all, Difference{Kind: Changed, Tool: name, Details: details(reviewed[name].Content, tool.Content)})
		}
	}
	for _, name := range now.names() {
		if _, ok := reviewed[name]; !ok {
			came = append(came, name)
		}
	}
	for _, p := range pairs(reviewed, now, gone, came) {
		d := Difference{Kind: Renamed, Tool: p.to, From: p.from}
		if now[p.to].Hash != reviewed[p.from].Hash {
			d.Details = details(reviewed[p.from].Content, now[p.to].Content)
		}
		all = append(all, d)
		gone = slices.DeleteFunc(gone, func(s string) bool { return s == p.from })
		came = slices.DeleteFunc(came, func(s string) bool { return s == p.to })
	}
	for _, name := range gone {
		all = append(all, Difference{Kind: Removed, Tool: name})
	}
	for _, name := range came {
		all = append(all, Difference{Kind: Added, Tool: name})
	}
	slices.SortStableFunc(all, func(a, b Difference) int { return strings.Compare(a.Tool, b.Tool) })
	return all
}

// pair is a tool under two names.
type pair struct {
	from, to string
	likeness float64
}

const (
	// alike is the likeness from which two tools are one that was renamed.
	alike = 0.8
	// fewWords is how many words it takes to tell by them.
	fewWords = 5
	// maxPairs bounds the pairs of names that are compared word by word.
	maxPairs = 250_000
)

// pairs finds the tools that were renamed: those of equal content, and of the
// others those that are most alike.
func pairs(reviewed, now Tools, gone, came []string) []pair {
	words := map[string]map[string]int{}
	wordsOf := func(side, name string, t Tool) map[string]int {
		if words[side+name] == nil {
			words[side+name] = t.words()
		}
		return words[side+name]
	}
	var found []pair
	for _, from := range gone {
		for _, to := range came {
			if reviewed[from].Hash == now[to].Hash {
				found = append(found, pair{from, to, 2})
			} else if len(gone)*len(came) <= maxPairs {
				if l := likeness(wordsOf("-", from, reviewed[from]), wordsOf("+", to, now[to])); l >= alike {
					found = append(found, pair{from, to, l})
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b pair) int {
		switch {
		case a.likeness > b.likeness:
			return -1
		case a.likeness < b.likeness:
			return 1
		}
		return 0
	})
	taken := map[string]bool{}
	return slices.DeleteFunc(found, func(p pair) bool {
		if taken["-"+p.from] || taken["+"+p.to] {
			return true
		}
		taken["-"+p.from], taken["+"+p.to] = true, true
		return false
	})
}

// words counts the words of a tool's description and the names of its parameters.
func (t Tool) words() map[string]int {
	counted := map[string]int{}
	m := members(t.Content)
	for word := range strings.FieldsSeq(strings.ToLower(text(m["description"]))) {
		counted[word]++
	}
	for name := range members(members(m["inputSchema"])["properties"]) {
		counted["\x00"+name]++
	}
	return counted
}

// likeness is the share of words that two tools have in common, from 0 to 1.
func likeness(a, b map[string]int) float64 {
	shared, all := 0, 0
	for word, n := range a {
		shared += 2 * min(n, b[word])
		all += n
	}
	for _, n := range b {
		all += n
	}
	if all < 2*fewWords {
		return 0
	}
	return float64(shared) / float64(all)
}

// details compares two contents.
func details(before, after jsontext.Value) []Detail {
	a, b := members(before), members(after)
	var list []Detail
	for _, name := range unionOf(a, b) {
		if bytes.Equal(a[name], b[name]) {
			continue
		}
		switch name {
		case "title", "description":
			list = append(list, Detail{Text: name, Old: text(a[name]), New: text(b[name])})
		case "annotations":
			list = append(list, annotations(a[name], b[name])...)
		case "inputSchema":
			list = append(list, schemas("parameter", "inputSchema", a[name], b[name])...)
		case "outputSchema":
			list = append(list, schemas("result", "outputSchema", a[name], b[name])...)
		default:
			list = append(list, Detail{Text: name, Old: string(a[name]), New: string(b[name])})
		}
	}
	return list
}

// unionOf are the names of both, in order.
func unionOf[T any](a, b map[string]T) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]T{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// hints are the annotations that say what a tool may do, with what holds where
// they are not given (2025-11-25, schema, ToolAnnotations), and the value that is
// the more dangerous one.
var hints = []struct {
	name                string
	unstated, dangerous bool
	words               [2]string // for false and true
}{
	{"readOnlyHint", false, false, [2]string{"it may write", "it only reads"}},
	{"destructiveHint", true, true, [2]string{"it destroys nothing", "it may destroy"}},
	{"idempotentHint", false, false, [2]string{"repeating it may do more", "repeating it does nothing more"}},
	{"openWorldHint", true, true, [2]string{"it stays in a closed world", "it reaches an open world"}},
}

// annotations compares what a tool says it may do.
func annotations(before, after jsontext.Value) []Detail {
	a, b := members(before), members(after)
	var list []Detail
	for _, h := range hints {
		was, is := hint(a[h.name], h.unstated), hint(b[h.name], h.unstated)
		delete(a, h.name)
		delete(b, h.name)
		if was == is {
			continue
		}
		list = append(list, Detail{
			Text: fmt.Sprintf("annotation %s: before, %s; now, %s", h.name, h.words[number(was)], h.words[number(is)]),
			Loud: is == h.dangerous,
		})
	}
	for _, name := range unionOf(a, b) {
		if !bytes.Equal(a[name], b[name]) {
			list = append(list, Detail{Text: fmt.Sprintf("annotation %q", name), Old: string(a[name]), New: string(b[name])})
		}
	}
	if list == nil {
		list = append(list, Detail{Text: "annotations are written in another way"})
	}
	return list
}

func hint(value jsontext.Value, unstated bool) bool {
	switch string(value) {
	case "true":
		return true
	case "false":
		return false
	}
	return unstated
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Print writes differences for a terminal. What would not be seen is written as an
// escape sequence.
func Print(w io.Writer, differences []Difference) error {
	var b strings.Builder
	for _, d := range differences {
		switch d.Kind {
		case Added:
			fmt.Fprintf(&b, "  + %s: new\n", d.Tool)
		case Removed:
			fmt.Fprintf(&b, "  - %s: not there any more\n", d.Tool)
		case Renamed:
			fmt.Fprintf(&b, "  > %s: renamed, was %s\n", d.Tool, d.From)
		case Changed:
			fmt.Fprintf(&b, "  ~ %s: changed\n", d.Tool)
		}
		for _, detail := range d.Details {
			detail.print(&b)
		}
	}
	_, err := w.Write(Visible([]byte(b.String())))
	return err
}

func (d Detail) print(b *strings.Builder) {
	mark := " "
	if d.Loud {
		mark = "!"
	}
	fmt.Fprintf(b, "    %s %s\n", mark, d.Text)
	if d.Old == d.New {
		return
	}
	old, now := lines(d.Old), lines(d.New)
	same := 0
	for same < min(len(old), len(now)) && old[same] == now[same] {
		same++
	}
	old, now = old[same:], now[same:]
	for len(old) > 0 && len(now) > 0 && old[len(old)-1] == now[len(now)-1] {
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	for _, line := range old {
		fmt.Fprintf(b, "        - %s\n", line)
	}
	for _, line := range now {
		fmt.Fprintf(b, "        + %s\n", line)
	}
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
