// Package conformance_test runs the official MCP conformance suite against the
// gateway: its server scenarios with go-sdk's everything-server as upstream,
// and its client scenarios with the suite's own servers as upstream.
package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

// platforms are where the gateway runs: by its local command, and on the platforms of
// package hosts.
var platforms = []string{"", hosts.Azure, hosts.Lambda}

// everywhere runs all scenarios for clients on the platforms as well, which takes
// minutes; without it, a few are.
var everywhere = os.Getenv("TOOLGATE_EVERYWHERE") != ""

// platformsOf are those that a scenario is run on.
func platformsOf(all bool) []string {
	if all {
		return platforms
	}
	return platforms[:1]
}

// on names a platform in the name of a test.
func on(platform string) string {
	if platform == "" {
		return "local"
	}
	return platform
}

func TestMain(m *testing.M) { peer.Main(m) }

// TestServer runs the scenarios for servers, with each kind of client in front
// of the gateway and each kind of server behind it.
func TestServer(t *testing.T) {
	tests := []struct {
		name      string
		revision  string // that the suite speaks to the gateway
		stateless bool   // upstream
		pinned    string // protocol version of the upstream in the configuration; "" = the gateway finds out
		expected  string // file of expected failures
	}{
		{"modern client, modern server", "2026-07-28", true, "", "modern-modern.yml"},
		{"modern client, legacy server", "2026-07-28", false, "2025-11-25", "modern-legacy.yml"},
		{"legacy client, stateful legacy server", "2025-11-25", false, "", "legacy-stateful.yml"},
		{"legacy client, stateless legacy server", "2025-11-25", true, "2025-11-25", "legacy-stateless.yml"},
		{"legacy client, modern server", "2025-11-25", true, "2026-07-28", "legacy-modern.yml"},
	}
	peer.NPM(t)
	for _, tt := range tests {
		for _, platform := range platforms {
			t.Run(tt.name+"/"+on(platform), func(t *testing.T) {
				t.Parallel()
				yaml := fmt.Sprintf("name: contoso\nservers:\n  everything:\n    upstream:\n      url: %q\n", peer.EverythingServer(t, tt.stateless))
				if tt.pinned != "" {
					yaml += fmt.Sprintf("      protocolVersion: %q\n", tt.pinned)
				}
				runServerScenarios(t, hosts.StartYAML(t, platform, yaml)+"/everything/mcp", tt.revision, filepath.Join("expected", tt.expected))
			})
		}
	}
}

// runServerScenarios runs every scenario that the suite has for a revision
// against the MCP endpoint at url, each a subtest.
func runServerScenarios(t *testing.T, url, revision, expectedFile string) {
	suite := filepath.Join(peer.NPM(t), "node_modules", "@modelcontextprotocol", "conformance")
	scenarios, err := readRequirements(filepath.Join(suite, "requirements", revision+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	expected, err := readExpectedFailures(expectedFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range expected.unknown(scenarios) {
		t.Errorf("%s: %s is not among the scenarios of %s", expectedFile, entry, revision)
	}
	out := t.TempDir()
	run := peer.Script(t, suiteProgram, "server", "--url", url, "--requirements", revision, "--output-dir", out)
	results, err := readResults(out)
	if err != nil || len(results) == 0 {
		t.Fatalf("running the suite: %v\n%s%s", err, run.Stdout, run.Stderr)
	}
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			for _, fault := range expected.judge(scenario, results[scenario]) {
				t.Error(fault)
			}
		})
	}
}

// suiteProgram is the suite's command in tests/npm.
const suiteProgram = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
