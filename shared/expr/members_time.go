package expr

import (
	"strings"
	"time"
)

func parseGuid(s string) (g Guid, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) > 2 && (s[0] == '{' && s[len(s)-1] == '}' || s[0] == '(' && s[len(s)-1] == ')') {
		s = s[1 : len(s)-1]
	}
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(s) != 32 {
		return g, false
	}
	for i := range g {
		hi, lo := strings.IndexByte(hexDigits, s[2*i]|32), strings.IndexByte(hexDigits, s[2*i+1]|32)
		if hi < 0 || lo < 0 || !isHex(s[2*i]) || !isHex(s[2*i+1]) {
			return g, false
		}
		g[i] = byte(hi<<4 | lo) //nolint:gosec // two nibbles
	}
	return g, true
}

// ParseGuid reads a GUID in any of .NET's formats.
func ParseGuid(s string) (Guid, bool) { return parseGuid(s) }

func mustGuid(s string) Guid {
	g, ok := parseGuid(s)
	if !ok {
		throw("FormatException", "Unrecognized Guid format.")
	}
	return g
}

func (g Guid) format(format string) string {
	s := g.String()
	switch strings.ToUpper(format) {
	case "", "D":
		return s
	case "N":
		return strings.ReplaceAll(s, "-", "")
	case "B":
		return "{" + s + "}"
	case "P":
		return "(" + s + ")"
	}
	throw("FormatException", "Format string can be only \"D\", \"d\", \"N\", \"n\", \"P\", \"p\", \"B\", \"b\", \"X\" or \"x\".")
	return ""
}

func newGuid(f *frame) Guid {
	g := Guid(f.randomBytes(16))
	g[6] = g[6]&0x0F | 0x40
	g[8] = g[8]&0x3F | 0x80
	return g
}

var guidMembers = []memberTable{{"Guid", []row{
	{"new(string g)", func(_ *frame, a []any) any { return mustGuid(text(a, 0)) }, `new Guid("0102030405060708090a0b0c0d0e0f10").ToString()`, "01020304-0506-0708-090a-0b0c0d0e0f10"},
	{"new(byte[] b)", func(_ *frame, a []any) any {
		b := bytesArgument(a, 0)
		if len(b) != 16 {
			throw("ArgumentException", "Byte array for Guid must be exactly 16 bytes long. (Parameter 'b')")
		}
		return Guid(Guid(b).bytes())
	}, `new Guid(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }).ToString()`, "04030201-0605-0807-090a-0b0c0d0e0f10"},
	{"static Guid Empty", func(*frame, []any) any { return Guid{} }, `Guid.Empty.ToString("N")`, "00000000000000000000000000000000"},
	{"static Guid NewGuid()", func(f *frame, _ []any) any { return newGuid(f) }, `Guid.NewGuid().ToString().Length`, "36"},
	{"static Guid Parse(string input)", func(_ *frame, a []any) any { return mustGuid(text(a, 0)) }, `Guid.Parse("{01020304-0506-0708-090A-0B0C0D0E0F10}").ToString("N")`, "0102030405060708090a0b0c0d0e0f10"},
	{"static bool TryParse(string input, out Guid result)", func(_ *frame, a []any) any {
		g, ok := parseGuid(toText(a[0]))
		setOut(a[1], g)
		return ok
	}, `Guid.TryParse("x", out var g)`, "False"},
	{"string ToString(string format)", func(_ *frame, a []any) any { return a[0].(Guid).format(toText(a[1])) }, `Guid.Empty.ToString("B").Length`, "38"},
	{"byte[] ToByteArray()", func(_ *frame, a []any) any { return a[0].(Guid).bytes() }, `Guid.Parse("01020304-0506-0708-090a-0b0c0d0e0f10").ToByteArray()[0]`, "4"},
}}}

// dateField makes a property that DateTime and DateTimeOffset share.
func dateField(name string, get func(t time.Time) int, want string) [2]row {
	sig := "int " + name
	return [2]row{
		{sig, func(_ *frame, a []any) any { return int32(get(a[0].(DateTime).Time())) }, `new DateTime(2024, 2, 3, 4, 5, 6, 7).` + name, want}, //nolint:gosec // small
		{sig, func(_ *frame, a []any) any { return int32(get(DateTime{ticks: a[0].(DateTimeOffset).ticks}.Time())) }, //nolint:gosec // small
			`new DateTimeOffset(new DateTime(2024, 2, 3, 4, 5, 6, 7)).` + name, want},
	}
}

// dateAdd makes Add… for both types.
func dateAdd(name string, ticks int64, want string) [2]row {
	sig := name + "(double value)"
	return [2]row{
		{"DateTime " + sig, func(_ *frame, a []any) any { return a[0].(DateTime).add(int64(spanOf(a[1].(float64), ticks))) },
			`new DateTime(2024, 2, 28).` + name + `(1.5).ToString("s")`, want},
		{"DateTimeOffset " + sig, func(_ *frame, a []any) any { return a[0].(DateTimeOffset).add(int64(spanOf(a[1].(float64), ticks))) },
			`new DateTimeOffset(new DateTime(2024, 2, 28)).` + name + `(1.5).ToString("s")`, want},
	}
}

func dateRows() []memberTable {
	shared := [][2]row{
		dateField("Year", time.Time.Year, "2024"), dateField("Month", func(t time.Time) int { return int(t.Month()) }, "2"), dateField("Day", time.Time.Day, "3"),
		dateField("Hour", time.Time.Hour, "4"), dateField("Minute", time.Time.Minute, "5"), dateField("Second", time.Time.Second, "6"),
		dateField("Millisecond", func(t time.Time) int { return t.Nanosecond() / 1_000_000 }, "7"), dateField("DayOfYear", time.Time.YearDay, "34"),
		dateAdd("AddDays", ticksPerDay, "2024-02-29T12:00:00"), dateAdd("AddHours", ticksPerHour, "2024-02-28T01:30:00"), dateAdd("AddMinutes", ticksPerMinute, "2024-02-28T00:01:30"),
		dateAdd("AddSeconds", ticksPerSecond, "2024-02-28T00:00:01"), dateAdd("AddMilliseconds", ticksPerMillisecond, "2024-02-28T00:00:00"),
	}
	plain, offset := dateTimeRows, offsetRows
	for _, pair := range shared {
		plain, offset = append(plain, pair[0]), append(offset, pair[1])
	}
	return []memberTable{{"DateTime", plain}, {"DateTimeOffset", offset}, {"TimeZoneInfo", zoneRows}}
}

var dateMembers = dateRows()

// parsed reads a date for Parse, with DateTimeStyles.
func parsedDate(s any, styles any) (d DateTime, ok bool) {
	p, ok := parseTime(toText(s))
	if !ok {
		return d, false
	}
	e := caught(&frame{}, func() { d = styled(p, styles) })
	return d, e == nil
}

func styled(p parsedTime, styles any) DateTime {
	d := p.dateTime()
	flags := integer(styles)
	switch {
	case flags&128 != 0 && p.zoned && p.offset == 0, flags&16 != 0 && p.zoned:
		d.kind = kindUTC
	case flags&16 != 0 && flags&64 != 0:
		d.kind = kindUTC
	case flags&64 != 0 && !p.zoned:
		d.kind = kindLocal
	}
	return d
}

func throwDate(s any) {
	throw("FormatException", "String '%s' was not recognized as a valid DateTime.", toText(s))
}

func mustDate(s, styles any) DateTime {
	d, ok := parsedDate(s, styles)
	if !ok {
		throwDate(s)
	}
	return d
}

// exactDate reads by one format or one of several.
func exactDate(s, formats any) (parsedTime, bool) {
	for _, format := range charSet(formats) {
		if p, ok := matchTime(toText(s), format); ok {
			return p, true
		}
	}
	return parsedTime{}, false
}

func mustExact(s, formats any) parsedTime {
	p, ok := exactDate(s, formats)
	if !ok {
		throwDate(s)
	}
	return p
}

func newDate(fields int) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		v := [7]int{}
		for i := range fields {
			v[i] = number(a, i)
		}
		kind := kindUnspecified
		if len(a) > fields {
			kind = dateKind(integer(a[fields])) //nolint:gosec // an enumeration
		}
		return dateTime(v[0], v[1], v[2], v[3], v[4], v[5], v[6], kind)
	}
}

var dateTimeRows = []row{
	{"new(long ticks)", func(_ *frame, a []any) any { return newDateTime(a[0].(int64), kindUnspecified) }, `new DateTime(0L).Year`, "1"},
	{"new(int year, int month, int day)", newDate(3), `new DateTime(2024, 1, 2)`, "01/02/2024 00:00:00"},
	{"new(int year, int month, int day, int hour, int minute, int second)", newDate(6), `new DateTime(2024, 1, 2, 3, 4, 5)`, "01/02/2024 03:04:05"},
	{"new(int year, int month, int day, int hour, int minute, int second, DateTimeKind kind)", newDate(6), `new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc).ToString("o")`, "1970-01-01T00:00:00.0000000Z"},
	{"new(int year, int month, int day, int hour, int minute, int second, int millisecond)", newDate(7), `new DateTime(2024, 1, 2, 3, 4, 5, 6).Millisecond`, "6"},
	{"new(int year, int month, int day, int hour, int minute, int second, int millisecond, DateTimeKind kind)", newDate(7), `new DateTime(2024, 1, 2, 3, 4, 5, 6, DateTimeKind.Utc).Kind`, "Utc"},
	{"static DateTime UtcNow", func(f *frame, _ []any) any { return f.clockNow() }, `DateTime.UtcNow.Kind`, "Utc"},
	{"static DateTime Now", func(f *frame, _ []any) any { return DateTime{f.clockNow().ticks, kindLocal} }, `DateTime.Now.Kind`, "Local"},
	{"static DateTime Today", func(f *frame, _ []any) any {
		n := f.clockNow().ticks
		return DateTime{n - n%ticksPerDay, kindLocal}
	}, `DateTime.Today.Hour`, "0"},
	{"static DateTime MinValue", func(*frame, []any) any { return DateTime{} }, `DateTime.MinValue`, "01/01/0001 00:00:00"},
	{"static DateTime MaxValue", func(*frame, []any) any { return DateTime{ticks: maxTicks} }, `DateTime.MaxValue`, "12/31/9999 23:59:59"},
	{"static DateTime UnixEpoch", func(*frame, []any) any { return DateTime{unixEpoch, kindUTC} }, `DateTime.UnixEpoch.Ticks`, "621355968000000000"},
	{"static DateTime Parse(string s)", func(_ *frame, a []any) any { return mustDate(text(a, 0), nil) }, `DateTime.Parse("2024-03-01T10:00:00+02:00").ToString("o")`, "2024-03-01T08:00:00.0000000+00:00"},
	{"static DateTime Parse(string s, CultureInfo provider)", func(_ *frame, a []any) any { return mustDate(text(a, 0), nil) }, `DateTime.Parse("03/01/2024 10:00", null).Month`, "3"},
	{"static DateTime Parse(string s, CultureInfo provider, DateTimeStyles styles)", func(_ *frame, a []any) any { return mustDate(text(a, 0), a[2]) }, `DateTime.Parse("2024-03-01T10:00:00Z", null, System.Globalization.DateTimeStyles.RoundtripKind).Kind`, "Utc"},
	{"static bool TryParse(string s, out DateTime result)", func(_ *frame, a []any) any {
		d, ok := parsedDate(a[0], nil)
		setOut(a[1], d)
		return ok
	}, `DateTime.TryParse("soon", out var d)`, "False"},
	{"static bool TryParse(string s, CultureInfo provider, DateTimeStyles styles, out DateTime result)", func(_ *frame, a []any) any {
		d, ok := parsedDate(a[0], a[2])
		setOut(a[3], d)
		return ok
	}, `DateTime.TryParse("2024-03-01", null, System.Globalization.DateTimeStyles.None, out var d)`, "True"},
	{"static DateTime ParseExact(string s, string format, CultureInfo provider)", func(_ *frame, a []any) any { return mustExact(text(a, 0), a[1]).dateTime() }, `DateTime.ParseExact("20240301", "yyyyMMdd", null)`, "03/01/2024 00:00:00"},
	{"static DateTime ParseExact(string s, string format, CultureInfo provider, DateTimeStyles style)", func(_ *frame, a []any) any { return styled(mustExact(text(a, 0), a[1]), a[3]) }, `DateTime.ParseExact("1/3/24 5 PM", "d/M/yy h tt", null, System.Globalization.DateTimeStyles.None).Hour`, "17"},
	{"static bool TryParseExact(string s, string format, CultureInfo provider, DateTimeStyles style, out DateTime result)", func(_ *frame, a []any) any {
		p, ok := exactDate(a[0], a[1])
		setOut(a[4], styled(p, a[3]))
		return ok
	}, `DateTime.TryParseExact("x", "yyyy", null, System.Globalization.DateTimeStyles.None, out var d)`, "False"},
	{"static int DaysInMonth(int year, int month)", func(_ *frame, a []any) any {
		return int32(dateTime(number(a, 0), number(a, 1), 1, 0, 0, 0, 0, kindUnspecified).addMonths(1).add(-1).Time().Day())
	}, `DateTime.DaysInMonth(2024, 2)`, "29"},
	{"static bool IsLeapYear(int year)", func(_ *frame, a []any) any {
		y := number(a, 0)
		return y%4 == 0 && (y%100 != 0 || y%400 == 0)
	}, `DateTime.IsLeapYear(2024)`, "True"},
	{"static DateTime SpecifyKind(DateTime value, DateTimeKind kind)", func(_ *frame, a []any) any {
		return DateTime{a[0].(DateTime).ticks, dateKind(integer(a[1]))}
	}, `DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc).Kind`, "Utc"},
	{"static int Compare(DateTime a, DateTime b)", func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `DateTime.Compare(DateTime.MinValue, DateTime.MaxValue)`, "-1"},
	{"long Ticks", func(_ *frame, a []any) any { return a[0].(DateTime).ticks }, `new DateTime(2024, 1, 1).Ticks`, "638396640000000000"},
	{"DateTime Date", func(_ *frame, a []any) any {
		d := a[0].(DateTime)
		return DateTime{d.ticks - d.ticks%ticksPerDay, d.kind}
	}, `new DateTime(2024, 1, 2, 3, 4, 5).Date`, "01/02/2024 00:00:00"},
	{"TimeSpan TimeOfDay", func(_ *frame, a []any) any { return TimeSpan(a[0].(DateTime).ticks % ticksPerDay) }, `new DateTime(2024, 1, 2, 3, 4, 5).TimeOfDay`, "03:04:05"},
	{"DayOfWeek DayOfWeek", func(_ *frame, a []any) any {
		return enumValue{types("DayOfWeek").def, int64(a[0].(DateTime).Time().Weekday())}
	}, `new DateTime(2024, 1, 1).DayOfWeek`, "Monday"},
	{"DateTimeKind Kind", func(_ *frame, a []any) any { return enumValue{types("DateTimeKind").def, int64(a[0].(DateTime).kind)} }, `new DateTime(2024, 1, 1).Kind`, "Unspecified"},
	{"DateTime Add(TimeSpan value)", func(_ *frame, a []any) any { return a[0].(DateTime).add(int64(a[1].(TimeSpan))) }, `new DateTime(2024, 1, 1).Add(TimeSpan.FromHours(1)).Hour`, "1"},
	{"DateTime AddTicks(long value)", func(_ *frame, a []any) any { return a[0].(DateTime).add(a[1].(int64)) }, `DateTime.MinValue.AddTicks(5).Ticks`, "5"},
	{"DateTime AddMonths(int months)", func(_ *frame, a []any) any { return a[0].(DateTime).addMonths(number(a, 1)) }, `new DateTime(2024, 1, 31).AddMonths(1)`, "02/29/2024 00:00:00"},
	{"DateTime AddYears(int value)", func(_ *frame, a []any) any {
		return a[0].(DateTime).addMonths(12 * min(max(number(a, 1), -10000), 10000))
	}, `new DateTime(2024, 2, 29).AddYears(1)`, "02/28/2025 00:00:00"},
	{"TimeSpan Subtract(DateTime value)", func(_ *frame, a []any) any { return TimeSpan(a[0].(DateTime).ticks - a[1].(DateTime).ticks) }, `new DateTime(2024, 1, 2).Subtract(new DateTime(2024, 1, 1)).TotalHours`, "24"},
	{"DateTime Subtract(TimeSpan value)", func(_ *frame, a []any) any { return a[0].(DateTime).add(-int64(a[1].(TimeSpan))) }, `new DateTime(2024, 1, 2).Subtract(TimeSpan.FromDays(1)).Day`, "1"},
	{"DateTime ToUniversalTime()", func(_ *frame, a []any) any { return DateTime{a[0].(DateTime).ticks, kindUTC} }, `new DateTime(2024, 1, 2).ToUniversalTime().Kind`, "Utc"},
	{"DateTime ToLocalTime()", func(_ *frame, a []any) any { return DateTime{a[0].(DateTime).ticks, kindLocal} }, `new DateTime(2024, 1, 2).ToLocalTime().Kind`, "Local"},
	{"int CompareTo(DateTime value)", func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `new DateTime(2024, 1, 2).CompareTo(DateTime.MinValue)`, "1"},
	{"string ToString(string format)", func(f *frame, a []any) any { return f.text(a[0].(DateTime).format(toText(a[1]))) }, `new DateTime(2024, 1, 2, 15, 4, 5).ToString("yyyy-MM-ddTHH:mm:ss.fffZ")`, "2024-01-02T15:04:05.000Z"},
	{"string ToString(CultureInfo provider)", func(f *frame, a []any) any { return f.text(a[0].(DateTime).String()) }, `new DateTime(2024, 1, 2).ToString(System.Globalization.CultureInfo.InvariantCulture)`, "01/02/2024 00:00:00"},
	{"string ToString(string format, CultureInfo provider)", func(f *frame, a []any) any { return f.text(a[0].(DateTime).format(toText(a[1]))) }, `new DateTime(2024, 1, 2).ToString("r", System.Globalization.CultureInfo.InvariantCulture)`, "Tue, 02 Jan 2024 00:00:00 GMT"},
	{"string ToShortDateString()", func(_ *frame, a []any) any { return a[0].(DateTime).format("d") }, `new DateTime(2024, 1, 2).ToShortDateString()`, "01/02/2024"},
	{"string ToLongDateString()", func(_ *frame, a []any) any { return a[0].(DateTime).format("D") }, `new DateTime(2024, 1, 2).ToLongDateString()`, "Tuesday, 02 January 2024"},
	{"string ToShortTimeString()", func(_ *frame, a []any) any { return a[0].(DateTime).format("t") }, `new DateTime(2024, 1, 2).ToShortTimeString()`, "00:00"},
	{"long ToFileTimeUtc()", func(_ *frame, a []any) any { return a[0].(DateTime).ticks - 504911232000000000 }, `new DateTime(1601, 1, 1).ToFileTimeUtc()`, "0"},
}

var offsetRows = []row{
	{"new(DateTime dateTime)", func(_ *frame, a []any) any { return offsetOf(a[0].(DateTime)) }, `new DateTimeOffset(new DateTime(1970, 1, 2)).ToUnixTimeSeconds()`, "86400"},
	{"new(DateTime dateTime, TimeSpan offset)", func(_ *frame, a []any) any {
		return DateTimeOffset{a[0].(DateTime).ticks, offsetMinutes(a[1].(TimeSpan))}
	}, `new DateTimeOffset(new DateTime(2024, 1, 2), TimeSpan.FromHours(2))`, "01/02/2024 00:00:00 +02:00"},
	{"new(int year, int month, int day, int hour, int minute, int second, TimeSpan offset)", func(_ *frame, a []any) any {
		return DateTimeOffset{newDate(6)(nil, a[:6]).(DateTime).ticks, offsetMinutes(a[6].(TimeSpan))}
	}, `new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero).Hour`, "3"},
	{"static DateTimeOffset UtcNow", func(f *frame, _ []any) any { return offsetOf(f.clockNow()) }, `DateTimeOffset.UtcNow.Offset`, "00:00:00"},
	{"static DateTimeOffset Now", func(f *frame, _ []any) any { return offsetOf(f.clockNow()) }, `DateTimeOffset.Now.Offset`, "00:00:00"},
	{"static DateTimeOffset MinValue", func(*frame, []any) any { return DateTimeOffset{} }, `DateTimeOffset.MinValue.Year`, "1"},
	{"static DateTimeOffset MaxValue", func(*frame, []any) any { return DateTimeOffset{ticks: maxTicks} }, `DateTimeOffset.MaxValue.Year`, "9999"},
	{"static DateTimeOffset UnixEpoch", func(*frame, []any) any { return DateTimeOffset{ticks: unixEpoch} }, `DateTimeOffset.UnixEpoch.Year`, "1970"},
	{"static DateTimeOffset Parse(string input, CultureInfo formatProvider = null)", func(_ *frame, a []any) any { return changeType(text(a, 0), types("DateTimeOffset")) }, `DateTimeOffset.Parse("2024-03-01T10:00:00+02:00")`, "03/01/2024 10:00:00 +02:00"},
	{"static DateTimeOffset ParseExact(string input, string format, CultureInfo formatProvider)", func(_ *frame, a []any) any { return mustExact(text(a, 0), a[1]).dateTimeOffset() }, `DateTimeOffset.ParseExact("20240301", "yyyyMMdd", null).Day`, "1"},
	{"static bool TryParse(string input, out DateTimeOffset result)", func(_ *frame, a []any) any {
		p, ok := parseTime(toText(a[0]))
		setOut(a[1], p.dateTimeOffset())
		return ok
	}, `DateTimeOffset.TryParse("soon", out var d)`, "False"},
	{"static DateTimeOffset FromUnixTimeSeconds(long seconds)", func(_ *frame, a []any) any { return fromUnix(a[0].(int64), ticksPerSecond) }, `DateTimeOffset.FromUnixTimeSeconds(86400)`, "01/02/1970 00:00:00 +00:00"},
	{"static DateTimeOffset FromUnixTimeMilliseconds(long milliseconds)", func(_ *frame, a []any) any { return fromUnix(a[0].(int64), ticksPerMillisecond) }, `DateTimeOffset.FromUnixTimeMilliseconds(1500).Millisecond`, "500"},
	{"long ToUnixTimeSeconds()", func(_ *frame, a []any) any { return a[0].(DateTimeOffset).unix() }, `DateTimeOffset.FromUnixTimeSeconds(7).ToUnixTimeSeconds()`, "7"},
	{"long ToUnixTimeMilliseconds()", func(_ *frame, a []any) any {
		return floorDiv(a[0].(DateTimeOffset).utc()-unixEpoch, ticksPerMillisecond)
	}, `DateTimeOffset.FromUnixTimeSeconds(7).ToUnixTimeMilliseconds()`, "7000"},
	{"DateTime DateTime", func(_ *frame, a []any) any { return DateTime{ticks: a[0].(DateTimeOffset).ticks} }, `DateTimeOffset.FromUnixTimeSeconds(0).DateTime`, "01/01/1970 00:00:00"},
	{"DateTime UtcDateTime", func(_ *frame, a []any) any { return DateTime{a[0].(DateTimeOffset).utc(), kindUTC} }, `DateTimeOffset.FromUnixTimeSeconds(0).UtcDateTime.Kind`, "Utc"},
	{"DateTime LocalDateTime", func(_ *frame, a []any) any { return DateTime{a[0].(DateTimeOffset).utc(), kindLocal} }, `DateTimeOffset.FromUnixTimeSeconds(0).LocalDateTime.Kind`, "Local"},
	{"DateTime Date", func(_ *frame, a []any) any {
		t := a[0].(DateTimeOffset).ticks
		return DateTime{ticks: t - t%ticksPerDay}
	}, `DateTimeOffset.FromUnixTimeSeconds(5).Date`, "01/01/1970 00:00:00"},
	{"TimeSpan Offset", func(_ *frame, a []any) any { return TimeSpan(a[0].(DateTimeOffset).offset) * ticksPerMinute }, `DateTimeOffset.FromUnixTimeSeconds(0).Offset`, "00:00:00"},
	{"TimeSpan TimeOfDay", func(_ *frame, a []any) any { return TimeSpan(a[0].(DateTimeOffset).ticks % ticksPerDay) }, `DateTimeOffset.FromUnixTimeSeconds(65).TimeOfDay`, "00:01:05"},
	{"long Ticks", func(_ *frame, a []any) any { return a[0].(DateTimeOffset).ticks }, `DateTimeOffset.FromUnixTimeSeconds(0).Ticks`, "621355968000000000"},
	{"long UtcTicks", func(_ *frame, a []any) any { return a[0].(DateTimeOffset).utc() }, `DateTimeOffset.FromUnixTimeSeconds(0).UtcTicks`, "621355968000000000"},
	{"DayOfWeek DayOfWeek", func(_ *frame, a []any) any {
		return enumValue{types("DayOfWeek").def, int64(DateTime{ticks: a[0].(DateTimeOffset).ticks}.Time().Weekday())}
	}, `DateTimeOffset.FromUnixTimeSeconds(0).DayOfWeek`, "Thursday"},
	{"DateTimeOffset Add(TimeSpan timeSpan)", func(_ *frame, a []any) any { return a[0].(DateTimeOffset).add(int64(a[1].(TimeSpan))) }, `DateTimeOffset.FromUnixTimeSeconds(0).Add(TimeSpan.FromHours(1)).Hour`, "1"},
	{"DateTimeOffset AddMonths(int months)", func(_ *frame, a []any) any {
		d := a[0].(DateTimeOffset)
		return DateTimeOffset{DateTime{ticks: d.ticks}.addMonths(number(a, 1)).ticks, d.offset}
	}, `DateTimeOffset.FromUnixTimeSeconds(0).AddMonths(1).Month`, "2"},
	{"DateTimeOffset AddYears(int years)", func(_ *frame, a []any) any {
		d := a[0].(DateTimeOffset)
		return DateTimeOffset{DateTime{ticks: d.ticks}.addMonths(12 * min(max(number(a, 1), -10000), 10000)).ticks, d.offset}
	}, `DateTimeOffset.FromUnixTimeSeconds(0).AddYears(1).Year`, "1971"},
	{"TimeSpan Subtract(DateTimeOffset value)", func(_ *frame, a []any) any {
		return TimeSpan(a[0].(DateTimeOffset).utc() - a[1].(DateTimeOffset).utc())
	}, `DateTimeOffset.FromUnixTimeSeconds(5).Subtract(DateTimeOffset.UnixEpoch)`, "00:00:05"},
	{"DateTimeOffset ToUniversalTime()", func(_ *frame, a []any) any { return DateTimeOffset{ticks: a[0].(DateTimeOffset).utc()} }, `DateTimeOffset.Parse("2024-03-01T10:00:00+02:00").ToUniversalTime().Hour`, "8"},
	{"DateTimeOffset ToOffset(TimeSpan offset)", func(_ *frame, a []any) any {
		m := offsetMinutes(a[1].(TimeSpan))
		return DateTimeOffset{a[0].(DateTimeOffset).utc() + int64(m)*ticksPerMinute, m}
	}, `DateTimeOffset.FromUnixTimeSeconds(0).ToOffset(TimeSpan.FromHours(2))`, "01/01/1970 02:00:00 +02:00"},
	{"int CompareTo(DateTimeOffset other)", func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `DateTimeOffset.UnixEpoch.CompareTo(DateTimeOffset.MinValue)`, "1"},
	{"string ToString(string format)", func(f *frame, a []any) any { return f.text(a[0].(DateTimeOffset).format(toText(a[1]))) }, `DateTimeOffset.FromUnixTimeSeconds(0).ToString("o")`, "1970-01-01T00:00:00.0000000+00:00"},
	{"string ToString(string format, CultureInfo provider)", func(f *frame, a []any) any { return f.text(a[0].(DateTimeOffset).format(toText(a[1]))) }, `DateTimeOffset.FromUnixTimeSeconds(0).ToString("yyyy", null)`, "1970"},
}

func offsetMinutes(s TimeSpan) int16 {
	m := int64(s) / ticksPerMinute
	if m > 14*60 || m < -14*60 {
		throwRange("offset")
	}
	return int16(m)
}

func fromUnix(n, unit int64) DateTimeOffset {
	if n > maxTicks/unit || n < -maxTicks/unit {
		throwRange("seconds")
	}
	return DateTimeOffset{ticks: unixEpoch}.add(n * unit)
}

// zone is a TimeZoneInfo.
type zone struct{ location *time.Location }

func (*zone) typeName() string { return "TimeZoneInfo" }

// windowsZones are the Windows names of zones whose IANA names Go knows.
var windowsZones = map[string]string{
	"UTC": "UTC", "GMT Standard Time": "Europe/London", "W. Europe Standard Time": "Europe/Berlin", "Romance Standard Time": "Europe/Paris",
	"Central Europe Standard Time": "Europe/Budapest", "Central European Standard Time": "Europe/Warsaw", "E. Europe Standard Time": "Europe/Chisinau", "FLE Standard Time": "Europe/Kiev", "GTB Standard Time": "Europe/Bucharest",
	"Eastern Standard Time": "America/New_York", "Central Standard Time": "America/Chicago", "Mountain Standard Time": "America/Denver", "Pacific Standard Time": "America/Los_Angeles",
	"E. South America Standard Time": "America/Sao_Paulo", "India Standard Time": "Asia/Kolkata", "China Standard Time": "Asia/Shanghai", "Singapore Standard Time": "Asia/Singapore", "Tokyo Standard Time": "Asia/Tokyo",
	"AUS Eastern Standard Time": "Australia/Sydney", "New Zealand Standard Time": "Pacific/Auckland", "Arabian Standard Time": "Asia/Dubai", "South Africa Standard Time": "Africa/Johannesburg", "Russian Standard Time": "Europe/Moscow",
}

func findZone(id string) *zone {
	name := id
	if iana := windowsZones[id]; iana != "" {
		name = iana
	}
	l, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		throw("ArgumentException", "The time zone ID '%s' was not found on the local computer.", id)
	}
	return &zone{l}
}

func (z *zone) from(d DateTime) DateTime {
	_, seconds := d.Time().In(z.location).Zone()
	out := d.add(int64(seconds) * ticksPerSecond)
	out.kind = kindUnspecified
	return out
}

func (z *zone) offset(d DateTime) TimeSpan {
	_, seconds := d.Time().In(z.location).Zone()
	return TimeSpan(int64(seconds) * ticksPerSecond)
}

var zoneRows = []row{
	{"static TimeZoneInfo Utc", func(*frame, []any) any { return &zone{time.UTC} }, `TimeZoneInfo.Utc.Id`, "UTC"},
	{"static TimeZoneInfo FindSystemTimeZoneById(string id)", func(_ *frame, a []any) any { return findZone(text(a, 0)) }, `TimeZoneInfo.FindSystemTimeZoneById("UTC").Id`, "UTC"},
	{"static DateTime ConvertTimeFromUtc(DateTime dateTime, TimeZoneInfo destinationTimeZone)", func(_ *frame, a []any) any { return a[1].(*zone).from(a[0].(DateTime)) }, `TimeZoneInfo.ConvertTimeFromUtc(new DateTime(2024, 7, 1), TimeZoneInfo.Utc).Hour`, "0"},
	{"static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo destinationTimeZone)", func(_ *frame, a []any) any { return a[1].(*zone).from(a[0].(DateTime)) }, `TimeZoneInfo.ConvertTime(new DateTime(2024, 7, 1), TimeZoneInfo.Utc).Hour`, "0"},
	{"static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string destinationTimeZoneId)", func(_ *frame, a []any) any { return findZone(text(a, 1)).from(a[0].(DateTime)) }, `TimeZoneInfo.ConvertTimeBySystemTimeZoneId(new DateTime(2024, 7, 1), "UTC").Hour`, "0"},
	{"TimeSpan GetUtcOffset(DateTime dateTime)", func(_ *frame, a []any) any { return a[0].(*zone).offset(a[1].(DateTime)) }, `TimeZoneInfo.Utc.GetUtcOffset(new DateTime(2024, 7, 1))`, "00:00:00"},
	{"string Id", func(_ *frame, a []any) any { return a[0].(*zone).location.String() }, `TimeZoneInfo.Utc.Id`, "UTC"},
}

// spans makes the rows of a unit of TimeSpan.
func spans(name string, ticks, modulo int64) []row {
	return []row{
		{"static TimeSpan From" + name + "(double value)", func(_ *frame, a []any) any { return spanOf(a[0].(float64), ticks) }, "TimeSpan.From" + name + "(2).Total" + name, "2"},
		{"double Total" + name, func(_ *frame, a []any) any { return float64(a[0].(TimeSpan)) / float64(ticks) }, "TimeSpan.From" + name + "(1.5).Total" + name, "1.5"},
		{"int " + name, func(_ *frame, a []any) any {
			n := int64(a[0].(TimeSpan)) / ticks
			if modulo > 0 {
				n %= modulo
			}
			return int32(n) //nolint:gosec // days fit
		}, "TimeSpan.From" + name + "(3)." + name, "3"},
	}
}

func spanRows() []row {
	rows := []row{
		{"new(long ticks)", func(_ *frame, a []any) any { return TimeSpan(a[0].(int64)) }, `new TimeSpan(10000000L)`, "00:00:01"},
		{"new(int hours, int minutes, int seconds)", newSpan(0, 3), `new TimeSpan(1, 2, 3)`, "01:02:03"},
		{"new(int days, int hours, int minutes, int seconds)", newSpan(1, 4), `new TimeSpan(1, 2, 3, 4)`, "1.02:03:04"},
		{"new(int days, int hours, int minutes, int seconds, int milliseconds)", newSpan(1, 5), `new TimeSpan(0, 0, 0, 1, 500)`, "00:00:01.5000000"},
		{"static TimeSpan Zero", func(*frame, []any) any { return TimeSpan(0) }, `TimeSpan.Zero`, "00:00:00"},
		{"static TimeSpan MaxValue", func(*frame, []any) any { return TimeSpan(1<<63 - 1) }, `TimeSpan.MaxValue.Days`, "10675199"},
		{"static TimeSpan MinValue", func(*frame, []any) any { return TimeSpan(-1 << 63) }, `TimeSpan.MinValue.Days`, "-10675199"},
		{"static long TicksPerSecond", func(*frame, []any) any { return int64(ticksPerSecond) }, `TimeSpan.TicksPerSecond`, "10000000"},
		{"static long TicksPerMillisecond", func(*frame, []any) any { return int64(ticksPerMillisecond) }, `TimeSpan.TicksPerMillisecond`, "10000"},
		{"static TimeSpan FromTicks(long value)", func(_ *frame, a []any) any { return TimeSpan(a[0].(int64)) }, `TimeSpan.FromTicks(10000000)`, "00:00:01"},
		{"static TimeSpan Parse(string s)", func(_ *frame, a []any) any { return changeType(text(a, 0), types("TimeSpan")) }, `TimeSpan.Parse("1.02:03:04").TotalHours > 26`, "True"},
		{"static bool TryParse(string s, out TimeSpan result)", func(_ *frame, a []any) any {
			s, ok := parseTimeSpan(toText(a[0]))
			setOut(a[1], s)
			return ok
		}, `TimeSpan.TryParse("x", out var s)`, "False"},
		{"long Ticks", func(_ *frame, a []any) any { return int64(a[0].(TimeSpan)) }, `TimeSpan.FromSeconds(1).Ticks`, "10000000"},
		{"TimeSpan Add(TimeSpan ts)", func(_ *frame, a []any) any { return spanSum(a[0].(TimeSpan), a[1].(TimeSpan)) }, `TimeSpan.FromSeconds(1).Add(TimeSpan.FromSeconds(2))`, "00:00:03"},
		{"TimeSpan Subtract(TimeSpan ts)", func(_ *frame, a []any) any { return spanSum(a[0].(TimeSpan), -a[1].(TimeSpan)) }, `TimeSpan.FromSeconds(3).Subtract(TimeSpan.FromSeconds(2))`, "00:00:01"},
		{"TimeSpan Negate()", func(_ *frame, a []any) any { return -a[0].(TimeSpan) }, `TimeSpan.FromSeconds(3).Negate()`, "-00:00:03"},
		{"TimeSpan Duration()", func(_ *frame, a []any) any { return max(a[0].(TimeSpan), -a[0].(TimeSpan)) }, `TimeSpan.FromSeconds(-3).Duration()`, "00:00:03"},
		{"int CompareTo(TimeSpan value)", func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `TimeSpan.Zero.CompareTo(TimeSpan.FromDays(1))`, "-1"}, //nolint:gosec // -1 to 1
		{"string ToString(string format)", func(_ *frame, a []any) any { return a[0].(TimeSpan).format(toText(a[1])) }, `TimeSpan.FromSeconds(3661).ToString(@"hh\:mm")`, "01:01"},
	}
	rows = append(rows, spans("Days", ticksPerDay, 0)...)
	rows = append(rows, spans("Hours", ticksPerHour, 24)...)
	rows = append(rows, spans("Minutes", ticksPerMinute, 60)...)
	rows = append(rows, spans("Seconds", ticksPerSecond, 60)...)
	return append(rows, spans("Milliseconds", ticksPerMillisecond, 1000)...)
}

// newSpan adds up fields that begin at days (1) or hours (0).
func newSpan(first, n int) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		fields := []int64{ticksPerDay, ticksPerHour, ticksPerMinute, ticksPerSecond, ticksPerMillisecond}[1-first:]
		total := TimeSpan(0)
		for i := range n {
			total = spanSum(total, TimeSpan(integer(a[i])*fields[i]))
		}
		return total
	}
}

var spanMembers = []memberTable{{"TimeSpan", spanRows()}}
