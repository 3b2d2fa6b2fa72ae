package openapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzBind makes an operation of the fuzzer's choice and calls it. Whatever
// Bind accepts must stay at the backend, inside the template, and must be a
// request that net/http sends as it is.
func FuzzBind(f *testing.F) {
	f.Add("/pets/{a}", "simple", "", uint8(0), `{"a":"../x","b":["c"]}`)
	f.Add("/x{a}...{b}", "matrix", "form", uint8(1), `{"a":{"k":".."},"b":"..;/"}`)
	f.Add("/{a}/", "label", "deepObject", uint8(2), `{"a":["%2e"],"b":{"c":[{"d":1}]}}`)
	f.Add("/", "form", "simple", uint8(3), `{"b":"a\r\nb","c":"AA=="}`)
	f.Add("/", "spaceDelimited", "form", uint8(4), `{"b":{"x y":"; z=1"},"d":{"e":null}}`)
	f.Add("/{a}", "", "pipeDelimited", uint8(255), `{"a":1e5}`)
	base, err := url.Parse("https://api.contoso.com/v1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, template, pathStyle, style string, shape uint8, args string) {
		b := fuzzBinding(template, pathStyle, style, shape)
		r, err := b.Bind(jsontext.Value(args))
		if err != nil {
			_, isArgument := errors.AsType[*ArgumentError](err)
			_, isBinding := errors.AsType[*BindingError](err)
			if !isArgument && !isBinding {
				t.Fatalf("got %T: %v", err, err)
			}
			return
		}
		checkHeaders(t, r)
		u, err := b.URL(base, r)
		if err != nil {
			if isSane(b) {
				t.Errorf("%s with %s: Bind gave %q ? %q, which URL refuses: %v", template, args, r.Path, r.RawQuery, err)
			}
			return
		}
		checkURL(t, b, base, u)
	})
}

// fuzzBinding has a path parameter a, a parameter b elsewhere, and body
// properties c and d.
func fuzzBinding(template, pathStyle, style string, shape uint8) *Binding {
	explode := shape&1 != 0
	ins := []In{InQuery, InHeader, InCookie, InQueryString}
	kinds := []BodyKind{BodyJSON, BodyForm, BodyMultipart, BodyText, BodyBinary}
	contentTypes := map[BodyKind]string{BodyMultipart: "multipart/form-data", BodyForm: "application/x-www-form-urlencoded"}
	kind := kinds[int(shape>>3)%len(kinds)]
	b := &Binding{Operation: "fuzz", Method: "POST", Path: template, Accept: "*/*", Params: []Param{
		{Name: "a", Arg: "a", In: InPath, Style: pathStyle, Explode: explode, Required: true},
		{Name: "b", Arg: "b", In: ins[shape>>1&3], Style: style, Explode: explode, AllowReserved: shape&128 != 0},
		{Name: "fixed", In: InQuery, Style: "form", Explode: true, Value: jsontext.Value(`"1"`)},
	}}
	b.Body = &Body{Kind: kind, ContentType: contentTypes[kind], Arg: "c"}
	if shape&64 != 0 {
		b.Body.Arg = ""
		b.Body.Rest = true
		b.Body.Properties = []BodyProperty{{Arg: "c", Name: "c", Binary: true}, {Arg: "d", Name: "d", Style: style, Explode: explode}}
	}
	return b
}

// isSane reports whether the template itself stays where it is: with something
// harmless for its parameter it is a path that URL accepts.
func isSane(b *Binding) bool {
	value := "x"
	if p := b.param(InPath, "a"); placeholderPrefix(p) != "" {
		value = placeholderPrefix(p) + value
	}
	return b.pathMatches(escapeLiteral(strings.ReplaceAll(b.Path, "{a}", value)))
}

func checkHeaders(t *testing.T, r *Request) {
	t.Helper()
	for name, values := range r.Header {
		if name != http.CanonicalHeaderKey(name) || len(values) != 1 {
			t.Errorf("got header %q: %q", name, values)
		}
		if strings.ContainsFunc(values[0], func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("%s has control characters: %q", name, values[0])
		}
	}
	query, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		t.Errorf("query %q: %v", r.RawQuery, err)
	}
	if fixed := query["fixed"]; len(fixed) != 1 && r.RawQuery != "" {
		t.Errorf("query %q: got the fixed parameter %d times", r.RawQuery, len(fixed))
	}
}

// FuzzResult makes results of arbitrary responses. They must be JSON without
// line breaks, and bounded.
func FuzzResult(f *testing.F) {
	f.Add(200, "application/json", `<https://contoso.com/?page=2>; rel="next"`, []byte(`{"a":[1.0]}`), uint8(1))
	f.Add(200, "text/plain; charset=utf-16", "", []byte("\xff\xfea\x00"), uint8(2))
	f.Add(404, "application/problem+json", `<a`, []byte(`{"title":"x","detail":{}}`), uint8(0))
	f.Add(200, "image/png", `<>;rel=next,`, []byte{0x89}, uint8(7))
	f.Add(302, "", `<a>;rel="\`, []byte("\xc3"), uint8(4))
	schema, err := CompileSchema(jsontext.Value(`{"type":"object","properties":{"result":{"type":"string"}}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, contentType, link string, body []byte, shape uint8) {
		b := listBinding
		b.Structured = []Structured{StructuredNone, StructuredObject, StructuredWrapped}[int(shape)%3]
		o := ResultOptions{MaxText: 1 + int(shape>>4), MaxBinary: 8}
		if shape&4 != 0 {
			o.MaxText, o.OutputSchema = 0, schema
		}
		r := Response{StatusCode: status, Body: body, Truncated: shape&8 != 0,
			Header: http.Header{"Content-Type": {contentType}, "Link": {link}, "Location": {link}, "Retry-After": {link}}}
		out, isError := b.AppendResult([]byte("{"), r, o)
		whole := jsontext.Value(append(out, '}'))
		if !whole.IsValid() {
			t.Fatalf("not JSON: %s", whole)
		}
		if strings.ContainsAny(string(whole), "\n\r") {
			t.Errorf("has line breaks: %q", whole)
		}
		success := status >= 200 && status <= 299
		if isError && success && o.OutputSchema == nil || !isError && !success {
			t.Errorf("got isError %v for status %d", isError, status)
		}
		if has := strings.Contains(string(whole), `,"structuredContent":`); has && (b.Structured == StructuredNone || isError) {
			t.Errorf("got structuredContent: %s", whole)
		}
	})
}

// FuzzCheck checks arbitrary values against arbitrary schemas.
func FuzzCheck(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"integer","maximum":1}}}`, `{"a":2}`)
	f.Add(`{"anyOf":[{"$ref":"#"},{"type":"string"}],"items":{"$ref":"#"}}`, `[[["x"]]]`)
	f.Add(`{"oneOf":[{"required":["a"]},{"properties":{"b":false}}],"unevaluatedProperties":false}`, `{"b":1}`)
	f.Add(`{"propertyNames":{"pattern":"("},"uniqueItems":true}`, `{"":[1,1.0]}`)
	f.Fuzz(func(t *testing.T, schema, args string) {
		s, err := CompileSchema(jsontext.Value(schema))
		if err != nil {
			return
		}
		err = s.Check(jsontext.Value(args))
		if err == nil {
			return
		}
		if fault, ok := errors.AsType[*ArgumentError](err); !ok || fault.Message == "" {
			t.Errorf("got %T %v", err, err)
		}
	})
}
