package expr

import "slices"

func jsonToken(a []any, i int) JToken {
	t, ok := a[i].(JToken)
	if !ok {
		throwArgumentNull("value")
	}
	return t
}

// tokenOrNull is a null for nil.
func tokenOrNull(t JToken) any {
	if t == nil {
		return nil
	}
	return t
}

// child is token[key]: a member of an object, or an element of an array.
func child(t JToken, key any) any {
	switch t := t.(type) {
	case *JObject:
		name, ok := key.(string)
		if !ok {
			throw("ArgumentException", "Accessed JObject values with invalid key value: %s. Object property name expected.", toText(key))
		}
		return tokenOrNull(t.get(name))
	case *JArray:
		if rank(key) == 0 {
			throw("ArgumentException", "Accessed JArray values with invalid key value: %q. Int32 array index expected.", toText(key))
		}
		i := int(integer(key))
		if i < 0 || i >= len(t.items) {
			throwIndex()
		}
		return t.items[i]
	}
	throw("InvalidOperationException", "Cannot access child value on Newtonsoft.Json.Linq.%s.", t.typeName())
	return nil
}

func setChild(f *frame, a []any) any {
	value, _ := a[2].(JToken)
	f.charge(64)
	switch t := a[0].(type) {
	case *JObject:
		t.set(f, text(a, 1), value)
	case *JArray:
		if _, ok := child(t, a[1]).(JToken); ok {
			t.put(f, number(a, 1), value)
		}
	default:
		throw("InvalidOperationException", "Cannot set child value on Newtonsoft.Json.Linq.%s.", typeOf(a[0]))
	}
	return a[2]
}

func parsed(class string) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		t := parseJSON(f, text(a, 0))
		if class != "JToken" && t.typeName() != class {
			throw("JsonReaderException", "Error reading %s from JsonReader. Current JsonReader item is not %s: %s. Path '', line 1, position 1.",
				class, map[string]string{"JObject": "an object", "JArray": "an array"}[class], tokenTypeName(t))
		}
		return t
	}
}

func fromObject(class string) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		if a[0] == nil {
			throwArgumentNull("o")
		}
		t := tokenFrom(f, a[0])
		if class != "JToken" && t.typeName() != class {
			throw("ArgumentException", "Object serialized to %s. %s instance expected.", tokenTypeName(t), class)
		}
		return f.clone(t)
	}
}

// valueOf is token.Value<T>() of a value or of a member.
func valueOf(v any, t *Type) any {
	x, ok := v.(JToken)
	if !ok {
		return zero(t)
	}
	if t.isToken() || t.loose() {
		return keepToken(x, t)
	}
	if j, ok := x.(*JValue); ok && j.k == jsonNull {
		return zero(t)
	}
	return convertToken(x, t)
}

func serialize(f *frame, a []any) any {
	t := tokenFrom(f, a[0])
	indented := len(a) > 1 && a[1] == enum("Formatting", "Indented")
	if s, ok := a[len(a)-1].(*serializerSettings); ok {
		if s.ignoreNull {
			t = f.clone(t)
			dropNulls(t)
		}
		indented = indented || s.indented
	}
	return f.text(writeJSON(t, indented))
}

func dropNulls(t JToken) {
	if o, ok := t.(*JObject); ok {
		o.props = slices.DeleteFunc(o.props, func(p *JProperty) bool { return p.value.kind() == jsonNull })
		o.reindex()
	}
	for _, c := range children(t) {
		dropNulls(c)
	}
}

func deserialize(f *frame, a []any) any {
	t := a[len(a)-1].(*Type)
	s := text(a, 0)
	if s == "" {
		return zero(t)
	}
	return fromToken(f, parseJSON(f, s), t)
}

// serializerSettings is a JsonSerializerSettings.
type serializerSettings struct{ ignoreNull, indented bool }

func (*serializerSettings) typeName() string { return "JsonSerializerSettings" }

// select1 is SelectToken.
func select1(f *frame, a []any, strict bool) any {
	set := selectTokens(f, jsonToken(a, 0), text(a, 1))
	switch {
	case len(set) == 0 && strict:
		throw("JsonException", "Path '%s' returned no token.", text(a, 1))
	case len(set) == 0:
		return nil
	case len(set) > 1:
		throw("JsonException", "Path returned multiple tokens.")
	}
	return set[0]
}

func tokens(set []JToken) any {
	items := make([]any, len(set))
	for i, t := range set {
		items[i] = t
	}
	return &List{items, types("JToken"), "List"}
}

// descendants walks depth first.
func descendants(f *frame, t JToken, self bool) any {
	var set []JToken
	if self {
		set = append(set, t)
	}
	var walk func(t JToken)
	walk = func(t JToken) {
		for _, c := range children(t) {
			f.step(1)
			f.charge(16)
			set = append(set, c)
			walk(c)
		}
	}
	walk(t)
	return tokens(set)
}

// merge is JObject.Merge with its default: members replace, arrays concatenate.
func merge(f *frame, to *JObject, from JToken) {
	o, ok := from.(*JObject)
	if !ok {
		return
	}
	for _, p := range slices.Clone(o.props) {
		f.step(1)
		f.charge(64)
		old := to.get(p.name)
		switch x := old.(type) {
		case *JObject:
			if p.value.kind() == jsonObject {
				merge(f, x, p.value)
				continue
			}
		case *JArray:
			if y, ok := p.value.(*JArray); ok {
				for _, item := range slices.Clone(y.items) {
					x.insert(f, len(x.items), item)
				}
				continue
			}
		}
		if old == nil || p.value.kind() != jsonNull {
			to.set(f, p.name, p.value)
		}
	}
}

// deepEquals compares documents; the order of members does not count.
func deepEquals(a, b JToken) bool {
	switch x := a.(type) {
	case *JObject:
		y, ok := b.(*JObject)
		return ok && len(x.props) == len(y.props) && !slices.ContainsFunc(x.props, func(p *JProperty) bool {
			other := y.get(p.name)
			return other == nil || !deepEquals(p.value, other)
		})
	case *JArray:
		y, ok := b.(*JArray)
		return ok && slices.EqualFunc(x.items, y.items, deepEquals)
	case *JProperty:
		y, ok := b.(*JProperty)
		return ok && x.name == y.name && deepEquals(x.value, y.value)
	}
	return equals(a, b)
}

// path is where a token stands.
func path(t JToken) string {
	s := ""
	for t.parentNode() != nil {
		parent := t.parentNode()
		switch p := parent.(type) {
		case *JArray:
			s = "[" + numberText(int32(slices.Index(p.items, t))) + "]" + s //nolint:gosec // bounded
		case *JProperty:
			if s != "" && s[0] != '[' {
				s = "." + s
			}
			s = p.name + s
		}
		t = parent
	}
	return s
}

// detach removes a token from its container.
func detach(t JToken) {
	switch p := t.parentNode().(type) {
	case *JArray:
		i := slices.Index(p.items, t)
		p.items = slices.Delete(p.items, i, i+1)
		t.attach(nil)
	case *JObject:
		p.remove(p.find(t.(*JProperty).name))
	case *JProperty:
		if p.parent == nil {
			throw("InvalidOperationException", "The parent is missing.")
		}
		detach(p)
	default:
		throw("InvalidOperationException", "The parent is missing.")
	}
}

func replaceToken(f *frame, t, by JToken) {
	switch p := t.parentNode().(type) {
	case *JArray:
		p.put(f, slices.Index(p.items, t), by)
	case *JProperty:
		p.replace(f, by)
	default:
		throw("InvalidOperationException", "The parent is missing.")
	}
}

func tokenFormat(f *frame, a []any) any {
	return f.text(writeJSON(jsonToken(a, 0), a[1] == enum("Formatting", "Indented")))
}

var jsonMembers = []memberTable{
	{"JToken", []row{
		{"static JToken Parse(string json)", parsed("JToken"), `JToken.Parse("[1, 2]").Count()`, "2"},
		{"static JToken FromObject(object o)", fromObject("JToken"), `JToken.FromObject(new { a = 1 })["a"]`, "1"},
		{"static bool DeepEquals(JToken t1, JToken t2)", func(_ *frame, a []any) any {
			if a[0] == nil || a[1] == nil {
				return a[0] == a[1]
			}
			return deepEquals(jsonToken(a, 0), jsonToken(a, 1))
		}, `JToken.DeepEquals(JToken.Parse("{\"a\":1,\"b\":2}"), JToken.Parse("{\"b\":2,\"a\":1}"))`, "True"},
		{"JToken this[object key]", func(_ *frame, a []any) any { return child(jsonToken(a, 0), a[1]) }, `JToken.Parse("{\"a\":[1,2]}")["a"][1]`, "2"},
		{"set JToken this[object key]", setChild, "", ""},
		{"JTokenType Type", func(_ *frame, a []any) any { return enumValue{types("JTokenType").def, int64(jsonToken(a, 0).kind())} }, `JToken.Parse("1.5").Type`, "Float"},
		{"bool HasValues", func(_ *frame, a []any) any { return len(children(jsonToken(a, 0))) > 0 }, `JToken.Parse("[]").HasValues`, "False"},
		{"string Path", func(_ *frame, a []any) any { return path(jsonToken(a, 0)) }, `JToken.Parse("{\"a\":[1]}")["a"][0].Path`, "a[0]"},
		{"JContainer Parent", func(_ *frame, a []any) any { return tokenOrNull(jsonToken(a, 0).parentNode()) }, `JToken.Parse("[1]")[0].Parent.Type`, "Array"},
		{"JToken Root", func(_ *frame, a []any) any {
			t := jsonToken(a, 0)
			for t.parentNode() != nil {
				t = t.parentNode()
			}
			return t
		}, `JToken.Parse("[[1]]")[0][0].Root.Type`, "Array"},
		{"JToken First", func(_ *frame, a []any) any {
			if c := children(jsonToken(a, 0)); len(c) > 0 {
				return c[0]
			}
			return nil
		}, `JToken.Parse("[5]").First`, "5"},
		{"JToken Last", func(_ *frame, a []any) any {
			if c := children(jsonToken(a, 0)); len(c) > 0 {
				return c[len(c)-1]
			}
			return nil
		}, `JToken.Parse("[5,6]").Last`, "6"},
		{"IEnumerable<JToken> Children()", func(_ *frame, a []any) any { return tokens(children(jsonToken(a, 0))) }, `JToken.Parse("[5,6]").Children().Count()`, "2"},
		{"IEnumerable<T> Children<T>()", func(f *frame, a []any) any { return of(false)(f, []any{tokens(children(jsonToken(a, 0))), a[1]}) }, `JToken.Parse("[{}]").Children<JObject>().Count()`, "1"},
		{"IEnumerable<T> Values<T>()", func(_ *frame, a []any) any {
			source, t := children(jsonToken(a, 0)), a[1].(*Type)
			return lazy(func(_ *frame, yield func(any) bool) {
				for _, c := range source {
					if !yield(valueOf(c, t)) {
						return
					}
				}
			})
		}, `JToken.Parse("[5,6]").Values<int>().Sum()`, "11"},
		{"T Value<T>()", func(_ *frame, a []any) any { return valueOf(a[0], a[1].(*Type)) }, `JToken.Parse("5").Value<int>()`, "5"},
		{"T Value<T>(object key)", func(_ *frame, a []any) any { return valueOf(child(jsonToken(a, 0), a[1]), a[2].(*Type)) }, `JToken.Parse("{\"a\":\"x\"}").Value<string>("a")`, "x"},
		{"T ToObject<T>()", func(f *frame, a []any) any { return fromToken(f, jsonToken(a, 0), a[1].(*Type)) }, `JToken.Parse("[1,2]").ToObject<List<int>>().Sum()`, "3"},
		{"JToken SelectToken(string path)", func(f *frame, a []any) any { return select1(f, a, false) }, `JToken.Parse("{\"a\":{\"b\":[1,2]}}").SelectToken("$.a.b[1]")`, "2"},
		{"JToken SelectToken(string path, bool errorWhenNoMatch)", func(f *frame, a []any) any { return select1(f, a, a[2].(bool)) }, `JToken.Parse("{}").SelectToken("a", false) == null`, "True"},
		{"IEnumerable<JToken> SelectTokens(string path)", func(f *frame, a []any) any { return tokens(selectTokens(f, jsonToken(a, 0), text(a, 1))) }, `JToken.Parse("[{\"a\":1},{\"a\":5}]").SelectTokens("$[?(@.a > 2)].a").First()`, "5"},
		{"JToken DeepClone()", func(f *frame, a []any) any {
			return f.clone(jsonToken(a, 0))
		}, `JToken.Parse("[1]").DeepClone().ToString(Formatting.None)`, "[1]"},
		{"void Remove()", func(_ *frame, a []any) any { detach(jsonToken(a, 0)); return nil }, "", ""},
		{"void Replace(JToken value)", func(f *frame, a []any) any { replaceToken(f, jsonToken(a, 0), jsonToken(a, 1)); return nil }, "", ""},
		{"IEnumerable<JToken> AncestorsAndSelf()", func(_ *frame, a []any) any {
			var set []JToken
			for t := jsonToken(a, 0); t != nil; t = t.parentNode() {
				set = append(set, t)
			}
			return tokens(set)
		}, `JToken.Parse("[1]")[0].AncestorsAndSelf().Count()`, "2"},
		{"string ToString(Formatting formatting)", tokenFormat, `JToken.Parse("{ \"a\" : 1.50 }").ToString(Formatting.None)`, `{"a":1.50}`},
	}},
	{"JValue", []row{
		{"new(object value)", func(f *frame, a []any) any {
			t, ok := tokenOf(a[0])
			if !ok {
				throw("ArgumentException", "Could not determine JSON object type for type %v.", typeOf(a[0]).fullName())
			}
			if t.parentNode() != nil {
				return f.clone(t)
			}
			return t
		}, `new JValue(5).Type`, "Integer"},
		{"object Value", func(_ *frame, a []any) any { return a[0].(*JValue).scalar() }, `new JValue("a").Value`, "a"},
		{"static JValue CreateNull()", func(*frame, []any) any { return &JValue{k: jsonNull} }, `JValue.CreateNull().Type`, "Null"},
		{"static JValue CreateString(string value)", func(_ *frame, a []any) any { return &JValue{v: a[0], k: jsonString} }, `JValue.CreateString("a")`, "a"},
		{"string ToString(string format)", func(f *frame, a []any) any { return f.text(formatValue(a[0], toText(a[1]))) }, `new JValue(5).ToString("D3")`, "005"},
	}},
	{"JRaw", []row{
		{"new(object rawJson)", func(_ *frame, a []any) any { return &JValue{text: toText(a[0]), k: jsonRaw} }, `new JArray(new JRaw("{ }")).ToString(Formatting.None)`, "[{ }]"},
	}},
	{"JsonConvert", []row{
		{"static string SerializeObject(object value)", serialize, `JsonConvert.SerializeObject(new { a = 1, b = new[] { "x" }, c = (string)null })`, `{"a":1,"b":["x"],"c":null}`},
		{"static string SerializeObject(object value, Formatting formatting)", serialize, `JsonConvert.SerializeObject(new { }, Formatting.Indented)`, "{}"},
		{"static string SerializeObject(object value, JsonSerializerSettings settings)", serialize, `JsonConvert.SerializeObject(new { a = (string)null }, new JsonSerializerSettings { NullValueHandling = NullValueHandling.Ignore })`, "{}"},
		{"static string SerializeObject(object value, Formatting formatting, JsonSerializerSettings settings)", serialize, `JsonConvert.SerializeObject(new[] { 1 }, Formatting.None, new JsonSerializerSettings())`, "[1]"},
		{"static object DeserializeObject(string value)", func(f *frame, a []any) any { return fromToken(f, parseJSON(f, text(a, 0)), types("object")) }, `JsonConvert.DeserializeObject("[1]").ToString().Length > 0`, "True"},
		{"static T DeserializeObject<T>(string value)", deserialize, `JsonConvert.DeserializeObject<Dictionary<string, int>>("{\"a\":1}")["a"]`, "1"},
		{"static T DeserializeObject<T>(string value, JsonSerializerSettings settings)", deserialize, `JsonConvert.DeserializeObject<int>("5", new JsonSerializerSettings())`, "5"},
		{"static string ToString(object value)", serialize, `JsonConvert.ToString("a\"b")`, `"a\"b"`},
	}},
	{"JsonSerializerSettings", []row{
		{"new()", func(*frame, []any) any { return &serializerSettings{} }, `new JsonSerializerSettings() == null`, "False"},
		{"NullValueHandling NullValueHandling", func(_ *frame, a []any) any {
			return enumValue{types("NullValueHandling").def, boolInt(a[0].(*serializerSettings).ignoreNull)}
		}, `new JsonSerializerSettings().NullValueHandling`, "Include"},
		{"set NullValueHandling NullValueHandling", func(_ *frame, a []any) any { a[0].(*serializerSettings).ignoreNull = integer(a[1]) == 1; return a[1] }, "", ""},
		{"Formatting Formatting", func(_ *frame, a []any) any {
			return enumValue{types("Formatting").def, boolInt(a[0].(*serializerSettings).indented)}
		}, `new JsonSerializerSettings().Formatting`, "None"},
		{"set Formatting Formatting", func(_ *frame, a []any) any { a[0].(*serializerSettings).indented = integer(a[1]) == 1; return a[1] }, "", ""},
		{"DateParseHandling DateParseHandling", func(*frame, []any) any { return enum("DateParseHandling", "DateTime") }, `new JsonSerializerSettings().DateParseHandling`, "DateTime"},
		{"set DateParseHandling DateParseHandling", func(_ *frame, a []any) any { return a[1] }, "", ""},
	}},
}
