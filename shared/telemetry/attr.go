package telemetry

import "math"

// Attr is an attribute: a name of the semantic conventions and its value.
type Attr struct {
	Key    string
	kind   attrKind
	text   string
	number uint64
}

type attrKind uint8

const (
	textAttr attrKind = iota
	intAttr
	floatAttr
	boolAttr
)

// String is an attribute that is a text. An empty one is left out wherever
// attributes are written.
func String(key, value string) Attr { return Attr{Key: key, text: value} }

// Int is an attribute that is a whole number.
func Int(key string, value int) Attr {
	return Attr{Key: key, kind: intAttr, number: uint64(int64(value))} //nolint:gosec // the bits are what counts
}

// Float is an attribute that is a number.
func Float(key string, value float64) Attr {
	return Attr{Key: key, kind: floatAttr, number: math.Float64bits(value)}
}

// Bool is an attribute that is true or false.
func Bool(key string, value bool) Attr {
	a := Attr{Key: key, kind: boolAttr}
	if value {
		a.number = 1
	}
	return a
}

// Value is the value: a string, an int64, a float64 or a bool.
func (a Attr) Value() any {
	switch a.kind {
	case intAttr:
		return int64(a.number) //nolint:gosec // see Int
	case floatAttr:
		return math.Float64frombits(a.number)
	case boolAttr:
		return a.number != 0
	case textAttr:
	}
	return a.text
}

// empty tells whether the attribute says nothing.
func (a Attr) empty() bool { return a.Key == "" || a.kind == textAttr && a.text == "" }
