package openapi

import (
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// withBody is an operation with a body alone.
func withBody(body Body) *Binding {
	return &Binding{Operation: "create", Method: "POST", Path: "/", Body: &body, Accept: "application/json"}
}

func TestJSONBody(t *testing.T) {
	const contentType = "application/json"
	whole := withBody(Body{Kind: BodyJSON, ContentType: contentType, Arg: "body"})
	required := withBody(Body{Kind: BodyJSON, ContentType: contentType, Arg: "body", Required: true})
	properties := []BodyProperty{
		{Arg: "name", Name: "name", Required: true},
		{Arg: "the_tag", Name: "the tag \"x\""},
		{Name: "kind", Value: jsontext.Value(`"pet"`)},
		{Arg: "size", Name: "size", Value: jsontext.Value(`1.50`)},
	}
	assembled := withBody(Body{Kind: BodyJSON, ContentType: contentType, Required: true, Properties: properties})
	optional := withBody(Body{Kind: BodyJSON, ContentType: contentType, Properties: properties})
	rest := withBody(Body{Kind: BodyJSON, ContentType: contentType, Rest: true, Properties: properties})
	empty := withBody(Body{Kind: BodyJSON, ContentType: contentType, Required: true, Properties: []BodyProperty{{Arg: "a", Name: "a"}}})
	hidden := withBody(Body{Kind: BodyJSON, ContentType: contentType, Properties: []BodyProperty{{Name: "a", Value: jsontext.Value(`1`)}, {Arg: "b", Name: "b"}}})
	tests := []struct {
		name    string
		binding *Binding
		args    string
		want    string // the body; empty for none; an error where it starts with !
	}{
		{"byte for byte", whole, ` { "body" : { "a" : 12345678901234567890 , "b":[1.0,1e3, "\u00e9" ] } } `, `{ "a" : 12345678901234567890 , "b":[1.0,1e3, "\u00e9" ] }`},
		{"a null is a body", required, `{"body":null}`, `null`},
		{"a scalar is a body", required, `{"body":"x"}`, `"x"`},
		{"no body", whole, `{}`, ``},
		{"a body that is required", required, `{}`, `!argument "body": is required`},
		{"assembled in the order of the document", assembled, `{"size":2.0,"the_tag":{ "x":1 },"name":"n"}`, `{"name":"n","the tag \"x\"":{ "x":1 },"kind":"pet","size":2.0}`},
		{"configured values", assembled, `{"name":"n"}`, `{"name":"n","kind":"pet","size":1.50}`},
		{"a null is sent", assembled, `{"name":"n","size":null}`, `{"name":"n","kind":"pet","size":null}`},
		{"a property that is required", assembled, `{"the_tag":1}`, `!argument "name": is required`},
		{"an optional body that is left out", optional, `{}`, ``},
		{"an optional body that is begun", optional, `{"the_tag":1}`, `!argument "name": is required`},
		{"configured values alone", hidden, `{}`, `{"a":1}`},
		{"configured values with others", hidden, `{"b":2}`, `{"a":1,"b":2}`},
		{"nothing of a required body", empty, `{}`, `{}`},
		{"the rest", rest, `{"name":"n","more":[1, 2],"x y":null}`, `{"name":"n","kind":"pet","size":1.50,"more":[1, 2],"x y":null}`},
		{"the rest cannot set what is fixed", rest, `{"name":"n","kind":"dog"}`, `!argument "kind": cannot be set in this call`},
		{"the rest cannot set a property twice", rest, `{"name":"n","the tag \"x\"":1}`, `!argument "the tag \"x\"": cannot be set in this call: use the argument "the_tag"`},
		{"unknown", assembled, `{"name":"n","Size":1}`, `!argument "Size": is not known: did you mean "size"?`},
		{"unknown where there is no rest", whole, `{"other":1}`, `!argument "other": is not known; known are body`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkBody(t, test.binding, test.args, test.want, contentType)
		})
	}
}

// checkBody binds and compares the body and its content type; an empty want is
// no body, and one that starts with ! an ArgumentError.
func checkBody(t *testing.T, b *Binding, args, want, contentType string) {
	t.Helper()
	r, err := b.Bind(jsontext.Value(args))
	if err != nil {
		fault, ok := errors.AsType[*ArgumentError](err)
		if !ok || "!"+fault.Message != want {
			t.Errorf("got %v, want %s", err, want)
		}
		return
	}
	if string(r.Body) != want {
		t.Errorf("got %s, want %s", r.Body, want)
	}
	if r.Body == nil {
		contentType = ""
	}
	if got := r.Header.Get("Content-Type"); got != contentType {
		t.Errorf("got content type %q, want %q", got, contentType)
	}
}

// TestBodyIsACopy protects callers that use the memory of the arguments again.
func TestBodyIsACopy(t *testing.T) {
	args := []byte(`{"body":{"a":1}}`)
	r, err := withBody(Body{Kind: BodyJSON, ContentType: "application/json", Arg: "body"}).Bind(args)
	if err != nil {
		t.Fatal(err)
	}
	clear(args)
	if string(r.Body) != `{"a":1}` {
		t.Errorf("got %q, want %q", r.Body, `{"a":1}`)
	}
}

func TestFormBody(t *testing.T) {
	const contentType = "application/x-www-form-urlencoded"
	form := func(properties ...BodyProperty) *Binding {
		return withBody(Body{Kind: BodyForm, ContentType: contentType, Required: true, Properties: properties})
	}
	deep := form(BodyProperty{Arg: "a", Name: "a", Style: "deepObject", Explode: true})
	plain := form(BodyProperty{Arg: "a", Name: "a"})
	whole := withBody(Body{Kind: BodyForm, ContentType: contentType, Arg: "form"})
	tests := []struct {
		name    string
		binding *Binding
		args    string
		want    string
	}{
		{"scalars", form(BodyProperty{Arg: "amount", Name: "amount"}, BodyProperty{Arg: "currency", Name: "currency"}), `{"currency":"e u&r","amount":1e2}`, "amount=1e2&currency=e%20u%26r"},
		{"objects in brackets", deep, `{"a":{"b":"c","d":{"e":[1,{"f":2}]}}}`, "a%5Bb%5D=c&a%5Bd%5D%5Be%5D%5B0%5D=1&a%5Bd%5D%5Be%5D%5B1%5D%5Bf%5D=2"},
		{"arrays in brackets", deep, `{"a":["x","y"]}`, "a%5B0%5D=x&a%5B1%5D=y"},
		{"arrays by default", plain, `{"a":["x","y"]}`, "a=x&a=y"},
		{"objects by default", plain, `{"a":{"x":1,"y":2}}`, "x=1&y=2"},
		{"null is absent", plain, `{"a":null}`, ""},
		{"not exploded", form(BodyProperty{Arg: "a", Name: "a", Style: "form"}), `{"a":["x","y"]}`, "a=x,y"},
		{"spaces", form(BodyProperty{Arg: "a", Name: "a", Style: "spaceDelimited"}), `{"a":["x","y"]}`, "a=x%20y"},
		{"JSON", form(BodyProperty{Arg: "a", Name: "a", ContentType: "application/json"}), `{"a":{"x": 1}}`, "a=%7B%22x%22%3A1%7D"},
		{"JSON of an array", form(BodyProperty{Arg: "a", Name: "a", ContentType: "application/json"}), `{"a":[1, 2]}`, "a=%5B1%2C2%5D"},
		{"JSON of a string", form(BodyProperty{Arg: "a", Name: "a", ContentType: "application/json"}), `{"a":"x"}`, "a=%22x%22"},
		{"text", form(BodyProperty{Arg: "a", Name: "a", ContentType: "text/plain"}), `{"a":"x"}`, "a=x"},
		{"reserved characters", form(BodyProperty{Arg: "a", Name: "a", Style: "form", AllowReserved: true}), `{"a":"x/y&z"}`, "a=x/y%26z"},
		{"configured", form(BodyProperty{Name: "a", Value: jsontext.Value(`"x"`)}), `{}`, "a=x"},
		{"a member that overrides", form(BodyProperty{Name: "fixed", Value: jsontext.Value(`1`)}, BodyProperty{Arg: "o", Name: "o"}), `{"o":{"fixed":2}}`, `!argument "o": must not have the member "fixed", which is sent separately`},
		{"whole", whole, `{"form":{"a":"b c","d":[1,2],"e":{"f":3}}}`, "a=b%20c&d=1&d=2&f=3"},
		{"whole, written", whole, `{"form":"a=b&c=d"}`, "a=b&c=d"},
		{"whole, array", whole, `{"form":[1]}`, `!argument "form": must be an object, whose members become the fields of the form`},
		{"whole, null", whole, `{"form":null}`, ""},
		{"rest", withBody(Body{Kind: BodyForm, ContentType: contentType, Rest: true}), `{"a":1,"b":null}`, "a=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := contentType
			if test.args == `{"form":null}` {
				want = ""
			}
			checkBody(t, test.binding, test.args, test.want, want)
		})
	}
}

func TestNestedFormIsBounded(t *testing.T) {
	b := withBody(Body{Kind: BodyForm, ContentType: "application/x-www-form-urlencoded", Properties: []BodyProperty{{Arg: "a", Name: "a", Style: "deepObject", Explode: true}}})
	const depth = 2000
	args := `{"a":` + strings.Repeat(`{"k":`, depth) + "[" + strings.Repeat("1,", 20_000) + "1]" + strings.Repeat("}", depth) + "}"
	_, err := b.Bind(jsontext.Value(args))
	if fault, ok := errors.AsType[*ArgumentError](err); !ok || !strings.Contains(fault.Message, "is too long") {
		t.Errorf("got %v, want that it is too long", err)
	}
}

func TestTextBody(t *testing.T) {
	text := func(contentType string) *Binding {
		return withBody(Body{Kind: BodyText, ContentType: contentType, Arg: "text", Required: true})
	}
	tests := []struct{ name, contentType, args, want string }{
		{"text", "text/plain", `{"text":"a\n\u00e9"}`, "a\né"},
		{"empty", "text/plain", `{"text":""}`, ""},
		{"a number", "text/plain", `{"text":1.0}`, "1.0"},
		{"XML", "application/xml", `{"text":"<a/>"}`, "<a/>"},
		{"another charset", `text/plain; charset="ISO-8859-1"`, `{"text":"\u00e9"}`, "\xe9"},
		{"UTF-8", "text/plain; charset=utf-8", `{"text":"\u00e9"}`, "é"},
		{"a charset nobody knows", "text/plain; charset=x-none", `{"text":"\u00e9"}`, "é"},
		{"a character that the charset lacks", "text/plain; charset=iso-8859-1", `{"text":"\u0416"}`, `!argument "text": has characters that the API's character set does not have (text/plain; charset=iso-8859-1)`},
		{"null", "text/plain", `{"text":null}`, `!argument "text": is required`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkBody(t, text(test.contentType), test.args, test.want, test.contentType)
		})
	}
}

func TestBinaryBody(t *testing.T) {
	const contentType = "application/octet-stream"
	b := withBody(Body{Kind: BodyBinary, ContentType: contentType, Arg: "file", Required: true})
	const invalid = `!argument "file": is not valid base64: encode the bytes as base64 (RFC 4648)`
	tests := []struct{ name, args, want string }{
		{"standard", `{"file":"/+8="}`, "\xff\xef"},
		{"URL", `{"file":"_-8"}`, "\xff\xef"},
		{"white space", `{"file":" /+\n8 =\r\n"}`, "\xff\xef"},
		{"empty", `{"file":""}`, ""},
		{"not base64", `{"file":"a!b"}`, invalid},
		{"too short", `{"file":"a"}`, invalid},
		{"padding inside", `{"file":"/+8=/+8="}`, invalid},
		{"three signs of padding", `{"file":"/===="}`, invalid},
		{"a number", `{"file":1234}`, `!argument "file": must be a string of base64`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkBody(t, b, test.args, test.want, contentType)
		})
	}
}

func TestBodyKinds(t *testing.T) {
	for _, b := range []*Binding{
		withBody(Body{Kind: "soap", ContentType: "x/y", Arg: "a"}),
		withBody(Body{Kind: BodyText, ContentType: "x/y", Properties: []BodyProperty{{Arg: "a", Name: "a"}}}),
		withBody(Body{Kind: BodyMultipart, ContentType: "text/plain", Properties: []BodyProperty{{Arg: "a", Name: "a"}}}),
		withBody(Body{Kind: BodyMultipart, ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a", Style: "label"}}}),
		withBody(Body{Kind: BodyForm, ContentType: "x/y", Properties: []BodyProperty{{Arg: "a", Name: "a", Style: "label"}}}),
	} {
		_, err := b.Bind(jsontext.Value(`{"a":[1]}`))
		if _, ok := errors.AsType[*BindingError](err); !ok {
			t.Errorf("%+v: got %v, want a BindingError", b.Body, err)
		}
	}
}

// part is one part as an independent reader sees it.
type part struct{ disposition, contentType, content string }

func readParts(t *testing.T, r *Request) (string, []part) {
	t.Helper()
	essence, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	reader := multipart.NewReader(strings.NewReader(string(r.Body)), params["boundary"])
	var parts []part
	for {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return essence, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{p.Header.Get("Content-Disposition"), p.Header.Get("Content-Type"), string(content)})
	}
}

func TestMultipartBody(t *testing.T) {
	const png = "iVBORw0KGgo=" // the signature of a PNG
	signature := "\x89PNG\r\n\x1a\n"
	tests := []struct {
		name string
		body Body
		args string
		want []part
	}{
		{"text, numbers and objects", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a"}, {Arg: "b", Name: "b"}, {Arg: "c", Name: "c"}}},
			`{"a":"x\ny","b":1.0,"c":{ "d": [1] }}`,
			[]part{{`form-data; name="a"`, "", "x\ny"}, {`form-data; name="b"`, "", "1.0"}, {`form-data; name="c"`, "application/json", `{"d":[1]}`}}},
		{"arrays are parts of the same name", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a"}}},
			`{"a":["x",null,{"y":1}]}`,
			[]part{{`form-data; name="a"`, "", "x"}, {`form-data; name="a"`, "application/json", `{"y":1}`}}},
		{"arrays in one part", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a", Style: "pipeDelimited"}}},
			`{"a":["x","y"]}`,
			[]part{{`form-data; name="a"`, "", "x|y"}}},
		{"files", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "f", Name: "f", Binary: true, FileName: `a "b".png`, ContentType: "image/*"}, {Arg: "g", Name: "g", Binary: true}}},
			`{"f":["` + png + `","` + png + `"],"g":"AA=="}`,
			[]part{{`form-data; name="f"; filename="a \"b\".png"`, "image/png", signature}, {`form-data; name="f"; filename="a \"b\".png"`, "image/png", signature},
				{`form-data; name="g"`, "application/octet-stream", "\x00"}}},
		{"the type of a part", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a", ContentType: "text/csv; header=present"}, {Arg: "b", Name: "b", ContentType: "application/json"}}},
			`{"a":"1,2","b":"x"}`,
			[]part{{`form-data; name="a"`, "text/csv; header=present", "1,2"}, {`form-data; name="b"`, "application/json", `"x"`}}},
		{"the type of a file", Body{ContentType: "multipart/form-data", Properties: []BodyProperty{
			{Arg: "a", Name: "a", Binary: true, ContentType: "image/jpeg, image/png"}, {Arg: "b", Name: "b", Binary: true, ContentType: "image/jpeg, image/gif"}, {Arg: "c", Name: "c", Binary: true, ContentType: "audio/*"}}},
			`{"a":"` + png + `","b":"` + png + `","c":"` + png + `"}`,
			[]part{{`form-data; name="a"`, "image/png", signature}, {`form-data; name="b"`, "image/jpeg", signature}, {`form-data; name="c"`, "application/octet-stream", signature}}},
		{"names cannot leave their quotes", Body{ContentType: "multipart/form-data", Rest: true},
			`{"a\"; filename=\"x\r\nX: y":"z"}`,
			[]part{{`form-data; name="a\"; filename=\"x%0D%0AX: y"`, "", "z"}}},
		{"multipart/mixed has no names", Body{ContentType: "multipart/mixed; boundary=x; charset=utf-8", Properties: []BodyProperty{{Arg: "a", Name: "a"}, {Arg: "f", Name: "f", Binary: true, FileName: "f.bin"}}},
			`{"a":{"b":1},"f":"AA=="}`,
			[]part{{"", "application/json", `{"b":1}`}, {`attachment; filename="f.bin"`, "application/octet-stream", "\x00"}}},
		{"whole", Body{ContentType: "multipart/form-data", Arg: "body"},
			`{"body":{"a":"x","b":null,"c":[1,2]}}`,
			[]part{{`form-data; name="a"`, "", "x"}, {`form-data; name="c"`, "", "1"}, {`form-data; name="c"`, "", "2"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.body.Kind = BodyMultipart
			r, err := withBody(test.body).Bind(jsontext.Value(test.args))
			if err != nil {
				t.Fatal(err)
			}
			essence, parts := readParts(t, r)
			if want := mediaType(test.body.ContentType); essence != want {
				t.Errorf("got %s, want %s", essence, want)
			}
			if !slices.Equal(parts, test.want) {
				t.Errorf("got %q, want %q", parts, test.want)
			}
			again, err := withBody(test.body).Bind(jsontext.Value(test.args))
			if err != nil || string(again.Body) != string(r.Body) {
				t.Errorf("the same arguments gave another request (%v)", err)
			}
		})
	}
}

// TestMultipartBoundary has a part that contains the boundary of the same call
// without it.
func TestMultipartBoundary(t *testing.T) {
	b := withBody(Body{Kind: BodyMultipart, ContentType: "multipart/form-data", Properties: []BodyProperty{{Arg: "a", Name: "a"}}})
	r, err := b.Bind(jsontext.Value(`{"a":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hex.DecodeString(params["boundary"]); err != nil {
		t.Fatalf("boundary %q: %v", params["boundary"], err)
	}
	injected := "\r\n--" + params["boundary"] + "--\r\n"
	r, err = b.Bind(argsOf(t, "a", injected))
	if err != nil {
		t.Fatal(err)
	}
	if _, parts := readParts(t, r); len(parts) != 1 || parts[0].content != injected {
		t.Errorf("got %q, want one part %q", parts, injected)
	}
}

func TestMultipartFaults(t *testing.T) {
	file := withBody(Body{Kind: BodyMultipart, ContentType: "multipart/form-data", Required: true, Properties: []BodyProperty{{Arg: "f", Name: "f", Binary: true, Required: true}}})
	whole := withBody(Body{Kind: BodyMultipart, ContentType: "multipart/form-data", Arg: "body"})
	checkBody(t, file, `{"f":"!"}`, `!argument "f": is not valid base64: encode the bytes as base64 (RFC 4648)`, "")
	checkBody(t, file, `{}`, `!argument "f": is required`, "")
	checkBody(t, whole, `{"body":[1]}`, `!argument "body": must be an object, whose members become the parts of the body`, "")
}
