package conformance_test

import (
	"strconv"
	"strings"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

// Both eras of clients, by the revision that they speak to the gateway.
const (
	modern = "2026-07-28"
	legacy = "2025-11-25"
)

// everyday are the scenarios that are run on every platform each time.
var everyday = map[string]bool{"tools_call": true, "sse-retry": true, "http-custom-headers": true}

// driverCommand is the command line of the driver with a gateway on a platform, whose
// instances share a store unless that is empty. The suite splits it at spaces and lets a shell run what it puts together again.
func driverCommand(t *testing.T, platform, client, store string) string {
	t.Helper()
	words := []string{strconv.Quote(peer.Build(t, "./tests/conformance/driver")), "-gateway", strconv.Quote(peer.GatewayProgram(t)), "-client", client}
	if platform != "" {
		hosts.Needed(t)
		words = append(words, "-platform", platform, "-unpacked", strconv.Quote(hosts.Package(t, platform)))
	}
	if store != "" {
		words = append(words, "-store", strconv.Quote(store))
	}
	return strings.Join(words, " ")
}

// TestClient runs the scenarios for clients that say something about a gateway:
// the scenario's server is the gateway's upstream, and a go-sdk client calls
// through the gateway. With a legacy client in front of a modern server it is
// the gateway alone that makes the metadata and the headers.
func TestClient(t *testing.T) {
	both := []string{modern, legacy}
	tests := []struct {
		scenario string
		servers  []string // revisions of the scenario's server
		clients  []string // revisions of the client in front of the gateway
	}{
		{"initialize", []string{legacy, "2025-06-18"}, both},
		{"tools_call", []string{modern, legacy, "2025-06-18"}, both},
		{"json-schema-2020-12-preservation", []string{modern, legacy}, both},
		{"json-schema-ref-no-deref", []string{modern}, both},
		{"request-metadata", []string{modern}, both},
		{"http-standard-headers", []string{modern}, both},
		{"http-custom-headers", []string{modern}, both},
		{"http-invalid-tool-headers", []string{modern}, both},
		{"sse-retry", []string{legacy}, both},
		// A server asks the client for input here; between the eras that
		// question cannot be handed on without keeping a connection.
		{"sep-2322-client-request-state", []string{modern}, []string{modern}},
		{"elicitation-sep1034-client-defaults", []string{legacy}, []string{legacy}},
	}
	peer.NPM(t)
	for _, tt := range tests {
		for _, server := range tt.servers {
			for _, client := range tt.clients {
				for _, platform := range platformsOf(everywhere || everyday[tt.scenario]) {
					t.Run(tt.scenario+"/"+server+" server/"+client+" client/"+on(platform), func(t *testing.T) {
						t.Parallel()
						run := peer.Script(t, suiteProgram, "client", "--command", driverCommand(t, platform, client, ""),
							"--scenario", tt.scenario, "--spec-version", server, "--output-dir", t.TempDir())
						if run.ExitCode != 0 || !strings.Contains(string(run.Stderr), "OVERALL: PASSED") {
							t.Errorf("exit code %d\n%s%s", run.ExitCode, run.Stdout, run.Stderr)
						}
					})
				}
			}
		}
	}
}
