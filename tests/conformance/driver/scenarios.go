package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// scenarios are the client scenarios of the suite that say something about a
// gateway: what it sends to a server.
var scenarios = map[string]func(context.Context, *driver) error{
	"initialize":                          listTools,
	"request-metadata":                    listTools,
	"json-schema-ref-no-deref":            listTools,
	"tools_call":                          callTool("add_numbers", map[string]any{"a": 5, "b": 3}),
	"sse-retry":                           callTool("test_reconnection", map[string]any{}),
	"elicitation-sep1034-client-defaults": acceptDefaults,
	"json-schema-2020-12-preservation":    echoSchema,
	"sep-2322-client-request-state":       answerInputRequests,
	"http-standard-headers":               callEverything,
	"http-custom-headers":                 makeGivenCalls,
	"http-invalid-tool-headers":           callListedTools,
}

// listTools connects and lists the tools.
func listTools(ctx context.Context, d *driver) error {
	return d.withTools(ctx, nil, func(*mcp.ClientSession, []*mcp.Tool) error { return nil })
}

// callTool calls one tool of the list, which must succeed.
func callTool(name string, arguments map[string]any) func(context.Context, *driver) error {
	return func(ctx context.Context, d *driver) error {
		return d.withTools(ctx, nil, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
			return callListed(ctx, session, tools, name, arguments)
		})
	}
}

// acceptDefaults calls a tool that asks the client for input, and accepts the
// defaults.
func acceptDefaults(ctx context.Context, d *driver) error {
	accept := &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{}}, nil
		},
	}
	return d.withTools(ctx, accept, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
		return callListed(ctx, session, tools, "test_client_elicitation_defaults", map[string]any{})
	})
}

// echoSchema sends the schema of one tool back as the argument of another, so
// that the suite sees what the gateway left of it.
func echoSchema(ctx context.Context, d *driver) error {
	return d.withTools(ctx, nil, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
		const name = "json_schema_2020_12_tool"
		tool := find(tools, name)
		if tool == nil {
			return fmt.Errorf("tool %q is not listed", name)
		}
		return callListed(ctx, session, tools, "json_schema_echo", map[string]any{"schema": tool.InputSchema})
	})
}

// answerInputRequests calls the tools that answer with input_required; some
// answer wrongly on purpose, so that an error is no failure.
func answerInputRequests(ctx context.Context, d *driver) error {
	session, err := d.connect(ctx, &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{}},
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirmed": true}}, nil
		},
	})
	if err != nil {
		return err
	}
	defer session.Close()
	for _, name := range []string{"test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_unrelated", "test_mrtr_no_result_type"} {
		_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: map[string]any{}})
		report(name, err)
	}
	return nil
}

// callEverything uses one tool, one resource and one prompt of the lists.
func callEverything(ctx context.Context, d *driver) error {
	return d.withTools(ctx, nil, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
		resources, err := session.ListResources(ctx, nil)
		if err != nil {
			return fmt.Errorf("listing resources: %w", err)
		}
		prompts, err := session.ListPrompts(ctx, nil)
		if err != nil {
			return fmt.Errorf("listing prompts: %w", err)
		}
		if len(tools) == 0 || len(resources.Resources) == 0 || len(prompts.Prompts) == 0 {
			return fmt.Errorf("got %d tools, %d resources, %d prompts, want some of each", len(tools), len(resources.Resources), len(prompts.Prompts))
		}
		// The suite judges the headers; what its server answers is no matter.
		_, err = session.CallTool(ctx, &mcp.CallToolParams{Name: tools[0].Name, Arguments: map[string]any{}})
		report(tools[0].Name, err)
		_, err = session.ReadResource(ctx, &mcp.ReadResourceParams{URI: resources.Resources[0].URI})
		report(resources.Resources[0].URI, err)
		_, err = session.GetPrompt(ctx, &mcp.GetPromptParams{Name: prompts.Prompts[0].Name})
		report(prompts.Prompts[0].Name, err)
		return nil
	})
}

// makeGivenCalls makes the calls that the suite asks for in its context.
func makeGivenCalls(ctx context.Context, d *driver) error {
	var given struct {
		ToolCalls []struct {
			Name      string         `json:"name"`
			Arguments map[string]any `json:"arguments"`
		} `json:"toolCalls"`
	}
	if err := json.Unmarshal([]byte(os.Getenv("MCP_CONFORMANCE_CONTEXT")), &given); err != nil {
		return fmt.Errorf("reading MCP_CONFORMANCE_CONTEXT: %w", err)
	}
	if len(given.ToolCalls) == 0 {
		return errors.New("reading MCP_CONFORMANCE_CONTEXT: it has no toolCalls")
	}
	return d.withTools(ctx, nil, func(session *mcp.ClientSession, _ []*mcp.Tool) error {
		for _, call := range given.ToolCalls {
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: call.Name, Arguments: call.Arguments})
			report(call.Name, err)
		}
		return nil
	})
}

// callListedTools calls every tool that is listed; the suite objects to those
// that should have been left out.
func callListedTools(ctx context.Context, d *driver) error {
	return d.withTools(ctx, nil, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
		if len(tools) == 0 {
			return errors.New("no tool is listed")
		}
		for _, tool := range tools {
			_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name, Arguments: map[string]any{"region": "us-west1"}})
			report(tool.Name, err)
		}
		return nil
	})
}

// withTools connects a client, lists the tools and runs use.
func (d *driver) withTools(ctx context.Context, options *mcp.ClientOptions, use func(*mcp.ClientSession, []*mcp.Tool) error) error {
	session, err := d.connect(ctx, options)
	if err != nil {
		return err
	}
	defer session.Close()
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing tools: %w", err)
	}
	return use(session, list.Tools)
}

// callListed calls a tool that must be listed, must answer and must not report
// an error.
func callListed(ctx context.Context, session *mcp.ClientSession, tools []*mcp.Tool, name string, arguments map[string]any) error {
	if find(tools, name) == nil {
		return fmt.Errorf("tool %q is not listed", name)
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return fmt.Errorf("calling %q: %w", name, err)
	}
	if result.IsError {
		text, _ := json.Marshal(result.Content) // only for the message
		return fmt.Errorf("calling %q: the tool reports an error: %s", name, text)
	}
	return nil
}

// find returns the tool of that name, or nil.
func find(tools []*mcp.Tool, name string) *mcp.Tool {
	for _, tool := range tools {
		if tool.Name == name {
			return tool
		}
	}
	return nil
}

// report prints an error that is not a failure; the suite shows it when one of
// its checks fails.
func report(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	}
}
