package importer_test

import (
	"bytes"
	"context"
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

// workspace is a folder on the disk, which one gateway after another is written to.
// Most of their files are the same, and stay.
type workspace struct {
	dir   string
	files map[string][]byte
}

func newWorkspace(t testing.TB) *workspace { return &workspace{t.TempDir(), map[string][]byte{}} }

// load writes a folder and reads its gateway.yaml.
func (w *workspace) load(t *testing.T, made *importer.Folder) error {
	t.Helper()
	for name := range w.files {
		if _, stays := made.Files[name]; !stays {
			delete(w.files, name)
			if err := os.Remove(filepath.Join(w.dir, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range made.Files {
		if before, ok := w.files[name]; ok && bytes.Equal(before, content) || name == importer.RemarksFile {
			continue
		}
		path := filepath.Join(w.dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		w.files[name] = content
	}
	_, faults := config.Load(w.dir, func(string) (string, bool) { return "", false })
	return faults.Err()
}

// imported imports an extract with one of each, and reads what comes out. The error
// of an extract that cannot be imported is none of the gateway's.
func imported(t *testing.T, w *workspace, api, server, backend, value, product string) {
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
	if faults, ok := errors.AsType[fault.Faults](w.load(t, made)); ok {
		t.Errorf("got %v of\n%s", faults, made.Files["gateway.yaml"])
	}
}

// What API Management takes and a gateway does not is left out, with a remark, and
// the rest is a gateway without faults.
func TestOddities(t *testing.T) {
	w := newWorkspace(t)
	imported(t, w, `{"properties":{"displayName":"Orders","path":"orders","apiVersion":"v1","serviceUrl":"https://orders.contoso.com/v1?code=x","subscriptionKeyParameterNames":{"header":"Content-Type"}}}`,
		`{"properties":{"displayName":"MCP {{x}}","path":"mcp","type":"mcp","mcpTools":[{"name":"get order","operationId":"/apis/orders/operations/get"},{"name":"get order","operationId":"/apis/orders/operations/get"}]}}`,
		`{"properties":{"url":"https://b.contoso.com","credentials":{"header":{"Content-Type":["a"],"x y":["b"],"Authorization":["c"]},"query":{"":["d"]},"authorization":{"scheme":"Be arer","parameter":"x"}},"circuitBreaker":{"rules":[{"failureCondition":{"count":3,"interval":"PT1M","statusCodeRanges":[{"min":100,"max":700}]},"tripDuration":"PT1S"}]}}}`,
		`{"properties":{"displayName":"a b","value":"{{c}}"}}`, `{"properties":{"displayName":"Open","subscriptionRequired":false}}`)
	imported(t, w, `{"properties":{"path":"/a/../b","type":"http"}}`,
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
	w := newWorkspace(f)
	f.Fuzz(func(t *testing.T, path, title, address, header, value, tool, interval string) {
		imported(t, w,
			text(t, `{"properties":{"displayName":%s,"path":%s,"apiVersion":%s,"serviceUrl":%s,"subscriptionKeyParameterNames":{"header":%s,"query":%s}}}`, title, path, tool, address, header, header),
			text(t, `{"properties":{"displayName":%s,"path":%s,"type":"mcp","mcpTools":[{"name":%s,"operationId":"/apis/orders/operations/get","description":%s}]}}`, title, path, tool, title),
			text(t, `{"properties":{"title":%s,"url":%s,"credentials":{"header":{%s:[%s]},"query":{%s:[%s]},"authorization":{"scheme":%s,"parameter":%s}},"circuitBreaker":{"rules":[{"failureCondition":{"count":1,"interval":%s},"tripDuration":"PT1S"}]}}}`,
				title, address, header, value, header, value, tool, value, interval),
			text(t, `{"properties":{"displayName":%s,"value":%s}}`, title, value),
			text(t, `{"properties":{"displayName":%s,"description":%s,"subscriptionRequired":false}}`, title, value))
	})
}

// text is JSON with texts in the place of each %s.
func text(t *testing.T, format string, args ...string) string {
	t.Helper()
	quoted := make([]any, len(args))
	for i, a := range args {
		q, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(a, "?"))
		if err != nil {
			t.Fatal(err)
		}
		quoted[i] = string(q)
	}
	return fmt.Sprintf(format, quoted...)
}

// Whatever the replies of a service say, what is imported is a gateway.yaml without
// faults: operations that are declared, and credentials that are named values.
func FuzzService(f *testing.F) {
	f.Add("v", "a b", "{{v}}", "orders", "GET", "/orders/{id}?a={a}")
	f.Add("c", "", "Bearer {{c}}", "get /{{c}}", "post", "*")
	f.Add("", "a\nb", "{{-}}", "", "", "//{*a}/../{{c}}")
	w := newWorkspace(f)
	f.Fuzz(func(t *testing.T, name, value, credential, operation, method, template string) {
		made, err := importer.Import(t.Context(), importer.APIManagement, replies{
			"resource.json": text(t, `{"name":%s,"type":"Microsoft.ApiManagement/service"}`, "a"+name),
			"namedValues.json": text(t, `{"value":[{"name":%s,"properties":{"displayName":%s,"value":%s}},{"name":"other","properties":{"value":%s,"keyVault":{"secretIdentifier":%s}}}]}`,
				name, operation, value, value, value),
			"backends.json": text(t, `{"value":[{"name":%s,"properties":{"url":%s,"credentials":{"header":{"X-A":["",%s],"x-a":[%s]},"query":{%s:[%s]},"authorization":{"scheme":"Bearer","parameter":%s},"managedIdentity":{"resource":%s,"clientId":%s}}}},{"name":"pool","properties":{"type":"Pool","pool":{"services":[{"id":%s}]}}}]}`,
				name, "https://b.contoso.com/"+template+"?"+credential, credential, credential, operation, credential, value, credential, credential, name),
			"apis.json": text(t, `{"value":[{"name":"orders","properties":{"displayName":%s,"path":%s,"serviceUrl":%s}},{"name":"described","properties":{"path":"described"}},{"name":"server","properties":{"type":"mcp","mcpTools":[{"name":%s,"operationId":%s}]}},{"name":"proxy","properties":{"type":"mcp","backendId":%s,"mcpProperties":{"endpoints":{"message":{"uriTemplate":%s}}}}}]}`,
				credential, template, credential, name, "/apis/described/operations/"+operation, name, template),
			"apis/orders/operations.json": text(t, `{"value":[{"name":%s,"properties":{"method":%s,"urlTemplate":%s}},{"name":%s,"properties":{"method":"GET","urlTemplate":%s}}]}`,
				operation, method, template, method, template),
			"apis/described/openapi.json":    text(t, `{"openapi":"3.0.1","info":{"title":"o","version":"1"},"paths":{"/o":{"get":{"operationId":%s,"responses":{"200":{"description":"ok"}}}}}}`, operation),
			"apis/described/export.json":     `{"value":{"link":"https://a"}}`,
			"products.json":                  text(t, `{"value":[{"name":%s,"properties":{"displayName":""}}]}`, name),
			"apis/described/operations.json": text(t, `{"value":[{"name":%s,"properties":{"method":%s,"urlTemplate":%s}}]}`, operation, method, template),
		}, importer.Options{Vault: value})
		if err != nil {
			return // what is no API Management service is none of the gateway's
		}
		if faults, ok := errors.AsType[fault.Faults](w.load(t, made)); ok {
			t.Errorf("got %v of\n%s", faults, made.Files["gateway.yaml"])
		}
	})
}

// Whatever is said of a Function App or a Logic App, what is imported is a
// gateway.yaml without faults.
func FuzzApps(f *testing.F) {
	f.Add("contoso", "a.contoso.com", "orders/{id:int?}", "sig=x&se=y", "api://orders")
	f.Add("{{x}}", "", "/api/{*rest}", "a={{x}}&b=&=c", "{{x}}")
	f.Add("a/b", "[::1]:80", "../{a}{b}", "%zz;#", "")
	w := newWorkspace(f)
	f.Fuzz(func(t *testing.T, name, host, route, query, audience string) {
		site := text(t, `{"name":%s,"type":"Microsoft.Web/sites","properties":{"defaultHostName":%s}}`, name, host)
		management := "hostruntime/runtime/webhooks/workflow/api/management"
		workflow := "workflows/" + name[strings.LastIndexByte(name, '/')+1:]
		trigger := management + "/" + workflow + "/triggers/manual/"
		for kind, source := range map[importer.Kind]replies{
			importer.AzureFunctions: {
				"resource.json": site,
				"functions.json": text(t, `{"value":[{"name":%s,"properties":{"invoke_url_template":%s,"config":{"bindings":[{"type":"httpTrigger","route":%s}]}}},{"name":"b","properties":{"config":{"bindings":[{"type":"mcpToolTrigger"}]}}}]}`,
					name, "https://"+host+"/"+route, route),
				"config/authsettingsV2.json": text(t, `{"properties":{"platform":{"enabled":true},"globalValidation":{"requireAuthentication":true},"identityProviders":{"azureActiveDirectory":{"registration":{"clientId":%s},"validation":{"allowedAudiences":[%s]}}}}}`, name, audience),
				"config/web.json":            text(t, `{"properties":{"apiDefinition":{"url":%s}}}`, query),
				"openapi.json":               text(t, `{"openapi":"3.0.1","info":{"title":"o","version":"1"},"servers":[{"url":%s}],"paths":{"/o":{"get":{"responses":{"200":{"description":"ok"}}}}}}`, host+"/"+route),
			},
			importer.LogicApps: {
				"resource.json":                     site,
				"workflows.json":                    text(t, `{"value":[{"name":%s}]}`, name),
				workflow + ".json":                  text(t, `{"properties":{"files":{"workflow.json":{"definition":{"triggers":{"manual":{"type":"Request","description":%s,"inputs":{"relativePath":%s}}}}}}}}`, name, route),
				trigger + "listCallbackUrl.json":    text(t, `{"value":%s,"relativePath":%s}`, "https://"+host+"/"+route+"?"+query, route),
				management + "/listMcpServers.json": text(t, `{"value":[{"name":%s,"url":%s,"description":%s}]}`, name, "https://"+host+"/"+route, audience),
			},
		} {
			made, err := importer.Import(t.Context(), kind, source, importer.Options{})
			if err != nil {
				continue
			}
			if faults, ok := errors.AsType[fault.Faults](w.load(t, made)); ok {
				t.Errorf("got %v of\n%s", faults, made.Files["gateway.yaml"])
			}
		}
	})
}

// replies answer as Azure Resource Manager does.
type replies map[string]string

// Reply serves importer.Source.
func (r replies) Reply(_ context.Context, q importer.Request) ([]byte, error) {
	return r.read(q.File())
}

// Document serves importer.Source.
func (r replies) Document(_ context.Context, name, _ string) ([]byte, error) { return r.read(name) }

func (r replies) read(name string) ([]byte, error) {
	content, ok := r[name]
	if !ok {
		return nil, &importer.MissingError{What: name}
	}
	return []byte(content), nil
}
