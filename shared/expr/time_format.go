package expr

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// timePart is one element of a custom format: a run of a letter, or literal text
// where letter is 0.
type timePart struct {
	letter  byte
	count   int
	literal string
}

// pictures takes a custom date or time format apart.
func pictures(format string) iter.Seq[timePart] {
	return func(yield func(timePart) bool) {
		for i := 0; i < len(format); {
			p, n := nextPicture(format[i:])
			if !yield(p) {
				return
			}
			i += n
		}
	}
}

func nextPicture(s string) (timePart, int) {
	c := s[0]
	switch {
	case c == '\\' && len(s) > 1:
		return timePart{literal: s[1:2]}, 2
	case c == '%' && len(s) > 1:
		return nextPictureAfterPercent(s)
	case c == '\'' || c == '"':
		end := strings.IndexByte(s[1:], c)
		if end < 0 {
			throw("FormatException", "Cannot find a matching quote character for the character '%c'.", c)
		}
		return timePart{literal: s[1 : 1+end]}, end + 2
	case strings.IndexByte("dfFghHKmMstyz", c) >= 0:
		n := 1
		for n < len(s) && s[n] == c {
			n++
		}
		return timePart{letter: c, count: n}, n
	}
	return timePart{literal: s[:1]}, 1
}

func nextPictureAfterPercent(s string) (timePart, int) {
	if s[1] == '%' {
		throw("FormatException", "Input string was not in a correct format.")
	}
	p, n := nextPicture(s[1:])
	return p, n + 1
}

// standardFormats are what single letters stand for in the invariant culture.
var standardFormats = map[string]string{
	"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "m": "MMMM dd", "M": "MMMM dd",
	"o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
	"r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
	"s": "yyyy-MM-ddTHH:mm:ss", "t": "HH:mm", "T": "HH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'",
	"U": "dddd, dd MMMM yyyy HH:mm:ss", "y": "yyyy MMMM", "Y": "yyyy MMMM",
}

// clock is what formats read: the calendar with its distance from UTC.
type clock struct {
	ticks  int64
	offset int    // minutes
	suffix string // what K writes
}

func (d DateTime) String() string { return d.format("") }

func (d DateTime) format(format string) string {
	c := clock{ticks: d.ticks}
	switch d.kind {
	case kindUTC:
		c.suffix = "Z"
	case kindLocal:
		c.suffix = "+00:00"
	}
	if format == "" {
		format = "G"
	}
	return c.format(format)
}

func (d DateTimeOffset) String() string { return d.format("") }

func (d DateTimeOffset) format(format string) string {
	c := clock{d.ticks, int(d.offset), offsetText(int(d.offset), 3)}
	switch format {
	case "":
		return c.format("MM/dd/yyyy HH:mm:ss zzz")
	case "r", "R", "u", "U":
		c = clock{ticks: d.utc()}
	}
	return c.format(format)
}

func offsetText(minutes, count int) string {
	sign := '+'
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	switch count {
	case 1:
		return fmt.Sprintf("%c%d", sign, minutes/60)
	case 2:
		return fmt.Sprintf("%c%02d", sign, minutes/60)
	}
	return fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60)
}

func (c clock) format(format string) string {
	if len(format) == 1 {
		long := standardFormats[format]
		if long == "" {
			throw("FormatException", "Input string was not in a correct format.")
		}
		format = long
	}
	t := DateTime{ticks: c.ticks}.Time()
	var b strings.Builder
	for p := range pictures(format) {
		c.part(&b, t, p)
	}
	return b.String()
}

func (c clock) part(b *strings.Builder, t time.Time, p timePart) {
	short := min(p.count, 2)
	switch p.letter {
	case 0:
		b.WriteString(p.literal)
	case 'd':
		switch p.count {
		case 1, 2:
			fmt.Fprintf(b, "%0*d", short, t.Day())
		case 3:
			b.WriteString(t.Weekday().String()[:3])
		default:
			b.WriteString(t.Weekday().String())
		}
	case 'f', 'F':
		text := fractionText(c.ticks%ticksPerSecond, p)
		if s := b.String(); text == "" && strings.HasSuffix(s, ".") { // F takes the point with it
			b.Reset()
			text = s[:len(s)-1]
		}
		b.WriteString(text)
	case 'h':
		fmt.Fprintf(b, "%0*d", short, (t.Hour()+11)%12+1)
	case 'H':
		fmt.Fprintf(b, "%0*d", short, t.Hour())
	case 'm':
		fmt.Fprintf(b, "%0*d", short, t.Minute())
	case 's':
		fmt.Fprintf(b, "%0*d", short, t.Second())
	case 'M':
		switch p.count {
		case 1, 2:
			fmt.Fprintf(b, "%0*d", short, int(t.Month()))
		case 3:
			b.WriteString(t.Month().String()[:3])
		default:
			b.WriteString(t.Month().String())
		}
	case 'y':
		if p.count <= 2 {
			fmt.Fprintf(b, "%0*d", p.count, t.Year()%100)
		} else {
			fmt.Fprintf(b, "%0*d", p.count, t.Year())
		}
	case 't':
		b.WriteString(t.Format("PM")[:short])
	case 'z':
		b.WriteString(offsetText(c.offset, p.count))
	case 'K':
		b.WriteString(c.suffix)
	case 'g':
		b.WriteString("A.D.")
	}
}

func fractionText(ticks int64, p timePart) string {
	if p.count > 7 {
		throw("FormatException", "Input string was not in a correct format.")
	}
	s := fmt.Sprintf("%07d", ticks)[:p.count]
	if p.letter == 'F' {
		s = strings.TrimRight(s, "0")
	}
	return s
}
