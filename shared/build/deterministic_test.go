package build

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"toolgate/shared/config"
)

// Equal folders give equal bytes, wherever they are.
func TestEqualFoldersGiveEqualSnapshots(t *testing.T) {
	files := map[string]string{
		"gateway.yaml": `name: contoso
policy: g.xml
namedValues: { a: x, b: { secret: env:B }, c: y }
apis: { x: { openapi: x.json, path: x, policy: g.xml, operations: { a: { policy: o.xml }, b: { policy: g.xml } } } }
servers:
  x: { api: x, policy: g.xml, tools: [ { operation: a, policy: o.xml, allow: { products: [ p, q ] } }, { operation: b, policy: g.xml, hidden: { m: 1, n: 2 } } ] }
  y: { federate: [ x ] }
products: { p: { servers: [ x ] }, q: { servers: [ x ], policy: g.xml } }
`,
		"g.xml":             `<policies><inbound><base /><include-fragment fragment-id="f" /></inbound></policies>`,
		"o.xml":             `<policies><inbound><base /></inbound></policies>`,
		"fragments/f.xml":   `<fragment><set-header name="a"><value>{{a}}{{b}}</value></set-header></fragment>`,
		"fragments/g-2.xml": `<fragment><set-header name="b"><value>{{c}}</value></set-header></fragment>`,
		"x.json":            `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"servers":[{"url":"https://x.contoso.com"}],"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"ok"}}}},"/b":{"post":{"operationId":"b","requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"m":{"type":"integer"},"n":{"type":"integer"},"o":{"$ref":"#/components/schemas/O"}}}}}},"responses":{"200":{"description":"ok"}}}}},"components":{"schemas":{"O":{"type":"object","properties":{"o":{"$ref":"#/components/schemas/O"}}}}}}`,
	}
	var first []byte
	for range 5 { // the order of maps is another each time
		dir := t.TempDir()
		for name, content := range files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, faults := config.Load(dir, func(string) (string, bool) { return "", false })
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		result, err := Build(t.Context(), cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = result.Snapshot
		}
		if !bytes.Equal(first, result.Snapshot) {
			t.Fatal("two builds of equal folders differ")
		}
	}
}
