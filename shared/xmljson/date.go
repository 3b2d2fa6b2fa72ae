package xmljson

import (
	"strconv"
	"strings"
	"time"

	"toolgate/shared/pattern"
)

var (
	isoDate   = pattern.Lazy(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$`)
	epochDate = pattern.Lazy(`^/Date\((-?\d{1,15})([+-]\d{4})?\)/$`)
)

// ParseDate reads the strings that parse-date takes for dates: those of ISO 8601
// with a time, such as 2012-03-21T05:40Z, and /Date(1198908717056)/. The time
// is in UTC; zoned is false where the string names no zone.
func ParseDate(s string) (t time.Time, zoned, ok bool) {
	if len(s) < 10 || len(s) > 40 {
		return time.Time{}, false, false
	}
	if m := epochDate().FindStringSubmatch(s); m != nil {
		ms, err := strconv.ParseInt(m[1], 10, 64)
		t = time.UnixMilli(ms).UTC()
		return t, true, err == nil && inCalendar(t)
	}
	if !isoDate().MatchString(s) {
		return time.Time{}, false, false
	}
	layout := "2006-01-02T15:04:05"
	if len(s) == 16 || s[16] != ':' {
		layout = "2006-01-02T15:04"
	}
	zoned = strings.HasSuffix(s, "Z") || strings.ContainsAny(s[16:], "+-")
	if zoned {
		layout += "Z07:00"
	}
	t, err := time.Parse(layout, s)
	t = t.UTC()
	return t, zoned, err == nil && inCalendar(t)
}

// inCalendar is the range of .NET's DateTime.
func inCalendar(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }
