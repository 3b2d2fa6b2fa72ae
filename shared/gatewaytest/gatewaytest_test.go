package gatewaytest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/shared/fault"
	"toolgate/shared/mcp"
	"toolgate/shared/policy/policytest"

	"golang.org/x/tools/txtar"
)

// gatewayFile is a gateway of an MCP server, and of an API that answers by
// itself.
const gatewayFile = `name: contoso
namedValues: { who: { env: WHO, default: nobody }, key: { secret: "env:KEY" } }
backends: { pets: { url: "https://pets.test", credentials: { header: { X-Key: "{{key}}" } } } }
apis:
  hello: { path: hello, operations: { greet: { method: GET, urlTemplate: / } }, policy: hello.xml }
servers:
  notes: { upstream: { url: "https://notes.test/mcp" } }
`

const helloPolicy = `<policies>
  <inbound><return-response><set-body>Hello {{who}}, {{key}}.</set-body></return-response></inbound>
</policies>
`

const own = "-- gateway.yaml --\n" + gatewayFile + "-- hello.xml --\n" + helloPolicy

func newFolder(t *testing.T) *Folder {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"gateway.yaml": gatewayFile, "hello.xml": helloPolicy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Folder{Dir: dir}
}

func TestTranscript(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"its own gateway", own + "-- request --\nGET /hello\n", "response 200\n  | Hello nobody, KEY.\n"},
		{"environment", "-- env --\nWHO=you\nKEY=open\n-- request --\nGET /hello\n", "response 200\n  | Hello you, open.\n"},
		{"a sealing key that nobody set", "-- gateway.yaml --\nsealingKey: { secret: \"env:SEALING_KEY\" }\n" + gatewayFile + "-- hello.xml --\n" + helloPolicy + "-- request --\nGET /hello\n", "response 200\n  | Hello nobody, KEY.\n"},
		{"faults of its own gateway", "-- gateway.yaml --\nname: contoso\nservres: {}\n-- request --\nGET /\n", "gateway.yaml:2:1: unknown key \"servres\": did you mean \"servers\"?\n"},
		{"an MCP server", "-- tool https://notes.test/mcp find --\none\ntwo\n-- list notes --\n-- call notes find --\nMCP-Protocol-Version: 2026-07-28\n\n{\"word\":\"x\"}\n",
			"response 200\n  find()\ntool https://notes.test/mcp find\n  | {\"word\":\"x\"}\nresponse 200\n  | one\n  | two\n"},
		{"a result", "-- tool https://notes.test/mcp find --\n{\"content\":[],\"isError\":true,\"structuredContent\":{\"a\":1}}\n-- call notes find --\n",
			"tool https://notes.test/mcp find\n  | {}\nresponse 200\n  isError: true\n  structuredContent: {\n    \"a\": 1\n  }\n"},
		{"a document alone", "-- policy.xml --\nfile: hello.xml\n-- settings --\nnamed-value who: me\n-- request --\nGET /\n", "response 200\n  | Hello me, KEY.\n"},
		{"a backend of the folder", "-- policy.xml --\n<policies><inbound><set-backend-service backend-id=\"pets\" /></inbound><backend><forward-request /></backend></policies>\n-- request --\nGET /1\n",
			"backend GET https://pets.test/1\nresponse 200\n"},
	} {
		got, err := Transcript(t.Context(), txtar.Parse([]byte(c.text)), newFolder(t))
		if err != nil || got != c.want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown section", "prose\n-- cal notes find --\n", "line 2: -- cal notes find --: a test of a gateway has no such file"},
		{"no tool", own + "-- call notes --\n", "line 13: -- call notes --: write call SERVER TOOL, or list SERVER"},
		{"a word too many", "-- list notes find --\n", "line 1: -- list notes find --: write call SERVER TOOL"},
		{"arguments", "-- call notes find --\n[1]\n", "line 1: -- call notes find --: the arguments are no JSON object"},
		{"arguments behind headers", "-- call notes find --\nA: b\n\n{\n", "line 1: -- call notes find --: the arguments are no JSON object"},
		{"header", "-- call notes find --\nA\n", "line 2: -- call notes find --: this is no header: A"},
		{"tool", "-- call notes find --\n-- tool https://notes.test/mcp --\n", "line 2: -- tool https://notes.test/mcp --: write tool URL NAME"},
		{"setting", "-- settings --\nscope: api\n-- list notes --\n", "line 2: -- settings --: scope: there is no such setting"},
		{"subscription without an id", "-- subscription --\nkey: a\nscope: all\n-- list notes --\n", "line 1: -- subscription --: write subscription ID"},
		{"subscription without a key", "-- subscription a --\nscope: all\n-- list notes --\n", "line 1: -- subscription a --: a subscription has a key and a scope"},
		{"scope", "-- subscription a --\nscope: server\n-- list notes --\n", "line 2: -- subscription a --: scope: \"server\" is no scope"},
		{"state", "-- subscription a --\nstate: open\n-- list notes --\n", "line 2: -- subscription a --: state: a subscription is active,"},
		{"start", "-- subscription a --\nstart: now\n-- list notes --\n", "line 2: -- subscription a --: start: "},
		{"setting of a subscription", "-- subscription a --\nsecret: b\n-- list notes --\n", "line 2: -- subscription a --: secret: there is no such setting"},
		{"variable", "-- env --\nA\n-- list notes --\n", `line 2: -- env --: "A" has no "="`},
		{"target", "-- request --\nGET https://x.test/\n", `line 2: -- request --: "GET https://x.test/" is no request`},
		{"unused", "-- request --\nGET /\n-- backend GET *x --\n200\n", "line 3: -- backend GET *x --: no request came for this response"},
		{"nothing", "prose\n", "nothing happens in the test"},
		{"outside", own + "-- ../x.xml --\n-- request --\nGET /\n", "-- ../x.xml -- is outside of the folder"},
	} {
		_, err := Transcript(t.Context(), txtar.Parse([]byte(c.text)), newFolder(t))
		if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), "\n", " "), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := Transcript(t.Context(), txtar.Parse([]byte("-- list notes --\n")), nil); err == nil {
		t.Error("a test without a gateway: got no error")
	}
	f := newFolder(t)
	if err := os.WriteFile(filepath.Join(f.Dir, "hello.xml"), []byte("<policies>"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Transcript(t.Context(), txtar.Parse([]byte("-- list notes --\n")), f)
	if _, ok := errors.AsType[fault.Faults](err); !ok {
		t.Errorf("a folder with faults: got %v", err)
	}
}

func TestReadable(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, want string }{
		{"error", mcp.ContentJSON, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no","data":{"a":1}}}`, "error -32602 no {\"a\":1}\n"},
		{"events", mcp.ContentSSE, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"a\":1}}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"_meta\":{},\"content\":[{\"type\":\"text\",\"text\":\"a\\nb\\n\"},{\"type\": \"image\"}]}}\n\n",
			"event notifications/message {\"a\":1}\n| a\n| b\ncontent {\"type\":\"image\"}\n"},
		{"structured content", mcp.ContentJSON, `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"b\":1, \"a\":2}"}],"structuredContent":{"a":2,"b":1}}}`, "| {\"b\":1, \"a\":2}\nstructuredContent: the same\n"},
		{"input", mcp.ContentJSON, `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required"}}`, "resultType: \"input_required\"\n"},
		{"tools", mcp.ContentJSON, `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","title":"A","description":"Does\na.","inputSchema":{"type":"object","required":["x"],"properties":{"x":{},"y":{}}}}],"nextCursor":"1"}}`, "a(x, [y]); A; Does a.\nnextCursor: \"1\"\n"},
	} {
		got, err := readable(map[string][]string{"Content-Type": {c.contentType}}, []byte(c.body))
		if err != nil || got != c.want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
	for _, body := range []string{"", "[]", `{"statusCode":429}`, `{"jsonrpc":"2.0","id":1,"result":1}`} {
		if got, err := readable(map[string][]string{"Content-Type": {mcp.ContentJSON}}, []byte(body)); err == nil {
			t.Errorf("%s: got %s", body, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(own + "-- call notes find --\nA: b\n\n{}\n-- request --\nGET /\n-- wait 1s --\n"))
	f.Add([]byte("-- policy.xml --\n-- settings --\na: b\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		a := txtar.Parse(content)
		if _, err := read(a); err != nil {
			if placed, ok := errors.AsType[*policytest.Error](err); !ok || placed.Line < 1 || placed.Line > strings.Count(string(txtar.Format(a)), "\n")+1 {
				t.Errorf("got %v, no place in the file", err)
			}
		}
	})
}
