package gateway

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

const describedDocument = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders:
    get:
      operationId: listOrders
      parameters:
        - { name: state, in: query, required: true, schema: { type: string, enum: [ open, closed ] } }
        - { name: page, in: query, schema: { type: integer, minimum: 1 } }
        - { name: ids, in: query, schema: { type: array, items: { type: integer } } }
      responses:
        "200": { content: { application/json: { schema: { type: object, properties: { count: { type: integer } } } }, text/csv: { example: "count" } } }
        4XX: { headers: { X-Reason: { required: true, schema: { type: string } } }, content: { application/json: { example: { wrong: true } } } }
    post:
      requestBody: { content: { application/json: { schema: { type: object, required: [ id ], properties: { id: { type: integer } } } }, text/plain: {} } }
      responses: { default: { content: { application/json: { schema: { type: string } } } } }
`

// describedSnapshot has one API under /shop, with a policy document of its own.
func describedSnapshot(t *testing.T, document string) *snapshot.Snapshot {
	t.Helper()
	d, err := openapi.Parse("shop.yaml", []byte(describedDocument), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := snapshot.NewWriter()
	var operations []snapshot.Operation
	for _, o := range d.Operations {
		description, verdict := d.Describe(o, openapi.DescriptionOptions{Schemas: true, Examples: true})
		if verdict.Kind != openapi.Exact {
			t.Fatal(verdict)
		}
		w.Description("shop", o.Key(), description)
		operations = append(operations, snapshot.Operation{ID: o.Key(), Method: o.Method, URLTemplate: d.URLTemplate(o), Backend: -1})
	}
	w.Operations("shop", operations)
	w.Policy(1, []byte(document))
	content, err := w.Close(snapshot.Manifest{
		Name: "shop", AllowedHosts: []string{"example.com"}, Limits: config.Limits{RequestBytes: 1 << 20, Depth: 64},
		Policies: []snapshot.PolicyDocument{{File: "shop.xml"}},
		APIs:     []snapshot.SourceAPI{{Name: "shop", HasPath: true, Path: "shop", Policy: 1}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDescribedOperations(t *testing.T) {
	d := newDescriptions(describedSnapshot(t, "<policies />"), discard)
	got := d.Described("shop", "listOrders")
	if got == nil || got != d.Described("shop", "listOrders") {
		t.Fatalf("got %v, want one description however often it is asked for", got)
	}
	if len(got.Parameters) != 3 || got.Parameters[0].Name != "state" || !got.Parameters[0].Required || !got.Parameters[0].Text || got.Parameters[1].Text {
		t.Errorf("got parameters %+v", got.Parameters)
	}
	if v := got.Parameters[1].Schema.Violations([]byte("0")); len(v) != 1 || v[0].Path != "" || v[0].Message == "" {
		t.Errorf("got violations %+v of a page of 0", v)
	}
	if len(got.Responses) != 101 || got.Responses[404].Headers[0].Name != "X-Reason" || got.Responses[499].Content["application/json"] != nil {
		t.Errorf("got %d responses, want those of 200 and 4XX; 404: %+v", len(got.Responses), got.Responses[404])
	}
	other := d.Described("shop", "POST /orders")
	if plain, ok := other.Request["text/plain"]; !ok || plain != nil || other.Request["application/json"].Violations([]byte(`{}`)) == nil {
		t.Errorf("got the request %+v", other.Request)
	}
	if r, ok := other.Responses[0]; !ok || r.Content["application/json"] == nil {
		t.Errorf("got the responses %+v, want a default", other.Responses)
	}
	for _, key := range []describedOperation{{"shop", "none"}, {"none", "listOrders"}} {
		if got := d.Described(key.api, key.id); got != nil {
			t.Errorf("%v: got %v", key, got)
		}
		if _, _, ok := d.Example(key.api, key.id, 200, "", 0); ok {
			t.Errorf("%v: got an example", key)
		}
	}
	if len(d.known) != 2 {
		t.Errorf("got %d descriptions kept, want those of the document alone", len(d.known))
	}
	if contentType, body, ok := d.Example("shop", "listOrders", 404, "", 0); contentType != "application/json" || string(body) != `{"wrong":true}` || !ok {
		t.Errorf("got %q %q %v", contentType, body, ok)
	}
}

// A record that names a schema it does not have must not let everything pass.
func TestDescribedRefusesDamage(t *testing.T) {
	for _, record := range []*openapi.Description{
		{Request: []openapi.ContentDescription{{Type: "application/json", Schema: 1}}},
		{Parameters: []openapi.ParameterDescription{{Name: "a", In: openapi.InQuery, Schema: -1}}},
		{Schemas: []jsontext.Value{jsontext.Value(`{"type":7}`)}},
	} {
		if d, err := describedFor(record); d != nil || err == nil {
			t.Errorf("%+v: got %v, %v", record, d, err)
		}
	}
}

func TestDescribedAtOnce(t *testing.T) {
	d := newDescriptions(describedSnapshot(t, "<policies />"), discard)
	got := make([]*policy.OperationDescription, 8)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { got[i] = d.Described("shop", "listOrders") })
	}
	wait.Wait()
	for _, one := range got {
		if one == nil || one != got[0] {
			t.Errorf("got %p and %p", got[0], one)
		}
	}
}

// TestDescribedPolicies goes through the front door.
func TestDescribedPolicies(t *testing.T) {
	const validate = `<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="ignore"><query unspecified-parameter-action="prevent" /></validate-parameters>`
	inbound := func(policies string) string { return "<policies><inbound>" + policies + "</inbound></policies>" }
	for _, c := range []struct {
		name, document, method, target string
		status                         int
		contentType, want              string // want is a part of the body
	}{
		{"sample", inbound("<mock-response />"), "GET", "/shop/orders?state=open", 200, "application/json", `{"count":0}`},
		{"content type", inbound(`<mock-response content-type="text/csv" />`), "GET", "/shop/orders", 200, "text/csv", "count"},
		{"range", inbound(`<mock-response status-code="404" content-type="application/json" />`), "GET", "/shop/orders", 404, "application/json", `{"wrong":true}`},
		{"no example", inbound(`<mock-response status-code="503" content-type="text/html" />`), "GET", "/shop/orders", 503, "text/html", ""},
		{"operation without an id", inbound("<mock-response />"), "POST", "/shop/orders", 200, "application/json", `"string"`},
		{"conforms", inbound(validate + "<mock-response />"), "GET", "/shop/orders?state=open&page=2&ids=1&ids=2", 200, "application/json", `{"count":0}`},
		{"required parameter", inbound(validate + "<mock-response />"), "GET", "/shop/orders", 400, "", "state"},
		{"schema of a parameter", inbound(validate + "<mock-response />"), "GET", "/shop/orders?state=lost", 400, "", "state"},
		{"schema of a number", inbound(validate + "<mock-response />"), "GET", "/shop/orders?state=open&page=0", 400, "", "page"},
		{"schema of a list", inbound(validate + "<mock-response />"), "GET", "/shop/orders?state=open&ids=1,x", 400, "", "ids"},
		{"unspecified parameter", inbound(validate + "<mock-response />"), "GET", "/shop/orders?state=open&color=red", 400, "", "color"},
		{"matched parameter", inbound(`<return-response><set-body>@(context.Request.MatchedParameters["state"] + " " + context.Operation.UrlTemplate)</set-body></return-response>`),
			"GET", "/shop/orders?state=open", 200, "", "open /orders?state={state}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := New(describedSnapshot(t, c.document), Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequest(c.method, "http://example.com"+c.target, nil))
			body := w.Body.String()
			if w.Code != c.status || !strings.Contains(body, c.want) || c.status < 400 && c.contentType != "" && w.Header().Get("Content-Type") != c.contentType {
				t.Errorf("got %d %v %s, want %d %s %s", w.Code, w.Header(), body, c.status, c.contentType, c.want)
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
