package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// discarding is a collector of OpenTelemetry that keeps nothing. It is a process of
// its own, so that what it does is not the gateway's cost.
func discarding() http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
}

// observed adds the same call to the MCP server with telemetry: metrics, and spans of
// a tenth of the calls or of all. Without telemetry it is the call of proxy.
func (s *starter) observed(proxy *measured, petstore, notes string, r request) {
	for _, sampled := range []struct {
		name, ratio string
		bound       float64
	}{{"a tenth of the calls kept", "0.1", 1.10}, {"every call kept", "1", 1.35}} {
		s.add("MCP proxy, tools/call, with telemetry, "+sampled.name, proxy.Name, sampled.bound, roleGateway, s.observedGateway(petstore, notes, sampled.ratio), r)
	}
}

// observedGateway compiles the gateway with a collector; it returns the file.
func (s *starter) observedGateway(petstore, notes, ratio string) string {
	if s.err != nil {
		return ""
	}
	collector, err := s.start(s.ctx, roleCollector, "")
	if err != nil {
		s.err = err
		return ""
	}
	description, err := os.ReadFile(filepath.Join(s.root, "local", "examples", "gateway", "apis", "petstore.yaml"))
	if err != nil {
		s.err = fmt.Errorf("reading the API of the example: %w", err)
		return ""
	}
	var file string
	file, s.err = s.compile(s.ctx, "telemetry-"+ratio, map[string]string{
		"petstore.yaml": string(description),
		"gateway.yaml":  governance{}.configuration(petstore, notes) + fmt.Sprintf("telemetry: { endpoint: %q, sampling: { ratio: %s } }\n", collector.url, ratio),
	})
	return file
}
