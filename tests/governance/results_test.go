package governance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const pagesFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, desk: { env: DESK } }
backends: { orders: { url: "{{backend}}" } }
apis: { orders: { openapi: orders.yaml, backend: orders } }
servers:
  orders:
    api: orders
    tools: [ { operation: findOrders, result: { select: "orders[].{id: id, who: customer.name}", pageSize: 2 } }, { operation: listAll, result: { pageSize: 2 } } ]
  other: { api: orders, tools: [ { operation: findOrders, result: { select: "orders[].id", pageSize: 2 } } ] }
  kept: { api: orders, cache: { duration: 1m }, tools: [ { operation: findOrders, result: { select: "orders", pageSize: 2 } } ] }
  exact: { api: orders, outputSchema: exact, tools: [ { operation: findOrders, result: { select: "orders[].customer", pageSize: 4 } } ] }
  asked: { api: orders, approval: true, tools: [ { operation: findOrders, result: { pageSize: 2 } } ] }
  searched: { api: orders, publish: search, tools: [ { operation: findOrders, result: { pageSize: 2 } } ] }
  desk: { upstream: { url: "{{desk}}" }, tools: [ { tool: find, name: tickets, result: { select: "tickets[].title", pageSize: 2 } } ] }
  all: { federate: [ orders, desk ] }
`

const pagesDocument = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders:
    get:
      operationId: findOrders
      parameters: [ { name: text, in: query, schema: { type: string } }, { name: limit, in: query, schema: { type: integer } } ]
      responses:
        "200":
          description: Orders.
          content: { application/json: { schema: { type: object, required: [ orders ], properties: { orders: { type: array, items: { $ref: "#/components/schemas/Order" } } } } } }
  /all:
    get:
      operationId: listAll
      responses: { "200": { description: Orders., content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Order" } } } } } }
components:
  schemas:
    Order: { type: object, required: [ id ], properties: { id: { type: integer }, customer: { type: object, required: [ name ], properties: { name: { type: string, description: Who ordered. } } } } }
`

// pages is a gateway before an API and an MCP server with lists.
type pages struct {
	front
	calls atomic.Int32 // of the API
}

func (p *pages) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Left
}

func newPages(t *testing.T) *pages {
	t.Helper()
	p := &pages{}
	const orders = `[{"id":1,"customer":{"name":"Ann"}},{"id":2,"customer":{"name":"Bo"}},{"id":3},{"id":4,"customer":{"name":"Cy"}},{"id":5,"customer":{"name":"Di"}}]`
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/all" {
			_, _ = io.WriteString(w, orders)
			return
		}
		if r.URL.Query().Has("pageCursor") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, `{"orders":`+orders+`}`)
	})
	type ticket struct {
		Title string `json:"title" jsonschema:"What it is about."`
	}
	type tickets struct {
		Tickets []ticket `json:"tickets"`
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "desk", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "find"}, func(context.Context, *mcp.CallToolRequest, struct {
		Text string `json:"text,omitempty"`
	}) (*mcp.CallToolResult, tickets, error) {
		return nil, tickets{[]ticket{{"tea"}, {"milk"}, {"salt"}}}, nil
	})
	p.open(t, map[string]string{"gateway.yaml": pagesFolder, "orders.yaml": pagesDocument}, api, server)
	return p
}

// pagedResult is the result of a tool, as far as a client of pages needs it.
type pagedResult struct {
	IsError bool `json:"isError"`
	Content []struct {
		Text string `json:"text"`
	} `json:"content"`
	Structured any `json:"structuredContent"`
	Tools      []struct {
		Name         string         `json:"name"`
		InputSchema  map[string]any `json:"inputSchema"`
		OutputSchema map[string]any `json:"outputSchema"`
	} `json:"tools"`
}

// ask sends a request as a caller does.
func (p *pages) ask(caller, server, method, params string) pagedResult {
	p.t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/"+server+"/mcp", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	req.Header.Set("Authorization", "Bearer "+caller)
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	var message struct {
		Result pagedResult `json:"result"`
	}
	if err := json.Unmarshal(raw, &message); err != nil {
		p.t.Fatalf("%s: %v", raw, err)
	}
	return message.Result
}

// call calls a tool. It answers with the text, and with the cursor in it.
func (p *pages) call(caller, server, tool, arguments string) (text, cursor string, failed bool) {
	p.t.Helper()
	r := p.ask(caller, server, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
	if len(r.Content) == 0 {
		p.t.Fatalf("%s/%s %s: no content in %+v", server, tool, arguments, r)
	}
	text = r.Content[0].Text
	var shown struct {
		More struct {
			Cursor string `json:"pageCursor"`
		} `json:"more"`
	}
	_ = json.Unmarshal([]byte(text), &shown) // errors are no JSON
	if shown.More.Cursor != "" {
		text = strings.Replace(text, shown.More.Cursor, "…", 1)
	}
	return text, shown.More.Cursor, r.IsError
}

// Pages follow each other to the end, for APIs, MCP servers and their federations.
func TestPages(t *testing.T) {
	p := newPages(t)
	for _, c := range []struct {
		server, tool, arguments string
		want                    []string
	}{
		{"orders", "findOrders", `"text":"t"`, []string{
			`{"result":[{"id":1,"who":"Ann"},{"id":2,"who":"Bo"}],"more":{"total":5,"left":3,"pageCursor":"…"}}`,
			`{"result":[{"id":3,"who":null},{"id":4,"who":"Cy"}],"more":{"total":5,"left":1,"pageCursor":"…"}}`,
			`{"result":[{"id":5,"who":"Di"}]}`,
		}},
		{"orders", "listAll", ``, []string{
			`{"result":[{"id":1,"customer":{"name":"Ann"}},{"id":2,"customer":{"name":"Bo"}}],"more":{"total":5,"left":3,"pageCursor":"…"}}`,
			`{"result":[{"id":3},{"id":4,"customer":{"name":"Cy"}}],"more":{"total":5,"left":1,"pageCursor":"…"}}`,
			`{"result":[{"id":5,"customer":{"name":"Di"}}]}`,
		}},
		{"desk", "tickets", `"text":"t"`, []string{`{"result":["tea","milk"],"more":{"total":3,"left":1,"pageCursor":"…"}}`, `{"result":["salt"]}`}},
		{"all", "desk_tickets", ``, []string{`{"result":["tea","milk"],"more":{"total":3,"left":1,"pageCursor":"…"}}`, `{"result":["salt"]}`}},
	} {
		cursor := ""
		for i, want := range c.want {
			arguments := "{" + c.arguments
			if cursor != "" {
				arguments += strings.TrimPrefix(`,"pageCursor":"`+cursor+`"`, map[bool]string{true: ","}[c.arguments == ""])
			}
			text, next, failed := p.call("ann", c.server, c.tool, arguments+"}")
			if text != want || failed {
				t.Errorf("%s/%s, page %d: got %s, want %s", c.server, c.tool, i+1, text, want)
			}
			if left := p.left(); (left > 0) != (next != "") {
				t.Errorf("%s/%s, page %d: the log has left=%d", c.server, c.tool, i+1, left)
			}
			cursor = next
		}
		if cursor != "" {
			t.Errorf("%s/%s: there are more pages than %d", c.server, c.tool, len(c.want))
		}
	}
}

// A cursor is for whom and for what it was given, and no other is taken; nothing is
// called then.
func TestCursorsAreSealed(t *testing.T) {
	p := newPages(t)
	_, cursor, _ := p.call("ann", "orders", "findOrders", `{"text":"t","limit":7}`)
	before := p.calls.Load()
	for _, c := range []struct{ name, caller, server, arguments string }{
		{"another caller", "bo", "orders", `{"text":"t","limit":7,"pageCursor":"` + cursor + `"}`},
		{"other arguments", "ann", "orders", `{"text":"u","limit":7,"pageCursor":"` + cursor + `"}`},
		{"fewer arguments", "ann", "orders", `{"text":"t","pageCursor":"` + cursor + `"}`},
		{"another server", "ann", "other", `{"text":"t","limit":7,"pageCursor":"` + cursor + `"}`},
		{"altered", "ann", "orders", `{"text":"t","limit":7,"pageCursor":"A` + cursor[1:] + `A"}`},
		{"invented", "ann", "orders", `{"text":"t","limit":7,"pageCursor":"2"}`},
		{"a number", "ann", "orders", `{"text":"t","limit":7,"pageCursor":2}`},
	} {
		if text, _, failed := p.call(c.caller, c.server, "findOrders", c.arguments); !failed || !strings.HasPrefix(text, "Not called: the pageCursor") {
			t.Errorf("%s: got %s, want a refusal", c.name, text)
		}
	}
	if got := p.calls.Load(); got != before {
		t.Errorf("the API was called %d times", got-before)
	}
	for _, arguments := range []string{`{"limit":7,"pageCursor":"` + cursor + `","text":"t"}`, `{"pageCursor":null}`, `{"pageCursor":""}`} {
		if text, _, failed := p.call("ann", "orders", "findOrders", arguments); failed {
			t.Errorf("%s: got %s", arguments, text)
		}
	}
}

// Pages of an answer that is kept need no other call.
func TestPagesOfKeptAnswers(t *testing.T) {
	p := newPages(t)
	_, cursor, _ := p.call("ann", "kept", "findOrders", `{}`)
	text, _, _ := p.call("ann", "kept", "findOrders", `{"pageCursor":"`+cursor+`"}`)
	if want := `{"result":[{"id":3},{"customer":{"name":"Cy"},"id":4}],"more":{"total":5,"left":1,"pageCursor":"…"}}`; text != want || p.calls.Load() != 1 {
		t.Errorf("got %s after %d calls, want %s after 1", text, p.calls.Load(), want)
	}
}

// A cursor is an argument like others for approvals and searches, and none for the API.
func TestPagesBehindApprovalAndSearch(t *testing.T) {
	p := newPages(t)
	r := p.ask("ann", "asked", "tools/call", `{"name":"findOrders","arguments":{"pageCursor":""}}`)
	if len(r.Content) > 0 && strings.Contains(r.Content[0].Text, "pageCursor") {
		t.Errorf("got %+v, want a question rather than a fault of the arguments", r)
	}
	_, cursor, _ := p.call("ann", "searched", "call_tool", `{"name":"findOrders","arguments":{}}`)
	text, _, failed := p.call("ann", "searched", "call_tool", `{"name":"findOrders","arguments":{"pageCursor":"`+cursor+`"}}`)
	if want := `{"result":{"orders":[{"id":3},{"id":4,"customer":{"name":"Cy"}}]},"more":{"total":5,"left":1,"pageCursor":"…"}}`; text != want || failed {
		t.Errorf("got %s, want %s", text, want)
	}
	if text, _, _ := p.call("ann", "searched", "describe_tool", `{"name":"findOrders"}`); !strings.Contains(text, `"pageCursor":{`) {
		t.Errorf("got %s, want a description with the argument", text)
	}
}

// What a tool's output schema says is what it answers with.
func TestOutputSchemaOfPages(t *testing.T) {
	p := newPages(t)
	for server, want := range map[string]string{
		"orders": `{"items":{"properties":{"id":{},"who":{"description":"Who ordered."}}}}`,
		"exact":  `{"items":{"properties":{"name":{"description":"Who ordered."}}}}`,
		"desk":   `{"items":{"description":"What it is about."}}`,
	} {
		listed := p.ask("ann", server, "tools/list", `{}`)
		if len(listed.Tools) == 0 {
			t.Fatalf("%s: no tools", server)
		}
		tool := listed.Tools[0]
		properties, _ := tool.OutputSchema["properties"].(map[string]any)
		got, err := json.Marshal(properties["result"], json.Deterministic(true))
		if err != nil || string(got) != want {
			t.Errorf("%s: got the schema %s, %v, want %s", server, got, err, want)
		}
		arguments, _ := tool.InputSchema["properties"].(map[string]any)
		if arguments["pageCursor"] == nil {
			t.Errorf("%s: %v lacks pageCursor", server, tool.InputSchema)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("file:///output.json", any(tool.OutputSchema)); err != nil {
			t.Fatal(err)
		}
		schema, err := c.Compile("file:///output.json")
		if err != nil {
			t.Fatalf("%s: %v", server, err)
		}
		if r := p.ask("ann", server, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool.Name)); r.Structured == nil || schema.Validate(r.Structured) != nil {
			t.Errorf("%s: %v is not what the schema says: %v", server, r.Structured, schema.Validate(r.Structured))
		}
	}
}
