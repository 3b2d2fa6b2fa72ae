package governance_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

// seen is all that people other than the operator of a backend get to see.
type seen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *seen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

const secretsFolder = `
name: contoso
sealingKey: { secret: env:SEALING }
certificates: { mine: { cert: mine.pem, key: mine.key }, pfx: { pfx: { secret: env:PFX }, password: { secret: env:PASSWORD } } }
namedValues: { backend: { env: BACKEND }, issuer: { env: ISSUER }, named: { secret: env:NAMED }, jwt-key: { secret: env:JWT_KEY } }
connections: { hub: { authorizationUrl: "{{issuer}}/a", tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT } } }
backends:
  keyed: { url: "{{backend}}", credentials: { header: { X-Key: { secret: env:KEY } }, query: { code: { secret: env:CODE } } } }
  gone: { url: "http://127.0.0.1:1", credentials: { header: { X-Key: { secret: env:KEY } }, query: { code: { secret: env:CODE } } } }
  refused: { url: "{{backend}}", credentials: { clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:WRONG } } } }
  asserted: { url: "{{backend}}", credentials: { clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, assertion: { managedIdentity: { resource: "api://planted-assertion" } } } } }
  onbehalf: { url: "{{backend}}", credentials: { onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:WRONG } } } }
apis:
  keyed: { backend: keyed, path: keyed, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  gone: { backend: gone, path: gone, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  refused: { backend: refused, path: refused, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  asserted: { backend: asserted, path: asserted, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  onbehalf: { backend: onbehalf, path: onbehalf, operations: { get: { method: GET, urlTemplate: /, policy: validate.xml } } }
  throws: { path: throws, operations: { get: { method: GET, urlTemplate: /, policy: throws.xml } } }
  panics: { backend: keyed, path: panics, operations: { get: { method: GET, urlTemplate: /panic, policy: plain.xml } } }
servers:
  keyed: { upstream: { url: "{{backend}}/mcp", protocolVersion: 2025-11-25, credentials: { header: { X-Key: { secret: env:KEY } } } } }
  gone: { upstream: { url: "http://127.0.0.1:1/mcp", credentials: { authorization: { scheme: Bearer, parameter: { secret: env:KEY } } } } }
  refused: { upstream: { url: "{{backend}}/mcp", credentials: { clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:WRONG } } } } }
`

// panicking is a transport that a request may break.
type panicking struct{ http.RoundTripper }

func (p panicking) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/panic" {
		panic("a fault of the program")
	}
	return p.RoundTripper.RoundTrip(req)
}

// What is secret is sent to whom it is for, and is in nothing else: no log, answer,
// error, snapshot or report.
func TestSecretsStaySecret(t *testing.T) {
	_, chain, key := (*authority)(nil).issue(t, "gateway", time.Now().Add(time.Hour))
	_, keyText, _ := strings.Cut(strings.ReplaceAll(key, "-----END PRIVATE KEY-----", ""), "-----\n")
	keyText, _, _ = strings.Cut(keyText, "\n")
	client := hs256(`{"sub":"planted-client-token","exp":4000000000}`)
	env := map[string]string{
		"SEALING": "planted-sealing-key-of-thirty-two-bytes", "NAMED": "planted-named-value", "KEY": "planted-header-key", "CODE": "planted-query-code",
		"CLIENT": "planted-client-secret", "WRONG": "planted-wrong-secret", "PASSWORD": "planted-password", "PFX": "cGxhbnRlZC1wZng=",
		"JWT_KEY": "YSBrZXkgb2YgdGVzdHMsIGFuZCBvZiBub2JvZHkgZWxzZQ==",
	}
	planted := []string{"planted", "cGxhbnRlZC1wZng", "YSBrZXkgb2YgdGVzdHMs", keyText, client}
	backend := &recorder{}
	site := httptest.NewServer(backend)
	defer site.Close()
	env["BACKEND"], env["ISSUER"] = site.URL, tokenEndpoint(t)
	plain := `<policies><inbound><set-header name="X-Named"><value>{{named}}</value></set-header></inbound><backend><forward-request /></backend><outbound /></policies>`
	files := map[string]string{
		"gateway.yaml": secretsFolder, "mine.pem": chain, "mine.key": key, "plain.xml": plain, "validate.xml": validating,
		"throws.xml": `<policies><inbound><set-variable name="x" value="@(int.Parse(&quot;{{named}}&quot;))" /></inbound></policies>`,
	}
	dir := folder.Write(t, files)
	out := &seen{}

	// What a build says and writes, of a folder with faults too.
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	for _, change := range []string{"", "\nbroken: { secret: env:NAMED }\n"} {
		cfg, faults := config.Load(folder.Write(t, merged(files, secretsFolder+change)), lookup)
		fmt.Fprintln(out, faults)
		if cfg == nil {
			continue
		}
		if result, err := build.Build(t.Context(), cfg, nil); err != nil {
			fmt.Fprintln(out, err)
		} else {
			_, _ = out.Write(result.Snapshot)
			result.Report.Write(out, true)
		}
	}
	content, err := folder.Compile(t.Context(), dir, env)
	if err != nil {
		t.Fatal(err)
	}

	// A gateway that does not start: its PFX is none, and then secrets are missing.
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := gateway.Options{
		Services: services.New(services.Options{Identity: identity{}, Log: log}), Files: os.DirFS(dir), Log: log,
		Observe: gateway.LogCalls(log), Transport: panicking{http.DefaultTransport}, Connections: &state.Memory{},
	}
	for range 2 {
		snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		options.Secrets = host.Secrets(lookup)
		_, err = gateway.New(snap, options)
		if err == nil {
			t.Error("a gateway without its secrets was made")
		}
		fmt.Fprintln(out, err, errors.Join(snap.Close()))
		delete(env, "KEY")
	}
	env["KEY"] = "planted-header-key"

	// Calls that succeed and fail in every way.
	yaml := strings.Replace(secretsFolder, ", pfx: { pfx: { secret: env:PFX }, password: { secret: env:PASSWORD } }", "", 1)
	base := folder.Serve(t, folder.Write(t, merged(files, yaml)), env, options)
	for _, path := range []string{"keyed", "gone", "refused", "asserted", "onbehalf", "throws", "panics/panic", "gone/mcp", "refused/mcp", "connections/hub/x?ticket=planted"} {
		answer := request(t, base+"/"+path, client)
		if failed := !strings.HasPrefix(answer, "200 ") || strings.Contains(answer, `"error"`); failed == (path == "keyed") {
			t.Errorf("%s: got %s", path, answer)
		}
		fmt.Fprintln(out, path[:min(len(path), 12)], answer)
	}
	sent := backend.take()
	for _, want := range []string{"planted-header-key", "planted-query-code", "planted-named-value"} {
		if !strings.Contains(sent, want) {
			t.Errorf("the backend was not sent %s", want)
		}
	}
	answer := request(t, base+"/keyed/mcp", client)
	if sent = backend.take(); !strings.Contains(sent, "planted-header-key") || strings.Contains(sent, client) || strings.Contains(sent, "planted-client-header") {
		t.Errorf("the client got\n%s\nand the MCP server\n%s", answer, sent)
	}
	text := strings.ReplaceAll(out.String(), "api://planted-assertion", "") // no secret: whom a token is for
	for _, secret := range planted {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%.20q is seen: …%s…", secret, text[max(0, i-200):min(len(text), i+60)])
		}
	}
	if !strings.Contains(text, "panic") || !strings.Contains(text, "invalid_client") {
		t.Error("the log does not say what happened")
	}
}

// merged are files with another gateway.yaml.
func merged(files map[string]string, yaml string) map[string]string {
	made := maps.Clone(files)
	made["gateway.yaml"] = yaml
	return made
}
