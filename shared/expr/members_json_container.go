package expr

import (
	"slices"
	"strings"
)

// addContent adds what a constructor was given, arrays and sequences spread.
func addContent(f *frame, to JToken, content any) {
	switch v := content.(type) {
	case JToken:
		addToken(f, to, v)
		return
	case string, []byte, *record, *Dictionary:
		addToken(f, to, tokenFrom(f, v))
		return
	}
	if content != nil && typeOf(content).element() != nil {
		for x := range f.each(content) {
			addContent(f, to, x)
		}
		return
	}
	addToken(f, to, tokenFrom(f, content))
}

func addToken(f *frame, to, t JToken) {
	f.charge(64)
	switch c := to.(type) {
	case *JArray:
		c.insert(f, len(c.items), t)
	case *JObject:
		p, ok := t.(*JProperty)
		if o, is := t.(*JObject); is {
			for _, p := range slices.Clone(o.props) {
				addToken(f, to, f.clone(p))
			}
			return
		}
		if !ok {
			throw("ArgumentException", "Can not add Newtonsoft.Json.Linq.%s to Newtonsoft.Json.Linq.JObject.", t.typeName())
		}
		if c.find(p.name) >= 0 {
			throw("ArgumentException", "Can not add property %s to Newtonsoft.Json.Linq.JObject. Property with the same name already exists on object.", p.name)
		}
		c.add(f, p)
	case *JProperty:
		throw("JsonException", "Newtonsoft.Json.Linq.JProperty cannot have multiple values.")
	}
}

func newToken(make func() JToken) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		t := make()
		for _, content := range contents(a, 0) {
			if content == nil {
				addToken(f, t, &JValue{k: jsonNull})
				continue
			}
			addContent(f, t, content)
		}
		return t
	}
}

func newProperty(f *frame, a []any) any {
	p := &JProperty{name: text(a, 0)}
	p.replace(f, propertyValue(f, a[1]))
	return p
}

// newListProperty makes an array of any number of values, and of an array with
// one value too.
func newListProperty(f *frame, a []any) any {
	if a[1] == nil {
		return newProperty(f, a)
	}
	p, list := &JProperty{name: text(a, 0)}, &JArray{}
	for _, c := range arguments(a, 1) {
		addContent(f, list, c)
	}
	p.replace(f, list)
	return p
}

// propertyValue is a value itself; collections become arrays.
func propertyValue(f *frame, v any) JToken {
	if t, ok := v.(JToken); ok {
		return t
	}
	return tokenFrom(f, v)
}

func properties(o *JObject) any {
	items := make([]any, len(o.props))
	for i, p := range o.props {
		items[i] = p
	}
	return &List{items, types("JProperty"), "List"}
}

func propertyOf(o *JObject, name string, fold bool) *JProperty {
	if i := o.find(name); i >= 0 {
		return o.props[i]
	}
	if fold {
		for _, p := range o.props {
			if strings.EqualFold(p.name, name) {
				return p
			}
		}
	}
	return nil
}

func getValue(o *JObject, name string, fold bool) any {
	if p := propertyOf(o, name, fold); p != nil {
		return p.value
	}
	return nil
}

func tryGetValue(fold bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		v := getValue(a[0].(*JObject), text(a, 1), fold && ignoresCase(a[2]))
		setOut(a[len(a)-1], v)
		return v != nil
	}
}

func arrayIndex(a *JArray, item any) int {
	if t, ok := item.(JToken); ok {
		return slices.IndexFunc(a.items, func(x JToken) bool { return equals(x, t) })
	}
	return -1
}

var jsonContainerMembers = []memberTable{
	{"JContainer", []row{
		{"void Add(object content)", func(f *frame, a []any) any {
			if a[1] == nil {
				addToken(f, jsonToken(a, 0), &JValue{k: jsonNull})
			} else {
				addContent(f, jsonToken(a, 0), a[1])
			}
			return nil
		}, "", ""},
		{"void AddFirst(object content)", func(f *frame, a []any) any {
			switch c := a[0].(type) {
			case *JArray:
				c.insert(f, 0, tokenFrom(f, a[1]))
			case *JObject:
				addContent(f, c, a[1])
				last := c.props[len(c.props)-1]
				c.props = slices.Insert(c.props[:len(c.props)-1], 0, last)
				c.reindex()
			}
			return nil
		}, "", ""},
		{"int Count", func(_ *frame, a []any) any { return int32(len(children(jsonToken(a, 0)))) }, `JArray.Parse("[1,2]").Count`, "2"},
		{"IEnumerable<JToken> Descendants()", func(f *frame, a []any) any { return descendants(f, jsonToken(a, 0), false) }, `JObject.Parse("{\"a\":1}").Descendants().OfType<JProperty>().First().Name`, "a"},
		{"IEnumerable<JToken> DescendantsAndSelf()", func(f *frame, a []any) any { return descendants(f, jsonToken(a, 0), true) }, `JArray.Parse("[1]").DescendantsAndSelf().Count()`, "2"},
		{"void RemoveAll()", func(_ *frame, a []any) any {
			for _, c := range children(jsonToken(a, 0)) {
				if c.kind() == jsonProperty || jsonToken(a, 0).kind() == jsonArray {
					detach(c)
				}
			}
			return nil
		}, "", ""},
		{"void Merge(object content)", func(f *frame, a []any) any {
			switch c := a[0].(type) {
			case *JObject:
				merge(f, c, jsonToken(a, 1))
			case *JArray:
				addContent(f, c, &List{items: append([]any(nil), f.collect(a[1])...), class: "List"})
			}
			return nil
		}, "", ""},
	}},
	{"JObject", []row{
		{"new()", func(*frame, []any) any { return &JObject{} }, `new JObject().Count`, "0"},
		{"new(params object[] content)", newToken(func() JToken { return &JObject{} }), `new JObject(new JProperty("a", 1)).ToString(Formatting.None)`, `{"a":1}`},
		{"static JObject Parse(string json)", parsed("JObject"), `JObject.Parse("{\"a\":1}").ToString()`, "{\r\n  \"a\": 1\r\n}"},
		{"static JObject FromObject(object o)", fromObject("JObject"), `JObject.FromObject(new { a = 1 })["a"]`, "1"},
		{"JToken this[string propertyName]", func(_ *frame, a []any) any { return tokenOrNull(a[0].(*JObject).get(text(a, 1))) }, `JObject.Parse("{\"a\":\"x\"}")["a"]`, "x"},
		{"set JToken this[string propertyName]", setChild, "", ""},
		{"void Add(string propertyName, JToken value)", func(f *frame, a []any) any {
			p := &JProperty{name: text(a, 1)}
			t, _ := a[2].(JToken)
			p.replace(f, t)
			addToken(f, a[0].(*JObject), p)
			return nil
		}, "", ""},
		{"bool Remove(string propertyName)", func(_ *frame, a []any) any {
			o := a[0].(*JObject)
			i := o.find(text(a, 1))
			if i >= 0 {
				o.remove(i)
			}
			return i >= 0
		}, `JObject.Parse("{\"a\":1}").Remove("a")`, "True"},
		{"bool ContainsKey(string propertyName)", func(_ *frame, a []any) any { return a[0].(*JObject).find(text(a, 1)) >= 0 }, `JObject.Parse("{\"a\":1}").ContainsKey("A")`, "False"},
		{"bool TryGetValue(string propertyName, out JToken value)", tryGetValue(false), `JObject.Parse("{\"a\":1}").TryGetValue("a", out var v)`, "True"},
		{"bool TryGetValue(string propertyName, StringComparison comparison, out JToken value)", tryGetValue(true), `JObject.Parse("{\"a\":1}").TryGetValue("A", StringComparison.OrdinalIgnoreCase, out var v)`, "True"},
		{"JToken GetValue(string propertyName)", func(_ *frame, a []any) any { return getValue(a[0].(*JObject), text(a, 1), false) }, `JObject.Parse("{\"a\":1}").GetValue("a")`, "1"},
		{"JToken GetValue(string propertyName, StringComparison comparison)", func(_ *frame, a []any) any { return getValue(a[0].(*JObject), text(a, 1), ignoresCase(a[2])) }, `JObject.Parse("{\"a\":1}").GetValue("A", StringComparison.OrdinalIgnoreCase)`, "1"},
		{"JProperty Property(string name)", func(_ *frame, a []any) any { return orNull(propertyOf(a[0].(*JObject), text(a, 1), false)) }, `JObject.Parse("{\"a\":1}").Property("a").Name`, "a"},
		{"JProperty Property(string name, StringComparison comparison)", func(_ *frame, a []any) any { return orNull(propertyOf(a[0].(*JObject), text(a, 1), ignoresCase(a[2]))) }, `JObject.Parse("{\"a\":1}").Property("A", StringComparison.OrdinalIgnoreCase).Name`, "a"},
		{"IEnumerable<JProperty> Properties()", func(_ *frame, a []any) any { return properties(a[0].(*JObject)) }, `JObject.Parse("{\"a\":1}").Properties().First().Name`, "a"},
		{"IEnumerable<JToken> PropertyValues()", func(_ *frame, a []any) any {
			var set []JToken
			for _, p := range a[0].(*JObject).props {
				set = append(set, p.value)
			}
			return tokens(set)
		}, `JObject.Parse("{\"a\":1}").PropertyValues().First()`, "1"},
	}},
	{"JArray", []row{
		{"new()", func(*frame, []any) any { return &JArray{} }, `new JArray().Count`, "0"},
		{"new(params object[] content)", newToken(func() JToken { return &JArray{} }), `new JArray("a", 1, new[] { 2, 3 }).ToString(Formatting.None)`, `["a",1,2,3]`},
		{"static JArray Parse(string json)", parsed("JArray"), `JArray.Parse("[1,2]").ToString(Formatting.None)`, "[1,2]"},
		{"static JArray FromObject(object o)", fromObject("JArray"), `JArray.FromObject(new[] { "a" })[0]`, "a"},
		{"JToken this[int index]", func(_ *frame, a []any) any { return child(jsonToken(a, 0), a[1]) }, `JArray.Parse("[1,2]")[1]`, "2"},
		{"set JToken this[int index]", setChild, "", ""},
		{"void Insert(int index, JToken item)", func(f *frame, a []any) any {
			list := a[0].(*JArray)
			i := number(a, 1)
			if i < 0 || i > len(list.items) {
				throwIndex()
			}
			f.charge(64)
			t, _ := a[2].(JToken)
			list.insert(f, i, t)
			return nil
		}, "", ""},
		{"bool Remove(JToken item)", func(_ *frame, a []any) any {
			list := a[0].(*JArray)
			i := arrayIndex(list, a[1])
			if i >= 0 {
				detach(list.items[i])
			}
			return i >= 0
		}, `JArray.Parse("[1,2]").Remove(1)`, "True"},
		{"void RemoveAt(int index)", func(_ *frame, a []any) any {
			t, _ := child(jsonToken(a, 0), a[1]).(JToken)
			detach(t)
			return nil
		}, "", ""},
		{"void Clear()", func(_ *frame, a []any) any { a[0].(*JArray).items = nil; return nil }, "", ""},
		{"bool Contains(JToken item)", func(_ *frame, a []any) any { return arrayIndex(a[0].(*JArray), a[1]) >= 0 }, `JArray.Parse("[1,\"a\"]").Contains("a")`, "True"},
		{"int IndexOf(JToken item)", func(_ *frame, a []any) any { return int32(arrayIndex(a[0].(*JArray), a[1])) }, `JArray.Parse("[1,2]").IndexOf(2)`, "1"},
	}},
	{"JProperty", []row{
		{"new(string name, object content)", newProperty, `new JProperty("a", 1).ToString()`, `"a": 1`},
		{"new(string name, params object[] content)", newListProperty, `new JProperty("a", new[] { "x" }).ToString(Formatting.None)`, `"a":["x"]`},
		{"string Name", func(_ *frame, a []any) any { return a[0].(*JProperty).name }, `new JProperty("a", 1).Name`, "a"},
		{"JToken Value", func(_ *frame, a []any) any { return a[0].(*JProperty).value }, `new JProperty("a", 1).Value`, "1"},
		{"set JToken Value", func(f *frame, a []any) any {
			t, _ := a[1].(JToken)
			a[0].(*JProperty).replace(f, t)
			return a[1]
		}, "", ""},
	}},
	{"IEnumerable<T>", []row{
		{"IEnumerable<JToken> Values(object key)", func(_ *frame, a []any) any {
			source, key := a[0], a[1]
			return lazy(func(f *frame, yield func(any) bool) {
				for x := range f.each(source) {
					if t, ok := x.(JToken); ok {
						if v := child(t, key); v != nil && !yield(v) {
							return
						}
					}
				}
			})
		}, `JArray.Parse("[{\"a\":1},{\"a\":2}]").Children().Values("a").Count()`, "2"},
		{"IEnumerable<R> Values<R>(object key)", func(_ *frame, a []any) any {
			source, key, t := a[0], a[1], a[2].(*Type)
			return lazy(func(f *frame, yield func(any) bool) {
				for x := range f.each(source) {
					if token, ok := x.(JToken); ok && !yield(valueOf(child(token, key), t)) {
						return
					}
				}
			})
		}, `JArray.Parse("[{\"a\":1},{\"a\":2}]").Children().Values<int>("a").Sum()`, "3"},
		{"IEnumerable<R> Values<R>()", func(_ *frame, a []any) any {
			source, t := a[0], a[1].(*Type)
			return lazy(func(f *frame, yield func(any) bool) {
				for x := range f.each(source) {
					if !yield(valueOf(x, t)) {
						return
					}
				}
			})
		}, `JArray.Parse("[1,2]").Children().Values<int>().Sum()`, "3"},
	}},
}
