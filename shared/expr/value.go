package expr

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Values are Go values of the type that corresponds to the .NET type:
//
//	null nil · bool bool · string string · char Char
//	sbyte int8 · byte uint8 · short int16 · ushort uint16 · int int32
//	uint uint32 · long int64 · ulong uint64 · float float32 · double float64
//	decimal Decimal · byte[] []byte · other arrays, List<T> *List
//	Guid Guid · DateTime DateTime · TimeSpan TimeSpan · JToken *JObject, …
//
// A nullable value is nil or the value itself.

// Char is a UTF-16 code unit.
type Char uint16

// enumValue is a value of an enumeration.
type enumValue struct {
	def *typeDef
	n   int64
}

func (e enumValue) String() string {
	for _, name := range e.def.enum {
		if name.value == e.n {
			return name.name
		}
	}
	var set []string
	for _, name := range e.def.enum {
		if name.value != 0 && e.n&name.value == name.value {
			set = append(set, name.name)
		}
	}
	if len(set) == 0 {
		return fmt.Sprint(e.n)
	}
	return strings.Join(set, ", ")
}

func enum(typeName, name string) enumValue {
	d := universe().simple[typeName]
	for _, e := range d.enum {
		if e.name == name {
			return enumValue{d, e.value}
		}
	}
	return enumValue{d, 0}
}

// List is an array, a List<T>, a Queue<T> or a Stack<T> (whose last item is the
// top).
type List struct {
	items []any
	elem  *Type // nil: object
	class string
}

// Items are the values of the list; the caller must not change them.
func (l *List) Items() []any { return l.items }

func newArray(elem string, items []any) *List { return &List{items, types(elem), "Array"} }

// strings makes a string[].
func stringArray(list []string) *List {
	items := make([]any, len(list))
	for i, s := range list {
		items[i] = s
	}
	return newArray("string", items)
}

// sequence is an enumerable that is computed as it is read, as LINQ's are.
type sequence struct {
	elem *Type
	run  func(f *frame, yield func(any) bool)
	key  any // of groups: a pair with the key
}

// pair is a KeyValuePair<K, V>.
type pair struct{ key, value any }

// tupleValue is a Tuple or a ValueTuple.
type tupleValue struct{ items []any }

// record is a value of an anonymous type.
type record struct {
	names  []string
	values []any
}

// typeValue is what typeof and GetType return.
type typeValue struct{ t *Type }

// Dictionary is a Dictionary or a HashSet (which has no values). Items keep the
// order in which they were added.
type Dictionary struct {
	entries  []pair
	index    map[any]int
	deleted  int
	fold     bool // keys are compared without case
	set      bool
	k, v     *Type
	readOnly bool
}

// gone marks a removed entry.
type gone struct{}

func newDictionary(k, v *Type) *Dictionary { return &Dictionary{index: map[any]int{}, k: k, v: v} }

func (d *Dictionary) hash(key any) any {
	if s, ok := key.(string); ok && d.fold {
		return strings.ToLower(s)
	}
	return hashKey(key)
}

// hashKey is a comparable value that is equal for equal keys.
func hashKey(key any) any {
	switch k := key.(type) {
	case []byte, *List, *Dictionary, *sequence, *JObject, *JArray, *JProperty, *JValue, *function:
		return fmt.Sprintf("%p", k)
	case *record:
		return "record " + hashAll(k.values)
	case *tupleValue:
		return "tuple " + hashAll(k.items)
	case *pair:
		return "pair " + hashAll([]any{k.key, k.value})
	case Decimal:
		return "decimal " + k.normal().String()
	case DateTime:
		return DateTime{ticks: k.ticks}
	}
	return key
}

func hashAll(values []any) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "%T %q ", v, fmt.Sprint(hashKey(v)))
	}
	return b.String()
}

func (d *Dictionary) get(key any) (any, bool) {
	i, ok := d.index[d.hash(key)]
	if !ok {
		return nil, false
	}
	return d.entries[i].value, true
}

func (d *Dictionary) put(key, value any) (added bool) {
	h := d.hash(key)
	if i, ok := d.index[h]; ok {
		d.entries[i].value = value
		return false
	}
	d.index[h] = len(d.entries)
	d.entries = append(d.entries, pair{key, value})
	return true
}

func (d *Dictionary) remove(key any) bool {
	h := d.hash(key)
	i, ok := d.index[h]
	if !ok {
		return false
	}
	delete(d.index, h)
	d.entries[i] = pair{gone{}, nil}
	if d.deleted++; d.deleted > 16 && d.deleted > len(d.entries)/2 {
		d.entries = slices.DeleteFunc(d.entries, func(p pair) bool { return p.key == gone{} })
		d.deleted = 0
		for i, p := range d.entries {
			d.index[d.hash(p.key)] = i
		}
	}
	return true
}

func (d *Dictionary) len() int { return len(d.index) }

// All yields the entries in the order in which they were added.
func (d *Dictionary) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for i := 0; i < len(d.entries); i++ {
			if p := d.entries[i]; p.key != (gone{}) && !yield(p.key, p.value) {
				return
			}
		}
	}
}

// items iterates over whatever is enumerable.
func (f *frame) items(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		switch v := v.(type) {
		case nil:
			throwNull()
		case *List:
			iterateList(v, yield)
		case *sequence:
			v.run(f, yield)
		case *Dictionary:
			for k, value := range v.All() {
				if !v.set {
					k = &pair{k, value}
				}
				if !yield(k) {
					return
				}
			}
		case string:
			for _, u := range utf16.Encode([]rune(v)) {
				if !yield(Char(u)) {
					return
				}
			}
		case []byte:
			for _, b := range v {
				if !yield(b) {
					return
				}
			}
		case http.Header:
			multiValues(v).iterate(f, yield)
		case enumerable:
			v.iterate(f, yield)
		default:
			throwCast(v, types("IEnumerable", types("object")))
		}
	}
}

// enumerable is implemented by the values of some rooms of this package.
type enumerable interface {
	iterate(f *frame, yield func(any) bool)
}

func iterateList(l *List, yield func(any) bool) {
	n := len(l.items)
	for i := range n {
		at := i
		if l.class == "Stack" {
			at = n - 1 - i
		}
		if at >= len(l.items) || l.class == "List" && len(l.items) != n {
			throw("InvalidOperationException", "Collection was modified; enumeration operation may not execute.")
		}
		if !yield(l.items[at]) {
			return
		}
	}
	if l.class == "List" && len(l.items) != n {
		throw("InvalidOperationException", "Collection was modified; enumeration operation may not execute.")
	}
}

// typeOf is the type of a value, "object" for null.
func typeOf(v any) *Type {
	switch v := v.(type) {
	case nil:
		return types("object")
	case enumValue:
		return plainType(v.def)
	case *List:
		elem := v.elem
		if elem == nil {
			elem = types("object")
		}
		return types(v.class, elem)
	case *Dictionary:
		if v.set {
			return types("HashSet", orObject(v.k))
		}
		return types("Dictionary", orObject(v.k), orObject(v.v))
	case *sequence:
		if v.key != nil {
			return types("IGrouping", types("object"), orObject(v.elem))
		}
		return types("IEnumerable", orObject(v.elem))
	case []byte:
		return types("Array", types("byte"))
	case *pair:
		return types("KeyValuePair", types("object"), types("object"))
	case *thrownException:
		return v.t
	case *function:
		return v.t
	case *record:
		return types("AnonymousType")
	case *orderedSequence:
		return types("IOrderedEnumerable", types("object"))
	case interface{ typeName() string }:
		return types(v.typeName())
	}
	return types(goTypeName(v))
}

func orObject(t *Type) *Type {
	if t == nil {
		return types("object")
	}
	return t
}

func goTypeName(v any) string {
	switch v.(type) {
	case bool:
		return "bool"
	case string:
		return "string"
	case Char:
		return "char"
	case int32:
		return "int"
	case int64:
		return "long"
	case float64:
		return "double"
	case Decimal:
		return "decimal"
	case float32:
		return "float"
	case uint8:
		return "byte"
	case int8:
		return "sbyte"
	case int16:
		return "short"
	case uint16:
		return "ushort"
	case uint32:
		return "uint"
	case uint64:
		return "ulong"
	case http.Header:
		return "IHeaders"
	case netip.Addr:
		return "IPAddress"
	case *typeValue:
		return "Type"
	case *tupleValue:
		return "Tuple"
	}
	return "object"
}

// zero is default(t).
func zero(t *Type) any {
	if t == nil || !t.isValue() {
		return nil
	}
	if t.isEnum() {
		return enumValue{t.def, 0}
	}
	switch t.def.name {
	case "bool":
		return false
	case "char":
		return Char(0)
	case "Guid":
		return Guid{}
	case "DateTime":
		return DateTime{}
	case "DateTimeOffset":
		return DateTimeOffset{}
	case "TimeSpan":
		return TimeSpan(0)
	case "KeyValuePair":
		return &pair{zero(t.args[0]), zero(t.args[1])}
	case "ValueTuple":
		tv := &tupleValue{}
		for _, a := range t.args {
			tv.items = append(tv.items, zero(a))
		}
		return tv
	}
	v, _ := toNumber(int32(0), t.def.name)
	return v
}

// Strings. .NET counts UTF-16 code units; text that is ASCII, as most is, needs
// no conversion.

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// units is the number of UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// slice is the substring of n code units from start; ok is false out of range.
func slice(s string, start, n int) (string, bool) {
	if start < 0 || n < 0 {
		return "", false
	}
	if isASCII(s) {
		if start > len(s)-n {
			return "", false
		}
		return s[start : start+n], true
	}
	u := utf16.Encode([]rune(s))
	if start > len(u)-n {
		return "", false
	}
	return string(utf16.Decode(u[start : start+n])), true
}

// unitIndex turns a byte offset into one of code units.
func unitIndex(s string, offset int) int {
	if offset < 0 {
		return offset
	}
	return units(s[:offset])
}

func charString(c Char) string { return string(utf16.Decode([]uint16{uint16(c)})) }

// Guid is a GUID in the order in which it is written.
type Guid [16]byte

func (g Guid) String() string {
	var text [36]byte
	at := 0
	for i, b := range g {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		const digits = "0123456789abcdef"
		text[at], text[at+1] = digits[b>>4], digits[b&15]
		at += 2
	}
	return string(text[:])
}

func (Guid) typeName() string { return "Guid" }

// bytes has the first three groups with the lowest byte first, as .NET has them.
func (g Guid) bytes() []byte {
	b := slices.Clone(g[:])
	binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(g[:]))
	b[4], b[5], b[6], b[7] = g[5], g[4], g[7], g[6]
	return b
}
