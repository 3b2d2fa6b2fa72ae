// Command driver is the client that the conformance suite's client scenarios
// test. It puts a gateway in between: the scenario's server becomes the
// gateway's upstream, and what the suite sees is what the gateway sends.
//
//	driver -gateway PROGRAM [-platform NAME -unpacked DIR [-store URL]] [-client VERSION] [-upstream VERSION] URL
//
// The suite appends the URL and names the scenario in MCP_CONFORMANCE_SCENARIO.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"toolgate/tests/hosts"
	"toolgate/tests/peer"
)

// timeout is shorter than the suite's own of 30 seconds: what ends by itself
// says what it was waiting for, and leaves nothing behind.
const timeout = 25 * time.Second

func main() {
	peer.Supervise()
	gateway := flag.String("gateway", "", "the gateway's local command")
	platform := flag.String("platform", "", "the platform that the gateway runs on; empty: none, it is the local command that serves")
	unpacked := flag.String("unpacked", "", "the folder with a package of the platform")
	store := flag.String("store", "", "the URL of the store that instances of the platform share")
	client := flag.String("client", "", "protocol version of the client in front of the gateway; empty: the newest")
	upstream := flag.String("upstream", "", "protocol version of the scenario's server; empty: the gateway finds out")
	flag.Parse()
	if *gateway == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	d := driver{clientVersion: *client, gateway: *gateway, platform: *platform, unpacked: *unpacked, store: *store, upstreamVersion: *upstream}
	if err := d.run(ctx, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// driver runs one scenario.
type driver struct {
	gateway         string // program
	platform        string // empty: none
	unpacked        string // the folder with a package of the platform
	store           string // URL; empty: none
	clientVersion   string // of the client in front
	upstreamVersion string // in the gateway's configuration
	credentials     string // in the gateway's configuration, as an OAuth client; empty: none

	endpoint string // the gateway's MCP endpoint, once it listens
}

// run starts a gateway in front of the server at url and runs the scenario
// through it.
func (d *driver) run(ctx context.Context, url string) (err error) {
	name := os.Getenv("MCP_CONFORMANCE_SCENARIO")
	scenario, ok := scenarios[name]
	if strings.HasPrefix(name, authScenarios) {
		scenario, ok = authorized, true
		if d.credentials, err = credentials(ctx, name, url); err != nil {
			return fmt.Errorf("configuring scenario %s: %w", name, err)
		}
	}
	if !ok {
		return fmt.Errorf("running scenario %q: this driver does not know it", name)
	}
	dir, err := os.MkdirTemp("", "toolgate-driver-")
	if err != nil {
		return fmt.Errorf("making the configuration folder: %w", err)
	}
	defer os.RemoveAll(dir)
	configuration := filepath.Join(dir, "configuration")
	if err := os.Mkdir(configuration, 0o700); err != nil {
		return fmt.Errorf("making the configuration folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(configuration, "gateway.yaml"), d.configuration(url), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	g, err := d.serve(ctx, configuration, filepath.Join(dir, "platform"))
	if err != nil {
		return err
	}
	defer func() {
		g.Stop()
		if err != nil {
			err = fmt.Errorf("%w\noutput of the gateway:\n%s", err, g.Log())
		}
	}()
	d.endpoint = g.URL + "/scenario/mcp"
	if err := scenario(ctx, d); err != nil {
		return fmt.Errorf("running scenario %s: %w", name, err)
	}
	return nil
}

// serve starts the gateway, on a platform where there is one.
func (d *driver) serve(ctx context.Context, configuration, dir string) (*hosts.Gateway, error) {
	if d.platform != "" {
		return hosts.Serve(ctx, hosts.ServeOptions{
			Platform: d.platform, Local: d.gateway, Unpacked: d.unpacked, Configuration: configuration, Dir: dir,
			Env: []string{"TOOLGATE_STORE=" + d.store},
		})
	}
	p, err := peer.StartGateway(d.gateway, configuration)
	if err != nil {
		return nil, err
	}
	base, err := p.AwaitReady(ctx)
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &hosts.Gateway{URL: base, Stop: p.Stop, Log: p.Log}, nil
}

// configuration is a gateway.yaml with the server at url behind the gateway.
func (d *driver) configuration(url string) []byte {
	yaml := fmt.Appendf(nil, "name: contoso\nservers:\n  scenario:\n    upstream:\n      url: %q\n", url)
	if d.upstreamVersion != "" {
		yaml = fmt.Appendf(yaml, "      protocolVersion: %q\n", d.upstreamVersion)
	}
	if d.credentials != "" {
		yaml = fmt.Appendf(yaml, "      credentials: { oauth: %s }\nsealingKey: { secret: env:SEALING_KEY }\n", d.credentials)
	}
	return yaml
}

// connect connects a client to the gateway.
func (d *driver) connect(ctx context.Context, options *mcp.ClientOptions) (*mcp.ClientSession, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "toolgate-conformance", Version: "1.0.0"}, options)
	transport := &mcp.StreamableClientTransport{Endpoint: d.endpoint}
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: d.clientVersion})
	if err != nil {
		return nil, fmt.Errorf("connecting to the gateway: %w", err)
	}
	return session, nil
}
