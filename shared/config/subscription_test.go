package config

import (
	"reflect"
	"testing"
)

func TestSubscriptionKeys(t *testing.T) {
	got, faults := parseText(t, `
name: contoso
apis:
  none: { openapi: apis/orders.yaml }
  closed: { openapi: apis/orders.yaml }
  open: { openapi: apis/orders.yaml }
  both: { openapi: apis/orders.yaml }
  free: { openapi: apis/orders.yaml, subscriptionRequired: false }
  own: { openapi: apis/orders.yaml, subscriptionRequired: true, subscriptionKeyNames: { header: api-key } }
servers:
  wiki: { upstream: { url: "https://wiki.contoso.com" }, subscriptionKeyNames: { query: key } }
  orders: { api: none }
  all: { federate: [ wiki ] }
products:
  paid: { apis: [ closed, both, free ], servers: [ all ] }
  trial: { apis: [ open, both ], subscriptionRequired: false }
`)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	const header, query = "Ocp-Apim-Subscription-Key", "subscription-key"
	for i, want := range []*SubscriptionKeys{
		nil, {true, header, query}, {false, header, query}, {false, header, query}, {false, header, query}, {true, "api-key", query},
	} {
		if a := got.APIs[i]; !reflect.DeepEqual(a.SubscriptionKeys, want) {
			t.Errorf("API %s: got %+v, want %+v", a.Name, a.SubscriptionKeys, want)
		}
	}
	for i, want := range []*SubscriptionKeys{{false, header, "key"}, nil, {true, header, query}} {
		if s := got.Servers[i]; !reflect.DeepEqual(s.SubscriptionKeys, want) {
			t.Errorf("server %s: got %+v, want %+v", s.Name, s.SubscriptionKeys, want)
		}
	}
}
