package expr

import (
	"math/big"
	"slices"
)

// JToken is a node of a JSON document as Newtonsoft.Json has it.
type JToken interface {
	typeName() string
	kind() jsonKind
	parentNode() JToken
	attach(parent JToken)
}

// jsonKind is JTokenType.
type jsonKind int64

const (
	jsonNone jsonKind = iota
	jsonObject
	jsonArray
	jsonConstructor
	jsonProperty
	jsonComment
	jsonInteger
	jsonFloat
	jsonString
	jsonBoolean
	jsonNull
	jsonUndefined
	jsonDate
	jsonRaw
	jsonBytes
	jsonGuid
	jsonURI
	jsonTimeSpan
)

// link is the place of a token in its container.
type link struct{ parent JToken }

func (l *link) parentNode() JToken   { return l.parent }
func (l *link) attach(parent JToken) { l.parent = parent }

// JObject is a JSON object; members keep their order.
type JObject struct {
	link
	props []*JProperty
	index map[string]int // of objects with many members; nil: search
}

// JProperty is a member of an object.
type JProperty struct {
	link
	name  string
	value JToken
}

// JArray is a JSON array.
type JArray struct {
	link
	items []JToken
}

// JValue is a JSON string, number, boolean or null, or a date, GUID, TimeSpan,
// Uri or bytes.
type JValue struct {
	link
	v    any // nil for null and for raw text; integers int64 or *big.Int
	text string
	k    jsonKind
}

func (*JObject) typeName() string   { return "JObject" }
func (*JProperty) typeName() string { return "JProperty" }
func (*JArray) typeName() string    { return "JArray" }
func (v *JValue) typeName() string {
	if v.k == jsonRaw {
		return "JRaw"
	}
	return "JValue"
}
func (*JObject) kind() jsonKind   { return jsonObject }
func (*JProperty) kind() jsonKind { return jsonProperty }
func (*JArray) kind() jsonKind    { return jsonArray }
func (v *JValue) kind() jsonKind  { return v.k }

const indexFrom = 12

func (o *JObject) find(name string) int {
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(o.props, func(p *JProperty) bool { return p.name == name })
}

// get is the member's value; nil where there is none.
func (o *JObject) get(name string) JToken {
	if i := o.find(name); i >= 0 {
		return o.props[i].value
	}
	return nil
}

// set adds or replaces a member.
func (o *JObject) set(f *frame, name string, value JToken) {
	value = owned(f, value, o)
	if i := o.find(name); i >= 0 {
		o.props[i].replace(f, value)
		return
	}
	p := &JProperty{name: name}
	p.replace(f, value)
	o.add(f, p)
}

func (o *JObject) add(f *frame, p *JProperty) {
	if p.parent != nil {
		p = f.clone(p).(*JProperty)
	}
	p.attach(o)
	o.props = append(o.props, p)
	if o.index != nil {
		o.index[p.name] = len(o.props) - 1
	} else if len(o.props) >= indexFrom {
		o.reindex()
	}
}

func (o *JObject) reindex() {
	o.index = nil
	if len(o.props) < indexFrom {
		return
	}
	o.index = make(map[string]int, len(o.props))
	for i, p := range o.props {
		o.index[p.name] = i
	}
}

func (o *JObject) remove(i int) {
	o.props[i].attach(nil)
	o.props = slices.Delete(o.props, i, i+1)
	o.reindex()
}

func (p *JProperty) replace(f *frame, value JToken) {
	if p.value != nil {
		p.value.attach(nil)
	}
	p.value = owned(f, value, p)
	p.value.attach(p)
}

func (a *JArray) insert(f *frame, i int, value JToken) {
	value = owned(f, value, a)
	value.attach(a)
	a.items = slices.Insert(a.items, i, value)
}

func (a *JArray) put(f *frame, i int, value JToken) {
	value = owned(f, value, a)
	a.items[i].attach(nil)
	a.items[i] = value
	value.attach(a)
}

// owned is a token that may get a parent: null for nil, and a copy of what has a
// parent or would contain itself, as Newtonsoft makes one.
func owned(f *frame, t, container JToken) JToken {
	if isNil(t) {
		return &JValue{k: jsonNull}
	}
	if t.parentNode() != nil {
		return f.clone(t)
	}
	for c := container; !isNil(c); c = c.parentNode() {
		if c == t {
			return f.clone(t)
		}
	}
	return t
}

func isNil(t JToken) bool { return t == nil }

// clone copies a token without its parent, and pays for it.
func (f *frame) clone(t JToken) JToken {
	n := size(t)
	f.charge(64 * n)
	f.step(n)
	return duplicate(t)
}

func duplicate(t JToken) JToken {
	switch t := t.(type) {
	case *JObject:
		o := &JObject{}
		for _, p := range t.props {
			c := duplicate(p).(*JProperty)
			c.attach(o)
			o.props = append(o.props, c)
		}
		o.reindex()
		return o
	case *JProperty:
		p := &JProperty{name: t.name, value: duplicate(t.value)}
		p.value.attach(p)
		return p
	case *JArray:
		a := &JArray{items: make([]JToken, 0, len(t.items))}
		for _, item := range t.items {
			c := duplicate(item)
			c.attach(a)
			a.items = append(a.items, c)
		}
		return a
	case *JValue:
		return &JValue{v: t.v, text: t.text, k: t.k}
	}
	return &JValue{k: jsonNull}
}

// size counts tokens, to charge for copies.
func size(t JToken) int {
	n := 1
	switch t := t.(type) {
	case *JObject:
		for _, p := range t.props {
			n += 1 + size(p.value)
		}
	case *JArray:
		for _, item := range t.items {
			n += size(item)
		}
	case *JProperty:
		n += size(t.value)
	}
	return n
}

// children are the tokens directly within.
func children(t JToken) []JToken {
	switch t := t.(type) {
	case *JObject:
		list := make([]JToken, len(t.props))
		for i, p := range t.props {
			list[i] = p
		}
		return list
	case *JArray:
		return slices.Clone(t.items)
	case *JProperty:
		return []JToken{t.value}
	}
	return nil
}

func (o *JObject) iterate(_ *frame, yield func(any) bool) {
	for _, p := range slices.Clone(o.props) {
		if !yield(&pair{p.name, p.value}) {
			return
		}
	}
}

func (a *JArray) iterate(_ *frame, yield func(any) bool)    { yieldTokens(a, yield) }
func (p *JProperty) iterate(_ *frame, yield func(any) bool) { yieldTokens(p, yield) }
func (v *JValue) iterate(_ *frame, yield func(any) bool)    { yieldTokens(v, yield) }

func yieldTokens(t JToken, yield func(any) bool) {
	for _, c := range children(t) {
		if !yield(c) {
			return
		}
	}
}

// tokenOf makes a value of a scalar; ok is false for other values.
func tokenOf(v any) (t JToken, ok bool) {
	switch x := v.(type) {
	case nil:
		return &JValue{k: jsonNull}, true
	case JToken:
		return x, true
	case string:
		return &JValue{v: x, k: jsonString}, true
	case Char:
		return &JValue{v: charString(x), k: jsonString}, true
	case bool:
		return &JValue{v: x, k: jsonBoolean}, true
	case DateTime, DateTimeOffset:
		return &JValue{v: x, k: jsonDate}, true
	case Guid:
		return &JValue{v: x, k: jsonGuid}, true
	case TimeSpan:
		return &JValue{v: x, k: jsonTimeSpan}, true
	case *uriValue:
		return &JValue{v: x, k: jsonURI}, true
	case []byte:
		return &JValue{v: x, k: jsonBytes}, true
	case float32:
		return &JValue{v: x, k: jsonFloat}, true
	case float64, Decimal:
		return &JValue{v: x, k: jsonFloat}, true
	case uint64:
		return &JValue{v: new(big.Int).SetUint64(x), k: jsonInteger}, true
	case enumValue:
		return &JValue{v: x.n, k: jsonInteger}, true
	}
	if rank(v) > 0 {
		return &JValue{v: integer(v), k: jsonInteger}, true
	}
	return nil, false
}

// scalar is the plain value of a JValue.
func (v *JValue) scalar() any {
	if n, ok := v.v.(*big.Int); ok {
		if n.IsUint64() {
			return n.Uint64()
		}
		f, _ := new(big.Float).SetInt(n).Float64()
		return f
	}
	return v.v
}
