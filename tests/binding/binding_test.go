// Package binding_test sends bound requests over HTTP and has an independent
// implementation of OpenAPI read the arguments back.
package binding_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"toolgate/shared/openapi"
)

// rounds is how many random arguments each case is tried with.
const rounds = 60

// backend answers 200 when decode reads the value that was sent, and 400 with
// the reason when it does not.
type backend struct {
	client *http.Client
	base   *url.URL
	decode func(*http.Request) error
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := b.decode(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	b.client = server.Client()
	base, err := url.Parse(server.URL + prefix)
	if err != nil {
		t.Fatal(err)
	}
	b.base = base
	return b
}

// prefix is the path of the backend's URL, and of all requests.
const prefix = "/v1"

// send binds the arguments and sends the request. It returns what decode found
// wrong, or nothing.
func (b *backend) send(t *testing.T, binding *openapi.Binding, args jsontext.Value, decode func(*http.Request) error) string {
	t.Helper()
	bound, err := binding.Bind(args)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	target, err := binding.URL(b.base, bound)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	b.decode = decode
	r, err := http.NewRequestWithContext(t.Context(), bound.Method, target.String(), strings.NewReader(string(bound.Body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = bound.Header
	response, err := b.client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	defer response.Body.Close()
	reason, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusOK {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", response.Status, target, reason)
}

// shape is the kind of value that a parameter has.
type shape int

const (
	text shape = iota
	integer
	boolean
	list   // of strings
	object // of strings
	nested // objects and arrays in an object
)

func (s shape) String() string {
	return [...]string{"string", "integer", "boolean", "array", "object", "nested"}[s]
}

// values makes random values.
type values struct {
	*rand.Rand
	// avoid are characters that the reference decoder takes for separators, as
	// it looks for them after it has percent-decoded.
	avoid string
	ascii bool
}

// letters are characters of all kinds: harmless ones, reserved ones, those that
// are escaped everywhere, separators, quotes, and others than ASCII.
var letters = []rune("aZ09-._~ :/?#[]@!$&'()*+,;=%\"<>\\^`{|}é日\u200b\U0001f600")

func (v values) text() string {
	var b strings.Builder
	b.WriteByte('x') // no empty values, no dot segments
	for range v.IntN(8) {
		c := letters[v.IntN(len(letters))]
		if strings.ContainsRune(v.avoid, c) || v.ascii && c > '~' {
			continue
		}
		b.WriteRune(c)
	}
	b.WriteByte('x') // no white space at the end, which headers lose
	return b.String()
}

func (v values) of(s shape) any {
	switch s {
	case integer:
		return float64(v.IntN(1 << 30))
	case boolean:
		return v.IntN(2) == 0
	case list:
		items := []any{}
		for range 1 + v.IntN(4) {
			items = append(items, v.text())
		}
		return items
	case object:
		members := map[string]any{}
		for range 1 + v.IntN(4) {
			members[v.text()] = v.text()
		}
		return members
	case nested:
		return map[string]any{"a": v.of(list), "b": map[string]any{"c": v.text(), "d": v.of(integer)}, "e": v.of(boolean)}
	}
	return v.text()
}

// schemaOf describes a value, and accepts it alone: the reference decoder
// checks what it has decoded, and so tells whether that is the value.
func schemaOf(value any) *openapi3.Schema {
	s := describe(value)
	s.Enum = []any{value}
	return s
}

func describe(value any) *openapi3.Schema {
	switch value := value.(type) {
	case []any:
		return openapi3.NewArraySchema().WithItems(describe(value[0]))
	case map[string]any:
		s := openapi3.NewObjectSchema()
		for name, member := range value {
			s.WithProperty(name, describe(member))
		}
		return s
	case float64:
		return openapi3.NewIntegerSchema()
	case bool:
		return openapi3.NewBoolSchema()
	}
	return openapi3.NewStringSchema()
}

// seeded is a source of random values that is the same in every run.
func seeded(name string) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(hash.Sum64(), 1))
}

// argument is an argument object with one argument.
func argument(t *testing.T, name string, value any) jsontext.Value {
	t.Helper()
	args, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		t.Fatal(err)
	}
	return args
}

// input is what the reference decoder needs to know of a request. The path
// parameter is all that follows the prefix.
func input(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	raw := strings.TrimPrefix(r.URL.EscapedPath(), prefix+"/")
	if strings.Contains(raw, "/") {
		return nil, fmt.Errorf("the path %s has more segments than the template", r.URL.EscapedPath())
	}
	value, err := url.PathUnescape(raw)
	if err != nil {
		return nil, err
	}
	return &openapi3filter.RequestValidationInput{
		Request:     r,
		PathParams:  map[string]string{"color": value},
		QueryParams: r.URL.Query(),
	}, nil
}
