package config

import (
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"1024", 1024}, {"4KiB", 4096}, {"4 KiB", 4096}, {"256MiB", 256 << 20}, {"'2048'", 2048}, {"0x800", 2048}, {"2_048", 2048},
		{"'{{size}}'", 3072}, {"'{{count}}KiB'", 5120},
	}
	for _, tt := range tests {
		c, faults := parseText(t, "name: a\nnamedValues: { size: 3KiB, count: 5 }\nlimits: { requestBytes: "+tt.text+" }")
		if faults != nil || c.Limits.RequestBytes != tt.want {
			t.Errorf("%s: got %d, %v, want %d", tt.text, c.Limits.RequestBytes, faults, tt.want)
		}
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
	}{
		{"1", time.Second}, {"30", 30 * time.Second}, {"'30'", 30 * time.Second}, {"100ms", 100 * time.Millisecond},
		{"1m30s", 90 * time.Second}, {"0.5s", 500 * time.Millisecond}, {"1h", time.Hour}, {"3600", time.Hour},
		{"'{{wait}}'", 45 * time.Second}, {"'{{wait}}s'", 45 * time.Second},
	}
	for _, tt := range tests {
		c, faults := parseText(t, "name: a\nnamedValues: { wait: 45 }\nlimits: { timeout: "+tt.text+" }")
		if faults != nil || c.Limits.Timeout != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.text, c.Limits.Timeout, faults, tt.want)
		}
	}
}

// TestReplacedScalars checks that named values can stand for what is not text.
func TestReplacedScalars(t *testing.T) {
	c, faults := parseText(t, `
name: a
namedValues: { yes: true, no: { env: NOWHERE, default: false }, depth: 64, version: 2025-11-25, url: "https://a.contoso.com" }
limits: { depth: "{{depth}}" }
servers:
  a:
    upstream: { url: "{{url}}/mcp", protocolVersion: "{{version}}" }
    tools: [ { tool: "{{depth}}", annotations: { readOnly: "{{yes}}" } } ]
    resources: "{{no}}"
`)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	u := c.Servers[0].Upstream
	tool := u.Tools[0]
	if c.Limits.Depth != 64 || u.URL != "https://a.contoso.com/mcp" || u.ProtocolVersion != "2025-11-25" || u.Resources ||
		tool.Tool != "64" || !*tool.Override.Annotations.ReadOnly {
		t.Errorf("got depth %d, upstream %+v", c.Limits.Depth, u)
	}
}
