package gateway

import (
	"context"
	"log/slog"
)

// LogCalls returns an Observe function that writes one record a call: what was
// asked, of which server, and how it ended. Arguments and results are not
// logged.
func LogCalls(log *slog.Logger) func(Call) {
	return func(c Call) {
		level := slog.LevelInfo
		attrs := []slog.Attr{
			slog.String("server", c.Server), slog.String("method", c.Method), slog.String("name", c.Name),
			slog.String("version", string(c.Version)), slog.Int("status", c.Status),
			slog.Float64("ms", float64(c.Duration.Microseconds())/1000),
		}
		if c.Span.Valid() {
			attrs = append(attrs, slog.String("trace_id", c.Span.TraceID.String()), slog.String("span_id", c.Span.SpanID.String()), slog.String("requestId", c.RequestID))
		}
		if c.Client != "" {
			attrs = append(attrs, slog.String("client", c.Client))
		}
		if c.Subscription != "" {
			attrs = append(attrs, slog.String("subscription", c.Subscription))
		}
		if c.Via != "" {
			attrs = append(attrs, slog.String("via", c.Via))
		}
		if c.Profile != "" {
			attrs = append(attrs, slog.String("profile", c.Profile))
		}
		if c.Cached {
			attrs = append(attrs, slog.Bool("cached", true))
		}
		if c.Approval != "" {
			attrs = append(attrs, slog.String("approval", c.Approval))
		}
		if c.ApprovedBy != "" {
			attrs = append(attrs, slog.String("approvedBy", c.ApprovedBy))
		}
		if c.Left > 0 {
			attrs = append(attrs, slog.Int("left", c.Left))
		}
		if c.Task != "" {
			attrs = append(attrs, slog.String("task", c.Task))
		}
		if c.Failed {
			attrs = append(attrs, slog.Bool("isError", true))
		}
		if c.Err != nil {
			attrs = append(attrs, slog.String("error", c.Err.Error()))
			if c.Status >= 500 {
				level = slog.LevelError
			}
		}
		log.LogAttrs(context.Background(), level, "call", attrs...)
	}
}
