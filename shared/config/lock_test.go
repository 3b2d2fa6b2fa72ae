package config

import (
	"path/filepath"
	"reflect"
	"testing"
)

func TestLock(t *testing.T) {
	got, faults := parseText(t, `
name: contoso
servers:
  a: { upstream: { url: "https://a.contoso.com" } }
  b: { upstream: { url: "https://b.contoso.com" }, lock: { newTools: allow }, toolLimits: { description: 100, schemaBytes: 2KiB, tools: 3 } }
  c: { upstream: { url: "https://c.contoso.com" }, lock: {} }
`)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	standard := ToolLimits{16 << 10, 128 << 10, 512}
	for i, want := range []struct {
		locked, allowNew bool
		limits           ToolLimits
	}{{false, false, standard}, {true, true, ToolLimits{100, 2 << 10, 3}}, {true, false, standard}} {
		u := got.Servers[i].Upstream
		if (u.Lock != nil) != want.locked || u.Lock != nil && u.Lock.AllowNew != want.allowNew || !reflect.DeepEqual(u.ToolLimits, want.limits) {
			t.Errorf("server %d: got %+v and %+v, want %+v", i, u.Lock, u.ToolLimits, want)
		}
	}
}

func TestToolsLock(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "gateway.yaml", "name: contoso\nservers: { a: { upstream: { url: \"https://a.contoso.com\" } } }\n")
	got, faults := Load(dir, environment(t))
	if faults != nil || got.ToolsLock != "" || len(got.Files) != 2 {
		t.Errorf("without the file: got %q, files %q, %v", got.ToolsLock, got.Files, faults)
	}
	write(t, dir, "tools.lock", "{}")
	path := filepath.Join(dir, "tools.lock")
	got, faults = Load(dir, environment(t))
	if faults != nil || got.ToolsLock != path || got.Files[len(got.Files)-1] != path {
		t.Errorf("with it: got %q, files %q, %v", got.ToolsLock, got.Files, faults)
	}
}
