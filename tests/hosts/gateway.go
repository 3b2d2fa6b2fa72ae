package hosts

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"toolgate/tests/peer"
)

// Gateway is a gateway on a platform.
type Gateway struct {
	URL  string // of the platform's door, without a slash at the end
	Stop func()
	Log  func() string
}

// ServeOptions say what is served, and where.
type ServeOptions struct {
	Platform      string
	Local         string // the program of ./local
	Unpacked      string // the folder with a package of the platform
	Configuration string // the folder with gateway.yaml
	Dir           string // for what is made on the way
	Env           []string
	// Lambda says more of the function where the platform is AWS Lambda; its Env is not
	// looked at.
	Lambda LambdaOptions
}

// Serve serves a folder on a platform. To its gateway.yaml are added the URL, and the
// sealing key that instances share.
func Serve(ctx context.Context, o ServeOptions) (*Gateway, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving on %s: %w", o.Platform, err)
	}
	configuration, app := filepath.Join(o.Dir, "configuration"), filepath.Join(o.Dir, "app")
	err = os.CopyFS(configuration, os.DirFS(o.Configuration))
	if err == nil {
		err = addKeys(filepath.Join(configuration, "gateway.yaml"), "http://"+l.Addr().String(), domainName(o.Lambda.Door))
	}
	if err == nil {
		err = Deploy(ctx, o.Local, o.Unpacked, configuration, app)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("serving on %s: %w", o.Platform, err)
	}
	env := append([]string{"SEALING_KEY=" + strings.Repeat("platform ", 4)}, o.Env...)
	if o.Platform == Lambda {
		o.Lambda.Env = env
		f, err := StartLambda(ctx, app, l, o.Lambda)
		if err != nil {
			return nil, err
		}
		return &Gateway{URL: f.URL, Stop: f.Stop, Log: f.Log}, nil
	}
	f, err := StartFunctions(ctx, app, l, FunctionsOptions{Env: env})
	if err != nil {
		return nil, err
	}
	return &Gateway{URL: f.URL, Stop: f.Stop, Log: f.Log}, nil
}

// addKeys adds to a gateway.yaml what a platform, or a test, needs and it does not say.
func addKeys(path, url, host string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(content), "\n")
	for key, value := range map[string]string{
		"publicUrl": url, "allowedHosts": "[ " + host + " ]", "sealingKey": "{ secret: env:SEALING_KEY }",
		"egress": `{ allow: [ 127.0.0.0/8, "::1" ] }`, // what tests reach is on this machine
	} {
		if !strings.Contains("\n"+text, "\n"+key+":") {
			text += "\n" + key + ": " + value
		}
	}
	return os.WriteFile(path, []byte(text+"\n"), 0o600)
}

// Needed skips a test where what a platform runs does not run.
func Needed(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skipf("packages are for linux/amd64; this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
}

// unpacked are the packages that this test process has made, by their platform.
var unpacked struct {
	sync.Mutex
	dirs map[string]string
}

// Package packages the example for a platform, once for each test process, and returns
// the folder with what is in the package.
func Package(t testing.TB, platform string) string {
	t.Helper()
	unpacked.Lock()
	defer unpacked.Unlock()
	if dir := unpacked.dirs[platform]; dir != "" {
		return dir
	}
	dir := filepath.Join(peer.Dir(t), "package-"+platform)
	archive := dir + ".zip"
	out := peer.Run(t, peer.Command{Path: peer.GatewayProgram(t), Args: []string{"package", platform, "--arch", "amd64", "-o", archive}, Dir: peer.Root(t)})
	if out.ExitCode != 0 {
		t.Fatalf("packaging for %s: exit code %d\n%s%s", platform, out.ExitCode, out.Stdout, out.Stderr)
	}
	if err := Unpack(archive, dir); err != nil {
		t.Fatal(err)
	}
	if unpacked.dirs == nil {
		unpacked.dirs = map[string]string{}
	}
	unpacked.dirs[platform] = dir
	return dir
}

// Archive is the package of the example for a platform that [Package] made.
func Archive(t testing.TB, platform string) []byte {
	t.Helper()
	content, err := os.ReadFile(Package(t, platform) + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Start serves a folder on a platform until the test ends, and returns the URL; on no
// platform, it is served by the gateway's local command.
func Start(t testing.TB, platform, configuration string) string {
	t.Helper()
	if platform == "" {
		return peer.GatewayFolder(t, configuration)
	}
	return StartWith(t, ServeOptions{Platform: platform, Configuration: configuration}).URL
}

// StartWith serves a folder on a platform until the test ends. The programs and the
// folders that [Serve] needs besides the configuration are made.
func StartWith(t testing.TB, o ServeOptions) *Gateway {
	t.Helper()
	Needed(t)
	o.Local, o.Unpacked, o.Dir = peer.GatewayProgram(t), Package(t, o.Platform), t.TempDir()
	g, err := Serve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Stop()
		if t.Failed() {
			t.Logf("output on %s:\n%s", o.Platform, g.Log())
		}
	})
	return g
}

// StartYAML is [Start], for a folder that has this gateway.yaml alone.
func StartYAML(t testing.TB, platform, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatalf("writing the configuration: %v", err)
	}
	return Start(t, platform, dir)
}
