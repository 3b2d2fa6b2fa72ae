package peer

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listening is the line with which the gateway, and a Node server under
// loopback.mjs, say where they listen.
var listening = regexp.MustCompile(`(?m)^listening on (http://\S+?)/?\r?$`)

// everythingServer is go-sdk's server for the conformance suite, in the version
// that go.mod requires.
const everythingServer = "github.com/modelcontextprotocol/go-sdk/conformance/everything-server"

// EverythingServer starts go-sdk's everything-server and returns the URL of its
// MCP endpoint. Stateless it speaks 2026-07-28 and, without sessions, the
// revisions before; otherwise it speaks only those, with sessions. It ends with
// the test.
func EverythingServer(t testing.TB, stateless bool) string {
	t.Helper()
	program := Build(t, everythingServer)
	// The server does not say which port it got, so it is given one that was
	// free a moment ago; should somebody else take it meanwhile, the server
	// ends and the next one is tried.
	const attempts = 3
	for attempt := 1; ; attempt++ {
		address := freeAddress(t)
		p, err := Start(Command{Path: program, Args: []string{"-http=" + address, fmt.Sprintf("-stateless=%t", stateless)}})
		if err != nil {
			t.Fatal(err)
		}
		err = awaitConnection(t.Context(), p, address)
		if err == nil {
			endWithTest(t, p)
			return "http://" + address + "/mcp"
		}
		p.Stop()
		if attempt == attempts || !strings.Contains(p.Log(), "address already in use") {
			t.Fatal(err)
		}
	}
}

// freeAddress returns an address of this machine where nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitConnection waits until the program accepts connections at address.
func awaitConnection(ctx context.Context, p *Process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close() // nothing was sent
			return nil
		}
		select {
		case <-retry.C:
		case <-p.Ended():
			return fmt.Errorf("starting %s: it ended with exit code %d\n%s", p.command, p.ExitCode(), p.Log())
		case <-ctx.Done():
			return fmt.Errorf("starting %s: %w\n%s", p.command, err, p.Log())
		}
	}
}

// ServerEverything starts the npm package @modelcontextprotocol/server-everything
// with Streamable HTTP and returns the URL of its MCP endpoint. It speaks
// 2025-11-25 and before, with sessions. It ends with the test.
func ServerEverything(t testing.TB) string {
	t.Helper()
	return Listening(t, Command{
		Path: Node(t),
		Args: []string{
			// The server listens on every interface; the module in front makes
			// it listen on loopback, at a free port, and say which.
			"--import", "./loopback.mjs",
			filepath.Join("node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js"), "streamableHttp",
		},
		Dir: NPM(t),
	}) + "/mcp"
}

// Provider starts an OpenID provider that knows the client gateway, with this redirect
// URI, and returns its issuer. It ends with the test.
func Provider(t testing.TB, redirect string) string {
	t.Helper()
	return Listening(t, Command{Path: Node(t), Args: []string{"provider.mjs", redirect}, Dir: NPM(t)})
}

// Listening starts a program that says where it listens, as the gateway and the scripts
// of tests/npm do, and returns that URL without a slash at the end. It ends with the
// test.
func Listening(t testing.TB, c Command) string {
	t.Helper()
	c.Ready = listening
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	endWithTest(t, p)
	url, err := p.AwaitReady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Gateway serves a folder that has this gateway.yaml with the gateway's local
// command and returns its base URL, without a slash at the end. It ends with
// the test.
func Gateway(t testing.TB, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatalf("writing the configuration: %v", err)
	}
	return GatewayFolder(t, dir)
}

// GatewayFolder serves a configuration folder as [Gateway] does.
func GatewayFolder(t testing.TB, dir string) string {
	t.Helper()
	p, err := StartGateway(GatewayProgram(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	endWithTest(t, p)
	url, err := p.AwaitReady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// GatewayProgram builds the gateway's local command.
func GatewayProgram(t testing.TB) string {
	t.Helper()
	return Build(t, "./local")
}

// StartGateway starts the gateway's local command on a configuration folder, at
// a free port of loopback. [Process.AwaitReady] returns the base URL.
func StartGateway(program, dir string) (*Process, error) {
	return Start(Command{Path: program, Args: []string{"serve", dir, "--listen", "127.0.0.1:0"}, Ready: listening})
}

// endWithTest ends the process with the test and shows its output if the test
// has failed.
func endWithTest(t testing.TB, p *Process) {
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", p.command, p.Log())
		}
	})
}
