package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/mcp"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// sdkServer is a server made with the go-sdk that uses what crosses a gateway:
// progress, logs, elicitation, resources, prompts and errors.
func sdkServer(versions ...string) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "sdk", Version: "1"}, &sdk.ServerOptions{
		SupportedProtocolVersions: versions,
		CompletionHandler: func(_ context.Context, req *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
			return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: []string{req.Params.Ref.Name + "!"}}}, nil
		},
	})
	type input struct {
		Text   string `json:"text"`
		Region string `json:"region,omitempty"`
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo"}, func(ctx context.Context, req *sdk.CallToolRequest, in input) (*sdk.CallToolResult, any, error) {
		//nolint:staticcheck // the legacy era has it
		if err := req.Session.Log(ctx, &sdk.LoggingMessageParams{Level: "warning", Data: "logged"}); err != nil {
			return nil, nil, err
		}
		for n := range 2 {
			p := &sdk.ProgressNotificationParams{ProgressToken: req.Params.GetProgressToken(), Progress: float64(n)}
			if p.ProgressToken == nil {
				break
			}
			if err := req.Session.NotifyProgress(ctx, p); err != nil {
				return nil, nil, err
			}
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: in.Text}}}, nil, nil
	})
	s.AddTool(&sdk.Tool{Name: "regional", InputSchema: map[string]any{
		"type": "object", "properties": map[string]any{"region": map[string]any{"type": "string", "x-mcp-header": "Region"}},
	}}, func(_ context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		region := ""
		if req.Extra != nil { // SSE has none
			region = req.Extra.Header.Get("Mcp-Param-Region")
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "in " + region}}}, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "ask"}, func(ctx context.Context, req *sdk.CallToolRequest, _ any) (*sdk.CallToolResult, any, error) {
		res, err := req.Session.Elicit(ctx, &sdk.ElicitParams{Message: "Sure?"})
		if err != nil {
			return nil, nil, err
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "answered " + res.Action}}}, nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "require"}, func(_ context.Context, req *sdk.CallToolRequest, _ any) (*sdk.CallToolResult, any, error) {
		if answer, ok := req.Params.InputResponses["sure"].(*sdk.ElicitResult); ok {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "required " + answer.Action + " " + req.Params.RequestState}}}, nil, nil
		}
		return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{"sure": &sdk.ElicitParams{Message: "Sure?"}}, RequestState: "state"}, nil, nil
	})
	s.AddResource(&sdk.Resource{Name: "r", URI: "test://r"}, func(_ context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: req.Params.URI, Text: "content"}}}, nil
	})
	s.AddPrompt(&sdk.Prompt{Name: "p"}, func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
		return &sdk.GetPromptResult{Description: "prompted"}, nil
	})
	return s
}

// sdkServers are the ways in which the go-sdk serves HTTP.
func sdkServers(t *testing.T) map[string]string {
	modern, legacy := []string{"2026-07-28"}, []string{"2025-11-25", "2025-06-18", "2025-03-26"}
	streamable := func(stateless bool, versions ...string) http.Handler {
		s := sdkServer(versions...)
		return sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, &sdk.StreamableHTTPOptions{Stateless: stateless, PropagateRequestCancellation: true})
	}
	old := sdkServer(legacy...)
	urls := map[string]string{}
	for name, h := range map[string]http.Handler{
		"both eras":        streamable(true),
		"modern":           streamable(true, modern...),
		"legacy stateless": streamable(true, legacy...),
		"legacy stateful":  streamable(false, legacy...),
		"stateful":         streamable(false),
		"SSE":              sdk.NewSSEHandler(func(*http.Request) *sdk.Server { return old }, nil),
	} {
		ts := httptest.NewServer(h)
		t.Cleanup(ts.Close)
		t.Cleanup(ts.CloseClientConnections)
		urls[name] = ts.URL
	}
	return urls
}

// sdkClient is a client made with the go-sdk, and what it was notified of.
type sdkClient struct {
	*sdk.ClientSession
	mu       sync.Mutex
	progress []any
	logs     []string
}

func connect(t *testing.T, url, version string, answers bool) *sdkClient {
	t.Helper()
	c := new(sdkClient)
	o := &sdk.ClientOptions{
		Capabilities: &sdk.ClientCapabilities{},
		ProgressNotificationHandler: func(_ context.Context, req *sdk.ProgressNotificationClientRequest) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.progress = append(c.progress, req.Params.ProgressToken)
		},
		//nolint:staticcheck // the legacy era has it
		LoggingMessageHandler: func(_ context.Context, req *sdk.LoggingMessageRequest) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.logs = append(c.logs, fmt.Sprint(req.Params.Data))
		},
	}
	if answers {
		o.ElicitationHandler = func(context.Context, *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
			return &sdk.ElicitResult{Action: "accept"}, nil
		}
	}
	transport := &sdk.StreamableClientTransport{Endpoint: url, MaxRetries: -1}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "client", Version: "1"}, o).Connect(t.Context(), transport, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
	c.ClientSession = session
	return c
}

func said(res *sdk.CallToolResult) string {
	if len(res.Content) == 1 {
		if content, ok := res.Content[0].(*sdk.TextContent); ok {
			return content.Text
		}
	}
	return fmt.Sprintf("%+v", res)
}

func TestRealServersAndClients(t *testing.T) {
	for server, url := range sdkServers(t) {
		for _, version := range []string{"2026-07-28", "2025-11-25"} {
			t.Run(server+"/"+version, func(t *testing.T) {
				noLeak(t)
				p := newProxy(t, url, func(o *Options) { o.SSE = server == "SSE" })
				c := connect(t, serve(t, p).URL, version, true)
				if got := c.InitializeResult().ProtocolVersion; got != "" && got != version {
					t.Errorf("got version %s, want the client's own, %s", got, version)
				}
				c.exercise(t, server == "SSE", server == "modern")
			})
		}
	}
}

// exercise calls what every pair must be able to do. quiet servers cannot log;
// those with headers want arguments repeated there.
func (c *sdkClient) exercise(t *testing.T, quiet, headers bool) {
	t.Helper()
	ctx := t.Context()
	tools, err := c.ListTools(ctx, nil)
	if err != nil || len(tools.Tools) != 4 {
		t.Fatalf("tools/list: got %+v, %v", tools, err)
	}
	if !quiet {
		//nolint:staticcheck // the legacy era has it
		_ = c.SetLoggingLevel(ctx, &sdk.SetLoggingLevelParams{Level: "info"}) // modern clients have none to set
	}
	call := &sdk.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "größe"}}
	call.SetProgressToken("token")
	call.Meta["io.modelcontextprotocol/logLevel"] = "info"
	res, err := c.CallTool(ctx, call)
	if err != nil || said(res) != "größe" {
		t.Fatalf("tools/call: got %v, %v", res, err)
	}
	res, err = c.CallTool(ctx, &sdk.CallToolParams{Name: "regional", Arguments: map[string]any{"region": "eu"}})
	if err != nil || !strings.HasPrefix(said(res), "in ") || headers && said(res) != "in eu" {
		t.Errorf("tools/call with a header: got %v, %v", res, err)
	}
	read, err := c.ReadResource(ctx, &sdk.ReadResourceParams{URI: "test://r"})
	if err != nil || read.Contents[0].Text != "content" {
		t.Errorf("resources/read: got %+v, %v", read, err)
	}
	prompt, err := c.GetPrompt(ctx, &sdk.GetPromptParams{Name: "p"})
	if err != nil || prompt.Description != "prompted" {
		t.Errorf("prompts/get: got %+v, %v", prompt, err)
	}
	completion, err := c.Complete(ctx, &sdk.CompleteParams{Ref: &sdk.CompleteReference{Type: "ref/prompt", Name: "p"}, Argument: sdk.CompleteParamsArgument{Name: "a"}})
	if err != nil || completion.Completion.Values[0] != "p!" {
		t.Errorf("completion/complete: got %+v, %v", completion, err)
	}
	var rpc *jsonrpc.Error
	if _, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "nothing"}); !errors.As(err, &rpc) || rpc.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("unknown tool: got %v", err)
	}
	if _, err := c.ReadResource(ctx, &sdk.ReadResourceParams{URI: "test://nothing"}); !errors.As(err, &rpc) {
		t.Errorf("unknown resource: got %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := fmt.Sprint(c.progress); got != "[token token]" {
		t.Errorf("got progress for %s, want [token token]", got)
	}
	if got := fmt.Sprint(c.logs); !quiet && got != "[logged]" {
		t.Errorf("got logs %s, want [logged]", got)
	}
}

// TestInputIsAskedForWhereItCanBe is the way of a question to the user, which
// only clients and servers of one era, or the server's own session, have.
func TestInputIsAskedForWhereItCanBe(t *testing.T) {
	tests := []struct{ server, version, tool, want string }{
		{"stateful", "2025-11-25", "ask", "answered accept"},
		{"stateful", "2025-11-25", "require", "required accept state"},
		{"both eras", "2026-07-28", "require", "required accept state"},
		{"modern", "2026-07-28", "require", "required accept state"},
		{"modern", "2025-11-25", "require", "The call was not completed: the tool needs an answer of the user: Sure?. This client's protocol version has no way to give it through the gateway."},
		{"legacy stateful", "2026-07-28", "ask", "client does not support elicitation"},
		{"SSE", "2025-11-25", "ask", "client does not support elicitation"},
	}
	urls := sdkServers(t)
	for _, tt := range tests {
		t.Run(tt.server+"/"+tt.version+"/"+tt.tool, func(t *testing.T) {
			noLeak(t)
			p := newProxy(t, urls[tt.server], func(o *Options) { o.SSE = tt.server == "SSE" })
			c := connect(t, serve(t, p).URL, tt.version, true)
			res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tt.tool})
			if err != nil || !strings.Contains(said(res), tt.want) {
				t.Errorf("got %v, %v, want %s", res, err, tt.want)
			}
		})
	}
}

// TestManyClientsOnOneSession shows that their ids and tokens do not mix.
func TestManyClientsOnOneSession(t *testing.T) {
	noLeak(t)
	urls := sdkServers(t)
	for _, server := range []string{"legacy stateful", "SSE"} {
		p := newProxy(t, urls[server], func(o *Options) { o.SSE = server == "SSE" })
		gateway := serve(t, p).URL
		var clients sync.WaitGroup
		for n := range 8 {
			c := connect(t, gateway, "2026-07-28", false)
			clients.Go(func() {
				for range 5 {
					want := fmt.Sprint("client ", n)
					res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "echo", Arguments: map[string]any{"text": want}})
					if err != nil || said(res) != want {
						t.Errorf("got %v, %v, want %s", res, err, want)
					}
				}
			})
		}
		clients.Wait()
	}
}

func TestFederationOfRealServers(t *testing.T) {
	noLeak(t)
	urls := sdkServers(t)
	var members []Member
	for _, name := range []string{"modern", "legacy stateful", "legacy stateless", "SSE"} {
		p := newProxy(t, urls[name], func(o *Options) { o.SSE, o.Name = name == "SSE", name })
		members = append(members, Member{Name: name, Prefix: strings.ReplaceAll(name, " ", "-"), Server: p})
	}
	gateway := serve(t, NewFederation(FederationOptions{Name: "all", Implementation: mcp.Implementation{Name: "all", Version: "1"}, Members: members})).URL
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		c := connect(t, gateway, version, false)
		tools, err := c.ListTools(t.Context(), nil)
		if err != nil || len(tools.Tools) != 16 {
			t.Fatalf("tools/list: got %+v, %v", tools, err)
		}
		for _, m := range members {
			res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: m.Prefix + "_echo", Arguments: map[string]any{"text": "x"}})
			if err != nil || said(res) != "x" {
				t.Errorf("%s: got %v, %v", m.Prefix, res, err)
			}
			prompt, err := c.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: m.Prefix + "_p"})
			if err != nil || prompt.Description != "prompted" {
				t.Errorf("%s: got %+v, %v", m.Prefix, prompt, err)
			}
		}
		read, err := c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "test://r"})
		if err != nil || read.Contents[0].Text != "content" {
			t.Errorf("resources/read: got %+v, %v", read, err)
		}
	}
}
