package wire_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"

	"github.com/go-json-experiment/json/jsontext"
)

// TestMessages makes every exchange in every revision with every kind of
// server.
func TestMessages(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		server    string
		exchanges [][]exchange
		lists     []string // methods whose pages are all read
	}{
		{"pets", [][]exchange{discovery, faults, pets, petsOnly}, []string{mcp.MethodListTools}},
		{"dual", [][]exchange{discovery, faults, fixtures, logging, locating, missing(-32602)}, allLists},
		{"modern", [][]exchange{discovery, faults, fixtures, logging, locating, missing(-32002)}, allLists},
		{"stateful", [][]exchange{discovery, fixtures, logging, locating[:1], missing(-32602)}, allLists},
		{"old", [][]exchange{discovery, fixtures, locating[:1], missing(-32602)}, allLists},
		{"all", [][]exchange{discovery, faults, pets, with("dual_", fixtures), with("dual_", logging), with("dual_", locating), with("stateful_", fixtures)}, allLists},
	} {
		for _, v := range mcp.Versions {
			t.Run(c.server+" "+string(v), func(t *testing.T) {
				client := w.client(t, c.server, v)
				for _, list := range c.exchanges {
					for _, x := range with("", list) {
						if x.era == bothEras || (x.era == modernOnly) == v.Modern() {
							client.exchange(x)
						}
					}
				}
				for _, method := range c.lists {
					client.readPages(method)
				}
			})
		}
	}
	t.Run("input required", func(t *testing.T) {
		for _, server := range []string{"dual", "modern"} {
			for _, x := range with("", asking) {
				w.client(t, server, mcp.V20260728).exchange(x)
			}
		}
		for _, x := range with("dual_", asking) {
			w.client(t, "all", mcp.V20260728).exchange(x)
		}
	})
	t.Run("input required of a legacy client", func(t *testing.T) {
		x := asking[0]
		x.params, x.want = strings.ReplaceAll(x.params, "{prefix}", ""), `"isError":true`
		w.client(t, "modern", mcp.V20251125).exchange(x)
	})
	t.Run("server that is down", func(t *testing.T) {
		for _, v := range mcp.Versions {
			c := &client{world: &world{t: t, schemas: w.schemas, url: w.url, sent: w.sent}, server: "down", version: v}
			c.exchange(exchange{name: "list tools", method: mcp.MethodListTools, code: -32603})
		}
	})
	t.Run("no requests", w.testNoRequests)
	t.Run("batch", w.testBatch)
	t.Run("streams of a session", w.testSessionStream)
	w.checkCoverage(t)
}

var allLists = []string{mcp.MethodListTools, mcp.MethodListPrompts, mcp.MethodListResources, mcp.MethodListResourceTemplates}

// readPages follows the cursors of a list to its end.
func (c *client) readPages(method string) {
	c.t.Helper()
	const enough = 100
	params := ""
	for range enough {
		a := c.exchange(exchange{name: "page of " + method, method: method, params: params})
		cursor := a.Member("result", "nextCursor")
		if cursor == nil {
			return
		}
		params = `{"cursor":` + string(cursor) + `}`
	}
	c.t.Errorf("%s: the list does not end after %d pages", method, enough)
}

// testNoRequests sends what nobody responds to: it is accepted without a body,
// or refused with an error that has no id.
func (w *world) testNoRequests(t *testing.T) {
	for _, server := range []string{"pets", "dual", "modern", "stateful", "old", "all"} {
		for _, v := range mcp.Versions {
			c := w.client(t, server, v)
			for _, r := range []rpc.Request{
				rpc.New(v, "", mcp.NotificationCancelled, `{"requestId":7}`),
				rpc.New(v, "", "notifications/contoso", ""),
				rpc.New(v, "", mcp.NotificationProgress, "").WithBody(`{"jsonrpc":"2.0","id":"contoso-7","result":{}}`),
			} {
				a := c.post(r)
				c.sent.take()
				switch {
				case a.Status == http.StatusAccepted && len(a.Body) == 0:
				case a.Status < 400:
					t.Errorf("%s to %s in %s: got %d %s, want 202 without a body, or a refusal", r.Body, server, v, a.Status, a.Body)
				default:
					if err := w.schemas.of(v).checkResponse(v, mcp.MethodPing, a.Response()); err != nil {
						t.Errorf("%s to %s in %s: %v", r.Body, server, v, err)
					}
				}
			}
		}
	}
}

// testBatch validates each response of an array of them, which 2025-03-26 has;
// notifications have none.
func (w *world) testBatch(t *testing.T) {
	for _, server := range []string{"pets", "dual"} {
		r := rpc.New(mcp.V20250326, "1", mcp.MethodListTools, "").WithBody(`[{"jsonrpc":"2.0","id":1,"method":"ping"},` +
			`{"jsonrpc":"2.0","method":"notifications/contoso"},{"jsonrpc":"2.0","id":2,"method":"contoso/unknown"}]`)
		a := rpc.Post(t, w.url+"/"+server+"/mcp", r)
		var responses []jsontext.Value
		err := mcp.EachElement(a.Response(), func(m jsontext.Value) error {
			responses = append(responses, m)
			return w.schemas.legacy.checkResponse(mcp.V20250326, mcp.MethodPing, m)
		})
		if err != nil || len(responses) != 2 {
			t.Errorf("%s: got %s, %v, want two responses", server, a.Body, err)
		}
		empty := rpc.Post(t, w.url+"/"+server+"/mcp", r.WithBody(`[]`))
		if err := w.schemas.legacy.checkResponse(mcp.V20250326, mcp.MethodPing, empty.Response()); err != nil {
			t.Errorf("%s: %v", server, err)
		}
	}
	w.sent.take()
}

// testSessionStream subscribes to a resource of a server with sessions and
// validates what comes over the stream that GET opens.
func (w *world) testSessionStream(t *testing.T) {
	c := w.client(t, "stateful", mcp.V20251125)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/stateful/mcp", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Accept": {mcp.ContentSSE}, mcp.HeaderSessionID: {c.session}, mcp.HeaderProtocolVersion: {string(mcp.V20251125)},
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("GET: got %s %s", res.Status, body)
	}
	c.exchange(exchange{name: "subscribe", method: mcp.MethodSubscribe, params: `{"uri":"kettle://manual"}`})
	c.exchange(exchange{name: "change what is subscribed", method: mcp.MethodCallTool, params: `{"name":"rewrite","arguments":{}}`, want: "Rewritten."})
	events := mcp.NewEventReader(res.Body, 1<<20)
	for {
		e, err := events.Next()
		if err != nil {
			t.Fatalf("reading the stream: %v", err)
		}
		if len(e.Data) == 0 {
			continue
		}
		if err := w.schemas.legacy.checkNamed(notifications, jsontext.Value(e.Data)); err != nil {
			t.Error(err)
		}
		if bytes.Contains(e.Data, []byte(`"notifications/resources/updated"`)) {
			break
		}
	}
	c.exchange(exchange{name: "unsubscribe", method: mcp.MethodUnsubscribe, params: `{"uri":"kettle://manual"}`})
}

// checkCoverage makes sure that no part of the protocol was left out.
func (w *world) checkCoverage(t *testing.T) {
	for _, want := range []struct {
		schema      *schema
		definitions string
	}{
		{w.schemas.legacy, `InitializeResult EmptyResult ListToolsResult CallToolResult ListPromptsResult GetPromptResult ListResourcesResult
			ListResourceTemplatesResult ReadResourceResult CompleteResult JSONRPCErrorResponse ProgressNotification ResourceUpdatedNotification
			InitializeRequest InitializedNotification CallToolRequest ReadResourceRequest CompleteRequest`},
		{w.schemas.modern, `DiscoverResultResponse ListToolsResultResponse CallToolResultResponse ListPromptsResultResponse GetPromptResultResponse
			ListResourcesResultResponse ListResourceTemplatesResultResponse ReadResourceResultResponse CompleteResultResponse
			SubscriptionsListenResultResponse InputRequiredResult ProgressNotification LoggingMessageNotification
			SubscriptionsAcknowledgedNotification HeaderMismatchError UnsupportedProtocolVersionError MissingRequiredClientCapabilityError
			ParseError InvalidRequestError MethodNotFoundError InvalidParamsError InternalError
			DiscoverRequest CallToolRequest ReadResourceRequest CompleteRequest`},
	} {
		for definition := range strings.FieldsSeq(want.definitions) {
			if want.schema.passed[definition] == 0 {
				t.Errorf("no message was found to be %s of %s", definition, want.schema.url)
			}
		}
	}
}
