// Command driver is the client that the conformance suite's client scenarios
// test. It puts a gateway in between: the scenario's server becomes the
// gateway's upstream, and what the suite sees is what the gateway sends.
//
//	driver -gateway PROGRAM [-client VERSION] [-upstream VERSION] URL
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

	"toolgate/tests/peer"
)

// timeout is shorter than the suite's own of 30 seconds: what ends by itself
// says what it was waiting for, and leaves nothing behind.
const timeout = 25 * time.Second

func main() {
	peer.Supervise()
	gateway := flag.String("gateway", "", "the gateway's local command")
	client := flag.String("client", "", "protocol version of the client in front of the gateway; empty: the newest")
	upstream := flag.String("upstream", "", "protocol version of the scenario's server; empty: the gateway finds out")
	flag.Parse()
	if *gateway == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	d := driver{clientVersion: *client, gateway: *gateway, upstreamVersion: *upstream}
	if err := d.run(ctx, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

// driver runs one scenario.
type driver struct {
	gateway         string // program
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
	if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), d.configuration(url), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	p, err := peer.StartGateway(d.gateway, dir)
	if err != nil {
		return err
	}
	defer func() {
		p.Stop()
		if err != nil {
			err = fmt.Errorf("%w\noutput of the gateway:\n%s", err, p.Log())
		}
	}()
	base, err := p.AwaitReady(ctx)
	if err != nil {
		return err
	}
	d.endpoint = base + "/scenario/mcp"
	if err := scenario(ctx, d); err != nil {
		return fmt.Errorf("running scenario %s: %w", name, err)
	}
	return nil
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
