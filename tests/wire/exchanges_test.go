package wire_test

import (
	"strings"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"
)

// era says which clients make an exchange.
type era int

const (
	bothEras era = iota
	modernOnly
	legacyOnly
)

// exchange is one request and what is to come of it.
type exchange struct {
	name, method, params string
	era                  era
	id                   string // JSON; empty: 1
	// code is that of the expected error, and legacyCode its value for legacy
	// clients where that is another; 0: a result.
	code, legacyCode int
	// want is a part of the response.
	want string
	// notes are methods of notifications that must come ahead of the response.
	notes []string
	// faulty requests break the protocol, and so may what is passed on of them.
	faulty bool
	alter  func(rpc.Request) rpc.Request
}

// with returns exchanges with {prefix} in their parameters replaced by what
// precedes the names of tools and prompts.
func with(prefix string, list []exchange) []exchange {
	out := make([]exchange, 0, len(list))
	for _, x := range list {
		x.params = strings.ReplaceAll(x.params, "{prefix}", prefix)
		out = append(out, x)
	}
	return out
}

// discovery is what every server answers alike.
var discovery = []exchange{
	{name: "discover", method: mcp.MethodDiscover, era: modernOnly, want: `"supportedVersions":["2026-07-28"`},
	{name: "discover of a legacy client", method: mcp.MethodDiscover, era: legacyOnly, code: -32601},
	{name: "initialize of a modern client", method: mcp.MethodInitialize, era: modernOnly, code: -32601, faulty: true,
		params: `{"protocolVersion":"2026-07-28","capabilities":{},"clientInfo":{"name":"contoso-test","version":"1"}}`,
		alter:  func(r rpc.Request) rpc.Request { return r.With(mcp.HeaderProtocolVersion, string(mcp.V20260728)) }},
	{name: "listen", method: mcp.MethodListen, era: modernOnly, params: `{"notifications":{}}`, notes: []string{mcp.NotificationAcknowledged}},
	{name: "listen with an id that is a string", method: mcp.MethodListen, era: modernOnly, id: `"a\"é"`, params: `{"notifications":{}}`,
		notes: []string{mcp.NotificationAcknowledged}},
	{name: "ping", method: mcp.MethodPing, era: legacyOnly, want: `"result":{}`},
	{name: "ping of a modern client", method: mcp.MethodPing, era: modernOnly, code: -32601},
	{name: "log level", method: mcp.MethodSetLevel, era: legacyOnly, params: `{"level":"info"}`},
	{name: "id that is a string", method: mcp.MethodListTools, id: `"x\u00e9"`, want: `"tools":[`},
}

// faults are messages that no server gets to see.
var faults = []exchange{
	{name: "no JSON", method: mcp.MethodListTools, code: -32700, alter: body(`{"jsonrpc":`)},
	{name: "two names alike", method: mcp.MethodListTools, code: -32700, alter: body(`{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"ping"}`)},
	{name: "no object", method: mcp.MethodListTools, code: -32600, alter: body(`"tools/list"`)},
	{name: "no version of JSON-RPC", method: mcp.MethodListTools, code: -32600, alter: body(`{"id":1,"method":"tools/list"}`)},
	{name: "no method", method: mcp.MethodListTools, code: -32600, alter: body(`{"jsonrpc":"2.0","id":1}`)},
	{name: "null id", method: mcp.MethodListTools, code: -32600, alter: body(`{"jsonrpc":"2.0","id":null,"method":"tools/list"}`)},
	{name: "id that is an object", method: mcp.MethodListTools, code: -32600, alter: body(`{"jsonrpc":"2.0","id":{},"method":"tools/list"}`)},
	{name: "nested too deep", method: mcp.MethodListTools, code: -32600,
		alter: body(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":` + strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 201))},
	{name: "another content type", method: mcp.MethodListTools, code: -32600, alter: header("Content-Type", "text/plain")},
	{name: "another origin", method: mcp.MethodListTools, code: -32600, alter: header("Origin", "https://contoso.example")},
	{name: "unknown version", method: mcp.MethodListTools, code: -32022, alter: header(mcp.HeaderProtocolVersion, "2025-01-01"), era: legacyOnly},
	{name: "unknown modern version", method: mcp.MethodListTools, code: -32022, era: modernOnly, alter: func(r rpc.Request) rpc.Request {
		return r.With(mcp.HeaderProtocolVersion, "2099-01-01").WithBody(strings.ReplaceAll(r.Body, "2026-07-28", "2099-01-01"))
	}},
	{name: "no version header", method: mcp.MethodListTools, code: -32020, era: modernOnly, alter: header(mcp.HeaderProtocolVersion, "")},
	{name: "another method in the header", method: mcp.MethodListTools, code: -32020, era: modernOnly, alter: header(mcp.HeaderMethod, "ping")},
	{name: "no capabilities", method: mcp.MethodListTools, code: -32602, era: modernOnly, alter: func(r rpc.Request) rpc.Request {
		return r.WithBody(strings.Replace(r.Body, mcp.MetaClientCapabilities, "io.modelcontextprotocol/nothing", 1))
	}},
}

func body(text string) func(rpc.Request) rpc.Request {
	return func(r rpc.Request) rpc.Request { return r.WithBody(text) }
}

func header(name, value string) func(rpc.Request) rpc.Request {
	return func(r rpc.Request) rpc.Request { return r.With(name, value) }
}

// pets are calls of the example's REST API, as the server that has no
// resources and prompts.
var pets = []exchange{
	{name: "large id", method: mcp.MethodCallTool, id: "9007199254740993", params: `{"name":"{prefix}getPet","arguments":{"id":1}}`, want: `"id":9007199254740993,`},
	{name: "result that is JSON", method: mcp.MethodCallTool, params: `{"name":"{prefix}getPet","arguments":{"id":1}}`, want: `Mia`},
	{name: "result that is a list", method: mcp.MethodCallTool, params: `{"name":"{prefix}listPets","arguments":{"limit":2}}`, want: `Bruno`},
	{name: "result that is an image", method: mcp.MethodCallTool, params: `{"name":"{prefix}getPetPhoto","arguments":{"id":1}}`, want: `"image/png"`},
	{name: "result without a body", method: mcp.MethodCallTool, params: `{"name":"{prefix}deletePet","arguments":{"id":3}}`, want: `"content"`},
	{name: "body", method: mcp.MethodCallTool, params: `{"name":"{prefix}createPet","arguments":{"name":"Ole","kind":"owl"}}`, want: `Ole`},
	{name: "error of the backend", method: mcp.MethodCallTool, params: `{"name":"{prefix}getPet","arguments":{"id":99}}`, want: `"isError":true`},
	{name: "argument of a wrong type", method: mcp.MethodCallTool, params: `{"name":"{prefix}getPet","arguments":{"id":"one"}}`, want: `"isError":true`},
	{name: "no arguments", method: mcp.MethodCallTool, params: `{"name":"{prefix}getPet"}`, want: `"isError":true`},
	{name: "unknown tool", method: mcp.MethodCallTool, params: `{"name":"{prefix}feedPet","arguments":{}}`, code: -32602},
	{name: "no name", method: mcp.MethodCallTool, params: `{"arguments":{}}`, code: -32602, faulty: true},
}

// petsOnly are calls of what a server with tools alone does not have.
var petsOnly = []exchange{
	{name: "list tools", method: mcp.MethodListTools, want: `"nextCursor":"`},
	{name: "unknown method", method: "contoso/unknown", code: -32601},
	{name: "unknown cursor", method: mcp.MethodListTools, params: `{"cursor":"no"}`, code: -32602},
	{name: "resources", method: mcp.MethodListResources, code: -32601},
	{name: "prompts", method: mcp.MethodListPrompts, code: -32601},
	{name: "completion", method: mcp.MethodComplete, code: -32601,
		params: `{"ref":{"type":"ref/prompt","name":"brew"},"argument":{"name":"kind","value":"g"}}`},
}

// fixtures are calls of the fixture behind the gateway.
var fixtures = []exchange{
	{name: "text", method: mcp.MethodCallTool, params: `{"name":"{prefix}greet","arguments":{"name":"Ada"}}`, want: `Hello, Ada!`},
	{name: "isError", method: mcp.MethodCallTool, params: `{"name":"{prefix}fail","arguments":{}}`, want: `"isError":true`},
	{name: "error with data", method: mcp.MethodCallTool, params: `{"name":"{prefix}refuse","arguments":{}}`, code: -31000, want: `"kettles":0`},
	{name: "every content", method: mcp.MethodCallTool, params: `{"name":"{prefix}show","arguments":{}}`, want: `"resource_link"`},
	{name: "structured content", method: mcp.MethodCallTool, params: `{"name":"{prefix}measure","arguments":{}}`, want: `"structuredContent":{"degrees":21.5}`},
	{name: "progress", method: mcp.MethodCallTool, params: `{"name":"{prefix}work","arguments":{},"_meta":{"progressToken":"p 1"}}`, want: `Done.`,
		notes: []string{mcp.NotificationProgress}},
	{name: "progress with a number for a token", method: mcp.MethodCallTool, params: `{"name":"{prefix}work","arguments":{},"_meta":{"progressToken":7}}`, want: `Done.`,
		notes: []string{mcp.NotificationProgress}},
	{name: "unknown tool", method: mcp.MethodCallTool, params: `{"name":"{prefix}brew","arguments":{}}`, code: -32602},
	{name: "list prompts", method: mcp.MethodListPrompts, want: `"prompts":[`},
	{name: "get a prompt", method: mcp.MethodGetPrompt, params: `{"name":"{prefix}brew","arguments":{"kind":"oolong"}}`, want: `Brew oolong.`},
	{name: "get a prompt without its argument", method: mcp.MethodGetPrompt, params: `{"name":"{prefix}brew"}`, code: -32602},
	{name: "get an unknown prompt", method: mcp.MethodGetPrompt, params: `{"name":"{prefix}nothing"}`, code: -32602},
	{name: "list resources", method: mcp.MethodListResources, want: `"resources":[`},
	{name: "list templates", method: mcp.MethodListResourceTemplates, want: `kettle://brew/{kind}`},
	{name: "read text", method: mcp.MethodReadResource, params: `{"uri":"kettle://manual"}`, want: `Boil it`},
	{name: "read a blob", method: mcp.MethodReadResource, params: `{"uri":"kettle://logo"}`, want: `"blob":`},
	{name: "read by a template", method: mcp.MethodReadResource, params: `{"uri":"kettle://brew/green"}`, want: `tea`},
	{name: "complete an argument of a prompt", method: mcp.MethodComplete, want: `"green"`,
		params: `{"ref":{"type":"ref/prompt","name":"{prefix}brew"},"argument":{"name":"kind","value":"g"}}`},
	{name: "complete a variable of a template", method: mcp.MethodComplete, want: `"black"`,
		params: `{"ref":{"type":"ref/resource","uri":"kettle://brew/{kind}"},"argument":{"name":"kind","value":"b"}}`},
}

// logging is a tool whose log a modern client asks for with the call.
var logging = []exchange{
	{name: "log", method: mcp.MethodCallTool, era: modernOnly, want: `Done.`, notes: []string{mcp.NotificationMessage},
		params: `{"name":"{prefix}work","arguments":{},"_meta":{"io.modelcontextprotocol/logLevel":"debug"}}`},
}

// missing is a resource that no server has, and what a legacy client is told:
// SDKs have come to use the modern code there as well.
func missing(legacyCode int) []exchange {
	return []exchange{{name: "read nothing", method: mcp.MethodReadResource, params: `{"uri":"kettle://nothing/nothing"}`, code: -32602, legacyCode: legacyCode}}
}

// locating is a tool whose argument a modern client repeats in a header.
var locating = []exchange{
	{name: "mirrored argument", method: mcp.MethodCallTool, params: `{"name":"{prefix}locate","arguments":{"region":"north"}}`, want: `north`,
		alter: header("Mcp-Param-Region", "north")},
	{name: "argument without its mirror", method: mcp.MethodCallTool, era: modernOnly, code: -32020,
		params: `{"name":"{prefix}locate","arguments":{"region":"north"}}`},
}

// asking is a tool that needs input of the user; it is for modern clients of
// modern servers.
var asking = []exchange{
	{name: "input required", method: mcp.MethodCallTool, params: `{"name":"{prefix}ask","arguments":{}}`, want: `"resultType":"input_required"`},
	{name: "capability missing", method: mcp.MethodCallTool, params: `{"name":"{prefix}sample","arguments":{}}`, code: -32021, want: `"sampling":{}`},
	{name: "input given", method: mcp.MethodCallTool, want: `You are Ada`, params: `{"name":"{prefix}ask","arguments":{},` +
		`"inputResponses":{"who":{"action":"accept","content":{"name":"Ada"}}},"requestState":"first round"}`},
}
