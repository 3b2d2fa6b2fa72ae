package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// few are tools of a shop.
var few = []Document{
	{Name: "listOrders", Title: "List orders", Description: "List orders. Newest first.", Parameters: []Parameter{{Name: "page"}, {Name: "customerId", Required: true}}, Tags: []string{"orders"}, Place: Place{1, 2, 3}},
	{Name: "createOrder", Title: "Place an order", Tags: []string{"orders"}},
	{Name: "deleteOrder", Description: "Cancels an order that was not shipped yet.", Tags: []string{"orders"}},
	{Name: "getHTTPStatus", Description: "Tells whether the shop is reachable."},
	{Name: "deleteOrderV1beta1", Description: "Cancels an order that was not shipped yet.", Tags: []string{"orders"}},
	{Name: "readConfigMap", Description: "read the specified ConfigMap"},
	{Name: "basket", Method: "GET", Path: "/carts/{id}"},
}

func open(t testing.TB, documents []Document) *Index {
	t.Helper()
	var b Builder
	for i := range documents {
		b.Add(&documents[i])
	}
	content, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, err := Open(content)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSearch(t *testing.T) {
	x := open(t, few)
	for _, c := range []struct{ request, want string }{
		{"what did people order", "listOrders"},
		{"place a new order", "createOrder"},
		{"get rid of an order", "deleteOrder"},
		{"remove the order", "deleteOrder"},
		{"HTTP status", "getHTTPStatus"},
		{"show configmaps", "readConfigMap"},
		{"conf", "readConfigMap"},
		{"how do I delete an order", "deleteOrder"},
		{"take the order off", "deleteOrder"},
		{"all the orders", "listOrders"},
		{"show everything in the basket", "basket"},
		{"nothing of the kind", ""},
		{"the of to", ""},
		{"", ""},
	} {
		got := ""
		if hits := x.Search(c.request, 1, nil); len(hits) > 0 {
			got = hits[0].Name
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.request, got, c.want)
		}
	}
}

// A hit tells what is needed to call the tool, and where its definition is.
func TestHit(t *testing.T) {
	x := open(t, few)
	want := Hit{Name: "listOrders", Summary: "List orders", Arguments: "customerId, page?", Place: Place{1, 2, 3}}
	if got, ok := x.Find("listOrders"); !ok || got.Place != want.Place || got.Arguments != want.Arguments || !strings.HasPrefix(got.Summary, want.Summary) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, ok := x.Find("listOrder"); ok {
		t.Errorf("got %+v, want none", got)
	}
}

// What may not be shown leaves its place to others, and a search leaves nothing behind
// for the next.
func TestShown(t *testing.T) {
	x := open(t, few)
	for range 3 {
		hits := x.Search("cancel an order", 1, func(name string) bool { return name != "deleteOrder" })
		if len(hits) != 1 || hits[0].Name == "deleteOrder" {
			t.Errorf("got %v, want one that may be shown", hits)
		}
		if hits := x.Search("cancel an order", 1, nil); len(hits) != 1 || hits[0].Name != "deleteOrder" {
			t.Errorf("got %v, want deleteOrder", hits)
		}
	}
}

// Of tools that differ in nothing but a version, the best is found before any of another.
func TestFamilies(t *testing.T) {
	x := open(t, []Document{{Name: "listPodsV1"}, {Name: "listPodsV2"}, {Name: "listPodsV1beta1"}, {Name: "listNodesOfPods"}})
	var got []string
	for _, hit := range x.Search("list pods", 4, nil) {
		got = append(got, hit.Name)
	}
	if want := []string{"listPodsV1", "listNodesOfPods", "listPodsV2", "listPodsV1beta1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What a tool does is told by its verb, and otherwise by its method; a list is of many.
func TestActionOf(t *testing.T) {
	for _, c := range []struct {
		tool Document
		want action
	}{
		{Document{Name: "getOrder"}, reads | isOne},
		{Document{Name: "getOrders"}, reads | isMany},
		{Document{Name: "create_or_update_secret"}, creates | updates | isOne},
		{Document{Name: "x", Title: "Delete all labels"}, deletes | isMany},
		{Document{Name: "orders", Method: "DELETE"}, deletes | isOne},
		{Document{Name: "basket", ReadOnly: true}, reads | isOne},
		{Document{Name: "basket", Method: "POST"}, isOne},
		{Document{Name: "readPod", Description: "Reads a pod. Deprecated: use list."}, reads | isOne | isFading},
	} {
		first, _ := sentence(c.tool.Description)
		if got := actionOf(&c.tool, first); got != c.want {
			t.Errorf("%+v: got %b, want %b", c.tool, got, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"listPullRequests", "list pull requests"},
		{"HTTPServerURL", "http server url"},
		{"issues_list-for-repo", "issues list for repo"},
		{"listCoreV1NamespacedPod", "list core v1 namespaced pod"},
		{"the user's files", "the user files"},
		{"Größe der Datei", "größe der datei"},
		{strings.Repeat("a", 50) + " b", "b"},
		{" …! ", ""},
	} {
		var got []string
		words(c.text, func(word string) { got = append(got, word) })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// The stems are those that the algorithm's author gives.
func TestStem(t *testing.T) {
	for word, want := range map[string]string{
		"caresses": "caress", "ponies": "poni", "cats": "cat", "feed": "feed", "plastered": "plaster",
		"motoring": "motor", "sing": "sing", "conflated": "conflat", "hopping": "hop", "falling": "fall", "filing": "file",
		"happy": "happi", "sky": "sky", "relational": "relat", "conditional": "condit", "vietnamization": "vietnam",
		"triplicate": "triplic", "formalize": "formal", "hopefulness": "hope", "revival": "reviv", "adjustable": "adjust",
		"replacement": "replac", "adoption": "adopt", "probate": "probat", "rate": "rate", "given": "give",
		"configurations": "configur", "deployments": "deploy", "go": "go", "größe": "größe",
	} {
		if got := stem(word); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	got, err := Read(jsontext.Value(`{"name":"a","annotations":{"title":"T","readOnlyHint":true},"description":"D","inputSchema":{"type":"object","properties":{"b":{"x":[{}]},"c":true},"required":["c"]}}`))
	if err != nil || got.Name != "a" || got.Title != "T" || got.Description != "D" || !got.ReadOnly || !slices.Equal(got.Parameters, []Parameter{{Name: "b"}, {Name: "c", Required: true}}) {
		t.Errorf("got %+v and %v", got, err)
	}
	for _, damaged := range []string{`[]`, `{"name":1}`, ``} {
		if _, err := Read(jsontext.Value(damaged)); err == nil {
			t.Errorf("%s: got no error", damaged)
		}
	}
}

// Equal tools make equal bytes.
func TestDeterministic(t *testing.T) {
	var all []string
	for range 5 {
		var b Builder
		for i := range few {
			b.Add(&few[i])
		}
		content, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(content))
	}
	if len(slices.Compact(all)) != 1 {
		t.Error("got different bytes for the same tools")
	}
}

// An index without tools finds none.
func TestEmpty(t *testing.T) {
	if got := open(t, nil).Search("anything", 5, nil); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

// FuzzOpen asks that no bytes do harm, whatever is asked of them.
func FuzzOpen(f *testing.F) {
	var b Builder
	for i := range few {
		b.Add(&few[i])
	}
	content, err := b.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content, "cancel an order")
	f.Add([]byte(magic), "")
	f.Fuzz(func(_ *testing.T, content []byte, request string) {
		x, err := Open(content)
		if err != nil || x.Len() > 1000 {
			return
		}
		x.Search(request, 5, nil)
		x.Find(request)
	})
}

// BenchmarkSearch searches a catalogue of a thousand tools.
func BenchmarkSearch(b *testing.B) {
	var many []Document
	for i := range 1000 {
		d := few[i%len(few)]
		d.Name += fmt.Sprint("Of", i)
		many = append(many, d)
	}
	x := open(b, many)
	b.ReportAllocs()
	for b.Loop() {
		x.Search("cancel the order that was placed by mistake", 5, nil)
	}
}
