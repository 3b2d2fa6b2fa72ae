package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"toolgate/shared/importer"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// token is the credential of a test.
type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "of-the-developer", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// azure stands in for Azure Resource Manager, and for where documents are. It keeps
// what was asked.
func azure(t *testing.T, replies map[string]string) (m *resourceManager, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
		reply, ok := replies[r.Method+" "+r.URL.RequestURI()]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case strings.HasPrefix(reply, "403 "):
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, reply[4:])
		default:
			fmt.Fprint(w, strings.ReplaceAll(reply, "HERE", "https://"+r.Host))
		}
	}))
	t.Cleanup(s.Close)
	return resourceManagerAt(s.URL, "/subscriptions/1/sites/app", token{}, s.Client().Transport), asked
}

func request(path string) importer.Request {
	return importer.Request{Method: http.MethodGet, Path: path, Query: url.Values{"api-version": {"1"}}}
}

func TestResourceManager(t *testing.T) {
	m, asked := azure(t, map[string]string{
		"GET /subscriptions/1/sites/app?api-version=1":             `{"name":"app"}`,
		"GET /subscriptions/1/sites/app/apis/a%20b?api-version=1":  `{"x":1}`,
		"GET /subscriptions/1/sites/app/forbidden?api-version=1":   `403 {"error":{"code":"AuthorizationFailed","message":"No\u001b[31m."}}`,
		"GET /subscriptions/1/sites/app/page?api-version=1&skip=2": `{"value":[]}`,
		"GET /documents/openapi.json?sig=s3cret":                   `{"openapi":"3.0.1"}`,
		"GET /documents/closed.json?sig=s3cret":                    `403 no`,
	})
	for _, c := range []struct {
		q          importer.Request
		want, fail string
	}{
		{request(""), `{"name":"app"}`, ""},
		{request("apis/a b"), `{"x":1}`, ""},
		{request("nothing"), "", "/subscriptions/1/sites/app/nothing is not there"},
		{request("forbidden"), "", "reading forbidden.json: azure answered 403 AuthorizationFailed: No?[31m."},
		{importer.Request{Method: http.MethodGet, Path: "list", Next: m.endpoint + "/subscriptions/1/sites/app/page?api-version=1&skip=2"}, `{"value":[]}`, ""},
		{importer.Request{Method: http.MethodGet, Path: "list", Next: m.endpoint + ".contoso.com/x"}, "", "its next page is not at Azure Resource Manager"},
	} {
		got, err := m.Reply(t.Context(), c.q)
		if string(got) != c.want || (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%v: got %s, %v; want %s%s", c.q, got, err, c.want, c.fail)
		}
	}
	for _, line := range *asked {
		if !strings.HasSuffix(line, " Bearer of-the-developer") {
			t.Errorf("got %s without a token", line)
		}
	}
	*asked = nil
	for name, want := range map[string]string{"openapi.json": `{"openapi":"3.0.1"}`, "closed.json": "", "missing.json": ""} {
		got, err := m.Document(t.Context(), name, m.endpoint+"/documents/"+name+"?sig=s3cret")
		if string(got) != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for _, line := range *asked {
		if strings.Contains(line, "Bearer") {
			t.Errorf("a document was asked for with a token: %s", line)
		}
	}
	_, err := m.Document(t.Context(), "a.json", "http://contoso.com/a?sig=s3cret")
	if _, missing := errors.AsType[*importer.MissingError](err); !missing {
		t.Errorf("got %v for a document without https", err)
	}
}

// A live import asks for what it needs, changes nothing, and what it records has no
// secret.
func TestLiveImport(t *testing.T) {
	const app = "/subscriptions/1/sites/app"
	m, asked := azure(t, map[string]string{
		"GET " + app + "?api-version=2023-12-01": `{"name":"app","type":"Microsoft.Web/sites","properties":{"defaultHostName":"app.azurewebsites.net"}}`,
		"GET " + app + "/functions?api-version=2023-12-01": `{"value":[{"name":"app/a","properties":{"config":{"bindings":[{"type":"httpTrigger","authLevel":"function","methods":["get"],"key":"s3cret"}]}}}],` +
			`"nextLink":"HERE` + app + `/functions?page=2"}`,
		"GET " + app + "/functions?page=2": `{"value":[{"name":"app/b","properties":{"config":{"bindings":[{"type":"httpTrigger","methods":["get"]}]}}}]}`,
	})
	recording := importer.Recorded(m)
	made, err := importer.Import(t.Context(), importer.AzureFunctions, recording, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	document := string(made.Files["apis/app.json"])
	if !strings.Contains(document, "/api/a") || !strings.Contains(document, "/api/b") {
		t.Errorf("got %s", document)
	}
	for _, line := range *asked {
		if !strings.HasPrefix(line, "GET ") {
			t.Errorf("import sent %s", line)
		}
	}
	functions := string(recording.Files["functions.json"])
	if strings.Contains(functions, "s3cret") || strings.Contains(functions, "nextLink") || !strings.Contains(functions, "app/b") {
		t.Errorf("recorded %s", functions)
	}
}

// A Logic App of the Standard plan is asked for in the versions of sites; what it
// refuses to say is a remark.
func TestLiveStandard(t *testing.T) {
	const app = "/subscriptions/1/sites/app"
	management := app + "/hostruntime/runtime/webhooks/workflow/api/management/"
	m, _ := azure(t, map[string]string{
		"GET " + app + "?api-version=2023-12-01":                                               `{"name":"app","type":"Microsoft.Web/sites"}`,
		"GET " + app + "/workflows?api-version=2023-12-01":                                     `{"value":[{"name":"app/a"}]}`,
		"GET " + app + "/workflows/a?api-version=2023-12-01":                                   `{"name":"app/a","properties":{"files":{"workflow.json":{"definition":{"triggers":{"t":{"type":"Request"}}}}}}}`,
		"POST " + management + "workflows/a/triggers/t/listCallbackUrl?api-version=2023-12-01": `{"value":"https://app.azurewebsites.net/api/a/triggers/t/invoke?sig=s3cret"}`,
		"POST " + management + "listMcpServers?api-version=2021-02-01":                         `403 {"error":{"code":"Forbidden","message":"Not you."}}`,
	})
	recording := importer.Recorded(m)
	made, err := importer.Import(t.Context(), importer.LogicApps, recording, importer.Options{ResourceType: "Microsoft.Web/sites"})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(made.Files[importer.RemarksFile]); !strings.Contains(text, "it is not known whether it has MCP servers: reading "+strings.TrimPrefix(management, app+"/")+"listMcpServers.json: azure answered 403 Forbidden: Not you.") {
		t.Errorf("got %s", text)
	}
	for name, content := range recording.Files {
		if strings.Contains(string(content), "s3cret") {
			t.Errorf("%s has a secret: %s", name, content)
		}
	}
}

func TestResourceIDs(t *testing.T) {
	for id, want := range map[string]string{
		"/subscriptions/1/resourceGroups/r/providers/Microsoft.Logic/workflows/a": "Microsoft.Logic/workflows",
		"/subscriptions/1/resourcegroups/r/providers/microsoft.web/sites/a":       "Microsoft.Web/sites",
		"/subscriptions/1/resourceGroups/r/providers/Microsoft.Web/sites/a/slots": "",
		"/subscriptions/1/resourceGroups/r/providers/Microsoft.Web/sites/":        "",
		"/subscriptions/1/../providers/Microsoft.Web/sites/a":                     "",
		"/subscriptions/1/providers/Microsoft.Web/sites/a?x":                      "",
		"https://contoso.com/providers/Microsoft.Web/sites/a":                     "",
		"a": "",
	} {
		if got := resourceType(id, providers[importer.LogicApps]); got != want {
			t.Errorf("%s: got %v, want %v", id, got, want)
		}
	}
}
