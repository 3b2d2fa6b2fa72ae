package interop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

// TestInspector uses the command line of MCP Inspector, in both eras, with an
// MCP server and with a REST API behind the gateway.
func TestInspector(t *testing.T) {
	peer.NPM(t)
	yaml := fmt.Sprintf("name: contoso\nservers:\n  everything:\n    upstream: { url: %q }\n", peer.EverythingServer(t, true))
	for _, platform := range platforms {
		t.Run(on(platform), func(t *testing.T) {
			tryInspector(t, hosts.StartYAML(t, platform, yaml), ordersGateway(t, platform))
		})
	}
}

// tryInspector has Inspector call a gateway in front of the MCP server, and the server
// orders of another one.
func tryInspector(t *testing.T, gateway, orders string) {
	config := filepath.Join(t.TempDir(), "mcp.json")
	servers := fmt.Sprintf(`{"mcpServers":{
		"legacy":{"type":"streamable-http","url":%[1]q,"protocolEra":"legacy"},
		"modern":{"type":"streamable-http","url":%[1]q,"protocolEra":"modern"},
		"auto":{"type":"streamable-http","url":%[1]q,"protocolEra":"auto"},
		"rest-legacy":{"type":"streamable-http","url":%[2]q,"protocolEra":"legacy"},
		"rest-modern":{"type":"streamable-http","url":%[2]q,"protocolEra":"modern"}
	}}`, gateway+"/everything/mcp", orders)
	if err := os.WriteFile(config, []byte(servers), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(tool string, args ...string) []string {
		a := []string{"--method", "tools/call", "--tool-name", tool}
		for _, arg := range args {
			a = append(a, "--tool-arg", arg)
		}
		return a
	}
	tests := []struct {
		server   string
		args     []string
		exitCode int // 5: the tool reports an error; 6: a schema that clients cannot use
		want     string
	}{
		{"legacy", []string{"--method", "initialize"}, 0, `{"result":{"protocolVersion":"2025-11-25"}}`},
		{"modern", []string{"--method", "initialize"}, 0, `{"result":{"protocolVersion":"2026-07-28"}}`},
		{"auto", []string{"--method", "initialize"}, 0, `{"result":{"protocolVersion":"2026-07-28"}}`},
		{"legacy", call("test_x_mcp_header", "region=eu"), 0, `{"result":{"content":[{"type":"text","text":"region=eu"}]}}`},
		{"modern", call("test_x_mcp_header", "region=eu"), 0, `{"result":{"content":[{"type":"text","text":"region=eu"}]}}`},
		{"legacy", call("test_error_handling"), 5, `{"result":{"isError":true}}`},
		{"modern", call("test_error_handling"), 5, `{"result":{"isError":true}}`},
		{"modern", []string{"--method", "resources/read", "--uri", "test://static-text"}, 0, `{"result":{"contents":[{"text":"This is the content of the static text resource."}]}}`},
		{"legacy", []string{"--method", "prompts/get", "--prompt-name", "test_simple_prompt"}, 0, `{"result":{"messages":[{"content":{"text":"This is a simple prompt for testing."}}]}}`},
		{"rest-legacy", []string{"--method", "tools/list", "--strict"}, 0, `{"result":{"tools":[{"name":"getOrder"},{"name":"create_order"},{"name":"getLabel"}]}}`},
		{"rest-modern", []string{"--method", "tools/list", "--strict"}, 0, `{"result":{"tools":[{"name":"getOrder"},{"name":"create_order"},{"name":"getLabel"}]}}`},
		{"rest-legacy", call("getOrder", "orderId=A-12"), 0, `{"result":{"structuredContent":{"customer":"/v1/orders/A-12?"}}}`},
		{"rest-modern", call("getOrder", `orderId="404"`), 5, `{"result":{"isError":true}}`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.server, tt.args), func(t *testing.T) {
			t.Parallel()
			out := inspect(t, config, tt.server, tt.args)
			if out.ExitCode != tt.exitCode {
				t.Errorf("exit code: got %d, want %d\n%s", out.ExitCode, tt.exitCode, out.Stderr)
			}
			if err := contains(jsontext.Value(out.Stdout), jsontext.Value(tt.want)); err != nil {
				t.Errorf("%v\n%s%s", err, out.Stdout, out.Stderr)
			}
		})
	}
}

// inspect runs Inspector's command line with a server of a configuration file.
func inspect(t *testing.T, config, server string, args []string) peer.Output {
	t.Helper()
	launcher := filepath.Join(peer.NPM(t), "node_modules", "@modelcontextprotocol", "inspector", "clients", "launcher", "build", "index.js")
	home := t.TempDir() // it writes there, and keeps no secrets
	return peer.Run(t, peer.Command{
		Path: peer.Node(t),
		Args: append([]string{launcher, "--cli", "--config", config, "--server", server, "--format", "json"}, args...),
		Env:  []string{"MCP_INSPECTOR_SECRET_STORE=memory", "HOME=" + home, "USERPROFILE=" + home},
	})
}
