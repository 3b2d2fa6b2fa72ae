package conformance_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/internal/jobs"
	"toolgate/tests/peer"
)

// tasksFolder has tools of both kinds that can become tasks: operations of a REST API,
// which the gateway makes tasks of, and tools of an MCP server that has tasks itself.
const tasksFolder = `
name: contoso
backends: { jobs: { url: "{rest}" } }
apis:
  jobs: { openapi: jobs.yaml, backend: jobs }
servers:
  rest:
    api: jobs
    longRunning: { cancel: true }
    tools: [ greet, slow_compute, { operation: failing_job, longRunning: { tasksOnly: true } }, protocol_error_job ]
  agents: { upstream: { url: "{agents}" } }
  tasks: { federate: [ { server: rest, prefix: "" }, { server: agents, prefix: "" } ] }
`

// TestTasks runs the scenarios of the extension for tasks, which everything-server
// does not have, against a federation of servers that do.
func TestTasks(t *testing.T) {
	suite := filepath.Join(peer.NPM(t), "node_modules", "@modelcontextprotocol", "conformance")
	scenarios, err := readRequirements(filepath.Join(suite, "requirements", "2026-07-28.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	scenarios = slices.DeleteFunc(scenarios, func(s string) bool { return !strings.HasPrefix(s, "tasks-") })
	if len(scenarios) == 0 {
		t.Fatal("the suite has no scenarios of tasks")
	}
	rest, agents := httptest.NewServer(&jobs.API{}), httptest.NewServer(&jobs.MCP{})
	t.Cleanup(rest.Close)
	t.Cleanup(agents.Close)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"gateway.yaml": strings.NewReplacer("{rest}", rest.URL, "{agents}", agents.URL).Replace(tasksFolder), "jobs.yaml": jobs.Document,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, platform := range platforms {
		t.Run(on(platform), func(t *testing.T) {
			url := hosts.Start(t, platform, dir) + "/tasks/mcp"
			for _, scenario := range scenarios {
				t.Run(scenario, func(t *testing.T) { runTasks(t, url, scenario) })
			}
		})
	}
}

// runTasks runs one scenario; none may fail.
func runTasks(t *testing.T, url, scenario string) {
	out := t.TempDir()
	run := peer.Script(t, suiteProgram, "server", "--url", url, "--spec-version", "2026-07-28", "--force", "--scenario", scenario, "--output-dir", out)
	results, err := readResults(out)
	if err != nil || len(results) == 0 {
		t.Fatalf("running the suite: %v\n%s%s", err, run.Stdout, run.Stderr)
	}
	for _, fault := range (expectedFailures{}).judge(scenario, results[scenario]) {
		t.Error(fault)
	}
}
