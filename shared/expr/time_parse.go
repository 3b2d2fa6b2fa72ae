package expr

import (
	"strconv"
	"strings"
	"time"
)

// parsedTime is what a text says: a clock's reading, and its distance from UTC
// where it says one.
type parsedTime struct {
	ticks  int64
	offset int // minutes
	zoned  bool
}

// dateFormats are what Parse of the invariant culture reads, besides ISO 8601.
var dateFormats = []string{
	"M/d/yyyy", "yyyy/M/d", "d MMM yyyy", "d MMMM yyyy", "MMM d, yyyy", "MMMM d, yyyy", "MMM d yyyy", "MMMM d yyyy", "d-MMM-yyyy", "yyyy-M-d", "M-d-yyyy", "yyyy.M.d", "yyyy-M", "MMMM yyyy", "M/d/yy",
}

var clockFormats = []string{"H:m:s", "H:m", "h:m:s tt", "h:m tt", "h tt"}

// parseTime reads a date, a time or both.
func parseTime(s string) (p parsedTime, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 100 {
		return p, false
	}
	if i := strings.IndexByte(s, ','); i == 3 || i > 5 && i < 10 { // Mon, or Monday,
		if _, known := weekday(s[:i]); known {
			s = strings.TrimSpace(s[i+1:])
		}
	}
	s, p.offset, p.zoned, ok = cutZone(s)
	if !ok {
		return p, false
	}
	date, clock := splitDateTime(s)
	if date != "" {
		for _, f := range dateFormats {
			if t, matches := matchTime(date, f); matches {
				p.ticks = t.ticks
				return p, clock == "" || p.addClock(clock)
			}
		}
		return p, false
	}
	return p, p.addClock(clock)
}

func weekday(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()) || strings.EqualFold(s, d.String()[:3]) {
			return d, true
		}
	}
	return 0, false
}

// cutZone takes Z, GMT or ±hh:mm from the end.
func cutZone(s string) (rest string, offset int, zoned, ok bool) {
	for _, z := range []string{"GMT", "UTC", "Z", "z"} {
		if r, found := strings.CutSuffix(s, z); found {
			return strings.TrimSpace(r), 0, true, true
		}
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 || !strings.Contains(s[:i], ":") {
		return s, 0, false, true
	}
	hours, minutes, colon := strings.Cut(s[i+1:], ":")
	if !colon && len(hours) == 4 {
		hours, minutes = hours[:2], hours[2:]
	}
	h, err := strconv.Atoi(hours)
	m := 0
	if err == nil && minutes != "" {
		m, err = strconv.Atoi(minutes)
	}
	if err != nil || h > 14 || m > 59 || h < 0 || m < 0 {
		return s, 0, false, false
	}
	offset = h*60 + m
	if s[i] == '-' {
		offset = -offset
	}
	return strings.TrimSpace(s[:i]), offset, true, true
}

// splitDateTime separates the time of day, which has a colon or AM or PM.
func splitDateTime(s string) (date, clock string) {
	if day, clock, ok := strings.Cut(s, "T"); ok && clock != "" && strings.Trim(day, "0123456789-./") == "" {
		return day, clock
	}
	before, _, found := strings.Cut(s, ":")
	if !found {
		return s, ""
	}
	i := strings.LastIndexByte(before, ' ')
	if i < 0 {
		return "", s
	}
	return strings.TrimSpace(before[:i]), s[i+1:]
}

// addClock adds a time of day.
func (p *parsedTime) addClock(s string) bool {
	fraction := int64(0)
	if i := strings.IndexByte(s, '.'); i >= 0 {
		j := i + 1
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		digits := s[i+1 : j]
		if digits == "" {
			return false
		}
		n, _ := strconv.ParseInt((digits + "0000000")[:7], 10, 64)
		fraction = n
		s = s[:i] + s[j:]
	}
	for _, f := range clockFormats {
		if t, ok := matchTime(s, f); ok {
			p.ticks += t.ticks%ticksPerDay + fraction
			return true
		}
	}
	return false
}

// dateTime is the DateTime that Parse returns: what says its zone becomes local
// time.
func (p parsedTime) dateTime() DateTime {
	if !p.zoned {
		return DateTime{ticks: p.ticks}
	}
	return newDateTime(p.ticks-int64(p.offset)*ticksPerMinute, kindLocal)
}

func (p parsedTime) dateTimeOffset() DateTimeOffset {
	return DateTimeOffset{p.ticks, int16(p.offset)} //nolint:gosec // at most 14 hours
}

// matchTime reads s by a custom format.
func matchTime(s, format string) (p parsedTime, ok bool) {
	if long := standardFormats[format]; long != "" {
		format = long
	}
	m := timeMatch{rest: s, year: 1, month: 1, day: 1}
	for part := range pictures(format) {
		if !m.part(part) {
			return p, false
		}
	}
	if m.rest != "" {
		return p, false
	}
	if m.afternoon && m.hour < 12 {
		m.hour += 12
	} else if m.morning && m.hour == 12 {
		m.hour = 0
	}
	t := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, 0, time.UTC)
	if m.year < 1 || int(t.Month()) != m.month || t.Day() != m.day || t.Hour() != m.hour || m.minute > 59 || m.second > 59 {
		return p, false
	}
	p.ticks = DateTimeOf(t).ticks + m.fraction
	p.offset, p.zoned = m.offset, m.zoned
	return p, true
}

// timeMatch is what was read so far.
type timeMatch struct {
	rest                                   string
	year, month, day, hour, minute, second int
	fraction                               int64
	morning, afternoon, zoned              bool
	offset                                 int
}

func (m *timeMatch) part(p timePart) bool {
	switch p.letter {
	case 0:
		rest, ok := strings.CutPrefix(m.rest, p.literal)
		m.rest = rest
		return ok
	case 'y':
		return m.yearPart(p.count)
	case 'M':
		if p.count > 2 {
			return m.monthName(p.count > 3)
		}
		return m.number(&m.month, p.count, 2)
	case 'd':
		if p.count > 2 {
			return m.dayName(p.count > 3)
		}
		return m.number(&m.day, p.count, 2)
	case 'H':
		return m.number(&m.hour, p.count, 2)
	case 'h':
		return m.number(&m.hour, p.count, 2) && m.hour >= 1 && m.hour <= 12
	case 'm':
		return m.number(&m.minute, p.count, 2)
	case 's':
		return m.number(&m.second, p.count, 2)
	case 'f', 'F':
		return m.fractionPart(p)
	case 't':
		return m.half(p.count)
	}
	return m.zone(p.letter)
}

func (m *timeMatch) number(to *int, least, most int) bool {
	n := 0
	for n < len(m.rest) && n < most && m.rest[n] >= '0' && m.rest[n] <= '9' {
		n++
	}
	if n < min(least, most) {
		return false
	}
	*to, _ = strconv.Atoi(m.rest[:n])
	m.rest = m.rest[n:]
	return true
}

func (m *timeMatch) yearPart(count int) bool {
	if count > 2 {
		return m.number(&m.year, min(count, 4), 4)
	}
	if !m.number(&m.year, count, 2) {
		return false
	}
	if m.year < 50 {
		m.year += 2000
	} else {
		m.year += 1900
	}
	return true
}

func (m *timeMatch) monthName(long bool) bool {
	for month := time.January; month <= time.December; month++ {
		name := month.String()
		if !long {
			name = name[:3]
		}
		if len(m.rest) >= len(name) && strings.EqualFold(m.rest[:len(name)], name) {
			m.month, m.rest = int(month), m.rest[len(name):]
			return true
		}
	}
	return false
}

func (m *timeMatch) dayName(long bool) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := day.String()
		if !long {
			name = name[:3]
		}
		if len(m.rest) >= len(name) && strings.EqualFold(m.rest[:len(name)], name) {
			m.rest = m.rest[len(name):]
			return true
		}
	}
	return false
}

func (m *timeMatch) fractionPart(p timePart) bool {
	n := 0
	for n < len(m.rest) && n < p.count && m.rest[n] >= '0' && m.rest[n] <= '9' {
		n++
	}
	if p.letter == 'f' && n != p.count || p.count > 7 {
		return false
	}
	m.fraction, _ = strconv.ParseInt((m.rest[:n] + "0000000")[:7], 10, 64)
	m.rest = m.rest[n:]
	return true
}

func (m *timeMatch) half(count int) bool {
	for i, name := range []string{"AM", "PM"} {
		if name = name[:min(count, 2)]; len(m.rest) >= len(name) && strings.EqualFold(m.rest[:len(name)], name) {
			m.morning, m.afternoon = i == 0, i == 1
			m.rest = m.rest[len(name):]
			return true
		}
	}
	return false
}

func (m *timeMatch) zone(letter byte) bool {
	if rest, ok := strings.CutPrefix(m.rest, "Z"); ok {
		m.rest, m.zoned = rest, true
		return true
	}
	if m.rest == "" {
		return letter == 'K'
	}
	sign := m.rest[0]
	if sign != '+' && sign != '-' {
		return letter == 'K'
	}
	m.rest = m.rest[1:]
	hours, minutes := 0, 0
	if !m.number(&hours, 1, 2) {
		return false
	}
	if rest, ok := strings.CutPrefix(m.rest, ":"); ok {
		m.rest = rest
		if !m.number(&minutes, 2, 2) {
			return false
		}
	}
	m.offset, m.zoned = hours*60+minutes, true
	if sign == '-' {
		m.offset = -m.offset
	}
	return m.offset <= 14*60 && m.offset >= -14*60
}
