package interop_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"toolgate/tests/peer"
)

// client is a real MCP client. It carries out a plan at an endpoint, and
// answers "accept" with the name Ada when a server asks for input.
type client struct {
	name   string
	legacy bool // it speaks 2025-11-25 or before
	run    func(t *testing.T, url string, p plan) []answer
}

// clients are the clients that are tried with every server.
var clients = []client{
	{"go-sdk 2026-07-28", false, goSDK("2026-07-28")},
	{"go-sdk 2025-11-25", true, goSDK("2025-11-25")},
	{"go-sdk 2025-06-18", true, goSDK("2025-06-18")},
	{"TypeScript v2 2026-07-28", false, script("client-v2.mjs", "2026-07-28")},
	{"TypeScript v2 auto", false, script("client-v2.mjs", "auto")},
	{"TypeScript v2 legacy", true, script("client-v2.mjs", "legacy")},
	{"TypeScript v1", true, script("client-v1.mjs")},
}

// script is a client that is a script of tests/npm.
func script(name string, args ...string) func(*testing.T, string, plan) []answer {
	return func(t *testing.T, url string, p plan) []answer {
		t.Helper()
		steps, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		out := peer.Script(t, name, append([]string{url, string(steps)}, args...)...)
		if out.ExitCode != 0 {
			t.Fatalf("%s ended with exit code %d\n%s%s", name, out.ExitCode, out.Stdout, out.Stderr)
		}
		var answers []answer
		if err := json.Unmarshal(out.Stdout, &answers); err != nil {
			t.Fatalf("reading the answers of %s: %v\n%s%s", name, err, out.Stdout, out.Stderr)
		}
		return answers
	}
}

// goSDK is go-sdk's client, speaking this protocol version.
func goSDK(version string) func(*testing.T, string, plan) []answer {
	return func(t *testing.T, url string, p plan) []answer {
		t.Helper()
		return carryOut(t, &mcp.StreamableClientTransport{Endpoint: url}, version, p)
	}
}

// carryOut carries out a plan with go-sdk's client.
func carryOut(t *testing.T, transport mcp.Transport, version string, p plan) []answer {
	t.Helper()
	var progress progressLog
	c := mcp.NewClient(&mcp.Implementation{Name: "toolgate-interop", Version: "1.0.0"}, &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada", "username": "ada"}}, nil
		},
		ProgressNotificationHandler: progress.add,
	})
	session, err := c.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	if got := session.InitializeResult().ProtocolVersion; got != version {
		t.Errorf("protocol version: got %q, want %q", got, version)
	}
	answers := make([]answer, len(p))
	for i, s := range p {
		result, err := request(t.Context(), session, s, token(i))
		if err != nil {
			answers[i].Error = errorJSON(err)
		} else {
			answers[i].Result = mustMarshal(t, result)
		}
	}
	// The SDK hands a notification over on its own time, maybe after the
	// result; once the session is closed all have been.
	if err := session.Close(); err != nil {
		t.Errorf("closing the session: %v", err)
	}
	for i := range p {
		for _, n := range progress.of(token(i)) {
			answers[i].Progress = append(answers[i].Progress, mustMarshal(t, n))
		}
	}
	return answers
}

// token is the progress token of the step with that index.
func token(step int) string { return fmt.Sprintf("step-%d", step) }

// request sends the request of a step, with a progress token if it asks for
// progress.
func request(ctx context.Context, session *mcp.ClientSession, s step, token string) (mcp.Result, error) {
	switch s.Method {
	case "tools/list":
		return send(ctx, s, session.ListTools, new(mcp.ListToolsParams))
	case "tools/call":
		params := new(mcp.CallToolParams)
		if s.Progress {
			params.SetProgressToken(token)
		}
		return send(ctx, s, session.CallTool, params)
	case "resources/list":
		return send(ctx, s, session.ListResources, new(mcp.ListResourcesParams))
	case "resources/templates/list":
		return send(ctx, s, session.ListResourceTemplates, new(mcp.ListResourceTemplatesParams))
	case "resources/read":
		return send(ctx, s, session.ReadResource, new(mcp.ReadResourceParams))
	case "prompts/list":
		return send(ctx, s, session.ListPrompts, new(mcp.ListPromptsParams))
	case "prompts/get":
		return send(ctx, s, session.GetPrompt, new(mcp.GetPromptParams))
	case "completion/complete":
		return send(ctx, s, session.Complete, new(mcp.CompleteParams))
	}
	return nil, fmt.Errorf("sending %s: this client has no such method", s.Method)
}

// send decodes the parameters of a step and sends them.
func send[P any, R mcp.Result](ctx context.Context, s step, method func(context.Context, P) (R, error), params P) (mcp.Result, error) {
	if s.Params != nil {
		if err := jsonv1.Unmarshal(s.Params, params); err != nil {
			return nil, fmt.Errorf("reading the parameters of %s: %w", s.Method, err)
		}
	}
	return method(ctx, params)
}

// errorJSON is a JSON-RPC error as the scripts print it; any other error has no
// code.
func errorJSON(err error) jsontext.Value {
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return fmt.Appendf(nil, `{"code":%d,"message":%q}`, e.Code, e.Message)
	}
	return fmt.Appendf(nil, `{"message":%q}`, err.Error())
}

func mustMarshal(t *testing.T, v any) jsontext.Value {
	t.Helper()
	data, err := jsonv1.Marshal(v) // go-sdk's types are made for encoding/json
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// progressLog keeps the progress notifications of a session.
type progressLog struct {
	mu       sync.Mutex
	received []*mcp.ProgressNotificationParams
}

func (l *progressLog) add(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received = append(l.received, r.Params)
}

// of returns the notifications with a token, in the order of their arrival.
func (l *progressLog) of(token string) []*mcp.ProgressNotificationParams {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*mcp.ProgressNotificationParams
	for _, p := range l.received {
		if p.ProgressToken == token {
			found = append(found, p)
		}
	}
	return found
}
