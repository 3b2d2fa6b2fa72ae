package config

import (
	"reflect"
	"testing"
	"time"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
)

func TestCache(t *testing.T) {
	got, faults := parseText(t, `
name: contoso
servers:
  wiki: { upstream: { url: "https://wiki.contoso.com" }, cache: { duration: 90s } }
  all:
    upstream: { url: "https://all.contoso.com" }
    cache: { duration: 1h, tools: [ a, b ], scope: public, varyBy: { headers: [ accept-language ], subscription: true }, maxSize: 1MiB }
  none: { upstream: { url: "https://none.contoso.com" } }
`)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	for i, want := range []*Cache{
		{Duration: 90 * time.Second, MaxSize: 256 << 10},
		{
			Duration: time.Hour, MaxSize: 1 << 20, Public: true, Subscription: true, Headers: []string{"Accept-Language"},
			Tools: []CachedTool{{Name: "a"}, {Name: "b"}},
		},
		nil,
	} {
		read := got.Servers[i].Cache
		if read != nil {
			text, err := json.Marshal(read)
			if err != nil {
				t.Fatal(err)
			}
			read = &Cache{At: fault.Position{Line: 1}}
			if err := json.Unmarshal(text, read); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(read, want) {
			t.Errorf("server %s: got %+v, want %+v", got.Servers[i].Name, read, want)
		}
	}
}
