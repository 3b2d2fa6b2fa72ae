package differential_test

import (
	"encoding/json"
	"strings"
	"testing"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// commonExchanges are what every server answers.
func commonExchanges() []exchange {
	return []exchange{
		{name: "initialize", method: mcp.MethodInitialize, versions: legacy,
			params: `{"protocolVersion":"{version}","capabilities":{},"clientInfo":{"name":"contoso-test","version":"1.0.0"}}`},
		{name: "initialize with an unknown version", method: mcp.MethodInitialize, versions: legacy,
			params: `{"protocolVersion":"1999-01-01","capabilities":{},"clientInfo":{"name":"contoso-test","version":"1.0.0"}}`},
		{name: "initialized", method: mcp.NotificationInitialized, versions: legacy, id: "none"},
		{name: "discover", method: mcp.MethodDiscover},
		{name: "listen", method: mcp.MethodListen, versions: modern, params: `{"notifications":{}}`},
		{name: "ping", method: mcp.MethodPing},
		{name: "list tools", method: mcp.MethodListTools},
		{name: "unknown cursor", method: mcp.MethodListTools, params: `{"cursor":"no"}`},
		{name: "unknown tool", method: mcp.MethodCallTool, params: `{"name":"nothing","arguments":{}}`},
		{name: "arguments that are no object", method: mcp.MethodCallTool, params: `{"name":"nothing","arguments":[]}`},
		{name: "unknown method", method: "contoso/unknown"},
		{name: "unknown notification", method: "notifications/contoso", id: "none"},
		{name: "cancelled", method: mcp.NotificationCancelled, id: "none", params: `{"requestId":7}`},
		{name: "id that is a string", method: mcp.MethodListTools, id: `"a\u00e9"`},
		{name: "no JSON", method: mcp.MethodListTools, alter: body(`{"jsonrpc":`)},
		{name: "nothing", method: mcp.MethodListTools, alter: body(``)},
		{name: "two values", method: mcp.MethodListTools, alter: func(r rpc.Request) rpc.Request { return r.WithBody(r.Body + r.Body) }},
		{name: "two names alike", method: mcp.MethodListTools, alter: func(r rpc.Request) rpc.Request {
			return r.WithBody(strings.Replace(r.Body, `"id":1`, `"id":1,"id":2`, 1))
		}},
		{name: "no object", method: mcp.MethodListTools, alter: body(`"tools/list"`)},
		{name: "no version of JSON-RPC", method: mcp.MethodListTools, alter: func(r rpc.Request) rpc.Request {
			return r.WithBody(strings.Replace(r.Body, `"jsonrpc":"2.0",`, ``, 1))
		}},
		{name: "no method", method: mcp.MethodListTools, alter: func(r rpc.Request) rpc.Request {
			return r.WithBody(strings.Replace(r.Body, `,"method":"tools/list"`, ``, 1))
		}},
		{name: "null id", method: mcp.MethodListTools, id: "null"},
		{name: "fractional id", method: mcp.MethodListTools, id: "1.5"},
		{name: "large id", method: mcp.MethodListTools, id: "9007199254740993"},
		{name: "params that are no object", method: mcp.MethodListTools, alter: func(r rpc.Request) rpc.Request {
			return r.WithBody(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}`)
		}},
		{name: "another content type", method: mcp.MethodListTools, alter: header("Content-Type", "text/plain")},
		{name: "accepting JSON alone", method: mcp.MethodListTools, alter: header("Accept", mcp.ContentJSON)},
		{name: "response", method: mcp.MethodListTools, alter: body(`{"jsonrpc":"2.0","id":1,"result":{}}`)},
		{name: "unknown version", method: mcp.MethodListTools, versions: named, alter: header(mcp.HeaderProtocolVersion, "1999-01-01")},
		{name: "batch", method: mcp.MethodListTools, versions: legacy, alter: body(`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`)},
		{name: "no version header", method: mcp.MethodListTools, versions: modern, alter: header(mcp.HeaderProtocolVersion, "")},
		{name: "no method header", method: mcp.MethodListTools, versions: modern, alter: header(mcp.HeaderMethod, "")},
		{name: "another method header", method: mcp.MethodListTools, versions: modern, alter: header(mcp.HeaderMethod, "ping")},
		{name: "another name header", method: mcp.MethodCallTool, versions: modern, params: `{"name":"nothing","arguments":{}}`, alter: header(mcp.HeaderName, "fail")},
		{name: "unknown modern version", method: mcp.MethodListTools, versions: modern, alter: func(r rpc.Request) rpc.Request {
			return r.With(mcp.HeaderProtocolVersion, "2099-01-01").WithBody(strings.ReplaceAll(r.Body, "2026-07-28", "2099-01-01"))
		}},
		{name: "no capabilities", method: mcp.MethodListTools, versions: modern, alter: func(r rpc.Request) rpc.Request {
			return r.WithBody(strings.Replace(r.Body, mcp.MetaClientCapabilities, "io.modelcontextprotocol/nothing", 1))
		}},
		{name: "no _meta", method: mcp.MethodListTools, versions: modern,
			alter: body(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`)},
	}
}

// fixtureExchanges are what the fixture answers besides.
var fixtureExchanges = []exchange{
	{name: "log level", method: mcp.MethodSetLevel, versions: legacy, params: `{"level":"info"}`},
	{name: "text", method: mcp.MethodCallTool, params: `{"name":"greet","arguments":{"name":"Ada"}}`},
	{name: "isError", method: mcp.MethodCallTool, params: `{"name":"fail","arguments":{}}`},
	{name: "bad arguments", method: mcp.MethodCallTool, params: `{"name":"greet","arguments":{"name":7}}`},
	{name: "no arguments", method: mcp.MethodCallTool, params: `{"name":"greet"}`},
	{name: "error with data", method: mcp.MethodCallTool, params: `{"name":"refuse","arguments":{}}`},
	{name: "every content", method: mcp.MethodCallTool, params: `{"name":"show","arguments":{}}`},
	{name: "structured content", method: mcp.MethodCallTool, params: `{"name":"measure","arguments":{}}`},
	{name: "mirrored argument", method: mcp.MethodCallTool, params: `{"name":"locate","arguments":{"region":"north"}}`, alter: header("Mcp-Param-Region", "north")},
	{name: "argument without its mirror", method: mcp.MethodCallTool, params: `{"name":"locate","arguments":{"region":"north"}}`},
	{name: "input required", method: mcp.MethodCallTool, versions: modern, params: `{"name":"ask","arguments":{}}`},
	{name: "input given", method: mcp.MethodCallTool, versions: modern, params: `{"name":"ask","arguments":{},` +
		`"inputResponses":{"who":{"action":"accept","content":{"name":"Ada"}}},"requestState":"first round"}`},
	{name: "input required of a legacy client", method: mcp.MethodCallTool, versions: legacy, params: `{"name":"ask","arguments":{}}`},
	{name: "capability missing", method: mcp.MethodCallTool, params: `{"name":"sample","arguments":{}}`},
	{name: "list prompts", method: mcp.MethodListPrompts},
	{name: "get a prompt", method: mcp.MethodGetPrompt, params: `{"name":"brew","arguments":{"kind":"oolong"}}`},
	{name: "get a prompt without its argument", method: mcp.MethodGetPrompt, params: `{"name":"brew"}`},
	{name: "get an unknown prompt", method: mcp.MethodGetPrompt, params: `{"name":"nothing"}`},
	{name: "list resources", method: mcp.MethodListResources},
	{name: "list templates", method: mcp.MethodListResourceTemplates},
	{name: "read text", method: mcp.MethodReadResource, params: `{"uri":"kettle://manual"}`},
	{name: "read a blob", method: mcp.MethodReadResource, params: `{"uri":"kettle://logo"}`},
	{name: "read by a template", method: mcp.MethodReadResource, params: `{"uri":"kettle://brew/green"}`},
	{name: "read nothing", method: mcp.MethodReadResource, params: `{"uri":"kettle://nothing/nothing"}`},
	{name: "complete", method: mcp.MethodComplete, params: `{"ref":{"type":"ref/prompt","name":"brew"},"argument":{"name":"kind","value":"g"}}`},
	{name: "complete an unknown prompt", method: mcp.MethodComplete, params: `{"ref":{"type":"ref/prompt","name":"unknown"},"argument":{"name":"kind","value":"g"}}`},
}

// petExchanges are calls of the pet store.
var petExchanges = []exchange{
	{name: "get a pet", method: mcp.MethodCallTool, params: `{"name":"getPet","arguments":{"id":1}}`},
	{name: "list pets", method: mcp.MethodCallTool, params: `{"name":"listPets","arguments":{"status":"sold"}}`},
	{name: "photo of a pet", method: mcp.MethodCallTool, params: `{"name":"getPetPhoto","arguments":{"id":1}}`},
	{name: "unknown pet", method: mcp.MethodCallTool, params: `{"name":"getPet","arguments":{"id":99}}`},
	{name: "bad arguments", method: mcp.MethodCallTool, params: `{"name":"getPet","arguments":{"id":"one"}}`},
	{name: "no arguments", method: mcp.MethodCallTool, params: `{"name":"getPet"}`},
	{name: "resources", method: mcp.MethodListResources},
	{name: "templates", method: mcp.MethodListResourceTemplates},
	{name: "read a resource", method: mcp.MethodReadResource, params: `{"uri":"kettle://manual"}`},
	{name: "prompts", method: mcp.MethodListPrompts},
	{name: "get a prompt", method: mcp.MethodGetPrompt, params: `{"name":"brew"}`},
	{name: "complete", method: mcp.MethodComplete, params: `{"ref":{"type":"ref/prompt","name":"brew"},"argument":{"name":"kind","value":"g"}}`},
}

// contents is the result of one of petExchanges, a tool and its arguments, as a
// hand-written server gives it.
func contents(t *testing.T, call string, photo []byte) *sdk.CallToolResult {
	text := func(s string) []sdk.Content { return []sdk.Content{&sdk.TextContent{Text: s}} }
	switch call {
	case `getPet{"id":1}`:
		const pet = `{"id":1,"name":"Mia","kind":"cat","status":"available","tags":["indoor"]}`
		return &sdk.CallToolResult{Content: text(pet), StructuredContent: json.RawMessage(pet)}
	case `listPets{"status":"sold"}`:
		const pets = `[{"id":3,"name":"Kiwi","kind":"parrot","status":"sold","tags":[]}]`
		return &sdk.CallToolResult{Content: text(pets), StructuredContent: json.RawMessage(`{"result":` + pets + `}`)}
	case `getPetPhoto{"id":1}`:
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.ImageContent{Data: photo, MIMEType: "image/png"}}}
	case `getPet{"id":99}`, `getPet{"id":"one"}`, `getPet`:
		return &sdk.CallToolResult{Content: text("in other words"), IsError: true}
	}
	t.Errorf("there is no content for %s", call)
	return &sdk.CallToolResult{}
}
