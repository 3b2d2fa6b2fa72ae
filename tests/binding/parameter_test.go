package binding_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-json-experiment/json"

	"toolgate/shared/openapi"
)

// TestParameters sends random values in every style and has them read back.
func TestParameters(t *testing.T) {
	all := []shape{text, integer, boolean, list, object}
	structured := []shape{list, object}
	tests := []struct {
		in      openapi.In
		style   string
		explode bool
		shapes  []shape
		avoid   string
	}{
		{openapi.InPath, "simple", false, all, ","},
		{openapi.InPath, "simple", true, all, ",="},
		{openapi.InPath, "label", false, all, ","},
		{openapi.InPath, "label", true, all, ".="},
		{openapi.InPath, "matrix", false, all, ","},
		{openapi.InPath, "matrix", true, all, ";="},
		{openapi.InQuery, "form", false, all, ","},
		{openapi.InQuery, "form", true, all, ""},
		{openapi.InQuery, "spaceDelimited", false, structured, " "},
		{openapi.InQuery, "spaceDelimited", true, []shape{list}, ""},
		{openapi.InQuery, "pipeDelimited", false, structured, "|"},
		{openapi.InQuery, "pipeDelimited", true, []shape{list}, ""},
		{openapi.InQuery, "deepObject", true, []shape{object, nested}, "[]"},
		{openapi.InHeader, "simple", false, all, ","},
		{openapi.InHeader, "simple", true, all, ",="},
		// The reference decoder leaves the escapes of cookies as they are.
		{openapi.InCookie, "form", false, all, "\" ,;\\%é日\u200b\U0001f600"},
	}
	for _, test := range tests {
		for _, s := range test.shapes {
			name := fmt.Sprintf("%s %s explode=%v %v", test.in, test.style, test.explode, s)
			t.Run(name, func(t *testing.T) {
				checkParameter(t, openapi.Param{In: test.in, Style: test.style, Explode: test.explode}, s, test.avoid)
			})
		}
	}
}

// TestReservedCharacters sends them with allowReserved, which must not change
// what the backend reads.
func TestReservedCharacters(t *testing.T) {
	for _, s := range []shape{text, list, object} {
		t.Run(s.String(), func(t *testing.T) {
			checkParameter(t, openapi.Param{In: openapi.InQuery, Style: "form", Explode: true, AllowReserved: true}, s, "")
		})
	}
}

// TestContentParameters sends parameters that are JSON.
func TestContentParameters(t *testing.T) {
	for _, in := range []openapi.In{openapi.InPath, openapi.InQuery, openapi.InHeader} {
		for _, s := range []shape{integer, boolean, list, object, nested} {
			t.Run(string(in)+" "+s.String(), func(t *testing.T) {
				checkParameter(t, openapi.Param{In: in, Content: "application/json"}, s, "")
			})
		}
	}
}

// checkParameter binds random values to one parameter and compares what the
// reference decoder reads.
func checkParameter(t *testing.T, p openapi.Param, s shape, avoid string) {
	t.Helper()
	p.Name, p.Arg, p.Required = "color", "color", true
	path := "/x"
	if p.In == openapi.InPath {
		path = "/{color}"
		avoid += "." // a segment of dots is refused
	}
	binding := &openapi.Binding{Operation: "test", Method: http.MethodGet, Path: path, Params: []openapi.Param{p}, Accept: "*/*"}
	b := newBackend(t)
	random := values{seeded(t.Name()), avoid, p.In == openapi.InHeader && p.Content == ""}
	for range rounds {
		value := random.of(s)
		args := argument(t, "color", value)
		if reason := b.send(t, binding, args, decodeParameter(&p, value)); reason != "" {
			t.Errorf("%s: %s", args, reason)
		}
	}
	// The reference must be able to tell a wrong value.
	value, other := random.of(s), random.of(s)
	for fmt.Sprint(value) == fmt.Sprint(other) {
		other = random.of(s)
	}
	if b.send(t, binding, argument(t, "color", value), decodeParameter(&p, other)) == "" {
		t.Errorf("the reference decoder takes %v for %v", value, other)
	}
}

// decodeParameter has the reference decode the parameter and compare.
func decodeParameter(p *openapi.Param, want any) func(*http.Request) error {
	return func(r *http.Request) error {
		in, err := input(r)
		if err != nil {
			return err
		}
		parameter := &openapi3.Parameter{Name: p.Name, In: string(p.In), Required: true}
		if p.Content == "" {
			parameter.Style, parameter.Explode = p.Style, &p.Explode
			parameter.Schema = schemaOf(want).NewRef()
		} else {
			parameter.Content = openapi3.NewContentWithJSONSchema(schemaOf(want))
		}
		return openapi3filter.ValidateParameter(r.Context(), in, parameter)
	}
}

// TestExplodedCookies reads them with net/http, since the reference decoder
// knows no exploded cookies.
func TestExplodedCookies(t *testing.T) {
	p := openapi.Param{Name: "color", Arg: "color", In: openapi.InCookie, Style: "form", Explode: true}
	binding := &openapi.Binding{Operation: "test", Method: http.MethodGet, Path: "/x", Params: []openapi.Param{p}, Accept: "*/*"}
	b := newBackend(t)
	random := values{seeded(t.Name()), "", false}
	for range rounds {
		var want []string
		for _, item := range random.of(list).([]any) {
			want = append(want, item.(string))
		}
		reason := b.send(t, binding, argument(t, "color", want), func(r *http.Request) error {
			var got []string
			for _, c := range r.CookiesNamed("color") {
				value, err := url.PathUnescape(c.Value)
				if err != nil {
					return err
				}
				got = append(got, value)
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("got %q from %q", got, r.Header.Get("Cookie"))
			}
			return nil
		})
		if reason != "" {
			t.Errorf("%q: %s", want, reason)
		}
	}
}

// TestSeveralParameters sends parameters of all locations in one request.
func TestSeveralParameters(t *testing.T) {
	params := []openapi.Param{
		{Name: "color", In: openapi.InPath, Style: "simple", Required: true},
		{Name: "deep", In: openapi.InQuery, Style: "deepObject", Explode: true},
		{Name: "ids", In: openapi.InQuery, Style: "form", Explode: true},
		{Name: "X-Tags", In: openapi.InHeader, Style: "simple"},
		{Name: "session", In: openapi.InCookie, Style: "form"},
		{Name: "tenant", In: openapi.InCookie, Style: "form"},
	}
	shapes := []shape{text, object, list, list, integer, boolean}
	for i := range params {
		params[i].Arg = params[i].Name
	}
	binding := &openapi.Binding{Operation: "test", Method: http.MethodGet, Path: "/{color}", Params: params, Accept: "*/*"}
	b := newBackend(t)
	random := values{seeded(t.Name()), ",[]", true}
	for range rounds {
		args := map[string]any{}
		for i, p := range params {
			args[p.Name] = random.of(shapes[i])
		}
		raw, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		reason := b.send(t, binding, raw, func(r *http.Request) error {
			var wrong []string
			for _, p := range params {
				if err := decodeParameter(&p, args[p.Name])(r); err != nil {
					wrong = append(wrong, err.Error())
				}
			}
			if wrong != nil {
				return fmt.Errorf("%s", strings.Join(wrong, "; "))
			}
			return nil
		})
		if reason != "" {
			t.Errorf("%s: %s", raw, reason)
		}
	}
}
