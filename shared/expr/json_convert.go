package expr

import (
	"net/http"
	"strings"
)

// tokenFrom is JToken.FromObject: the document that a value serializes to.
func tokenFrom(f *frame, v any) JToken { return tokenFromDepth(f, v, 0) }

func tokenFromDepth(f *frame, v any, depth int) JToken {
	f.step(1)
	f.charge(48)
	if depth > maxJSONDepth {
		throw("JsonSerializationException", "Self referencing loop or too deep a value.")
	}
	if v, ok := v.(*record); ok {
		o := &JObject{}
		for i, name := range v.names {
			o.set(f, name, tokenFromDepth(f, v.values[i], depth+1))
		}
		return o
	}
	if t, ok := tokenOf(v); ok {
		return t
	}
	return containerToken(f, v, depth)
}

func containerToken(f *frame, v any, depth int) JToken {
	switch v := v.(type) {
	case *Dictionary:
		if v.set {
			break
		}
		o := &JObject{}
		for k, value := range v.All() {
			o.set(f, toText(k), tokenFromDepth(f, value, depth+1))
		}
		return o
	case http.Header:
		o := &JObject{}
		for p := range f.items(v) {
			o.set(f, toText(p.(*pair).key), tokenFromDepth(f, p.(*pair).value, depth+1))
		}
		return o
	case *pair:
		o := &JObject{}
		o.set(f, "Key", tokenFromDepth(f, v.key, depth+1))
		o.set(f, "Value", tokenFromDepth(f, v.value, depth+1))
		return o
	case *tupleValue:
		o := &JObject{}
		for i, item := range v.items {
			o.set(f, "Item"+numberText(int32(i+1)), tokenFromDepth(f, item, depth+1))
		}
		return o
	}
	if typeOf(v).element() != nil {
		a := &JArray{}
		for item := range f.each(v) {
			a.insert(f, len(a.items), tokenFromDepth(f, item, depth+1))
		}
		return a
	}
	return membersToken(f, v, depth)
}

// membersToken serializes the readable properties of an object.
func membersToken(f *frame, v any, depth int) JToken {
	t := typeOf(v)
	o := &JObject{}
	for _, table := range t.def.tables {
		for _, r := range table.rows {
			name := r.sig[strings.LastIndexByte(r.sig, ' ')+1:]
			for _, m := range t.def.own()[name] {
				if m.kind == property && !m.static && !m.setter && m.name == name {
					o.set(f, name, tokenFromDepth(f, m.run(f, []any{v}), depth+1))
				}
			}
		}
	}
	return o
}

// fromToken converts a token to type t, as JToken.ToObject and
// JsonConvert.DeserializeObject do.
func fromToken(f *frame, t JToken, to *Type) any {
	f.step(1)
	f.charge(32)
	if to.as(types("JToken").def) != nil || to.loose() {
		return keepToken(t, to)
	}
	if to.is("object") {
		if v, ok := t.(*JValue); ok {
			return v.scalar()
		}
		return t
	}
	if v, ok := t.(*JValue); ok {
		if v.k == jsonNull && (to.isNullable() || !to.isValue()) {
			return nil
		}
		if to.is("Array") && to.args[0].is("byte") || to.element() == nil || to.is("string") {
			return convertToken(v, to)
		}
	}
	switch to.def.name {
	case "Array", "List", "IEnumerable", "IList", "ICollection", "IReadOnlyList", "IReadOnlyCollection", "HashSet", "ISet", "Queue", "Stack":
		if a, ok := t.(*JArray); ok {
			return listFromToken(f, a, to)
		}
	case "Dictionary", "IDictionary", "IReadOnlyDictionary":
		if o, ok := t.(*JObject); ok {
			d := newDictionary(to.args[0], to.args[1])
			for _, p := range o.props {
				d.put(coerceKey(p.name, to.args[0]), fromToken(f, p.value, to.args[1]))
			}
			return d
		}
	}
	throw("JsonSerializationException", "Cannot deserialize the current JSON (a %s) into type '%s'.", t.typeName(), to.fullName())
	return nil
}

func coerceKey(name string, t *Type) any {
	if t.is("string") || t.is("object") {
		return name
	}
	return convertToken(&JValue{v: name, k: jsonString}, t)
}

func keepToken(t JToken, to *Type) any {
	if !to.loose() && typeOf(t).as(to.def) == nil {
		if v, ok := t.(*JValue); ok && v.k == jsonNull {
			return nil
		}
		throw("InvalidCastException", "Unable to cast object of type 'Newtonsoft.Json.Linq.%s' to type 'Newtonsoft.Json.Linq.%s'.", t.typeName(), to)
	}
	return t
}

func listFromToken(f *frame, a *JArray, to *Type) any {
	elem := to.element()
	if to.is("HashSet") || to.is("ISet") {
		d := newDictionary(elem, nil)
		d.set = true
		for _, item := range a.items {
			d.put(fromToken(f, item, elem), nil)
		}
		return d
	}
	l := &List{elem: elem, class: "List"}
	if to.is("Array") || to.is("Queue") || to.is("Stack") {
		l.class = to.def.name
	}
	for _, item := range a.items {
		l.items = append(l.items, fromToken(f, item, elem))
	}
	if to.is("Array") && elem.is("byte") {
		return byteArray(l)
	}
	return l
}

func byteArray(l *List) []byte {
	b := make([]byte, len(l.items))
	for i, item := range l.items {
		b[i], _ = item.(uint8)
	}
	return b
}

// convertToken converts a value to a simple type, as (T)token does.
func convertToken(t JToken, to *Type) any {
	v, ok := t.(*JValue)
	if p, is := t.(*JProperty); is {
		v, ok = p.value.(*JValue)
	}
	if !ok {
		throw("ArgumentException", "Can not convert %s to %s.", tokenTypeName(t), shortName(to))
	}
	if v.k == jsonNull || v.k == jsonUndefined {
		if to.isNullable() || !to.isValue() {
			return nil
		}
		throw("ArgumentException", "Can not convert Null to %s.", shortName(to))
	}
	to = to.underlying()
	if to.is("string") {
		return tokenText(v)
	}
	if to.is("object") {
		return v.scalar()
	}
	return changeType(v.scalar(), to)
}

// tokenText is (string)token: dates as the invariant culture writes them,
// booleans as JSON does not.
func tokenText(v *JValue) any {
	if b, ok := v.v.([]byte); ok {
		return base64Text(b)
	}
	return display(v)
}

func tokenTypeName(t JToken) string {
	return enumValue{types("JTokenType").def, int64(t.kind())}.String()
}

func shortName(t *Type) string {
	t = t.underlying()
	if a := aliases[t.def.name]; a != "" {
		return a
	}
	return t.String()
}
