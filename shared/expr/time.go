package expr

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // platforms may have no database of time zones
)

// ticks are units of 100 ns, as .NET counts time.
const (
	ticksPerMillisecond = 10_000
	ticksPerSecond      = 1000 * ticksPerMillisecond
	ticksPerMinute      = 60 * ticksPerSecond
	ticksPerHour        = 60 * ticksPerMinute
	ticksPerDay         = 24 * ticksPerHour
	// unixEpoch is 1970-01-01 in ticks since 0001-01-01.
	unixEpoch = 62135596800 * ticksPerSecond
	maxTicks  = 3155378975999999999
)

// DateTime is a point of the calendar with its kind. The gateway's local time
// is UTC.
type DateTime struct {
	ticks int64
	kind  dateKind
}

type dateKind uint8

const (
	kindUnspecified dateKind = iota
	kindUTC
	kindLocal
)

// DateTimeOf converts a time to a DateTime in UTC.
func DateTimeOf(t time.Time) DateTime {
	t = t.UTC()
	return DateTime{unixEpoch + t.Unix()*ticksPerSecond + int64(t.Nanosecond()/100), kindUTC}
}

func (DateTime) typeName() string { return "DateTime" }

// Time is the same point as a Go time, in UTC.
func (d DateTime) Time() time.Time {
	since := d.ticks - unixEpoch
	seconds := since / ticksPerSecond
	rest := since % ticksPerSecond
	return time.Unix(seconds, rest*100).UTC()
}

func newDateTime(ticks int64, kind dateKind) DateTime {
	if ticks < 0 || ticks > maxTicks {
		throw("ArgumentOutOfRangeException", "The added or subtracted value results in an un-representable DateTime. (Parameter 'value')")
	}
	return DateTime{ticks, kind}
}

func (d DateTime) add(ticks int64) DateTime {
	if ticks > maxTicks || ticks < -maxTicks {
		return newDateTime(-1, d.kind)
	}
	return newDateTime(d.ticks+ticks, d.kind)
}

// addMonths keeps the day where the month has it, or else its last day.
func (d DateTime) addMonths(n int) DateTime {
	if n > 120000 || n < -120000 {
		return newDateTime(-1, d.kind)
	}
	t := d.Time()
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	if first.Year() < 1 || first.Year() > 9999 {
		return newDateTime(-1, d.kind)
	}
	last := first.AddDate(0, 1, -1).Day()
	day := first.AddDate(0, 0, min(t.Day(), last)-1)
	return newDateTime(DateTimeOf(day).ticks+d.ticks%ticksPerDay, d.kind)
}

// dateTime is the constructor from calendar fields.
func dateTime(year, month, day, hour, minute, second, millisecond int, kind dateKind) DateTime {
	t := time.Date(year, time.Month(month), day, hour, minute, second, millisecond*1_000_000, time.UTC)
	if year < 1 || year > 9999 || t.Year() != year || int(t.Month()) != month || t.Day() != day || t.Hour() != hour || t.Minute() != minute ||
		t.Second() != second || millisecond < 0 || millisecond > 999 {
		throw("ArgumentOutOfRangeException", "Year, Month, and Day parameters describe an un-representable DateTime.")
	}
	return DateTime{DateTimeOf(t).ticks, kind}
}

// DateTimeOffset is a clock's reading with the clock's distance from UTC.
type DateTimeOffset struct {
	ticks  int64 // of the clock
	offset int16 // minutes
}

func (DateTimeOffset) typeName() string { return "DateTimeOffset" }

func (d DateTimeOffset) utc() int64 { return d.ticks - int64(d.offset)*ticksPerMinute }

func (d DateTimeOffset) add(ticks int64) DateTimeOffset {
	return DateTimeOffset{DateTime{ticks: d.ticks}.add(ticks).ticks, d.offset}
}

func (d DateTimeOffset) unix() int64 { return floorDiv(d.utc()-unixEpoch, ticksPerSecond) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// offsetOf is the DateTimeOffset that a DateTime converts to.
func offsetOf(d DateTime) DateTimeOffset { return DateTimeOffset{ticks: d.ticks} }

// TimeSpan is a duration in ticks.
type TimeSpan int64

func (TimeSpan) typeName() string { return "TimeSpan" }

// TimeSpanOf converts a duration.
func TimeSpanOf(d time.Duration) TimeSpan { return TimeSpan(d / 100) }

func spanOf(value float64, ticks int64) TimeSpan {
	t := value * float64(ticks)
	if t != t || t > 9.2e18 || t < -9.2e18 {
		throw("OverflowException", "TimeSpan overflowed because the duration is too long.")
	}
	// .NET Core keeps ticks; halves are cut.
	return TimeSpan(int64(t))
}

func (s TimeSpan) String() string { return s.format("c") }

// format knows the standard formats c, g and G, and custom ones.
func (s TimeSpan) format(format string) string {
	n := int64(s)
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	days, hours, minutes := n/ticksPerDay, n/ticksPerHour%24, n/ticksPerMinute%60
	seconds, fraction := n/ticksPerSecond%60, n%ticksPerSecond
	switch format {
	case "", "c", "t", "T":
		text := fmt.Sprintf("%02d:%02d:%02d", hours, minutes, seconds)
		if days != 0 {
			text = fmt.Sprintf("%d.%s", days, text)
		}
		if fraction != 0 {
			text += fmt.Sprintf(".%07d", fraction)
		}
		return sign + text
	case "g":
		text := fmt.Sprintf("%d:%02d:%02d", hours, minutes, seconds)
		if days != 0 {
			text = fmt.Sprintf("%d:%s", days, text)
		}
		if fraction != 0 {
			text += "." + strings.TrimRight(fmt.Sprintf("%07d", fraction), "0")
		}
		return sign + text
	case "G":
		return fmt.Sprintf("%s%d:%02d:%02d:%02d.%07d", sign, days, hours, minutes, seconds, fraction)
	}
	if len(format) == 1 {
		throw("FormatException", "Input string was not in a correct format.")
	}
	var b strings.Builder
	for p := range pictures(format) {
		switch p.letter {
		case 'd':
			b.WriteString(pad(fmt.Sprint(days), p.count))
		case 'h':
			b.WriteString(pad(fmt.Sprint(hours), p.count))
		case 'm':
			b.WriteString(pad(fmt.Sprint(minutes), p.count))
		case 's':
			b.WriteString(pad(fmt.Sprint(seconds), p.count))
		case 'f', 'F':
			b.WriteString(fractionText(fraction, p))
		case 0:
			b.WriteString(p.literal)
		default:
			throw("FormatException", "Input string was not in a correct format.")
		}
	}
	return b.String()
}

// parseTimeSpan reads [-][d.]hh:mm[:ss[.fffffff]] or days alone.
func parseTimeSpan(s string) (TimeSpan, bool) {
	s = strings.TrimSpace(s)
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	parts := strings.Split(s, ":")
	var days, hours, minutes, seconds, fraction int64
	ok := true
	number := func(text string, limit int64) int64 {
		if text == "" || len(text) > 8 {
			ok = false
			return 0
		}
		var n int64
		for _, c := range text {
			if c < '0' || c > '9' {
				ok = false
				return 0
			}
			n = n*10 + int64(c-'0')
		}
		ok = ok && n <= limit
		return n
	}
	const most = 10675199
	if day, rest, dot := strings.Cut(parts[0], "."); dot && len(parts) > 1 {
		days, parts[0] = number(day, most), rest
	}
	switch len(parts) {
	case 1:
		days = number(parts[0], most)
	case 4:
		days = number(parts[0], most)
		parts = parts[1:]
		fallthrough
	case 3:
		second, part, dot := strings.Cut(parts[2], ".")
		seconds = number(second, 59)
		if dot {
			if len(part) > 7 {
				return 0, false
			}
			fraction = number(part+strings.Repeat("0", 7-len(part)), ticksPerSecond)
		}
		fallthrough
	case 2:
		hours, minutes = number(parts[0], 23), number(parts[1], 59)
	default:
		return 0, false
	}
	n := days*ticksPerDay + hours*ticksPerHour + minutes*ticksPerMinute + seconds*ticksPerSecond + fraction
	if negative {
		n = -n
	}
	return TimeSpan(n), ok
}
