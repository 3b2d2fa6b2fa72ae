package policy

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"toolgate/shared/expr"
)

func TestForksDoNotSeeEachOther(t *testing.T) {
	x := &Exchange{}
	x.Request = &expr.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/x"}, Headers: http.Header{"A": {"1"}},
		Body: NewStream(io.NopCloser(strings.NewReader("body")), -1),
	}
	x.Target = Message{Request: x.Request}
	object, err := expr.ParseJSON(`{"n":1}`)
	if err != nil {
		t.Fatal(err)
	}
	x.SetVariable("both", "before")
	x.SetVariable("object", object)
	a, b := x.Fork(), x.Fork()

	a.SetVariable("both", "a")
	a.SetVariable("only", "a")
	a.SetHeader("A", []string{"2"})
	a.SetResponseHeader("From-A", "1")
	b.SetResponseHeader("From-B", "1")
	ended := ""
	b.AtEnd(func(context.Context) { ended += "b" })
	if value, _ := b.Variable("both"); value != "before" {
		t.Errorf("a branch sees %v, which another one set", value)
	}
	if value, _ := b.Variable("object"); value == any(object) {
		t.Error("branches share JSON that expressions can change")
	}
	if b.Request.Headers.Get("A") != "1" || x.Request.Headers.Get("A") != "1" {
		t.Error("a header that a branch set is seen outside")
	}
	for _, f := range []*Exchange{a, b} {
		if content, err := f.Target.Body().Bytes(false); string(content) != "body" || err != nil {
			t.Errorf("a branch reads %q, %v", content, err)
		}
	}

	x.Join(a)
	x.Join(b) // which has the older value of both
	if value, _ := x.Variable("both"); value != "a" {
		t.Errorf("the variable is %v, want what the branch set", value)
	}
	if value, _ := x.Variable("only"); value != "a" {
		t.Errorf("the variable of a branch is %v", value)
	}
	x.NewResponse(http.StatusOK)
	if h := x.Response.Headers; h.Get("From-A") != "1" || h.Get("From-B") != "1" {
		t.Errorf("the headers of the response are %v, want those of both branches", h)
	}
	x.End(t.Context())
	if ended != "b" {
		t.Errorf("at the end ran %q, want what the branch put off", ended)
	}
	if content, err := x.Target.Body().Bytes(true); string(content) != "body" || err != nil {
		t.Errorf("behind the branches the body is %q, %v", content, err)
	}
}

// A fork of a fork reads through both.
func TestForkOfFork(t *testing.T) {
	x := &Exchange{}
	x.Request = &expr.Request{URL: &url.URL{}}
	x.Response = &expr.Response{Body: NewStream(io.NopCloser(strings.NewReader("body")), 4)}
	x.Target = Message{Response: x.Response}
	f := x.Fork().Fork()
	if f.Target.Response != f.Response || f.Target.Request != nil {
		t.Error("the target of a fork is not its own response")
	}
	if content, err := f.Target.Body().Bytes(true); string(content) != "body" || err != nil {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestChooseService(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "url.test"}
	entity := &BackendEntity{ID: "orders", Pool: true, URL: &url.URL{Scheme: "https", Host: "orders.test"}}
	for _, c := range []struct {
		name        string
		first, then Scope // of the backend, 0: the configuration's own, and of the URL
		want        string
	}{
		{"the configuration's own", 0, ScopeGlobal, "url.test"},
		{"of the same scope", ScopeAPI, ScopeAPI, "url.test"},
		{"of a narrower scope", ScopeOperation, ScopeAPI, "url.test"},
		{"of a wider scope", ScopeGlobal, ScopeAPI, "orders.test"},
		{"of a product's, at a tool", ScopeProduct, ScopeTool, "orders.test"},
	} {
		x := &Exchange{}
		x.Request = &expr.Request{URL: &url.URL{}}
		x.SetPath("/x", "")
		x.ChooseBackend(entity, c.first)
		if x.BackendID != "orders" || x.Backend.Type != "Pool" {
			t.Errorf("%s: the backend is %q, %v", c.name, x.BackendID, x.Backend)
		}
		x.ChooseService(u, c.then)
		if got := x.Request.URL.Host; got != c.want {
			t.Errorf("%s: the request goes to %s, want %s", c.name, got, c.want)
		}
		if (x.BackendID == "") != (c.want == "url.test") {
			t.Errorf("%s: the backend is %q", c.name, x.BackendID)
		}
	}
}
