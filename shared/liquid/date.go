package liquid

import (
	"fmt"
	"strings"
	"time"

	"toolgate/shared/xmljson"
)

// date is the filter Date: it formats a point in time, or a text that is one,
// by a .NET format. Other values pass.
func date(s *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	format := argument(args, 0, "")
	d, ok := in.(dateTime)
	if !ok {
		if d, ok = s.readDate(text(in)); !ok {
			return in, nil
		}
		if strings.TrimSpace(format) == "" {
			return in, nil
		}
	}
	if strings.TrimSpace(format) == "" {
		return text(d), nil
	}
	if len(format) > 200 {
		return nil, failure("use a standard or a custom format of .NET", "the format is longer than 200 bytes")
	}
	if len(format) == 1 {
		long := standardFormats[format]
		if long == "" {
			return nil, failure("use a standard or a custom format of .NET", "%q is not a format of dates", format)
		}
		format = long
	}
	return d.format(format), nil
}

// dateLayouts are the forms of texts that Date reads.
var dateLayouts = []string{
	"2006-01-02", "2006/01/02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00",
	"01/02/2006", "1/2/2006", "01/02/2006 15:04:05", "1/2/2006 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM",
	"January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", time.RFC1123, time.RFC1123Z,
}

func (s *state) readDate(text string) (dateTime, bool) {
	text = strings.TrimSpace(text)
	if !s.now.IsZero() && (strings.EqualFold(text, "now") || strings.EqualFold(text, "today")) {
		return dateTime{s.now.UTC(), true}, true
	}
	if t, zoned, ok := xmljson.ParseDate(text); ok {
		return dateTime{t, zoned}, true
	}
	if len(text) > 40 {
		return dateTime{}, false
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() >= 1 {
			return dateTime{t.UTC(), strings.ContainsAny(layout, "ZM-") && strings.Contains(layout, "07")}, true
		}
	}
	return dateTime{}, false
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

// format writes the time by a custom format.
func (d dateTime) format(format string) string {
	var b strings.Builder
	for format != "" {
		n := d.part(&b, format)
		format = format[n:]
	}
	return b.String()
}

// part writes what the format begins with, and returns its length.
func (d dateTime) part(b *strings.Builder, format string) int {
	c := format[0]
	switch {
	case c == '\\' && len(format) > 1:
		b.WriteByte(format[1])
		return 2
	case c == '%':
		return 1
	case c == '\'' || c == '"':
		end := strings.IndexByte(format[1:], c)
		if end < 0 {
			b.WriteString(format[1:])
			return len(format)
		}
		b.WriteString(format[1 : 1+end])
		return end + 2
	case strings.IndexByte("dfFghHKmMstyz", c) < 0:
		b.WriteByte(c)
		return 1
	}
	n := 1
	for n < len(format) && format[n] == c {
		n++
	}
	d.letter(b, c, n)
	return n
}

func (d dateTime) letter(b *strings.Builder, c byte, n int) {
	t := d.time
	switch c {
	case 'd':
		switch {
		case n <= 2:
			fmt.Fprintf(b, "%0*d", n, t.Day())
		case n == 3:
			b.WriteString(t.Weekday().String()[:3])
		default:
			b.WriteString(t.Weekday().String())
		}
	case 'M':
		switch {
		case n <= 2:
			fmt.Fprintf(b, "%0*d", n, int(t.Month()))
		case n == 3:
			b.WriteString(t.Month().String()[:3])
		default:
			b.WriteString(t.Month().String())
		}
	case 'y':
		year := t.Year()
		if n <= 2 {
			year %= 100
		}
		fmt.Fprintf(b, "%0*d", min(n, 9), year)
	case 'f', 'F':
		d.fraction(b, c, n)
	case 'h':
		fmt.Fprintf(b, "%0*d", min(n, 2), (t.Hour()+11)%12+1)
	case 'H':
		fmt.Fprintf(b, "%0*d", min(n, 2), t.Hour())
	case 'm':
		fmt.Fprintf(b, "%0*d", min(n, 2), t.Minute())
	case 's':
		fmt.Fprintf(b, "%0*d", min(n, 2), t.Second())
	case 't':
		b.WriteString(t.Format("PM")[:min(n, 2)])
	case 'z':
		b.WriteString(map[int]string{1: "+0", 2: "+00"}[n])
		if n > 2 {
			b.WriteString("+00:00")
		}
	case 'K':
		if d.zoned {
			b.WriteByte('Z')
		}
	case 'g':
		b.WriteString("A.D.")
	}
}

// fraction writes digits of the second; F leaves out zeros at the end, and the
// point before them.
func (d dateTime) fraction(b *strings.Builder, c byte, n int) {
	digits := fmt.Sprintf("%09d", d.time.Nanosecond())[:min(n, 7)]
	if c == 'F' {
		digits = strings.TrimRight(digits, "0")
	}
	if s := b.String(); digits == "" && strings.HasSuffix(s, ".") {
		b.Reset()
		b.WriteString(s[:len(s)-1])
	}
	b.WriteString(digits)
}
