package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/embedded"
	"toolgate/shared/state/statetest"

	"go.etcd.io/bbolt"
)

// fileVariable makes this executable, started again, the other process of a test.
const fileVariable = "TOOLGATE_TEST_STATE_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(fileVariable); path != "" {
		fmt.Println(writeUntilEnd(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var counter = state.Key{Space: "rate", ID: "counter"}

// writeUntilEnd opens a file and counts in a row of it, saying each number once it
// is written, until standard input ends.
func writeUntilEnd(path string) error {
	s, err := embedded.Open(path)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for n := 1; ; n++ {
		if _, err := s.Put(context.Background(), counter, state.Record{Data: strconv.AppendInt(nil, int64(n), 10), Version: state.AnyVersion}); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// otherProcess starts writeUntilEnd and returns it with what it says.
func otherProcess(t *testing.T, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fileVariable+"="+path)
	if _, err := cmd.StdinPipe(); err != nil { // it ends with this process
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "1" {
		t.Fatalf("the other process: got %q, want 1", lines.Text())
	}
	return cmd, lines
}

func open(t testing.TB, path string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t testing.TB, s *embedded.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func stateFile(t testing.TB) string { return filepath.Join(t.TempDir(), "state.db") }

func TestStore(t *testing.T) {
	statetest.Suite{Open: func(t *testing.T) state.Store { return open(t, stateFile(t)) }}.Run(t)
}

func BenchmarkStore(b *testing.B) {
	s := open(b, stateFile(b))
	defer s.Close()
	statetest.Bench(b, s)
}

// TestRestart: rows, versions and expiry are there when the file is opened again.
func TestRestart(t *testing.T) {
	path := stateFile(t)
	s := open(t, path)
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	versions := map[string]string{}
	for _, id := range []string{"live", "expired", "remade"} {
		r := state.Record{Data: []byte(id)}
		if id == "expired" {
			r.Expires = at
		}
		version, err := s.Put(t.Context(), state.Key{Space: "rate", ID: id}, r)
		if err != nil {
			t.Fatal(err)
		}
		versions[id] = version
	}
	if err := s.Delete(t.Context(), state.Key{Space: "rate", ID: "remade"}, versions["remade"]); err != nil {
		t.Fatal(err)
	}
	closed(t, s)

	s = open(t, path)
	defer s.Close()
	for _, id := range []string{"live", "expired"} {
		r, err := s.Get(t.Context(), state.Key{Space: "rate", ID: id})
		if err != nil || string(r.Data) != id || r.Version != versions[id] {
			t.Errorf("row %s: got %q in version %q and error %v, want version %q", id, r.Data, r.Version, err, versions[id])
		}
	}
	remade, err := s.Put(t.Context(), state.Key{Space: "rate", ID: "remade"}, state.Record{})
	if err != nil || slices.Contains([]string{versions["live"], versions["expired"], versions["remade"]}, remade) {
		t.Errorf("a row made again: got version %q and error %v, want one that was never given, of %v", remade, err, versions)
	}
	if n, err := s.Sweep(t.Context(), at.Add(time.Millisecond), 10); n != 1 || err != nil {
		t.Errorf("sweeping: got %d and error %v, want 1", n, err)
	}
}

// TestTwoProcesses: the second one is refused within a second, and told which file
// it is and what to do; once the first has ended, even by a signal that it cannot
// handle, the file is free.
func TestTwoProcesses(t *testing.T) {
	path := stateFile(t)
	cmd, _ := otherProcess(t, path)
	start := time.Now()
	s, err := embedded.Open(path)
	if s != nil || err == nil {
		t.Fatalf("opening a file that another process has: got no error")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("opening a file that another process has took %v, want a second at most", took)
	}
	for _, want := range []string{path, "another process", "a file of its own"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	closed(t, open(t, path))
}

// TestKill kills a process that writes, several times: what it said it had
// written is there.
func TestKill(t *testing.T) {
	path := stateFile(t)
	for run := range 5 {
		cmd, lines := otherProcess(t, path)
		said := 1
		for range 20 + 7*run {
			if !lines.Scan() {
				t.Fatalf("the other process ended: %v", lines.Err())
			}
			said = atoi(t, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if text := lines.Text(); text != "" {
				said = atoi(t, text)
			}
		}
		_ = cmd.Wait() // it was killed
		s := open(t, path)
		r, err := s.Get(t.Context(), counter)
		if err != nil {
			t.Fatal(err)
		}
		if got := atoi(t, string(r.Data)); got != said && got != said+1 {
			t.Errorf("run %d: got %d, want %d, which was answered, or the one under way", run, got, said)
		}
		closed(t, s)
	}
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDamagedFile: a file that is something else, or not whole, is an error and
// no crash, when it is opened or when it is used.
func TestDamagedFile(t *testing.T) {
	whole := stateFile(t)
	s := open(t, whole)
	for range 50 {
		if _, err := s.Put(t.Context(), statetest.NewKey("rate"), state.Record{Data: make([]byte, 4000), Expires: time.UnixMilli(1)}); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, damage := range map[string]func([]byte) []byte{
		"text":         func([]byte) []byte { return []byte("counters: none\n") },
		"six pages":    func(b []byte) []byte { return b[:6*page] }, // of more than fifty that are in use
		"two pages":    func(b []byte) []byte { return b[:2*page] },
		"a few bytes":  func(b []byte) []byte { return b[:page+7] },
		"zeros":        func(b []byte) []byte { clear(b[2*page:]); return b },
		"no meta page": func(b []byte) []byte { clear(b[:2*page]); return b },
		"wrong pages": func(b []byte) []byte {
			for i := 2 * page; i < len(b); i += page {
				b[i] ^= 0xff
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := stateFile(t)
			if err := os.WriteFile(path, damage(slices.Clone(data)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := embedded.Open(path)
			if err == nil {
				_, err = s.Sweep(t.Context(), time.UnixMilli(10), 1000)
				_, again := s.Get(t.Context(), counter)
				if err != nil && again == nil {
					t.Error("reading after a fault: got no error")
				}
				if closing := s.Close(); err != nil && closing == nil {
					t.Error("closing after a fault: got no error")
				}
			}
			if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "move") {
				t.Errorf("got %v, want an error that says it is damaged and what to do", err)
			}
		})
	}
}

// TestForeignFile: a file of the same library that somebody else made is left
// alone.
func TestForeignFile(t *testing.T) {
	path := stateFile(t)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	}), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first refusal lets go of the file
		if _, err := embedded.Open(path); err == nil || !strings.Contains(err.Error(), "something else") {
			t.Errorf("got %v, want an error that says whose it is not", err)
		}
	}
}

func TestOpenWithoutFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "state.db")
	if _, err := embedded.Open(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want %v with the path", err, os.ErrNotExist)
	}
}
