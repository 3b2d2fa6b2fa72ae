package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/snapshot"
	"toolgate/shared/trace"
)

// terminalLog is the log of what is not a call. The terminal shows the time of
// day only.
func terminalLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
		}
		return a
	}}))
}

// observe shows one request: as a line, and in the live view.
func (s *server) observe(c gateway.Call) {
	s.printCall(c)
	s.live.add(c)
}

// keepTrace keeps how a request went for the live view, and as a record where calls
// are recorded.
func (s *server) keepTrace(t *trace.Trace) {
	s.live.keep(t)
	s.recorder.add(t)
}

// printCall prints one request on one line.
func (s *server) printCall(c gateway.Call) {
	outcome := fmt.Sprint(c.Status)
	switch {
	case c.Failed:
		outcome += " isError"
	case c.Err != nil:
		outcome += " " + printable(c.Err.Error())
	}
	if c.Approval != "" {
		outcome += " approval " + c.Approval
	}
	fmt.Fprintf(s.stdout, "%s  %-12s %-28s %7.1f ms  %s\n", c.Time.Format(time.TimeOnly), c.Server,
		printable(strings.TrimSpace(c.Method+" "+c.Name)), float64(c.Duration.Microseconds())/1000, outcome)
}

// describe says in a few words what a server is.
func describe(s *snapshot.Server) string {
	switch {
	case s.API != nil && s.API.Tools == 1:
		return "1 tool of a REST API"
	case s.API != nil:
		return fmt.Sprintf("%d tools of a REST API", s.API.Tools)
	case s.Upstream != nil:
		return "the MCP server at " + s.Upstream.URL
	}
	names := make([]string, 0, len(s.Federate))
	for _, m := range s.Federate {
		names = append(names, m.Server)
	}
	return strings.Join(names, " and ") + " on one endpoint"
}

// clientConfig is the block that MCP clients take, a server a line.
func clientConfig(base string, m *snapshot.Manifest) string {
	out := []byte("{\n  \"servers\": {")
	for i, s := range m.Servers {
		if i > 0 {
			out = append(out, ',')
		}
		out = mcp.AppendString(append(out, "\n    "...), s.Name)
		out = append(out, `: { "type": "http", "url": `...)
		out = append(mcp.AppendString(out, base+"/"+s.Name+"/mcp"), " }"...)
	}
	return string(append(out, "\n  }\n}"...))
}
