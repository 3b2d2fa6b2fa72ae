package importer_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"toolgate/shared/importer"
)

// An API with a document, which most extracts and services of these tests have.
const (
	document  = `{"openapi":"3.0.1","info":{"title":"o","version":"1"},"paths":{"/o":{"get":{"operationId":"get","responses":{"200":{"description":"ok"}}}}}}`
	wildcards = `{"openapi":"3.0.1","info":{"title":"o","version":"1"},"paths":{"/o/*":{"get":{"operationId":"Rest","responses":{"200":{"description":"ok"}}}},"/o/{id}":{"get":{"operationId":"one","responses":{"200":{"description":"ok"}}}}}}`
)

// leftOut are sources with something that a gateway.yaml cannot have. Each is
// imported to one without faults, in which the rest is, and remarks say what is
// not.
var leftOut = []struct {
	name   string
	kind   importer.Kind
	source map[string]string
	want   []string // in gateway.yaml, or among the remarks
	not    []string
}{
	{
		"a parameter without a value, in a URL", importer.APIManagement,
		map[string]string{
			"apis/orders/specification.json":     document,
			"apis/orders/apiInformation.json":    `{"properties":{"serviceUrl":"https://orders.contoso.com/v1?c&d=&e=1&%66=2+3&=4#top"}}`,
			"backends/b/backendInformation.json": `{"properties":{"url":"https://b.contoso.com/?c="}}`,
			"backends/d/backendInformation.json": `{"properties":{"url":"ftp://d.contoso.com/?g=1"}}`,
		},
		[]string{
			`query: { e: "1", f: "2 3" }`, `query: { g: "1" }`,
			`api "orders": the parameter "c" is left out of its credentials: it has no value`,
			`api "orders": the parameter "d" is left out of its credentials: it has no value`,
			`api "orders": the parameter "" is left out of its credentials: it has no name`,
			`backend "b": the parameter "c" is left out of its credentials: it has no value`,
		},
		[]string{"top"},
	},
	{
		"credentials without a value", importer.APIManagement,
		map[string]string{
			"backends/b/backendInformation.json":        `{"properties":{"url":"https://b.contoso.com","credentials":{"query":{"c":[""],"d":[],"e":["","{{v}}","{{w}}"],"g":["PLANTED","PLANTED"],"f":[" "]},"header":{"X-C":[""],"X-D":["\t"],"X-E":["\n"],"X-F":["{{v}}"]},"authorization":{"scheme":"Bearer","parameter":""}}}}`,
			"named values/v/namedValueInformation.json": `{"properties":{"displayName":"v","value":"x"}}`,
			"named values/w/namedValueInformation.json": `{"properties":{"displayName":"w","value":"y"}}`,
		},
		[]string{
			`query: { e: "{{v}}", f: " ", g: "{{backends-b-g}}" }`, `header: { X-D: "\t", X-F: "{{v}}" }`,
			`the parameter "c" is left out of its credentials: it has no value`,
			`the parameter "d" is left out of its credentials: it has no value`,
			`the parameter "e" has 3 values there, and the first one that is not empty here`,
			`the header "X-C" is left out of its credentials: it has no value`,
			`the header "X-E" is left out of its credentials: it has a character that no header can hold`,
			"its authorization is left out: it has no value",
		}, []string{"backends-b-g-2"},
	},
	{
		"credentials of named values that cannot be credentials", importer.APIManagement,
		map[string]string{
			"backends/b/backendInformation.json":            `{"properties":{"url":"https://b.contoso.com","credentials":{"query":{"c":["{{empty}}"],"d":["{{lines}}"]},"header":{"X-C":["{{empty}}"],"X-D":["{{lines}}"],"x-d":["{{v}}"],"X-E":["Key {{empty}}"]},"authorization":{"scheme":"Bearer","parameter":"{{lines}}"},"managedIdentity":{"resource":"{{empty}}"}}}}`,
			"named values/empty/namedValueInformation.json": `{"properties":{"displayName":"empty","value":""}}`,
			"named values/lines/namedValueInformation.json": `{"properties":{"displayName":"lines","value":"a\nb"}}`,
		},
		[]string{
			`query: { d: "{{lines}}" }`, `header: { X-E: "Key {{empty}}", x-d: "{{v}}" }`,
			`the parameter "c" is left out of its credentials: it has no value`,
			`the header "X-C" is left out of its credentials: it has no value`,
			`the header "X-D" is left out of its credentials: it has a character that no header can hold`,
			"its authorization is left out: it has a character that no header can hold",
			"its managed identity is left out: it does not say whom its tokens are for",
		}, nil,
	},
	{
		"headers that are there twice", importer.APIManagement,
		map[string]string{
			"backends/b/backendInformation.json": `{"properties":{"url":"https://b.contoso.com?c=1&c=2","credentials":{"query":{"c":["{{v}}"]},"header":{"X-A":["{{v}}"],"x-a":["{{v}}"],"Authorization":["{{v}}"],"Content-Type":["PLANTED"]},"authorization":{"scheme":"Bearer","parameter":"{{v}}"},"managedIdentity":{"resource":"api://b"}}}}`,
		},
		[]string{
			`query: { c: "1" }`, `X-A: "{{v}}"`,
			`the parameter "c" is left out of its credentials: it is there twice`,
			`the header "x-a" is left out of its credentials: it is there twice`,
			`the header "Content-Type" is left out of its credentials: no credential can have this name`,
			"its authorization is left out: it has a header Authorization as well",
			"its managed identity is left out: it has another authorization",
		},
		[]string{"managedIdentity:", "content-type: {"},
	},
	{
		"two authorizations", importer.APIManagement,
		map[string]string{
			"backends/b/backendInformation.json":         `{"properties":{"url":"https://b.contoso.com","credentials":{"authorization":{"scheme":"Bearer","parameter":"{{v}}"},"managedIdentity":{"resource":"api://b"},"certificateIds":["/x/certificates/k","/x/certificates/l"]}}}`,
			"certificates/k/certificateInformation.json": `{"properties":{}}`,
			"certificates/l/certificateInformation.json": `{"properties":{}}`,
		},
		[]string{"authorization: {", "certificate: k", "its managed identity is left out: it has another authorization", `it is shown the certificate "l" as well`},
		[]string{"managedIdentity:"},
	},
	{
		"references that are none", importer.APIManagement,
		map[string]string{
			"backends/b/backendInformation.json":     `{"properties":{"url":"https://b.contoso.com?c={{u}}&d=%7B%7Bu%7D%7D","credentials":{"header":{"X-A":["{{` + strings.Repeat("a", 257) + `}}"]}}}}`,
			"products/{{p}}/productInformation.json": `{"properties":{"displayName":""}}`,
		},
		[]string{
			`c: "{{u}}"`, "u: { secret: env:U }", `title: "{ {p} }"`,
			`the parameter "d" is left out of its credentials: it has braces, which would refer to a named value`,
			`the header "X-A" is left out of its credentials: it refers to a named value by more than 256 characters`,
		},
		[]string{strings.Repeat("a", 257)},
	},
	{
		"operations without a document", importer.APIManagement,
		map[string]string{
			"resource.json": `{"name":"contoso","type":"Microsoft.ApiManagement/service","properties":{}}`,
			"apis.json":     `{"value":[{"name":"orders","properties":{"displayName":"Orders","path":"orders"}},{"name":"Orders","properties":{"displayName":"Again","path":"again"}}]}`,
			"apis/orders/operations.json": `{"value":[
				{"name":"one","properties":{"method":"GET","urlTemplate":"/orders/{id}"}},
				{"name":"rest","properties":{"method":"GET","urlTemplate":"/orders/*"}},
				{"name":"same","properties":{"method":"get","urlTemplate":"/Orders/{other}"}},
				{"name":"blank","properties":{"method":"GET","urlTemplate":"/a b"}},
				{"name":"dots","properties":{"method":"GET","urlTemplate":"/a/../b"}},
				{"name":"twice","properties":{"method":"GET","urlTemplate":"/{a}/{A}"}},
				{"name":"value","properties":{"method":"GET","urlTemplate":"/{{v}}"}},
				{"name":"query","properties":{"method":"GET","urlTemplate":"/q?a"}},
				{"name":"line\nbreak","properties":{"method":"GET","urlTemplate":"/l\nb"}},
				{"name":"method","properties":{"method":"GE T","urlTemplate":"/m"}},
				{"name":"","properties":{"method":"GET","urlTemplate":"/n"}},
				{"name":"one","properties":{"method":"POST","urlTemplate":"/again"}}]}`,
			"namedValues.json": `{"value":[{"name":"v","properties":{"displayName":"v","value":"x y"}},{"name":"","properties":{"displayName":"","value":"x"}}]}`,
		},
		[]string{
			`urlTemplate: "/orders/{id}"`, `urlTemplate: "/orders/{*rest}"`,
			`the operation "same", GET /Orders/{other}, is left out: another one answers the same requests`,
			`the operation "blank", GET /a b, is left out: it cannot be written as a URL template`,
			`the operation "dots", GET /a/../b, is left out`, `the operation "twice", GET /{a}/{A}, is left out`,
			`the operation "value", GET /{{v}}, is left out`, `the operation "query", GET /q?a, is left out`, `the operation "method", GE T /m, is left out`,
			`the operation "line\nbreak", GET /l b, is left out`,
			`apis/orders/operations: one that has no name is left out`,
			`apis/orders/operations: "one" is listed twice: the first is taken`,
			`apis: "Orders" is listed twice: the first is taken`,
			`namedValues: one that has no name is left out`,
		}, nil,
	},
	{
		"policies of operations that are none", importer.APIManagement,
		map[string]string{
			"apis/orders/specification.json":         wildcards,
			"apis/orders/apiInformation.json":        `{"properties":{"displayName":"Orders","path":"orders","subscriptionKeyParameterNames":{"query":"{{q}}"}}}`,
			"apis/orders/operations/rest/policy.xml": `<policies><inbound><base /></inbound></policies>`,
			"apis/orders/operations/gone/policy.xml": `<policies><inbound><base /></inbound></policies>`,
		},
		[]string{
			`Rest: { method: GET, urlTemplate: "/o/{*rest}", policy: policies/apis/orders/rest.xml }`,
			`api "orders": the policies of the operation "gone" are left out`,
			`api "orders": its subscription keys are in the parameter subscription-key: "{{q}}" cannot be one for them`,
		}, nil,
	},
	{
		"a tool of an operation that cannot be named", importer.APIManagement,
		map[string]string{
			"apis/orders/specification.json":  strings.ReplaceAll(document, `"operationId":"get"`, `"operationId":"get /{{v}}"`),
			"apis/orders/apiInformation.json": `{"properties":{"displayName":"Orders","path":"orders"}}`,
			"apis/mcp/apiInformation.json":    `{"properties":{"type":"mcp","path":"m","mcpTools":[{"name":"","operationId":"/apis/orders/operations/get %2F{{v}}"},{"name":"a","operationId":"/apis/orders/operations/{{v}}"}]}}`,
		},
		[]string{`MCP server "mcp": the tool "a" is left out`}, nil,
	},
	{
		"a named value of the name that a secret would have", importer.APIManagement,
		map[string]string{
			"apis/orders/specification.json":            document,
			"apis/orders/apiInformation.json":           `{"properties":{"serviceUrl":"https://orders.contoso.com?code=PLANTED"}}`,
			"apis/orders/policy.xml":                    `<policies><inbound><authentication-basic username="u" password="PLANTED" /></inbound></policies>`,
			"policy.xml":                                `<policies><inbound><proxy password="PLANTED" url="http://p" /></inbound></policies>`,
			"named values/a/namedValueInformation.json": `{"properties":{"displayName":"apis-orders-code","value":"another"}}`,
		},
		[]string{"apis-orders-code: another", `code: "{{apis-orders-code-2}}"`, "apis-orders-code-2: { secret: env:APIS_ORDERS_CODE_2 }"}, nil,
	},
	{
		"a workflow", importer.LogicApps,
		map[string]string{
			"resource.json":                        `{"name":"{{x}}","type":"Microsoft.Logic/workflows","properties":{"definition":{"triggers":{"manual":{"type":"Request"}}}}}`,
			"triggers/manual/listCallbackUrl.json": `{"value":"https://contoso.logic.azure.com/x?sp={{x}}&sv=&=1&sig=PLANTED"}`,
		},
		[]string{
			`title: "{ {x} }"`, `description: "The workflow { {x} }."`, `query: { sig: "{{x-sig}}" }`,
			`the parameter "sp" of its URL is left out: it has braces, which would refer to a named value`,
			`the parameter "sv" of its URL is left out: it has no value`,
			`the parameter "" of its URL is left out: it has no name`,
		}, nil,
	},
	{
		"workflows of one name", importer.LogicApps,
		map[string]string{
			"resource.json":        `{"name":"a","type":"Microsoft.Web/sites","properties":{}}`,
			"workflows.json":       `{"value":[{"name":"b"},{"name":"b_c_2"},{"name":"b_c"}]}`,
			"workflows/b.json":     `{"properties":{"files":{"workflow.json":{"definition":{"triggers":{"c":{"type":"Request"},"d":{"type":"Request"}}}}}}}`,
			"workflows/b_c.json":   `{"properties":{"files":{"workflow.json":{"definition":{"triggers":{"c":{"type":"Request"}}}}}}}`,
			"workflows/b_c_2.json": `{"properties":{"files":{"workflow.json":{"definition":{"triggers":{"c":{"type":"Request"}}}}}}}`,
			at("b/triggers/c"):     `{"value":"https://a.contoso.com/1?sig=PLANTED"}`,
			at("b/triggers/d"):     `{"value":"https://a.contoso.com/2?sig=PLANTED"}`,
			at("b_c/triggers/c"):   `{"value":"https://a.contoso.com/3?sig=PLANTED","relativePath":"x\ny"}`,
			at("b_c_2/triggers/c"): `{"value":"https://a.contoso.com/4?sig=PLANTED"}`,
		},
		[]string{"b_c: {", "b_d: {", "b_c_2: {", "b_c_3: {", `workflow "b_c_3": its trigger has no schema`}, nil,
	},
	{
		"MCP servers of Logic Apps", importer.LogicApps,
		map[string]string{
			"resource.json": `{"name":"a","type":"Microsoft.Web/sites","properties":{}}`,
			"hostruntime/runtime/webhooks/workflow/api/management/listMcpServers.json": `{"value":[
				{"name":"one {{x}}","description":"{{y}}","url":"https://a.contoso.com/mcp"},{"name":"two","url":"https://a.contoso.com/{{x}}"},
				{"name":"three","url":"https://a.contoso.com/../mcp"},{"name":"four","url":"//a"}]}`,
		},
		[]string{
			`title: "one { {x} }"`, `description: "{ {y} }"`,
			`MCP server "two": it is left out: its URL "https://a.contoso.com/{{x}}" is none of an MCP server`,
			`MCP server "three": it is left out`, `MCP server "four": it is left out`,
		}, nil,
	},
	{
		"a Function App", importer.AzureFunctions,
		map[string]string{
			"resource.json":              `{"name":"{{x}}","type":"Microsoft.Web/sites","properties":{"defaultHostName":"a.contoso.com"}}`,
			"functions.json":             `{"value":[{"name":"a/f","properties":{"config":{"bindings":[{"type":"httpTrigger","route":"f"}]}}}]}`,
			"config/web.json":            `{"properties":{"apiDefinition":{"url":"https://a.contoso.com/openapi.json"}}}`,
			"config/authsettingsV2.json": `{"properties":{"platform":{"enabled":true},"globalValidation":{"requireAuthentication":true},"identityProviders":{"azureActiveDirectory":{"registration":{"clientId":"c"},"validation":{"allowedAudiences":["","api://{{x}}"]}}}}}`,
			"openapi.json":               strings.Replace(document, `"paths"`, `"servers":[{"url":"https://b.contoso.com/a%3Fb/%2E%2E/{{x}}"}],"paths"`, 1),
		},
		[]string{`title: "{ {x} }"`, "url: https://a.contoso.com/api", `resource: "api://{ {x} }"`}, nil,
	},
}

// at is the reply with the URL of a trigger of Logic Apps Standard.
func at(trigger string) string {
	return "hostruntime/runtime/webhooks/workflow/api/management/workflows/" + trigger + "/listCallbackUrl.json"
}

func TestLeftOut(t *testing.T) {
	for _, c := range leftOut {
		t.Run(c.name, func(t *testing.T) {
			source := fstest.MapFS{}
			for name, content := range c.source {
				source[name] = &fstest.MapFile{Data: []byte(content)}
			}
			made, err := importer.Import(t.Context(), c.kind, importer.Saved(source), importer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := newWorkspace(t).load(t, made); err != nil {
				t.Errorf("got %v", err)
			}
			got := string(made.Files["gateway.yaml"]) + string(made.Files[importer.RemarksFile])
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("got no %s", want)
				}
			}
			for _, not := range append(c.not, planted) {
				if strings.Contains(got, not) {
					t.Errorf("got %s", not)
				}
			}
			if t.Failed() {
				t.Log(got)
			}
		})
	}
}
