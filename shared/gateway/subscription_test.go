package gateway

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func TestCutParameter(t *testing.T) {
	for _, c := range []struct {
		query, value, rest string
		found              bool
	}{
		{"", "", "", false},
		{"a=1", "", "a=1", false},
		{"key=k", "k", "", true},
		{"a=1&key=k&b=%20+&c", "k", "a=1&b=%20+&c", true},
		{"key=k&key=l", "k", "", true},
		{"key=&key=l", "", "", true},
		{"key", "", "", true},
		{"k%65y=a%2Bb+c", "a+b c", "", true},
		{"Key=k&keys=k&%zz=k&akey=k", "", "Key=k&keys=k&%zz=k&akey=k", false},
		{"key=%zz&a=%zz", "", "a=%zz", true},
		{"&&key=k&", "k", "&&", true},
		{"a=1;key=k", "", "a=1;key=k", false},
	} {
		value, rest, found := cutParameter(c.query, "key")
		if value != c.value || rest != c.rest || found != c.found {
			t.Errorf("%q: got %q, %q, %t, want %q, %q, %t", c.query, value, rest, found, c.value, c.rest, c.found)
		}
	}
}

func TestTakeKey(t *testing.T) {
	e := &entrance{header: "Api-Key", query: "key"}
	for _, c := range []struct {
		name, query string
		header      []string
		key         string
	}{
		{"none", "a=1", nil, ""},
		{"header", "a=1", []string{"h"}, "h"},
		{"query", "key=q", nil, "q"},
		{"header before query", "key=q", []string{"h"}, "h"},
		{"empty header", "key=q", []string{""}, "q"},
		{"spaces", "", []string{" h "}, "h"},
		{"first of several", "", []string{"h", "i"}, "h"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/x?"+c.query, nil)
		r.Header["Other"] = []string{"o"}
		if c.header != nil {
			r.Header["Api-Key"] = c.header
		}
		key, without := e.take(r)
		if key != c.key || without.Header["Api-Key"] != nil || without.Header.Get("Other") != "o" || strings.Contains(without.URL.RawQuery, "key=") {
			t.Errorf("%s: got %q, %v and %s", c.name, key, without.Header, without.URL)
		}
		if r.URL.RawQuery != c.query || len(r.Header["Api-Key"]) != len(c.header) {
			t.Errorf("%s: the request itself was changed to %v and %s", c.name, r.Header, r.URL)
		}
	}
}

func TestCovers(t *testing.T) {
	gold := &expr.Product{ID: "gold"}
	e := &entrance{kind: policy.ServerScope, name: "shop", products: map[string]*expr.Product{"gold": gold}}
	for scope, want := range map[policy.SubscriptionScope]struct {
		product *expr.Product
		covered bool
	}{
		{}:                      {nil, false},
		{Kind: policy.AllScope}: {nil, true},
		{Kind: policy.ProductScope, Name: "gold"}: {gold, true},
		{Kind: policy.ProductScope, Name: "shop"}: {nil, false},
		{Kind: policy.ServerScope, Name: "shop"}:  {nil, true},
		{Kind: policy.ServerScope, Name: "gold"}:  {nil, false},
		{Kind: policy.APIScope, Name: "shop"}:     {nil, false},
	} {
		if product, covered := e.covers(scope); product != want.product || covered != want.covered {
			t.Errorf("%v: got %v, %t, want %v, %t", scope, product, covered, want.product, want.covered)
		}
	}
}

func TestChallenge(t *testing.T) {
	x := &exchange{gateway: &Gateway{}, r: httptest.NewRequest(http.MethodGet, "/", nil)}
	x.r.Host = `a"\b`
	e := &entrance{path: "orders/v1", written: "api-key"}
	if got, want := x.challengeOf(e), `AzureApiManagementKey realm="http://a\"\\b/orders/v1",name="api-key",type="header"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A gateway without a store has no subscription that a key could be of.
func TestNoSubscriptions(t *testing.T) {
	a := assembly{gateway: &Gateway{}}
	if e, err := a.entrance(policy.ServerScope, "shop", "shop", nil, nil); e != nil || err != nil {
		t.Errorf("got %v, %v, want nothing to be asked for", e, err)
	}
	if _, err := a.entrance(policy.ServerScope, "shop", "shop", &config.SubscriptionKeys{Required: true}, nil); err == nil || !strings.Contains(err.Error(), `server "shop" requires`) {
		t.Errorf("got %v, want an error about the server", err)
	}
	e, err := a.entrance(policy.APIScope, "orders", "", &config.SubscriptionKeys{Header: "key"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{gateway: a.gateway, r: httptest.NewRequest(http.MethodGet, "/", nil)}
	if refusal := x.identify(e); refusal != nil {
		t.Errorf("without a key: got %v", refusal)
	}
	x.r.Header.Set("Key", "k")
	if refusal := x.identify(e); refusal == nil || refusal.Reason != policy.ReasonSubscriptionKeyInvalid || !errors.Is(refusal, policy.ErrSubscriptionKey) {
		t.Errorf("with a key: got %v, want that it is invalid", refusal)
	}
}
