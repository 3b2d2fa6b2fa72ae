// Package wire_test validates every message the gateway sends, to clients and
// to MCP servers behind it, against the published schemas of the protocol.
package wire_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"toolgate/local/examples/petstore"
	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/tests/internal/fixture"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json/jsontext"
)

func TestMain(m *testing.M) { peer.Main(m) }

const configuration = `
name: contoso
title: Contoso's tools
limits: { listPage: 2, timeout: 20s }
backends:
  pets: { url: "{{pets}}" }
apis:
  pets: { openapi: petstore.yaml, backend: pets }
namedValues:
  pets: { env: PETS }
  dual: { env: DUAL }
  modern: { env: MODERN }
  stateful: { env: STATEFUL }
  sse: { env: SSE }
servers:
  pets: { title: Pets, instructions: Look first., api: pets }
  dual: { upstream: { url: "{{dual}}" } }
  modern: { upstream: { url: "{{modern}}", protocolVersion: "2026-07-28" } }
  stateful: { upstream: { url: "{{stateful}}" } }
  old: { upstream: { url: "{{sse}}", transport: sse } }
  down: { upstream: { url: "http://127.0.0.1:1/mcp" } }
  all:
    instructions: Everything is here.
    federate: [ { server: pets, prefix: "" }, dual, stateful, down ]
`

// world is a gateway with everything behind it.
type world struct {
	t       *testing.T
	schemas schemas
	url     string
	sent    *recorder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, schemas: loadSchemas(t), sent: &recorder{}}
	document, err := os.ReadFile(filepath.Join(peer.Root(t), "local", "examples", "gateway", "apis", "petstore.yaml"))
	if err != nil {
		t.Fatalf("reading the example: %v", err)
	}
	store := httptest.NewServer(petstore.New())
	t.Cleanup(store.Close)
	w.url = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": configuration, "petstore.yaml": string(document)}),
		map[string]string{
			"PETS":     store.URL,
			"DUAL":     fixture.Listen(t, fixture.Options{PageSize: 2}),
			"MODERN":   fixture.Listen(t, fixture.Options{PageSize: 2, Versions: []string{string(mcp.V20260728)}}),
			"STATEFUL": fixture.Listen(t, fixture.Options{PageSize: 2, Stateful: true}),
			"SSE":      fixture.ListenSSE(t),
		},
		gateway.Options{Transport: w.sent})
	return w
}

// client is a client of one server in one revision.
type client struct {
	*world
	server  string
	version mcp.Version
	session string
}

func (w *world) client(t *testing.T, server string, v mcp.Version) *client {
	t.Helper()
	at := *w
	at.t = t
	c := &client{world: &at, server: server, version: v}
	if !v.Modern() {
		c.initialize()
	}
	return c
}

// initialize makes the handshake of the legacy era.
func (c *client) initialize() {
	c.t.Helper()
	a := c.exchange(exchange{name: "initialize", method: mcp.MethodInitialize, want: `"serverInfo":`,
		params: `{"protocolVersion":"` + string(c.version) + `","capabilities":{},"clientInfo":{"name":"contoso-test","version":"1.0.0"}}`})
	c.session = a.Header.Get(mcp.HeaderSessionID)
	got := c.post(rpc.New(c.version, "", mcp.NotificationInitialized, ""))
	if got.Status != http.StatusAccepted || len(got.Body) != 0 {
		c.t.Errorf("initialized: got %d %s, want 202 without a body", got.Status, got.Body)
	}
	c.checkSent(false)
}

func (c *client) post(r rpc.Request) *rpc.Answer {
	c.t.Helper()
	return rpc.Post(c.t, c.url+"/"+c.server+"/mcp", r.With(mcp.HeaderSessionID, c.session))
}

// exchange makes a request, validates everything that is sent because of it,
// and compares the response with what was to come.
func (c *client) exchange(x exchange) *rpc.Answer {
	c.t.Helper()
	id := x.id
	if id == "" {
		id = "1"
	}
	r := rpc.New(c.version, id, x.method, x.params)
	if x.alter != nil {
		r = x.alter(r)
	}
	a := c.post(r)
	c.checkAnswer(x, a)
	c.checkSent(x.faulty)
	return a
}

func (c *client) checkAnswer(x exchange, a *rpc.Answer) {
	c.t.Helper()
	s := c.schemas.of(c.version)
	if a.Response() == nil {
		c.t.Errorf("%s: got status %d and no message", x.name, a.Status)
		return
	}
	var methods []string
	for _, n := range a.Notifications() {
		if err := s.checkNamed(notifications, n); err != nil {
			c.t.Errorf("%s: %v", x.name, err)
		}
		method, _ := lookup(n, "method")
		methods = append(methods, strings.Trim(string(method), `"`))
	}
	for _, want := range x.notes {
		if !slices.Contains(methods, want) {
			c.t.Errorf("%s: got the notifications %q, want %s among them", x.name, methods, want)
		}
	}
	if err := s.checkResponse(c.version, x.method, a.Response()); err != nil {
		c.t.Errorf("%s: %v", x.name, err)
	}
	code := x.code
	if !c.version.Modern() && x.legacyCode != 0 {
		code = x.legacyCode
	}
	got := a.Member("error", "code")
	if want := jsontext.Value(jsontext.Int(int64(code)).String()); code == 0 && got != nil || code != 0 && !bytes.Equal(got, want) {
		c.t.Errorf("%s: got %s, want error code %d (0: none)", x.name, a.Response(), code)
	}
	if !bytes.Contains(a.Response(), []byte(x.want)) {
		c.t.Errorf("%s: got %s, want %s in it", x.name, a.Response(), x.want)
	}
}

// checkSent validates what went to the servers behind the gateway meanwhile.
func (c *client) checkSent(faulty bool) {
	c.t.Helper()
	for _, m := range c.sent.take() {
		if faulty {
			continue
		}
		s := c.schemas.of(m.version)
		if _, ok := lookup(m.body, "method"); !ok { // an answer to the server's own request
			if err := s.check("JSONRPCMessage", m.body); err != nil {
				c.t.Errorf("to the server: %v", err)
			}
			continue
		}
		if bytes.Contains(m.body, []byte(`"method":"contoso/`)) {
			continue // passed on by name, unknown to the schemas
		}
		if err := s.checkNamed(requests, m.body); err != nil {
			c.t.Errorf("to the server in %s: %v", m.version, err)
		}
	}
}

// recorder is the way of the gateway to the servers behind it, and keeps what
// goes there.
type recorder struct {
	mu   sync.Mutex
	sent []sentMessage
}

type sentMessage struct {
	version mcp.Version
	body    jsontext.Value
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	toServer := req.Header.Get("Mcp-Method") != "" || req.Header.Get("Mcp-Protocol-Version") != "" ||
		strings.Contains(req.Header.Get("Accept"), mcp.ContentSSE)
	if toServer && req.Method == http.MethodPost {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.sent = append(r.sent, sentMessage{mcp.Version(req.Header.Get("Mcp-Protocol-Version")), body})
		r.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(req)
}

func (r *recorder) take() []sentMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}
