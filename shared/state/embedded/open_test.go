package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"toolgate/shared/state"
	"toolgate/shared/state/embedded"
)

func TestOpener(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := t.TempDir()
	for rawURL, path := range map[string]string{
		"file:state.db":                                      "state.db",
		"file:with%20space.db":                               "with space.db",
		"file:./other.db":                                    "other.db",
		"file://" + filepath.ToSlash(dir) + "/a.db":          filepath.Join(dir, "a.db"),
		"file:" + filepath.ToSlash(dir) + "/b.db":            filepath.Join(dir, "b.db"),
		"file://localhost" + filepath.ToSlash(dir) + "/c.db": filepath.Join(dir, "c.db"),
	} {
		s, err := state.Open(t.Context(), rawURL, embedded.Opener())
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
			continue
		}
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", rawURL, err)
		}
	}
}

func TestOpenerFaults(t *testing.T) {
	for _, rawURL := range []string{"file:", "file://", "file:///", "file:///tmp/", "file://server/share/state.db", "file:state.db?mode=ro", "file:%zz"} {
		s, err := state.Open(t.Context(), rawURL, embedded.Opener())
		if s != nil || !errors.Is(err, state.ErrURL) {
			t.Errorf("%s: got %v and error %v, want %v", rawURL, s, err, state.ErrURL)
		}
	}
}
