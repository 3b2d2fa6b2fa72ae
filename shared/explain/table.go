package explain

import (
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"toolgate/shared/trace"
)

// Colours of a terminal (ECMA-48, SGR).
const (
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// Table writes a trace as a table for a terminal: a line for each step, those
// inside of others indented, and a line for each effect.
func Table(w io.Writer, t *trace.Trace, colour bool) error {
	p := &printer{colour: colour}
	p.line(p.paint(bold, clean(title(t))))
	p.line(p.paint(p.colourOf(t), clean(ended(t))))
	about := began(t) + "  trace " + t.ID
	if t.RequestID != "" {
		about += "  request " + t.RequestID
	}
	p.line(p.paint(faint, about))
	p.line("")
	p.steps(t)
	if t.Omitted > 0 {
		p.line(strconv.Itoa(t.Omitted) + " more steps had no place")
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// printer writes a table. It knows the widths of its columns first.
type printer struct {
	out    strings.Builder
	colour bool
}

func (p *printer) line(text string) { p.out.WriteString(strings.TrimRight(text, " ") + "\n") }

func (p *printer) paint(code, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return code + text + reset
}

func (p *printer) colourOf(t *trace.Trace) string {
	if t.Status >= 400 || t.Failed {
		return red
	}
	return green
}

// header is the first row.
var header = [...]string{"START ms", "TIME ms", "STEP", "WHERE", "AT", "EFFECT"}

// steps writes the rows.
func (p *printer) steps(t *trace.Trace) {
	var rows [][]string
	var of []*trace.Step
	for depth, s := range t.All() {
		rows = append(rows, []string{
			millis(s.Start), millis(s.Duration), strings.Repeat("  ", depth) + clean(name(s)), clean(where(s)), clean(s.At),
		})
		of = append(of, s)
	}
	var widths [len(header) - 1]int
	for i := range widths {
		widths[i] = width(header[i])
		for _, row := range rows {
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	p.line(p.paint(bold, row(widths[:], header[:len(header)-1])+header[len(header)-1]))
	indent := strings.Repeat(" ", width(row(widths[:], make([]string, len(widths)))))
	for i, s := range of {
		text := row(widths[:], rows[i])
		effects := lines(s)
		if len(effects) == 0 {
			p.line(text)
		}
		for j, one := range effects {
			if j > 0 {
				text = indent
			}
			p.line(text + p.paint(colourOfLine(s, j), clean(one)))
		}
	}
}

// colourOfLine is that of a line of a step: its outcome comes first.
func colourOfLine(s *trace.Step, line int) string {
	switch {
	case line > 0 || s.Outcome == "":
		return faint
	case s.Outcome == trace.Failed || s.Outcome == trace.Refused:
		return red
	}
	return yellow
}

// row are cells in columns; numbers stand to the right.
func row(widths []int, cells []string) string {
	var out strings.Builder
	for i, cell := range cells {
		space := strings.Repeat(" ", max(0, widths[i]-width(cell)))
		if i < 2 {
			out.WriteString(space + cell)
		} else {
			out.WriteString(cell + space)
		}
		out.WriteString("  ")
	}
	return out.String()
}

func width(text string) int { return utf8.RuneCountInString(text) }

// clean takes out of a text what would steer a terminal.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return '�'
		}
		return r
	}, text)
}
