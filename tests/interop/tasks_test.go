package interop_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/tests/hosts"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/jobs"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const jobsGateway = `
name: contoso
backends: { jobs: { url: "{rest}" } }
apis:
  jobs: { openapi: jobs.yaml, backend: jobs }
servers:
  jobs: { api: jobs, longRunning: true, tools: [ greet, slow_compute, failing_job ] }
  agents: { upstream: { url: "{agents}" } }
  all: { federate: [ jobs, agents ] }
`

// TestTasks has the TypeScript client of the extension for tasks carry out calls that
// become tasks, of a REST API and of an MCP server behind a federation.
func TestTasks(t *testing.T) {
	rest, agents := httptest.NewServer(&jobs.API{}), httptest.NewServer(&jobs.MCP{})
	t.Cleanup(rest.Close)
	t.Cleanup(agents.Close)
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": strings.NewReplacer("{rest}", rest.URL, "{agents}", agents.URL).Replace(jobsGateway), "jobs.yaml": jobs.Document,
	})
	for _, platform := range platforms {
		t.Run(on(platform), func(t *testing.T) { tryTasks(t, hosts.Start(t, platform, dir)) })
	}
}

func tryTasks(t *testing.T, base string) {
	tests := []struct{ name, server, tool, arguments, kind, want string }{
		{"one that ends at once", "jobs", "greet", `{"name":"Ada"}`, "immediate", `{"content":[{"type":"text","text":"Hello, Ada!"}]}`},
		{"one that goes on", "jobs", "slow_compute", `{"seconds":1,"label":"x"}`, "task", `{"structuredContent":{"label":"x"}}`},
		{"one that fails", "jobs", "failing_job", `{}`, "task", `{"isError":true}`},
		{"of a federation", "all", "jobs_slow_compute", `{"seconds":1,"label":"y"}`, "task", `{"structuredContent":{"label":"y"}}`},
		{"one that asks for input", "all", "agents_confirm_delete", `{}`, "task", `{"content":[{"type":"text","text":"done"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			run := peer.Script(t, "client-tasks.mjs", base+"/"+tt.server+"/mcp", tt.tool, tt.arguments)
			var got struct {
				Kind   string         `json:"kind"`
				Result jsontext.Value `json:"result"`
			}
			if err := json.Unmarshal(run.Stdout, &got); err != nil {
				t.Fatalf("%v\n%s%s", err, run.Stdout, run.Stderr)
			}
			if err := contains(got.Result, jsontext.Value(tt.want)); got.Kind != tt.kind || err != nil {
				t.Errorf("got %s %s, want %s %s: %v", got.Kind, got.Result, tt.kind, tt.want, err)
			}
		})
	}
}
