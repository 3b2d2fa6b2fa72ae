package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"toolgate/tests/internal/folder"
)

// tenPolicies are ordinary ones: eight in inbound, two in outbound. They fit
// the message of a client as well as the request of a tool.
const tenPolicies = `<policies>
  <inbound>
    <base />
    <set-variable name="client" value="@(context.Request.Headers.GetValueOrDefault("X-Client", "unknown"))" />
    <choose>
      <when condition="@(context.Request.Method == "GET")"><set-variable name="writes" value="@(false)" /></when>
      <otherwise><set-variable name="writes" value="@(true)" /></otherwise>
    </choose>
    <ip-filter action="allow"><address>127.0.0.1</address><address-range from="10.0.0.0" to="10.255.255.255" /></ip-filter>
    <rate-limit-by-key calls="1000000000" renewal-period="60" counter-key="@(context.Request.IpAddress)" />
    <set-header name="X-Client" exists-action="override"><value>@((string)context.Variables["client"])</value></set-header>
    <set-header name="X-Request-Id" exists-action="skip"><value>@(context.RequestId.ToString())</value></set-header>
    <set-header name="Cookie" exists-action="delete" />
    <set-query-parameter name="api-version" exists-action="override"><value>2026-01-01</value></set-query-parameter>
  </inbound>
  <backend><base /></backend>
  <outbound>
    <base />
    <choose><when condition="@(context.Response.StatusCode >= 500)"><set-status code="502" reason="Bad Gateway" /></when></choose>
    <set-header name="Cache-Control" exists-action="override"><value>no-store</value></set-header>
  </outbound>
  <on-error><base /></on-error>
</policies>
`

// governance says what of a gateway has the ten policies, and whether calls are
// recorded.
type governance struct {
	servers, api bool
	kept         string // the share of calls whose spans are kept; empty: no telemetry
	collector    string // URL
}

func (g governance) String() string {
	switch {
	case g.servers:
		return "governed-servers"
	case g.api:
		return "governed-api"
	case g.kept != "":
		return "telemetry-" + g.kept
	}
	return "ungoverned"
}

// configuration is a gateway with a REST API and an MCP server behind it.
func (g governance) configuration(petstore, notes string) string {
	const policy = ", policy: ten.xml"
	server, api := "", ""
	if g.servers {
		server = policy
	}
	if g.api {
		api = policy
	}
	telemetry := ""
	if g.kept != "" {
		telemetry = fmt.Sprintf("telemetry: { endpoint: %q, sampling: { ratio: %s } }\n", g.collector, g.kept)
	}
	return telemetry + fmt.Sprintf(`name: contoso
backends:
  petstore: { url: %q, timeout: 10s }
apis:
  petstore: { openapi: petstore.yaml, backend: petstore%s }
servers:
  petstore: { title: Pet store, api: petstore%s }
  notes: { title: Notebook, upstream: { url: %q }%s }
`, petstore, api, server, notes, server)
}

// snapshot compiles the gateway, with the API of the example, in a folder of this name.
func (b *bench) snapshot(ctx context.Context, name string, g governance, petstore, notes string) (string, error) {
	description, err := os.ReadFile(filepath.Join(b.root, "local", "examples", "gateway", "apis", "petstore.yaml"))
	if err != nil {
		return "", fmt.Errorf("reading the API of the example: %w", err)
	}
	return b.compile(ctx, name, map[string]string{
		"petstore.yaml": string(description), "ten.xml": tenPolicies, "gateway.yaml": g.configuration(petstore, notes),
	})
}

// compile writes a folder of these files and compiles it.
func (b *bench) compile(ctx context.Context, name string, files map[string]string) (string, error) {
	dir := filepath.Join(b.dir, name)
	err := os.Mkdir(dir, 0o700)
	for file, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600))
	}
	if err != nil {
		return "", fmt.Errorf("writing the folder %s: %w", name, err)
	}
	compiled, err := folder.Compile(ctx, dir, nil)
	if err != nil {
		return "", fmt.Errorf("compiling the folder %s: %w", name, err)
	}
	return b.write(name+".snapshot", compiled)
}
