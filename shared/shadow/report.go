package shadow

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
)

// Messages of the lines of the log.
const (
	differenceMessage = "shadow difference"
	countsMessage     = "shadow counts"
)

// Log writes the difference as a line.
func (d *Difference) Log(log *slog.Logger) {
	changes := make([]any, 0, len(d.Changes))
	for _, c := range d.Changes {
		changes = append(changes, map[string]string{"kind": string(c.Kind), "what": c.What, "live": c.Live, "candidate": c.Candidate})
	}
	log.LogAttrs(context.Background(), slog.LevelWarn, differenceMessage,
		slog.String("server", d.Server), slog.String("method", d.Method), slog.String("name", d.Name),
		slog.String("requestId", d.RequestID), slog.Time("called", d.Time), slog.Any("changes", changes))
}

// Counts are how many calls came to what outcome since the last line that said so.
type Counts struct {
	Same         int `json:"same"`
	Different    int `json:"different"`
	Incomparable int `json:"incomparable"`
	Dropped      int `json:"dropped"`
}

// Add counts a call.
func (c *Counts) Add(o Outcome) {
	switch o {
	case Same:
		c.Same++
	case Different:
		c.Different++
	case Incomparable:
		c.Incomparable++
	case Dropped:
		c.Dropped++
	}
}

// Log writes the counts as a line, unless all are zero.
func (c *Counts) Log(log *slog.Logger) {
	if *c == (Counts{}) {
		return
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, countsMessage,
		slog.Int("same", c.Same), slog.Int("different", c.Different), slog.Int("incomparable", c.Incomparable), slog.Int("dropped", c.Dropped))
}

// Report is what lines of the log say together.
type Report struct {
	Counts Counts  `json:"counts"`
	Groups []Group `json:"groups"`
}

// Group are the differences of one kind in the calls of one tool.
type Group struct {
	Server string `json:"server"`
	Method string `json:"method"`
	Name   string `json:"name,omitzero"`
	Kind   Kind   `json:"kind"`
	Calls  int    `json:"calls"`
	// Example is the first of them, and RequestID its call.
	Example   Change `json:"example"`
	RequestID string `json:"requestId,omitzero"`
}

// maxLine bounds a line of a log, in bytes.
const maxLine = 4 << 20

// line is what a line of the log may have.
type line struct {
	Message   string   `json:"msg"`
	Server    string   `json:"server"`
	Method    string   `json:"method"`
	Name      string   `json:"name"`
	RequestID string   `json:"requestId"`
	Changes   []Change `json:"changes"`
	Counts    Counts   `json:",embed"`
}

// Read reads a log and puts its lines about differences together. Other lines, and
// what a platform has put before a line, are passed over.
func Read(r io.Reader) (*Report, error) {
	made := &Report{Groups: []Group{}}
	groups := map[Group]int{} // where each stands, by what it is of
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		text := lines.Bytes()
		start := bytes.IndexByte(text, '{')
		if start < 0 || !bytes.Contains(text, []byte("shadow")) {
			continue
		}
		var l line
		if err := json.Unmarshal(text[start:], &l); err != nil {
			if bytes.Contains(text, []byte(`"`+differenceMessage+`"`)) || bytes.Contains(text, []byte(`"`+countsMessage+`"`)) {
				return nil, fmt.Errorf("reading line %d: %w", n, err)
			}
			continue
		}
		made.add(&l, groups)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	slices.SortStableFunc(made.Groups, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Server, b.Server), strings.Compare(a.Method, b.Method), strings.Compare(a.Name, b.Name),
			slices.Index(Kinds, a.Kind)-slices.Index(Kinds, b.Kind))
	})
	return made, nil
}

func (r *Report) add(l *line, groups map[Group]int) {
	switch l.Message {
	case countsMessage:
		r.Counts.Same += l.Counts.Same
		r.Counts.Different += l.Counts.Different
		r.Counts.Incomparable += l.Counts.Incomparable
		r.Counts.Dropped += l.Counts.Dropped
	case differenceMessage:
		seen := map[Kind]bool{} // a call counts once for each kind
		for _, c := range l.Changes {
			if seen[c.Kind] {
				continue
			}
			seen[c.Kind] = true
			of := Group{Server: l.Server, Method: l.Method, Name: l.Name, Kind: c.Kind}
			at, ok := groups[of]
			if !ok {
				at = len(r.Groups)
				groups[of] = at
				first := of
				first.Example, first.RequestID = c, l.RequestID
				r.Groups = append(r.Groups, first)
			}
			r.Groups[at].Calls++
		}
	}
}

// Table writes the report for a terminal.
func (r *Report) Table(w io.Writer) error {
	if len(r.Groups) == 0 {
		fmt.Fprintln(w, "no differences")
	} else {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "SERVER\tCALL\tKIND\tCALLS\tEXAMPLE")
		for _, g := range r.Groups {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", shown(g.Server), shown(strings.TrimSpace(g.Method+" "+g.Name)), shown(string(g.Kind)), g.Calls,
				shown(g.Example.What+": "+g.Example.Live+" → "+g.Example.Candidate))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	c := &r.Counts
	_, err := fmt.Fprintf(w, "%d the same, %d different, %d not to be compared, %d dropped\n", c.Same, c.Different, c.Incomparable, c.Dropped)
	return err
}

// shown is a text without what a terminal would take for a command.
func shown(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	return text
}
