// Package interop_test lets real MCP clients of both eras use real servers, and
// a REST API, through the gateway, and compares what they get.
package interop_test

import (
	"fmt"
	"slices"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

// platforms are where the gateway runs: by its local command, and on the platforms of
// package hosts.
var platforms = []string{"", hosts.Azure, hosts.Lambda}

// on names a platform in the name of a test.
func on(platform string) string {
	if platform == "" {
		return "local"
	}
	return platform
}

// TestServers tries the clients with existing MCP servers behind the gateway.
func TestServers(t *testing.T) {
	yaml := fmt.Sprintf(`name: contoso
servers:
  modern:
    upstream: { url: %q, protocolVersion: "2026-07-28" }
  stateful:
    upstream: { url: %q }
  reference:
    upstream: { url: %q }
  all:
    federate: [modern, { server: reference, prefix: ref }]
`, peer.EverythingServer(t, true), peer.EverythingServer(t, false), peer.ServerEverything(t))
	tests := []struct {
		name    string // of the server
		clients []client
		plan    plan
	}{
		{"modern", clients, everything},
		{"reference", clients, reference},
		{"all", clients, federated},
		{"stateful", slices.DeleteFunc(slices.Clone(clients), func(c client) bool { return !c.legacy }), asking},
	}
	for _, platform := range platforms {
		t.Run(on(platform), func(t *testing.T) {
			gateway := hosts.StartYAML(t, platform, yaml)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					try(t, tt.clients, gateway+"/"+tt.name+"/mcp", tt.plan)
				})
			}
		})
	}
}

// try runs a plan with each of the clients at the MCP endpoint at url.
func try(t *testing.T, clients []client, url string, p plan) {
	peer.NPM(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p.judge(t, c.legacy, c.run(t, url, p))
		})
	}
}
