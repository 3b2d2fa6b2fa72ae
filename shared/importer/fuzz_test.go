package importer_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/importer"

	"github.com/go-json-experiment/json/jsontext"
)

// load writes a folder and reads its gateway.yaml.
func load(t *testing.T, made *importer.Folder) error {
	t.Helper()
	dir := t.TempDir()
	for name, content := range made.Files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	_, faults := config.Load(dir, func(string) (string, bool) { return "", false })
	return faults.Err()
}

// imported imports an extract with one of each, and reads what comes out. The error
// of an extract that cannot be imported is none of the gateway's.
func imported(t *testing.T, api, server, backend, value, product string) {
	t.Helper()
	source := fstest.MapFS{}
	for name, content := range map[string]string{
		"apis/orders/specification.json":  `{"openapi":"3.0.1","info":{"title":"o","version":"1"},"paths":{"/o":{"get":{"operationId":"get","responses":{"200":{"description":"ok"}}}}}}`,
		"apis/orders/apiInformation.json": api, "apis/server/apiInformation.json": server, "backends/b/backendInformation.json": backend,
		"named values/v/namedValueInformation.json": value,
		"products/p/productInformation.json":        product, "products/p/apis.json": `["orders","server","orders","gone"]`,
		"products/q/productInformation.json": product, "products/q/apis.json": `["orders"]`,
	} {
		source[name] = &fstest.MapFile{Data: []byte(content)}
	}
	made, err := importer.Import(t.Context(), importer.APIManagement, importer.Saved(source), importer.Options{})
	if err != nil {
		return
	}
	for name := range made.Files {
		if !fs.ValidPath(name) || strings.ContainsAny(name, `\:`) {
			t.Errorf("got the file %q", name)
		}
	}
	if faults, ok := errors.AsType[fault.Faults](load(t, made)); ok {
		t.Errorf("got %v of\n%s", faults, made.Files["gateway.yaml"])
	}
}

// What API Management takes and a gateway does not is left out, with a remark, and
// the rest is a gateway without faults.
func TestOddities(t *testing.T) {
	imported(t, `{"properties":{"displayName":"Orders","path":"orders","apiVersion":"v1","serviceUrl":"https://orders.contoso.com/v1?code=x","subscriptionKeyParameterNames":{"header":"Content-Type"}}}`,
		`{"properties":{"displayName":"MCP {{x}}","path":"mcp","type":"mcp","mcpTools":[{"name":"get order","operationId":"/apis/orders/operations/get"},{"name":"get order","operationId":"/apis/orders/operations/get"}]}}`,
		`{"properties":{"url":"https://b.contoso.com","credentials":{"header":{"Content-Type":["a"],"x y":["b"],"Authorization":["c"]},"query":{"":["d"]},"authorization":{"scheme":"Be arer","parameter":"x"}},"circuitBreaker":{"rules":[{"failureCondition":{"count":3,"interval":"PT1M","statusCodeRanges":[{"min":100,"max":700}]},"tripDuration":"PT1S"}]}}}`,
		`{"properties":{"displayName":"a b","value":"{{c}}"}}`, `{"properties":{"displayName":"Open","subscriptionRequired":false}}`)
	imported(t, `{"properties":{"path":"/a/../b","type":"http"}}`,
		`{"properties":{"type":"mcp","backendId":"b","path":"x/mcp","mcpProperties":{"transportType":"sse","endpoints":[{"name":"sse","uriTemplate":"/a b"}]}}}`,
		`{"properties":{"url":"https://{{v}}/","type":"Pool","pool":{"services":[{"id":"b"},{"id":"b","weight":0}]}}}`,
		`{"properties":{"displayName":"v","secret":true,"keyVault":{"secretIdentifier":"https://x"}}}`, `{"properties":{"subscriptionRequired":true}}`)
}

// Whatever texts an extract has in it, what is imported is a gateway.yaml without
// faults.
func FuzzExtract(f *testing.F) {
	f.Add("orders", "Orders", "https://orders.contoso.com/v1?code=x", "api-key", "{{v}}", "get order", "PT1M")
	f.Add("/a/./b", "{{x}}", "https://{{v}}/", "Content-Type", "a\nb", "", "P1DT2H")
	f.Add("mcp", "\u0085", "http://[::1]:80/%zz", "x y", "{{v", "läng", "PT0.05S")
	f.Add("ORDERS/é", "# a: b", "ftp://x", "", "=", "-", "PT99999999999999999999S")
	f.Fuzz(func(t *testing.T, path, title, address, header, value, tool, interval string) {
		text := func(format string, args ...string) string {
			quoted := make([]any, len(args))
			for i, a := range args {
				q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(a, "?"))
				if err != nil {
					t.Skip(err)
				}
				quoted[i] = string(q)
			}
			return fmt.Sprintf(format, quoted...)
		}
		imported(t,
			text(`{"properties":{"displayName":%s,"path":%s,"apiVersion":%s,"serviceUrl":%s,"subscriptionKeyParameterNames":{"header":%s,"query":%s}}}`, title, path, tool, address, header, header),
			text(`{"properties":{"displayName":%s,"path":%s,"type":"mcp","mcpTools":[{"name":%s,"operationId":"/apis/orders/operations/get","description":%s}]}}`, title, path, tool, title),
			text(`{"properties":{"title":%s,"url":%s,"credentials":{"header":{%s:[%s]},"query":{%s:[%s]},"authorization":{"scheme":%s,"parameter":%s}},"circuitBreaker":{"rules":[{"failureCondition":{"count":1,"interval":%s},"tripDuration":"PT1S"}]}}}`,
				title, address, header, value, header, value, tool, value, interval),
			text(`{"properties":{"displayName":%s,"value":%s}}`, title, value),
			text(`{"properties":{"displayName":%s,"description":%s,"subscriptionRequired":false}}`, title, value))
	})
}
