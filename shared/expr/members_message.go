package expr

import (
	"iter"
	"net/http"
	"strings"
)

// noVariables is an empty set.
type noVariables struct{}

func (noVariables) Lookup(string) (any, bool)   { return nil, false }
func (noVariables) All() iter.Seq2[string, any] { return func(func(string, any) bool) {} }

func body(b Body) any {
	if b == nil {
		return nil
	}
	return &messageBody{b}
}

// bodyText reads a body; ok is false where it was read before.
func bodyText(f *frame, b *messageBody, preserve bool) (raw []byte, ok bool) {
	raw, err := b.Bytes(preserve)
	if err != nil {
		throw("InvalidOperationException", "Reading the body: %v", err)
	}
	f.charge(len(raw))
	f.step(1 + len(raw)/64)
	return raw, raw != nil
}

// bodyAs is Body.As<T>.
func bodyAs(f *frame, a []any) any {
	t := a[2].(*Type)
	raw, ok := bodyText(f, a[0].(*messageBody), a[1].(bool))
	if !ok {
		return nil
	}
	s := strings.TrimPrefix((&encoding{"utf-8"}).decode(raw), "\ufeff")
	switch {
	case t.is("string"), t.is("object"):
		return s
	case t.is("Array") && t.args[0].is("byte"):
		return append([]byte{}, raw...)
	case t.is("JObject"), t.is("JArray"), t.is("JToken"):
		return parsed(t.def.name)(f, []any{s})
	case t.is("XDocument"), t.is("XNode"), t.is("XContainer"):
		return parseXML(f, s)
	case t.is("XElement"):
		root := parseXML(f, s).root()
		root.parent = nil
		return root
	}
	throw("NotSupportedException", "The body cannot be read as %v: use string, byte[], JObject, JToken, JArray, XNode, XElement or XDocument.", t)
	return nil
}

// bodyForm is AsFormUrlEncodedContent.
func bodyForm(f *frame, a []any) any {
	raw, ok := bodyText(f, a[0].(*messageBody), a[1].(bool))
	if !ok {
		return nil
	}
	d := newDictionary(types("string"), types("IList", types("string")))
	for part := range strings.SplitSeq(strings.TrimSpace(string(raw)), "&") {
		if part == "" {
			continue
		}
		f.step(1)
		f.charge(64)
		k, v, _ := strings.Cut(part, "=")
		k, v = unescapeData(k, true), unescapeData(v, true)
		if old, exists := d.get(k); exists {
			old.(*List).add(f, v)
			continue
		}
		d.put(k, &List{[]any{v}, types("string"), "List"})
	}
	return d
}

// joinedHeader is the values with commas, and the default for none.
func joinedHeader(f *frame, list []string, otherwise any) any {
	switch len(list) {
	case 0:
		return otherwise
	case 1:
		return list[0]
	}
	return f.text(strings.Join(list, ","))
}

func (m multiValues) joined(f *frame, name string, otherwise any) any {
	list, ok := m.find(name)
	if !ok {
		return otherwise
	}
	return joinedHeader(f, list, "")
}

func query(u *iURL) multiValues {
	values := multiValues{}
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		k = unescapeData(k, true)
		values[k] = append(values[k], unescapeData(v, true))
	}
	return values
}

// variable is Variables.GetValueOrDefault<T>: a value of another type throws.
func variableOr(a []any, t *Type, otherwise any) any {
	v, ok := a[0].(variableSet).Lookup(text(a, 1))
	if !ok {
		return otherwise
	}
	return castTo(v, t)
}

var messageMembers = []memberTable{
	{"IRequest", []row{
		{"IMessageBody Body", get(func(x *Request) any { return body(x.Body) }), "", ""},
		{"X509Certificate2 Certificate", get(func(x *Request) any { return orNull(x.Certificate) }), "", ""},
		{"IFoundry Foundry", get(func(x *Request) any { return &foundryOf{x} }), "", ""},
		{"IHeaders Headers", get(func(x *Request) any { return x.Headers }), "", ""},
		{"string IpAddress", get(func(x *Request) any { return x.IPAddress }), "", ""},
		{"IStrings MatchedParameters", get(func(x *Request) any { return stringMap(x.MatchedParameters) }), "", ""},
		{"string Method", get(func(x *Request) any { return x.Method }), "", ""},
		{"IUrl OriginalUrl", get(func(x *Request) any { return address(x.OriginalURL) }), "", ""},
		{"IUrl Url", get(func(x *Request) any { return address(x.URL) }), "", ""},
		{"IPrivateEndpointConnection PrivateEndpointConnection", get(func(x *Request) any { return orNull(x.PrivateEndpoint) }), "", ""},
	}},
	{"IFoundry", []row{{"string Deployment", get(func(x *foundryOf) any { return textOrNull(x.FoundryDeployment) }), "", ""}}},
	{"IPrivateEndpointConnection", []row{
		{"string Name", get(func(x *PrivateEndpointConnection) any { return x.Name }), "", ""},
		{"string GroupId", get(func(x *PrivateEndpointConnection) any { return x.GroupID }), "", ""},
		{"string MemberName", get(func(x *PrivateEndpointConnection) any { return x.MemberName }), "", ""},
	}},
	{"IResponse", []row{
		{"IMessageBody Body", get(func(x *Response) any { return body(x.Body) }), "", ""},
		{"IHeaders Headers", get(func(x *Response) any { return x.Headers }), "", ""},
		{"int StatusCode", get(func(x *Response) any { return int32(x.StatusCode) }), "", ""},
		{"string StatusReason", get(func(x *Response) any { return x.StatusReason }), "", ""},
	}},
	{"IUrl", []row{
		{"string Host", get(func(u *iURL) any { return u.Hostname() }), "", ""},
		{"string Path", get(func(u *iURL) any { return pathOf(u) }), "", ""},
		{"int Port", get(func(u *iURL) any { return port(u.URL) }), "", ""},
		{"IMultiValues Query", get(func(u *iURL) any { return query(u) }), "", ""},
		{"string QueryString", get(func(u *iURL) any { return queryString(u) }), "", ""},
		{"string Scheme", get(func(u *iURL) any { return u.Scheme }), "", ""},
	}},
	{"IMessageBody", []row{
		{"T As<T>(bool preserveContent = false)", bodyAs, "", ""},
		{"IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false)", bodyForm, "", ""},
	}},
	{"IHeaders", []row{
		{"string GetValueOrDefault(string headerName, string defaultValue = null)", func(f *frame, a []any) any {
			return joinedHeader(f, headerValues(a[0].(http.Header), text(a, 1)), a[2])
		}, "", ""},
	}},
	{"IMultiValues", []row{
		{"string GetValueOrDefault(string name, string defaultValue = null)", func(f *frame, a []any) any { return a[0].(multiValues).joined(f, text(a, 1), a[2]) }, "", ""},
	}},
	{"IStrings", []row{
		{"string GetValueOrDefault(string name, string defaultValue = null)", func(_ *frame, a []any) any {
			if v, ok := lookup(a[0], text(a, 1)); ok {
				return v
			}
			return a[2]
		}, "", ""},
	}},
	{"IVariables", []row{
		{"T GetValueOrDefault<T>(string name)", func(_ *frame, a []any) any { return variableOr(a, a[2].(*Type), zero(a[2].(*Type))) }, "", ""},
		{"T GetValueOrDefault<T>(string name, T defaultValue)", func(_ *frame, a []any) any { return variableOr(a, a[3].(*Type), a[2]) }, "", ""},
		{"object GetValueOrDefault(string name)", func(_ *frame, a []any) any { return variableOr(a, types("object"), nil) }, "", ""},
		{"object GetValueOrDefault(string name, object defaultValue)", func(_ *frame, a []any) any { return variableOr(a, types("object"), a[2]) }, "", ""},
	}},
}
