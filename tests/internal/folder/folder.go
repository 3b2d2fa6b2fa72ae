// Package folder compiles and serves configuration folders inside the test
// process, where a test can look at what goes in and out.
package folder

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/snapshot"
)

// Compile builds the snapshot of a folder whose environment is env.
func Compile(ctx context.Context, dir string, env map[string]string) ([]byte, error) {
	cfg, faults := config.Load(dir, lookup(env))
	if len(faults) > 0 {
		return nil, faults
	}
	result, err := build.Build(ctx, cfg, func(context.Context, string) ([]byte, error) {
		return nil, errors.New("tests fetch no documents")
	})
	if err != nil {
		return nil, err
	}
	return result.Snapshot, nil
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// Write makes a folder of these files for the time of the test.
func Write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatalf("writing a folder: %v", err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatalf("writing a folder: %v", err)
		}
	}
	return dir
}

// Serve serves a folder on loopback until the test ends and returns the base
// URL.
func Serve(t testing.TB, dir string, env map[string]string, o gateway.Options) string {
	t.Helper()
	s := httptest.NewServer(Open(t, dir, env, o))
	t.Cleanup(s.Close)
	return s.URL
}

// Open makes the gateway of a folder, for as long as the test lasts.
func Open(t testing.TB, dir string, env map[string]string, o gateway.Options) *gateway.Gateway {
	t.Helper()
	content, err := Compile(t.Context(), dir, env)
	if err != nil {
		t.Fatalf("compiling %s: %v", dir, err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatalf("loading %s: %v", dir, err)
	}
	o.Secrets = host.Secrets(lookup(env))
	g, err := gateway.New(snap, o)
	if err != nil {
		t.Fatalf("serving %s: %v", dir, err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(), snap.Close()); err != nil {
			t.Errorf("closing the gateway: %v", err)
		}
	})
	return g
}
