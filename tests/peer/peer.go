// Package peer gives tests the real MCP peers of a gateway: the go-sdk and npm
// reference servers, the official conformance suite, the TypeScript clients
// and the gateway itself, each a process that ends with the test.
//
// A package that uses it calls [Main] from TestMain:
//
//	func TestMain(m *testing.M) { peer.Main(m) }
package peer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// readyTimeout is how long a server may take from its start until it listens.
// The machine may be compiling something else meanwhile.
const readyTimeout = 60 * time.Second

// binaries holds the programs that [Build] made for this test process.
var binaries struct {
	sync.Mutex
	dir    string            // made by Main, removed by it
	byPath map[string]string // package path → program
}

// Main runs the tests of a package and exits. It makes the folder for the
// programs that the tests build, and removes it afterwards.
func Main(m *testing.M) {
	Supervise()
	dir, err := os.MkdirTemp("", "toolgate-peer-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the peers:", err)
		os.Exit(1)
	}
	binaries.dir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "removing the folder of the peers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Root returns the root folder of this module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("finding the module: %v", err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(data, []byte("module toolgate\n")) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("finding the module: no folder above this test has a go.mod with \"module toolgate\"")
		}
		dir = parent
	}
}

// Dir returns the folder of what the tests of this process build. It is removed
// after them.
func Dir(t testing.TB) string {
	t.Helper()
	if binaries.dir == "" {
		t.Fatal("finding the folder of peers: TestMain of this package must call peer.Main")
	}
	return binaries.dir
}

// Build compiles the main package that pkg names ("./local", or an import path
// of a module that go.mod requires), once for each test process, and returns
// the path of the program.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	if path, ok := binaries.byPath[pkg]; ok {
		return path
	}
	if binaries.dir == "" {
		t.Fatal("building a peer: TestMain of this package must call peer.Main")
	}
	path := filepath.Join(binaries.dir, fmt.Sprintf("%d-%s", len(binaries.byPath), filepath.Base(pkg)))
	if filepath.Ext(os.Args[0]) == ".exe" {
		path += ".exe" // Windows
	}
	out := Run(t, Command{Path: "go", Args: []string{"build", "-o", path, pkg}, Dir: Root(t)})
	if out.ExitCode != 0 {
		t.Fatalf("building %s: exit status %d\n%s%s", pkg, out.ExitCode, out.Stdout, out.Stderr)
	}
	if binaries.byPath == nil {
		binaries.byPath = map[string]string{}
	}
	binaries.byPath[pkg] = path
	return path
}

// Output is what a program left behind.
type Output struct {
	Stdout, Stderr []byte
	ExitCode       int
}

// runTimeout bounds a program that a test runs to its end; npm ci on a slow
// network is the longest.
const runTimeout = 5 * time.Minute

// Run runs a program to its end. The test fails when the program cannot be
// started or has not ended after five minutes; an exit code other than 0 is
// for the caller to judge.
func Run(t testing.TB, c Command) Output {
	t.Helper()
	var stdout, stderr lockedBuffer
	c.Stdout, c.Stderr = &stdout, &stderr
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	select {
	case <-p.Ended():
	case <-ctx.Done():
		p.Stop()
		t.Fatalf("running %s: %v\n%s%s", c, context.Cause(ctx), stdout.Bytes(), stderr.Bytes())
	}
	return Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), ExitCode: p.ExitCode()}
}
