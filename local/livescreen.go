package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// screen is a terminal with the live table at its end. What is written goes above it
// and scrolls as ever, so that nothing is lost and nothing has to be put back: the
// last table stays when the command ends.
type screen struct {
	out    io.Writer
	live   *live
	colour bool
	// size is that of the terminal, in columns and lines; false where it is not known.
	size func() (width, height int, ok bool)

	mu      sync.Mutex
	pending []byte // written, and not shown yet
	drawn   int    // lines of the table that stands there
	shown   [4]int // what the table was made of: calls, the slice of time, and the size

	stop func()
}

// screenPause is the time between two looks at what has come.
const screenPause = 100 * time.Millisecond

// The least terminal that has room for the table.
const (
	leastWidth  = 56
	leastHeight = 12
)

// openScreen puts the live table at the end of a terminal. Where the output is none,
// or a plain one is wanted, it returns nil.
func openScreen(c *call, l *live, plain bool) *screen {
	file, ok := c.stdout.(*os.File)
	if term, _ := c.env("TERM"); plain || !ok || term == "dumb" {
		return nil
	}
	size := func() (int, int, bool) { return terminalSize(file.Fd()) }
	if _, _, ok := size(); !ok || !takesControls(file.Fd()) {
		return nil
	}
	s := &screen{out: file, live: l, colour: c.colour(), size: size}
	s.run()
	return s
}

// run shows what comes until close.
func (s *screen) run() {
	done := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		tick := time.NewTicker(screenPause)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.show(false)
			}
		}
	})
	s.stop = func() {
		close(done)
		showing.Wait()
	}
}

// close shows the rest, and leaves the table as it is.
func (s *screen) close() {
	if s == nil {
		return
	}
	s.stop()
	s.show(true)
}

// Write serves io.Writer. It never fails: what cannot be shown is lost.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, p...)
	return len(p), nil
}

// show writes what is pending above the table, and the table anew if it is another
// one. Half a line waits for its end, unless it is the last.
func (s *screen) show(last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, height, _ := s.size()
	seq, slice := s.live.age()
	now := [4]int{seq, int(slice), width, height}
	end := strings.LastIndexByte(string(s.pending), '\n') + 1
	if last {
		end = len(s.pending)
	}
	if end == 0 && now == s.shown && !last {
		return
	}
	view, _, _ := s.live.view(seq)
	var text strings.Builder
	text.WriteString(s.erase())
	text.Write(s.pending[:end])
	if last && end > 0 && s.pending[end-1] != '\n' {
		text.WriteByte('\n')
	}
	s.pending = append(s.pending[:0], s.pending[end:]...)
	lines := s.table(&view, width, height)
	for _, line := range lines {
		text.WriteString(line + "\n")
	}
	s.drawn = len(lines)
	s.shown = now
	_, _ = io.WriteString(s.out, text.String())
}

// erase goes to where the table begins and clears what is there. A terminal that has
// become narrower may have broken the lines that were longer, or not: less is cleared
// then than could be, and no line of the log is lost.
func (s *screen) erase() string {
	if s.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r\x1b[J", s.drawn)
}

// The colours of the table, as parameters of SGR (ECMA-48, section 8.3.117).
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	yellow = "33"
)

// paint writes a text that was padded in a colour; empty is none.
func (s *screen) paint(colour, text string) string {
	if !s.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// table is the table for a terminal of a size; none where nothing was called, and
// where there is no room. Where there is little, the rows with the most calls stay.
func (s *screen) table(v *liveView, width, height int) []string {
	if v.Calls == 0 || width < leastWidth || height < leastHeight {
		return nil
	}
	rows := busiest(v.Rows, max(3, height/2-3))
	c := columnsFor(rows, width)
	lines := []string{s.paint(bold, cut(v.summary(), width)), s.paint(dim, strings.Join(c.cells("SERVER", "TOOL", "CALLS", "REFUSED", "FAILED", "P50 ms", "P95 ms", "5 MIN"), ""))}
	for i := range rows {
		lines = append(lines, s.row(c, &rows[i]))
	}
	if left := len(v.Rows) - len(rows); left > 0 {
		lines = append(lines, s.paint(dim, cut(fmt.Sprintf("and %d more, on the page %s", left, livePath), width)))
	}
	return append([]string{s.paint(dim, strings.Repeat("─", width))}, lines...)
}

// busiest are the rows for which there is room, in their order: those with the most
// calls, one fewer where the last line says how many there are no lines for.
func busiest(rows []shownRow, room int) []shownRow {
	if len(rows) <= room {
		return rows
	}
	order := make([]int, len(rows))
	for i := range rows {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rows[b].Calls, rows[a].Calls) })
	order = order[:room-1]
	slices.Sort(order)
	list := make([]shownRow, 0, len(order))
	for _, i := range order {
		list = append(list, rows[i])
	}
	return list
}

// row shows a row: numbers of refusals and failures in colour, which terminals of any
// ground leave readable beside the rest.
func (s *screen) row(c columns, r *shownRow) string {
	cells := c.cells(r.Server, r.Name, fmt.Sprint(r.Calls), number(r.Refused), number(r.Failed), millis(r.P50), millis(r.P95), bars(r.Activity, c.bars))
	if r.Refused > 0 {
		cells[3] = s.paint(yellow, cells[3])
	}
	if r.Failed > 0 {
		cells[4] = s.paint(red, cells[4])
	}
	text := strings.Join(cells, "")
	if !r.Tool && r.Refused+r.Failed == 0 {
		return s.paint(dim, text)
	}
	return text
}

// number leaves out 0, which most are.
func number(n int) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprint(n)
}

func millis(ms float64) string { return fmt.Sprintf("%.1f", ms) }

// columns are the widths of the two names and of the bars; 0 bars are none.
type columns struct{ server, name, bars int }

// numbers is the width of the five columns of numbers with what is between them.
const numbers = 8 + 9 + 8 + 9 + 9

// columnsFor shares the width out: the names get what they need, as far as there is
// room, and the bars what is left of 20.
func columnsFor(rows []shownRow, width int) columns {
	c := columns{server: len("SERVER"), name: len("TOOL")}
	for i := range rows {
		c.server = max(c.server, utf8.RuneCountInString(rows[i].Server))
		c.name = max(c.name, utf8.RuneCountInString(rows[i].Name))
	}
	room := width - numbers - 2
	if c.server+c.name > room {
		c.server = min(c.server, max(6, room/3))
		c.name = max(4, min(c.name, room-c.server))
	}
	if left := room - c.server - c.name - 2; left >= 10 {
		c.bars = min(20, left)
	}
	return c
}

// cells lays the columns out, each as wide as it is to be.
func (c columns) cells(server, name, calls, refused, failed, p50, p95, bars string) []string {
	list := []string{
		pad(server, c.server) + "  ", pad(name, c.name), fmt.Sprintf("%8s", calls), fmt.Sprintf("%9s", refused), fmt.Sprintf("%8s", failed),
		fmt.Sprintf("%9s", p50), fmt.Sprintf("%9s", p95),
	}
	if c.bars > 0 {
		list = append(list, "  "+pad(bars, c.bars))
	}
	return list
}

// pad makes a text so wide. Characters beyond Latin have no width that is sure.
func pad(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if r > 0x24f && (r < 0x2500 || r > 0x259f) && r != '…' && r != '·' { // lines and blocks are ours
			return '?'
		}
		return r
	}, printable(text))
	text = cut(text, width)
	return text + strings.Repeat(" ", width-utf8.RuneCountInString(text))
}

// cut keeps a text to a width.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(0, width-1)]) + "…"
}

// bars draws numbers as blocks, as many as there is room for.
func bars(list []int, room int) string {
	if room == 0 {
		return ""
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	each := (len(list) + room - 1) / room
	var sums []int
	for part := range slices.Chunk(list, each) {
		sum := 0
		for _, n := range part {
			sum += n
		}
		sums = append(sums, sum)
	}
	most := slices.Max(sums)
	out := make([]rune, len(sums))
	for i, n := range sums {
		switch {
		case n == 0:
			out[i] = ' '
		default:
			out[i] = blocks[(n*len(blocks)-1)/most]
		}
	}
	return string(out)
}
