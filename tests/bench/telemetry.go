package main

import (
	"io"
	"net/http"
)

// discarding is a collector of OpenTelemetry that keeps nothing. It is a process of
// its own, so that what it does is not the gateway's cost.
func discarding() http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
}

// observed adds the same call to the MCP server with telemetry: metrics, and spans of
// a tenth of the calls or of all. Without telemetry it is the call of proxy.
func (s *starter) observed(proxy *measured, petstore, notes string, r request) {
	for _, t := range [...]struct {
		name, kept string
		bound      float64
	}{{"a tenth of the calls kept", "0.1", 1.10}, {"every call kept", "1", 1.35}} {
		if s.err != nil {
			return
		}
		var collector serving
		if collector, s.err = s.start(s.ctx, roleCollector, ""); s.err != nil {
			return
		}
		file := s.snapshot(governance{kept: t.kept, collector: collector.url}, petstore, notes)
		s.add("MCP proxy, tools/call, with telemetry, "+t.name, proxy.Name, t.bound, roleGateway, file, r)
	}
}
