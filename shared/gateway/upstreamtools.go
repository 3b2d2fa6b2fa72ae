package gateway

import (
	"context"
	"fmt"

	"toolgate/shared/mcpproxy"

	"github.com/go-json-experiment/json/jsontext"
)

// UpstreamTools asks the MCP server behind a server of the gateway for its tools,
// with the gateway's own credentials and past all policies, and returns their
// definitions as it has them. A server that is in front of none is an error.
func (g *Gateway) UpstreamTools(ctx context.Context, server string) ([]jsontext.Value, error) {
	inner := g.servers[server].Server
	if governed, ok := inner.(*governed); ok {
		inner = governed.inner
	}
	p, ok := innermost(inner).(*mcpproxy.Proxy)
	if !ok {
		return nil, fmt.Errorf("listing the tools of %q: it is no server in front of an MCP server", server)
	}
	tools, err := p.Tools(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the tools of %q: %w", server, err)
	}
	return tools, nil
}
