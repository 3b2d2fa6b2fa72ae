package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"

	"go.yaml.in/yaml/v4"
)

// scalar is a plain value of the file, its named values replaced.
type scalar struct {
	text string
	tag  string // the short tag that YAML gives it
	// replaced says that a named value took part, so that the text may stand for
	// a number or a boolean although it had to be quoted.
	replaced bool
}

// scalar returns the scalar that v is; wanted says in messages what it should
// be.
func (d *decoder) scalar(v value, wanted string) (scalar, bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() == "!!null" {
		d.wrongType(v, wanted)
		return scalar{}, false
	}
	s := scalar{text: v.node.Value, tag: v.node.ShortTag()}
	text, ok := d.replace(v, s.text, false)
	s.replaced = ValueReference().MatchString(s.text)
	s.text = text.String()
	return s, ok
}

// decimal is the text, in decimal where it is one of the other integers of YAML,
// such as 0x10 and 1_000.
func (s scalar) decimal() string {
	if n, err := strconv.ParseInt(s.text, 0, 64); err == nil && s.tag == "!!int" {
		return strconv.FormatInt(n, 10)
	}
	return s.text
}

// str returns text, which must not be empty; "" after a fault.
func (d *decoder) str(v value) string {
	s, ok := d.possiblyEmpty(v)
	if ok && s == "" {
		d.fault(v.at, "give text, or remove it", "%s is empty", v.what)
	}
	return s
}

// possiblyEmpty returns text; false after a fault.
func (d *decoder) possiblyEmpty(v value) (string, bool) {
	if !isText(v.node) {
		d.wrongType(v, "text")
		return "", false
	}
	s, ok := d.scalar(v, "text")
	if !ok {
		return "", false
	}
	return s.text, true
}

// isText reports whether n is text. A date such as a protocol version is text
// here, although YAML has a type for it.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && !slices.Contains([]string{"!!int", "!!float", "!!bool", "!!null"}, n.ShortTag())
}

// matching returns text of a pattern; fix says what the pattern allows.
func (d *decoder) matching(v value, pattern func() *regexp.Regexp, fix string) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	if !pattern().MatchString(s) {
		d.fault(v.at, fix, "%s is %s", v.what, quote(s))
		return ""
	}
	return s
}

// oneOf returns one of the choices.
func (d *decoder) oneOf(v value, choices ...string) string {
	s := d.str(v)
	if s == "" || slices.Contains(choices, s) {
		return s
	}
	d.fault(v.at, fault.Suggest(s, choices, declareFirst), "%s is %s", v.what, quote(s))
	return ""
}

// boolean returns true or false; nil after a fault.
func (d *decoder) boolean(v value) *bool {
	const wanted = "true or false"
	s, ok := d.scalar(v, wanted)
	if !ok {
		return nil
	}
	b, err := strconv.ParseBool(s.text)
	if (s.tag != "!!bool" && !s.replaced) || err != nil || len(s.text) < len("true") {
		d.outOfRange(v, s, wanted)
		return nil
	}
	return &b
}

// flag stores a boolean, and leaves to alone after a fault.
func (d *decoder) flag(v value, to *bool) {
	if b := d.boolean(v); b != nil {
		*to = *b
	}
}

// integer stores a number from low to high.
func (d *decoder) integer(v value, low, high int, to *int) {
	wanted := fmt.Sprintf("an integer from %d to %d", low, high)
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	n, err := strconv.ParseInt(s.text, 0, 64)
	if (s.tag != "!!int" && !s.replaced) || err != nil || n < int64(low) || n > int64(high) {
		d.outOfRange(v, s, wanted)
		return
	}
	*to = int(n)
}

// size stores a number of bytes.
func (d *decoder) size(v value, low, high int, to *int) {
	wanted := fmt.Sprintf("a number of bytes from %s to %s, such as %s", sizeText(low), sizeText(high), sizeText(min(high, 4<<20)))
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	n, ok := parseSize(s.decimal())
	if !ok || n < low || n > high {
		d.outOfRange(v, s, wanted)
		return
	}
	*to = n
}

var sizePattern = pattern.Lazy(`^([0-9]{1,12}) ?(KiB|MiB)?$`)

// parseSize reads a number of bytes, in KiB and MiB if it says so.
func parseSize(text string) (int, bool) {
	match := sizePattern().FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(match[1], 10, 64)
	switch match[2] {
	case "KiB":
		n <<= 10
	case "MiB":
		n <<= 20
	}
	const most = 1 << 30 // fits an int everywhere
	return int(min(n, most)), err == nil
}

func sizeText(n int) string {
	switch {
	case n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "MiB"
	case n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "KiB"
	}
	return strconv.Itoa(n)
}

// The bounds of every timeout.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Hour
)

// timeout stores a duration.
func (d *decoder) timeout(v value, to *time.Duration) {
	const wanted = "a duration from 100ms to 1h, such as 30s, or a number of seconds"
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	t, ok := parseDuration(s.decimal())
	if !ok || t < minTimeout || t > maxTimeout {
		d.outOfRange(v, s, wanted)
		return
	}
	*to = t
}

var durationPattern = pattern.Lazy(`^([0-9]{1,6}|([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h))+)$`)

// parseDuration reads a duration as Go writes it, or a number of seconds.
func parseDuration(text string) (time.Duration, bool) {
	if !durationPattern().MatchString(text) {
		return 0, false
	}
	if !strings.ContainsAny(text, "smh") {
		text += "s"
	}
	t, err := time.ParseDuration(text)
	return t, err == nil
}

func (d *decoder) outOfRange(v value, s scalar, wanted string) {
	given := quote(s.text)
	if !s.replaced {
		given = describe(v.node)
	}
	d.fault(v.at, "give "+wanted, "%s is %s", v.what, given)
}
