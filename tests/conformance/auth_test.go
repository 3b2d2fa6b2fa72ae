package conformance_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"

	"go.yaml.in/yaml/v4"
)

// notAuthorized are the scenarios for authorized clients that the gateway does not
// pass, with the reason. One that passes must be removed.
var notAuthorized = map[string]string{
	"auth/enterprise-managed-authorization": "the ID token of the user is not the gateway's to have: its callers show access tokens, and onBehalfOf exchanges those",
	"auth/dpop":                             "the gateway shows bearer tokens; it has no key of its own that tokens could be bound to on all instances",
	"auth/dpop-nonce":                       "as auth/dpop",
}

// bridged are the scenarios that are run with a client of the other era as well: those
// in which the client is told of the page in the midst of its calls.
var bridged = map[string]bool{"auth/metadata-default": true, "auth/scope-step-up": true, "auth/authorization-server-migration": true}

// authScenariosOf are the suite's scenarios for authorized clients of a revision,
// those that count and those that it only reports.
func authScenariosOf(t *testing.T, revision string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(peer.NPM(t), "node_modules", "@modelcontextprotocol", "conformance", "requirements", revision+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Client    []string `yaml:"client"`
		NotScored []struct {
			Scenario string `yaml:"scenario"`
			Leg      string `yaml:"leg"`
		} `yaml:"not_scored"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, s := range file.NotScored {
		if s.Leg == "client" {
			file.Client = append(file.Client, s.Scenario)
		}
	}
	return slices.DeleteFunc(file.Client, func(s string) bool { return !strings.HasPrefix(s, "auth/") })
}

// runAuthorized runs a scenario with the driver.
func runAuthorized(t *testing.T, scenario, revision, command string) {
	t.Helper()
	run := peer.Script(t, suiteProgram, "client", "--command", command,
		"--scenario", scenario, "--spec-version", revision, "--output-dir", t.TempDir(),
		"--force") // extensions are of no revision
	passed := run.ExitCode == 0 && strings.Contains(string(run.Stderr), "OVERALL: PASSED")
	output := fmt.Sprintf("exit code %d\n%s%s", run.ExitCode, run.Stdout, run.Stderr)
	switch reason := notAuthorized[scenario]; {
	case reason == "" && !passed:
		t.Error(output)
	case reason != "" && passed:
		t.Error("it passes: remove it from those that do not")
	case reason != "" && !strings.Contains(output, "OVERALL: FAILED"):
		t.Errorf("it did not run:\n%s", output)
	}
}

// TestAuthorizedClient runs the scenarios for clients that are authorized: the
// scenario's server is the gateway's upstream, which asks the gateway for tokens, and
// the driver consents as a person does.
func TestAuthorizedClient(t *testing.T) {
	known := map[string]bool{}
	for _, tt := range []struct{ server, client string }{{modern, modern}, {legacy, legacy}, {modern, legacy}} {
		for _, scenario := range authScenariosOf(t, tt.server) {
			known[scenario] = true
			if tt.server != tt.client && !bridged[scenario] {
				continue
			}
			for _, platform := range platformsOf(everywhere) {
				t.Run(scenario+"/"+tt.server+" server/"+tt.client+" client/"+on(platform), func(t *testing.T) {
					t.Parallel()
					runAuthorized(t, scenario, tt.server, driverCommand(t, platform, tt.client, hosts.Store(t, platform)))
				})
			}
		}
	}
	for _, scenario := range slices.Sorted(maps.Keys(notAuthorized)) {
		if !known[scenario] {
			t.Errorf("%s is no scenario of the suite: remove it", scenario)
		}
	}
}
