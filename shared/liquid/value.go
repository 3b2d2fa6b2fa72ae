package liquid

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/osteele/liquid/values"
)

// variable is a value as the library's expressions see it: how members are
// found is DotLiquid's.
type variable struct {
	v any
	s *state // pays
}

var _ values.Value = variable{}

func (n variable) Interface() any                { return n.v }
func (n variable) Equal(other values.Value) bool { return equal(plain(n.v), plain(other.Interface())) }
func (n variable) Contains(other values.Value) bool {
	return contains(plain(n.v), plain(other.Interface()))
}
func (n variable) Test() bool { return truthy(plain(n.v)) }
func (n variable) IndexValue(i values.Value) values.Value {
	n.pay()
	return variable{index(n.v, plain(i.Interface())), n.s}
}

func (n variable) PropertyValue(name values.Value) values.Value {
	n.pay()
	return variable{property(n.v, text(name.Interface())), n.s}
}

// pay charges for the characters of a text, which have to be counted. The
// rendering ends where the operand has been evaluated.
func (n variable) pay() {
	if whole, ok := n.v.(string); ok {
		n.s.steps -= len(whole) / 256
	}
}

func (n variable) Less(other values.Value) bool {
	order, ok := compare(plain(n.v), plain(other.Interface()))
	return ok && order < 0
}

// Int is an end of a range; what is no number is 0.
func (n variable) Int() int {
	i, _ := integer(plain(n.v))
	return int(i)
}

// symbol is what empty and blank are: equal to every list and text without
// items.
type symbol int

const symbolEmpty symbol = 1

// entry is a member of a mapping: what a loop over it yields.
type entry struct {
	key   string
	value any
}

// dateTime is a DateTime: in the invariant culture, in UTC.
type dateTime struct {
	time  time.Time
	zoned bool
}

// plain makes the value one of nil, bool, string, int64, float64, decimal,
// dateTime, symbol, entry, position, *Object, []any, values.Range, or what only
// reflection knows: other slices and maps.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64, float64, decimal, dateTime, symbol, entry, position, []any, values.Range:
		return v
	case *Object:
		if v == nil {
			return nil
		}
		return v
	case variable:
		return plain(v.v)
	case time.Time:
		return dateTime{v.UTC(), true}
	case int:
		return int64(v)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.String:
		return r.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return decimalOf(strconv.FormatUint(r.Uint(), 10)).reduced()
	case reflect.Float32, reflect.Float64:
		return r.Float()
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		return plain(r.Elem().Interface())
	case reflect.Slice, reflect.Array, reflect.Map:
		return v
	}
	return nil
}

// truthy: everything but nil and false.
func truthy(v any) bool { return v != nil && v != false }

// items are those of a list; ok is false for what is none. Texts are lists of
// characters and mappings of entries, as in .NET.
func items(v any) (list []any, ok bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case string:
		for _, r := range v {
			list = append(list, string(r))
		}
		return list, true
	case values.Range:
		for i := range max(v.Len(), 0) {
			list = append(list, v.Index(i))
		}
		return list, true
	case nil:
		return nil, false
	}
	if mapping, ok := entries(v); ok {
		for _, e := range mapping {
			list = append(list, e)
		}
		return list, true
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice && r.Kind() != reflect.Array {
		return nil, false
	}
	for i := range r.Len() {
		list = append(list, r.Index(i).Interface())
	}
	return list, true
}

// entries are the members of a mapping, those of a Go map by name.
func entries(v any) (list []entry, ok bool) {
	if o, ok := v.(*Object); ok {
		for i, name := range o.names {
			list = append(list, entry{name, o.values[i]})
		}
		return list, true
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return nil, false
	}
	for it := r.MapRange(); it.Next(); {
		list = append(list, entry{it.Key().String(), it.Value().Interface()})
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	return list, true
}

// size is the number of items, or of UTF-16 units as .NET counts characters;
// -1 for what is no list.
func size(v any) int {
	switch v := v.(type) {
	case string:
		n := 0
		for _, r := range v {
			n += max(utf16.RuneLen(r), 1)
		}
		return n
	case []any:
		return len(v)
	case *Object:
		return len(v.names)
	case values.Range:
		return max(v.Len(), 0)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice || r.Kind() == reflect.Array || r.Kind() == reflect.Map {
		return r.Len()
	}
	return -1
}

// property is a member by name, and else size, first or last.
func property(v any, name string) any {
	v = plain(v)
	switch v := v.(type) {
	case position:
		return v.member(name)
	case entry:
		switch {
		case strings.EqualFold(name, "key"):
			return v.key
		case strings.EqualFold(name, "value"):
			return v.value
		}
		return nil
	}
	if found, ok := member(v, name); ok {
		return found
	}
	n := size(v)
	switch {
	case n < 0:
		return nil
	case name == "size":
		return int64(n)
	case n > 0 && name == "first":
		return index(v, int64(0))
	case n > 0 && name == "last":
		if whole, ok := v.(string); ok {
			_, last := utf8.DecodeLastRuneInString(whole)
			return whole[len(whole)-last:]
		}
		return index(v, int64(n-1))
	}
	return nil
}

// member is that of a mapping: by its exact name, or else without regard to
// case.
func member(v any, name string) (any, bool) {
	if o, ok := v.(*Object); ok {
		return o.member(name)
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return nil, false
	}
	if found := r.MapIndex(reflect.ValueOf(name).Convert(r.Type().Key())); found.IsValid() {
		return found.Interface(), true
	}
	list, _ := entries(v)
	i := slices.IndexFunc(list, func(e entry) bool { return strings.EqualFold(e.key, name) })
	if i < 0 {
		return nil, false
	}
	return list[i].value, true
}

// index is v[i]: an item by number from 0, a member by name.
func index(v, i any) any {
	v = plain(v)
	name, ok := i.(string)
	if ok {
		found, _ := member(v, name)
		return found
	}
	at, ok := i.(int64)
	if !ok || at < 0 {
		return nil
	}
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if at == 0 {
				return string(r)
			}
			at--
		}
		return nil
	case []any:
		if at < int64(len(v)) {
			return v[at]
		}
		return nil
	case values.Range:
		if at < int64(v.Len()) {
			return v.Index(int(at))
		}
		return nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice || r.Kind() == reflect.Array {
		if at < int64(r.Len()) {
			return r.Index(int(at)).Interface()
		}
		return nil
	}
	if list, ok := items(v); ok && at < int64(len(list)) {
		return list[at]
	}
	return nil
}

// text is what a value is printed as.
func text(v any) string {
	switch v := plain(v).(type) {
	case nil, symbol:
		return ""
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return floatText(v)
	case decimal:
		return v.String()
	case dateTime:
		return v.format("MM/dd/yyyy HH:mm:ss")
	case entry:
		return "[" + v.key + ", " + text(v.value) + "]"
	case *Object:
		if v.element != nil {
			return v.element.Text()
		}
		return joined(v)
	default:
		return joined(v)
	}
}

// joined is a list without separators. Within it, true is True, as .NET writes
// it.
func joined(v any) string {
	list, _ := items(v)
	var b strings.Builder
	for _, item := range list {
		if flag, ok := plain(item).(bool); ok {
			b.WriteString(map[bool]string{true: "True", false: "False"}[flag])
			continue
		}
		b.WriteString(text(item))
		if b.Len() > maxText {
			break // larger than any limit
		}
	}
	return b.String()
}

// floatText writes a float64 as .NET does: the shortest digits that mean it,
// with an exponent from 1E+15 and below 0.0001.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	}
	exponent := 0
	s := strconv.FormatFloat(f, 'E', -1, 64)
	if _, e, ok := strings.Cut(s, "E"); ok {
		exponent, _ = strconv.Atoi(e)
	}
	if exponent >= 15 || exponent < -4 {
		return s
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// equal compares as DotLiquid's == does: the right value is converted to the
// type of the left one where that can be.
func equal(left, right any) bool {
	if left == symbolEmpty || right == symbolEmpty {
		if left != symbolEmpty {
			return isEmpty(left)
		}
		return isEmpty(right)
	}
	left, right = ownText(left), ownText(right)
	switch l := left.(type) {
	case nil:
		return right == nil
	case bool:
		r, ok := right.(bool)
		if s, isText := right.(string); isText {
			return strings.EqualFold(strings.TrimSpace(s), strconv.FormatBool(l))
		}
		return ok && l == r
	case string:
		return right != nil && !isList(right) && l == text(right)
	case int64, float64, decimal:
		r, ok := number(right)
		if !ok {
			return false
		}
		a, _ := number(l)
		return a.cmp(r) == 0
	case dateTime:
		r, ok := right.(dateTime)
		return ok && l.time.Equal(r.time)
	case *Object:
		r, ok := right.(*Object)
		return ok && l == r
	}
	return false
}

// ownText is the text of an XML element that has attributes.
func ownText(v any) any {
	if o, ok := v.(*Object); ok && o.element != nil {
		return o.element.Text()
	}
	return v
}

func isList(v any) bool {
	_, isText := v.(string)
	return !isText && size(v) >= 0
}

func isEmpty(v any) bool { return size(v) == 0 }

// compare orders two values; ok is false where they have no order.
func compare(left, right any) (order int, ok bool) {
	left, right = ownText(left), ownText(right)
	switch l := left.(type) {
	case int64, float64, decimal:
		a, _ := number(l)
		b, ok := number(right)
		if !ok {
			return 0, false
		}
		return a.cmp(b), true
	case string:
		if right == nil || isList(right) {
			return 0, false
		}
		return compareText(l, text(right)), true
	case dateTime:
		if r, ok := right.(dateTime); ok {
			return l.time.Compare(r.time), true
		}
	}
	return 0, false
}

// compareText orders by letters first and puts small before capital, as .NET's
// cultures do.
func compareText(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), -strings.Compare(a, b))
}

// integer is a number without its fraction.
func integer(v any) (int64, bool) {
	d, ok := number(v)
	if !ok {
		return 0, false
	}
	return d.truncated()
}
