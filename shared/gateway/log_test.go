package gateway

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A call is one record, whatever its client sent.
func TestLogCalls(t *testing.T) {
	var out bytes.Buffer
	LogCalls(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))(Call{
		Duration: 1500 * time.Microsecond, Server: "orders", Method: "tools/call", Name: "x\n{\"level\":\"ERROR\"}\x1b[2J", Version: "2026-07-28",
		Client: "203.0.113.9", Subscription: "ann", Status: 502, Err: errors.New("said \"no\"\nforged"),
	})
	want := `{"level":"ERROR","msg":"call","server":"orders","method":"tools/call","name":"x\n{\"level\":\"ERROR\"}\u001b[2J","version":"2026-07-28","status":502,"ms":1.5,` +
		`"client":"203.0.113.9","subscription":"ann","error":"said \"no\"\nforged"}` + "\n"
	if got := out.String(); got != want || strings.Count(got, "\n") != 1 {
		t.Errorf("got %s, want %s", got, want)
	}
}
