package openapi

import (
	"net/http"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The values of the table "Style Examples" of OpenAPI 3.x.
const (
	colorString = `"blue"`
	colorArray  = `["blue","black","brown"]`
	colorObject = `{"R":100,"G":200,"B":150}`
)

// TestStyleExamples follows the table of the OpenAPI specification (3.1.1 and
// later, where the delimiters that a URL may not contain are escaped).
func TestStyleExamples(t *testing.T) {
	const (
		encodedObject  = "R%20100%20G%20200%20B%20150"
		pipedObject    = "R%7C100%7CG%7C200%7CB%7C150"
		explodedObject = "R=100&G=200&B=150"
	)
	tests := []struct {
		in      In
		style   string
		explode bool
		value   string
		want    string
	}{
		{InPath, "simple", false, colorString, "/blue"},
		{InPath, "simple", false, colorArray, "/blue,black,brown"},
		{InPath, "simple", false, colorObject, "/R,100,G,200,B,150"},
		{InPath, "simple", true, colorString, "/blue"},
		{InPath, "simple", true, colorArray, "/blue,black,brown"},
		{InPath, "simple", true, colorObject, "/R=100,G=200,B=150"},
		{InPath, "label", false, colorString, "/.blue"},
		{InPath, "label", false, colorArray, "/.blue,black,brown"},
		{InPath, "label", false, colorObject, "/.R,100,G,200,B,150"},
		{InPath, "label", true, colorString, "/.blue"},
		{InPath, "label", true, colorArray, "/.blue.black.brown"},
		{InPath, "label", true, colorObject, "/.R=100.G=200.B=150"},
		{InPath, "matrix", false, colorString, "/;color=blue"},
		{InPath, "matrix", false, colorArray, "/;color=blue,black,brown"},
		{InPath, "matrix", false, colorObject, "/;color=R,100,G,200,B,150"},
		{InPath, "matrix", true, colorString, "/;color=blue"},
		{InPath, "matrix", true, colorArray, "/;color=blue;color=black;color=brown"},
		{InPath, "matrix", true, colorObject, "/;R=100;G=200;B=150"},

		{InQuery, "form", false, `""`, "color="},
		{InQuery, "form", false, colorString, "color=blue"},
		{InQuery, "form", false, colorArray, "color=blue,black,brown"},
		{InQuery, "form", false, colorObject, "color=R,100,G,200,B,150"},
		{InQuery, "form", true, `""`, "color="},
		{InQuery, "form", true, colorString, "color=blue"},
		{InQuery, "form", true, colorArray, "color=blue&color=black&color=brown"},
		{InQuery, "form", true, colorObject, explodedObject},
		{InQuery, "spaceDelimited", false, colorArray, "color=blue%20black%20brown"},
		{InQuery, "spaceDelimited", false, colorObject, "color=" + encodedObject},
		{InQuery, "spaceDelimited", true, colorArray, "color=blue&color=black&color=brown"},
		{InQuery, "pipeDelimited", false, colorArray, "color=blue%7Cblack%7Cbrown"},
		{InQuery, "pipeDelimited", false, colorObject, "color=" + pipedObject},
		{InQuery, "tabDelimited", false, colorArray, "color=blue%09black%09brown"},
		{InQuery, "deepObject", true, colorObject, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"},
		{InQuery, "deepObject", true, colorString, "color=blue"},

		{InHeader, "simple", false, colorString, "blue"},
		{InHeader, "simple", false, colorArray, "blue,black,brown"},
		{InHeader, "simple", false, colorObject, "R,100,G,200,B,150"},
		{InHeader, "simple", true, colorObject, "R=100,G=200,B=150"},

		{InCookie, "form", false, colorString, "color=blue"},
		{InCookie, "form", false, colorArray, "color=blue,black,brown"},
		{InCookie, "form", false, colorObject, "color=R,100,G,200,B,150"},
		{InCookie, "form", true, colorArray, "color=blue; color=black; color=brown"},
		{InCookie, "form", true, colorObject, "R=100; G=200; B=150"},
	}
	for _, test := range tests {
		name := string(test.in) + " " + test.style + " " + test.value
		if test.explode {
			name += " exploded"
		}
		t.Run(name, func(t *testing.T) {
			b := oneParam(Param{Name: "color", In: test.in, Style: test.style, Explode: test.explode})
			r, err := b.Bind(jsontext.Value(`{"color":` + test.value + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := place(r, test.in); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// oneParam is an operation with one parameter, whose argument has its name.
func oneParam(p Param) *Binding {
	p.Arg = p.Name
	path := "/"
	if p.In == InPath {
		path = "/{" + p.Name + "}"
	}
	return &Binding{Operation: "test", Method: "GET", Path: path, Params: []Param{p}, Accept: "application/json"}
}

// place returns what a request has in the location of a parameter.
func place(r *Request, in In) string {
	switch in {
	case InPath:
		return r.Path
	case InQuery, InQueryString:
		return r.RawQuery
	case InCookie:
		return r.Header.Get("Cookie")
	}
	return r.Header.Get("Color")
}

func TestBindParameters(t *testing.T) {
	query := func(p Param) *Binding { p.In, p.Name = InQuery, "q"; return oneParam(p) }
	form := func(explode bool) *Binding { return query(Param{Style: "form", Explode: explode}) }
	deep := query(Param{Style: "deepObject", Explode: true})
	reserved := query(Param{Style: "form", AllowReserved: true})
	cookie := oneParam(Param{In: InCookie, Name: "c", Style: "form"})
	tests := []struct {
		name    string
		binding *Binding
		args    string
		want    string
	}{
		{"numbers keep their text", form(true), `{"q":[12345678901234567890,1.0,1e3,-0]}`, "q=12345678901234567890&q=1.0&q=1e3&q=-0"},
		{"booleans", form(false), `{"q":[true,false]}`, "q=true,false"},
		{"null is absent", form(true), `{"q":null}`, ""},
		{"null items are absent", form(false), `{"q":["a",null,"b"]}`, "q=a,b"},
		{"null members are absent", form(true), `{"q":{"a":null,"b":1}}`, "b=1"},
		{"an empty array is absent", form(true), `{"q":[]}`, ""},
		{"an empty array is absent, not exploded", form(false), `{"q":[]}`, ""},
		{"an empty object is absent", form(true), `{"q":{}}`, ""},
		{"an empty array that is required", query(Param{Style: "form", Explode: true, Required: true}), `{"q":[]}`, "q="},
		{"an empty item", form(true), `{"q":[""]}`, "q="},
		{"escapes", form(true), `{"q":"a b&c=d#e+f%20/?é\n"}`, "q=a%20b%26c%3Dd%23e%2Bf%2520%2F%3F%C3%A9%0A"},
		{"a comma inside an item", form(false), `{"q":["a,b","c"]}`, "q=a%2Cb,c"},
		{"nested values are JSON", form(true), `{"q":[{"a": [1, 2]}]}`, "q=%7B%22a%22%3A%5B1%2C2%5D%7D"},
		{"JSON escapes are decoded", form(true), `{"q":"\u00e9\t"}`, "q=%C3%A9%09"},
		{"an escaped argument name", form(true), `{"\u0071":"x"}`, "q=x"},

		{"deepObject, nested", deep, `{"q":{"a":{"b":"c"},"d":["e",{"f":1}],"g":null,"h":{}}}`,
			"q%5Ba%5D%5Bb%5D=c&q%5Bd%5D%5B0%5D=e&q%5Bd%5D%5B1%5D%5Bf%5D=1"},
		{"deepObject, array", deep, `{"q":["a","b"]}`, "q%5B0%5D=a&q%5B1%5D=b"},
		{"deepObject, hostile names", deep, `{"q":{"a]=1&b[":"c"}}`, "q%5Ba%5D%3D1%26b%5B%5D=c"},

		{"allowReserved", reserved, `{"q":"a/b?c:d@e!f$g'h(i)j*k,l"}`, "q=a/b?c:d@e!f$g'h(i)j*k,l"},
		{"allowReserved does not break out", reserved, `{"q":"a&b=c#d+e;f g%26\r\n[]"}`, "q=a%26b%3Dc%23d%2Be%3Bf%20g%2526%0D%0A%5B%5D"},
		{"allowReserved, the separator", reserved, `{"q":["a,b","c/d"]}`, "q=a%2Cb,c/d"},

		{"JSON in a query", query(Param{Content: "application/json"}), `{"q":{"a": [1.0, "b c"]}}`, "q=%7B%22a%22%3A%5B1.0%2C%22b%20c%22%5D%7D"},
		{"text in a query", query(Param{Content: "text/plain"}), `{"q":"a b"}`, "q=a%20b"},
		{"querystring form", oneParam(Param{In: InQueryString, Name: "q", Content: "application/x-www-form-urlencoded"}), `{"q":{"a":"b c","d":[1]}}`, "a=b%20c&d=1"},
		{"querystring JSON", oneParam(Param{In: InQueryString, Name: "q", Content: "application/json"}), `{"q":{"a": 1}}`, "%7B%22a%22%3A1%7D"},

		{"cookie octets stay", cookie, `{"c":"abc+/=="}`, "c=abc+/=="},
		{"cookie separators are escaped", cookie, `{"c":"a; b,\"c\"%"}`, "c=a%3B%20b%2C%22c%22%25"},
		{"JSON in a cookie", oneParam(Param{In: InCookie, Name: "c", Content: "application/json"}), `{"c":{"a":1}}`, "c={%22a%22:1}"},

		{"header, JSON", oneParam(Param{In: InHeader, Name: "Color", Content: "application/json"}), `{"Color":{"a": "b\nc"}}`, `{"a":"b\nc"}`},
		{"header, not escaped", oneParam(Param{In: InHeader, Name: "Color", Style: "simple"}), `{"Color":"a b/c;q=1, é"}`, "a b/c;q=1, é"},
		{"path, everything but unreserved", oneParam(Param{In: InPath, Name: "p", Style: "simple"}), `{"p":"a/b c?d#e%f:@&=+$,;é~-._"}`, "/a%2Fb%20c%3Fd%23e%25f%3A%40%26%3D%2B%24%2C%3B%C3%A9~-._"},
		{"path, JSON", oneParam(Param{In: InPath, Name: "p", Content: "application/json"}), `{"p":{"a": 1}}`, "/%7B%22a%22%3A1%7D"},
		{"path ignores allowReserved", oneParam(Param{In: InPath, Name: "p", Style: "simple", AllowReserved: true}), `{"p":"a/b"}`, "/a%2Fb"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := test.binding.Bind(jsontext.Value(test.args))
			if err != nil {
				t.Fatal(err)
			}
			if got := place(r, test.binding.Params[0].In); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestBindConfiguredValues(t *testing.T) {
	b := &Binding{Operation: "list", Method: "GET", Path: "/{tenant}/items", Accept: "application/json", Params: []Param{
		{Name: "tenant", In: InPath, Style: "simple", Required: true, Value: jsontext.Value(`"contoso"`)},
		{Name: "api-version", In: InQuery, Style: "form", Explode: true, Value: jsontext.Value(`"2024-01"`)},
		{Name: "limit", Arg: "limit", In: InQuery, Style: "form", Explode: true, Value: jsontext.Value(`20`)},
		{Name: "filter", Arg: "filter", In: InQuery, Style: "form", Explode: true},
		{Name: "X-Trace", Arg: "trace", In: InHeader, Style: "simple"},
	}}
	tests := []struct {
		name, args, query string
	}{
		{"nothing", ``, "api-version=2024-01&limit=20"},
		{"null arguments", `null`, "api-version=2024-01&limit=20"},
		{"an argument instead of the default", `{"limit":5}`, "api-version=2024-01&limit=5"},
		{"null is absent", `{"limit":null}`, "api-version=2024-01&limit=20"},
		{"members of an exploded object", `{"filter":{"filter":"x","other":1}}`, "api-version=2024-01&limit=20&filter=x&other=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := b.Bind(jsontext.Value(test.args))
			if err != nil {
				t.Fatal(err)
			}
			if r.Path != "/contoso/items" || r.RawQuery != test.query {
				t.Errorf("got %q ? %q, want %q ? %q", r.Path, r.RawQuery, "/contoso/items", test.query)
			}
			want := http.Header{"Accept": {"application/json"}}
			if len(r.Header) != 1 || r.Header.Get("Accept") != want.Get("Accept") {
				t.Errorf("got header %v, want %v", r.Header, want)
			}
		})
	}
}
