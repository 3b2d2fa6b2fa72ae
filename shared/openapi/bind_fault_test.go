package openapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestBindFaults(t *testing.T) {
	path := oneParam(Param{In: InPath, Name: "id", Style: "simple", Required: true})
	header := oneParam(Param{In: InHeader, Name: "X-Tag", Style: "simple"})
	query := func(style string) *Binding { return oneParam(Param{In: InQuery, Name: "ids", Style: style}) }
	fixed := &Binding{Operation: "fixed", Method: "GET", Path: "/", Params: []Param{
		{Name: "api-version", In: InQuery, Style: "form", Explode: true, Value: jsontext.Value(`"1"`)},
		{Name: "filter", Arg: "filter", In: InQuery, Style: "form", Explode: true},
	}}
	cookies := &Binding{Operation: "cookies", Method: "GET", Path: "/", Params: []Param{
		{Name: "tenant", In: InCookie, Style: "form", Value: jsontext.Value(`"1"`)},
		{Name: "more", Arg: "more", In: InCookie, Style: "form", Explode: true},
	}}
	tests := []struct {
		name    string
		binding *Binding
		args    string
		pointer string
		message string
	}{
		{"no object", path, `[1]`, "", `the arguments must be one JSON object`},
		{"two values", path, `{} {}`, "", `the arguments must be one JSON object and nothing after it`},
		{"given twice", path, `{"id":1,"id":2}`, "/id", `argument "id": is given more than once; give it once`},
		{"given twice, escaped", path, `{"id":1,"\u0069d":2}`, "/id", `argument "id": is given more than once; give it once`},
		{"given twice inside", path, `{"id":{"a":[{"b":1,"b":2}]}}`, "/id/a/0/b", `argument "id.a[0].b": is given more than once; give it once`},
		{"missing", path, `{}`, "/id", `argument "id": is required: give a value, as it is a part of the path`},
		{"null in a path", path, `{"id":null}`, "/id", `argument "id": is required: give a value, as it is a part of the path`},
		{"empty", path, `{"id":""}`, "/id", `argument "id": must not be empty, as it is a part of the path`},
		{"empty array", path, `{"id":[]}`, "/id", `argument "id": must have at least one item, as it is a part of the path`},
		{"traversal", path, `{"id":"../admin"}`, "/id", `argument "id": must not contain the path segments "." or ".."`},
		{"control character", path, `{"id":"a\u0000b"}`, "/id", `argument "id": must not contain control characters, as it becomes a part of the path`},
		{"unknown", path, `{"id":1,"Id_":2}`, "/Id_", `argument "Id_": is not known: did you mean "id"?`},
		{"unknown, nothing near", path, `{"id":1,"colour":2}`, "/colour", `argument "colour": is not known; known are id`},
		{"unknown, none at all", &Binding{Operation: "o", Method: "GET", Path: "/"}, `{"a":2}`, "/a", `argument "a": is not known; none is expected here`},
		{"line break in a header", header, `{"X-Tag":"a\r\nHost: b"}`, "/X-Tag", `argument "X-Tag": must not contain control characters or line breaks, as it becomes a header`},
		{"comma in an item of a header", header, `{"X-Tag":["a,b"]}`, "/X-Tag", `argument "X-Tag": an item must not contain a comma, which separates the items`},
		{"space in an item", query("spaceDelimited"), `{"ids":["a b"]}`, "/ids", `argument "ids": an item must not contain a space, which separates the items`},
		{"bar in an item", query("pipeDelimited"), `{"ids":["a|b"]}`, "/ids", `argument "ids": an item must not contain a vertical bar (|), which separates the items`},
		{"tab in an item", query("tabDelimited"), `{"ids":["a\tb"]}`, "/ids", `argument "ids": an item must not contain a tab, which separates the items`},
		{"too long", query("form"), `{"ids":"` + strings.Repeat("a", maxQuery) + `"}`, "/ids", `argument "ids": is too long: the request would have more than 65536 bytes in that place; send less`},
		{"long path", path, `{"id":"` + strings.Repeat("a", maxPath) + `"}`, "/id", `argument "id": is too long: the request would have more than 16384 bytes in that place; send less`},
		{"long header", header, `{"X-Tag":"` + strings.Repeat("a", maxHeader+1) + `"}`, "/X-Tag", `argument "X-Tag": is too long: the request would have more than 16384 bytes in that place; send less`},
		{"long cookie", cookies, `{"more":{"a":"` + strings.Repeat("a", maxHeader) + `"}}`, "/more", `argument "more": is too long: the request would have more than 16384 bytes in that place; send less`},
		{"a member that overrides a fixed parameter", fixed, `{"filter":{"api-version":"2"}}`, "/filter", `argument "filter": must not have the member "api-version", which is sent separately`},
		{"a member that overrides a fixed cookie", cookies, `{"more":{"tenant":"2"}}`, "/more", `argument "more": must not have the member "tenant", which is sent separately`},
		{"a member that is no cookie name", cookies, `{"more":{"a b":"2"}}`, "/more", `argument "more": must not have the member "a b", which cannot name a cookie`},
		{"querystring of a scalar", oneParam(Param{In: InQueryString, Name: "q", Content: "application/x-www-form-urlencoded"}), `{"q":"a=b&c"}`, "/q", `argument "q": must be an object, whose members become the query`},
		{"querystring that overrides a fixed parameter", &Binding{Operation: "o", Path: "/", Params: []Param{
			{Name: "v", In: InQuery, Style: "form", Value: jsontext.Value(`1`)}, {Name: "q", Arg: "q", In: InQueryString, Content: "application/x-www-form-urlencoded"}}},
			`{"q":{"v":2}}`, "/q", `argument "q": must not have the member "v", which is sent separately`},
		{"required query", oneParam(Param{In: InQuery, Name: "q", Style: "form", Required: true}), `{}`, "/q", `argument "q": is required`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.binding.Bind(jsontext.Value(test.args))
			fault, ok := errors.AsType[*ArgumentError](err)
			if !ok {
				t.Fatalf("got %v, want an ArgumentError", err)
			}
			if fault.Pointer != test.pointer || fault.Message != test.message {
				t.Errorf("got %q: %s\nwant %q: %s", fault.Pointer, fault.Message, test.pointer, test.message)
			}
		})
	}
}

// TestBindSyntax leaves the wording to the JSON decoder.
func TestBindSyntax(t *testing.T) {
	b := oneParam(Param{In: InPath, Name: "id", Style: "simple", Required: true})
	tests := []struct{ name, args, pointer string }{
		{"no value", `{"id":}`, "/id"},
		{"cut", `{"id":1`, ""},
		{"cut in a value", `{"id":[1`, "/id"},
		{"no JSON", `id=1`, ""},
		{"invalid UTF-8", "{\"id\":\"\xff\"}", "/id"},
		{"half a surrogate pair", `{"id":"\ud800"}`, "/id"},
		{"invalid UTF-8 in a name", "{\"\xff\":1}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.Bind(jsontext.Value(test.args))
			fault, ok := errors.AsType[*ArgumentError](err)
			if !ok || !strings.HasPrefix(fault.Message, "the arguments are not valid JSON: ") {
				t.Fatalf("got %v, want an ArgumentError about JSON", err)
			}
			if fault.Pointer != test.pointer {
				t.Errorf("got pointer %q, want %q", fault.Pointer, test.pointer)
			}
		})
	}
}

// TestBindingFaults has operations that no arguments can call.
func TestBindingFaults(t *testing.T) {
	header := func(name string) *Binding { return oneParam(Param{In: InHeader, Name: name, Style: "simple"}) }
	tests := []struct {
		name    string
		binding *Binding
		args    string
		want    string
	}{
		{"no slash", &Binding{Operation: "o", Path: "pets"}, `{}`, `the path template pets does not start with a slash`},
		{"no such parameter", &Binding{Operation: "o", Path: "/{id}"}, `{}`, `the path template /{id} names the parameter {id}, which the operation does not have`},
		{"style", oneParam(Param{In: InQuery, Name: "q", Style: "simple"}), `{"q":[1]}`, `parameter "q" in query has the style "simple", which is not a style of that place`},
		{"path style", oneParam(Param{In: InPath, Name: "q", Style: "form"}), `{"q":1}`, `parameter "q" in path has the style "form", which is not a style of that place`},
		{"location", oneParam(Param{In: "body", Name: "q"}), `{"q":1}`, `parameter q is in "body", which is not a location`},
		{"Authorization", header("authorization"), `{"authorization":"x"}`, `the header authorization cannot be a parameter`},
		{"Host", header("HOST"), `{"HOST":"x"}`, `the header HOST cannot be a parameter`},
		{"Content-Length", header("content-length"), `{"content-length":"1"}`, `the header content-length cannot be a parameter`},
		{"Transfer-Encoding", header("Transfer-Encoding"), `{"Transfer-Encoding":"chunked"}`, `the header Transfer-Encoding cannot be a parameter`},
		{"Proxy-Authorization", header("Proxy-Authorization"), `{"Proxy-Authorization":"x"}`, `the header Proxy-Authorization cannot be a parameter`},
		{"Cookie", header("Cookie"), `{"Cookie":"a=b"}`, `the header Cookie cannot be a parameter`},
		{"no token", header("X Y"), `{"X Y":"a=b"}`, `the header X Y cannot be a parameter`},
		{"cookie name", oneParam(Param{In: InCookie, Name: "a;b", Style: "form"}), `{"a;b":"x"}`, `the cookie a;b cannot be a parameter: its name is not a token`},
		{"configured value", &Binding{Operation: "o", Path: "/{id}", Params: []Param{{Name: "id", In: InPath, Style: "simple", Value: jsontext.Value(`".."`)}}}, `{}`,
			`the value configured for "id" must not contain the path segments "." or ".."`},
		{"configured value that is missing", &Binding{Operation: "o", Path: "/{id}", Params: []Param{{Name: "id", In: InPath, Style: "simple"}}}, `{}`,
			`the value configured for "id" is required: give a value, as it is a part of the path`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.binding.Bind(jsontext.Value(test.args))
			fault, ok := errors.AsType[*BindingError](err)
			if !ok {
				t.Fatalf("got %v, want a BindingError", err)
			}
			if fault.Message != test.want {
				t.Errorf("got %s, want %s", fault.Message, test.want)
			}
		})
	}
}

// TestManyArguments crosses the number from which arguments are found by a map.
func TestManyArguments(t *testing.T) {
	b := &Binding{Operation: "many", Method: "GET", Path: "/"}
	var args strings.Builder
	var want strings.Builder
	for i := range 2 * indexedArguments {
		name := "p" + strings.Repeat("x", i)
		b.Params = append(b.Params, Param{Name: name, Arg: name, In: InQuery, Style: "form"})
		args.WriteString(`,"` + name + `":1`)
		want.WriteString("&" + name + "=1")
	}
	r, err := b.Bind(jsontext.Value("{" + args.String()[1:] + "}"))
	if err != nil {
		t.Fatal(err)
	}
	if r.RawQuery != want.String()[1:] {
		t.Errorf("got %q, want %q", r.RawQuery, want.String()[1:])
	}
	if _, err := b.Bind(jsontext.Value("{" + args.String()[1:] + `,"q":1}`)); err == nil {
		t.Error("got no error for an unknown argument")
	}
}
