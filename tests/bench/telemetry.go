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

// telemetries are the shares of calls whose spans are kept, and how much of a call's
// CPU time telemetry may then add.
var telemetries = []struct {
	name, kept string
	share      float64
}{{"a tenth of the calls kept", "0.1", 0.10}, {"every call kept", "1", 0.35}}

// observed adds the same call to the MCP server with telemetry: metrics, and spans of
// a tenth of the calls or of all. Without telemetry it is the call of proxy.
func (s *starter) observed(proxy *measured, petstore, notes string, r request) {
	for _, t := range telemetries {
		if s.err != nil {
			return
		}
		var collector serving
		if collector, s.err = s.start(s.ctx, roleCollector, ""); s.err != nil {
			return
		}
		file := s.snapshot(governance{kept: t.kept, collector: collector.url}, petstore, notes)
		s.add("MCP proxy, tools/call, with telemetry, "+t.name, proxy.Name, 0, roleGateway, file, r)
	}
}
