package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-json-experiment/json"
)

// governed uses the keys of policies.
const governed = `
name: contoso
policy: policies/a.xml
fragments: { sign-in: policies/b.xml }
schemas: { order: schemas/order.json }
namedValues: { empty: "", key: { secret: env:KEY }, limit: 5 }
backends:
  east:
    title: East
    url: https://east.contoso.com
    circuitBreaker: { failures: 5, interval: 1m, tripDuration: 30, statusCodes: ["429", 500-503, 504], acceptRetryAfter: true }
  west: { url: https://west.contoso.com, circuitBreaker: { failures: "{{limit}}", interval: 1m, tripDuration: 1h } }
  both: { title: Both, pool: [ { backend: east, priority: 0, weight: 10 }, { backend: west } ] }
apis:
  orders:
    openapi: apis/orders.yaml
    title: Orders
    version: v1
    path: orders/v1
    backend: both
    policy: policies/a.xml
    operations:
      createOrder: { policy: policies/b.xml }
      GET /orders/{id}: { policy: policies/a.xml }
  mock:
    path: /
    operations:
      get: { method: GET, urlTemplate: "/{id}/{*rest}?expand={expand}&full=true", policy: policies/a.xml }
      put: { method: PUT, urlTemplate: / }
servers:
  orders: { api: orders, policy: policies/a.xml, tools: [ { operation: getOrder, policy: policies/b.xml } ] }
  wiki: { upstream: { url: https://wiki.contoso.com }, policy: policies/a.xml, tools: [ { tool: search, policy: policies/b.xml } ] }
  all: { federate: [ orders ], policy: policies/b.xml }
products:
  starter: { title: Starter, description: For all, apis: [ orders, mock ], servers: [ wiki ], policy: policies/a.xml, subscriptionRequired: false }
  other: { servers: [ orders, wiki ] }
`

func TestParsePolicies(t *testing.T) {
	got, faults := parseText(t, governed)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	const a, b = "policies/a.xml", "policies/b.xml"
	pool := []PoolMember{{Backend: "east", Priority: 0, Weight: 10}, {Backend: "west", Priority: 1, Weight: 1}}
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"files", got.Files, []string{"gateway.yaml", a, b, "schemas/order.json", "apis/orders.yaml"}},
		{"policy", got.Policy, a},
		{"fragments", got.Fragments, []File{{"sign-in", b}}},
		{"schemas", got.Schemas, []File{{"order", "schemas/order.json"}}},
		{"named values", got.NamedValues, []NamedValue{
			{Name: "empty"}, {Name: "key", Value: Text{[]Part{{Secret: "env:KEY"}}}}, {Name: "limit", Value: Text{[]Part{{Literal: "5"}}}},
		}},
		{"title of a backend", got.Backends[0].Title, "East"},
		{"circuit breaker", *got.Backends[0].CircuitBreaker, CircuitBreaker{
			Failures: 5, Interval: time.Minute, TripDuration: 30 * time.Second,
			StatusCodes: []StatusRange{{429, 429}, {500, 503}, {504, 504}}, AcceptRetryAfter: true,
		}},
		{"circuit breaker, defaults", *got.Backends[1].CircuitBreaker, CircuitBreaker{
			Failures: 5, Interval: time.Minute, TripDuration: time.Hour, StatusCodes: []StatusRange{{500, 599}},
		}},
		{"pool", withoutPlaces(got.Backends[2].Pool), pool},
		{"API", []any{got.APIs[0].Title, got.APIs[0].Version, got.APIs[0].Path, got.APIs[0].HasPath, got.APIs[0].Policy}, []any{"Orders", "v1", "orders/v1", true, a}},
		{"operations", got.APIs[0].Operations, []Operation{
			{Name: "createOrder", Policy: b, At: got.APIs[0].Operations[0].At}, {Name: "GET /orders/{id}", Policy: a, At: got.APIs[0].Operations[1].At},
		}},
		{"root", []any{got.APIs[1].Path, got.APIs[1].HasPath, got.APIs[1].OpenAPI}, []any{"", true, ""}},
		{"declared operations", got.APIs[1].Operations, []Operation{
			{Name: "get", Method: "GET", URLTemplate: "/{id}/{*rest}?expand={expand}&full=true", Policy: a, At: got.APIs[1].Operations[0].At},
			{Name: "put", Method: "PUT", URLTemplate: "/", At: got.APIs[1].Operations[1].At},
		}},
		{"servers", []any{got.Servers[0].Policy, got.Servers[1].Policy, got.Servers[2].Policy}, []any{a, a, b}},
		{"tools", []any{got.Servers[0].API.Tools[0].Override.Policy, got.Servers[1].Upstream.Tools[0].Override.Policy}, []any{b, b}},
		{"products", got.Products, []Product{
			{Name: "starter", Title: "Starter", Description: "For all", APIs: []string{"orders", "mock"}, Servers: []string{"wiki"}, Policy: a, At: got.Products[0].At},
			{Name: "other", SubscriptionRequired: true, Servers: []string{"orders", "wiki"}, At: got.Products[1].At},
		}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.what, tt.got, tt.want)
		}
	}
	if at := got.APIs[0].Operations[0].At; at.Line != 23 || at.Column != 7 {
		t.Errorf("got operation at %v, want 23:7", at)
	}
}

func withoutPlaces(pool []PoolMember) []PoolMember {
	pool = slices.Clone(pool)
	for i := range pool {
		pool[i].At.File, pool[i].At.Line, pool[i].At.Column = "", 0, 0
	}
	return pool
}

// The fragments of a file that lists none are those of the folder.
func TestFragmentsFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "gateway.yaml", "name: a")
	if err := os.MkdirAll(filepath.Join(dir, "fragments", "inner.xml"), 0o700); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "fragments")
	for _, name := range []string{"b.xml", "a.v1.xml", "notes.md", ".a.xml"} {
		write(t, folder, name, "<fragment />")
	}
	got, faults := Load(dir, environment(t))
	a, b := filepath.Join(folder, "a.v1.xml"), filepath.Join(folder, "b.xml")
	if want := []File{{"a.v1", a}, {"b", b}}; faults != nil || !slices.Equal(got.Fragments, want) {
		t.Errorf("got %v, %v, want %v", got.Fragments, faults, want)
	}
	if want := []string{filepath.Join(dir, "gateway.yaml"), folder, a, b}; !slices.Equal(got.Files, want) {
		t.Errorf("got files %v, want %v", got.Files, want)
	}
	write(t, folder, "my own.xml", "<fragment />")
	_, faults = Load(dir, environment(t))
	want := `fragments/my own.xml: the fragment id "my own" is not valid: name the file by the id of the fragment: use letters`
	if !strings.HasPrefix(faults.Error(), want) {
		t.Errorf("got %v, want %s…", faults, want)
	}
	_, faults = parse("", "gateway.yaml", []byte("name: a"), environment(t), fstest.MapFS{"fragments": {}})
	if want := "fragments: the folder of the fragments cannot be read"; !strings.HasPrefix(faults.Error(), want) {
		t.Errorf("got %v, want %s…", faults, want)
	}
}

// A named value whose declaration has a fault is known all the same, so that the
// documents that refer to it have no fault.
func TestUnknownNamedValue(t *testing.T) {
	got, faults := parseText(t, "name: a\nnamedValues: { a: { env: ABSENT }, b: x }\n")
	want := []NamedValue{{Name: "a", Unknown: true}, {Name: "b", Value: Text{[]Part{{Literal: "x"}}}}}
	if len(faults) != 1 || !reflect.DeepEqual(got.NamedValues, want) {
		t.Errorf("got %+v, %v, want %+v and one fault", got.NamedValues, faults, want)
	}
}

func TestBackendJSON(t *testing.T) {
	for _, want := range []Backend{
		{
			Name: "a", Title: "A", URL: "https://a.contoso.com", Timeout: time.Second,
			CircuitBreaker: &CircuitBreaker{
				Failures: 1, Interval: time.Minute, TripDuration: time.Second, StatusCodes: []StatusRange{{500, 599}}, AcceptRetryAfter: true,
			},
		},
		{Name: "b", Pool: []PoolMember{{Backend: "a", Priority: 0, Weight: 3}}},
	} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Backend
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v from %s, want %+v", got, err, text, want)
		}
	}
}

func TestCheckTemplate(t *testing.T) {
	for _, tt := range []struct{ template, want string }{
		{"/", ""}, {"/a/{b}.{c}", ""}, {"/{*a}", ""}, {"/a?b={b}&c={c}&d=e&f=", ""}, {"/a/{$filter}", ""},
		{"a", "which does not begin with a slash"}, {"?a={a}", "which does not begin with a slash"},
		{"/a b", `which has a blank, "#" or "\"`}, {"/a#b", `which has a blank, "#" or "\"`},
		{"/{", "whose braces hold no name"}, {"/{}", "whose braces hold no name"}, {"/{a}}", "whose braces hold no name"},
		{"/{a/b}", "whose braces hold no name"}, {"/*", `which has a "*" outside braces`}, {"/{*}", "whose braces hold no name"},
		{"/{*a}/b", "which goes on behind {*name}"}, {"/a/../b", `which has a "." or ".." segment`},
		{"/a?", `whose query has ""`}, {"/a?b", `whose query has "b"`}, {"/a?b={c", `whose query has "b={c"`},
		{"/a?b={*c}", `whose query has "b={*c}"`}, {"/{a}/{A}", "which has {A} twice"}, {"/{a}?b={a}", "which has {a} twice"},
	} {
		if got, fix := checkTemplate(tt.template); got != tt.want || (got == "") != (fix == "") {
			t.Errorf("%s: got %q (%q), want %q", tt.template, got, fix, tt.want)
		}
	}
}
