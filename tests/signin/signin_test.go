// Package signin_test lets real MCP clients sign in through the gateway's
// authorization server, at a real OpenID provider, from nothing but the URL of an
// MCP server.
package signin_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

const configuration = `name: contoso
publicUrl: %[1]s
sealingKey: { secret: env:SEALING_KEY }
authorizationServer:
  issuer: %[2]s
  clientId: gateway
  clientSecret: { secret: env:CLIENT_SECRET }
  claims: [roles]
backends:
  orders: { url: %[3]q }
apis:
  orders:
    backend: orders
    openapi: orders.yaml
servers:
  orders:
    api: orders
    tools:
      - getOrder
      - { operation: cancelOrder, allow: { roles: [seller] } }
    authorization: { issuer: %[1]s, scopes: [orders.read] }
  other:
    api: orders
    authorization: { issuer: %[1]s }
`

const document = `openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: getOrder, responses: { "200": { description: The order. } } }
    delete: { operationId: cancelOrder, responses: { "200": { description: It is cancelled. } } }
`

// world is a gateway in front of a backend, and the provider where users sign in.
type world struct {
	url     string // of the MCP server
	gateway string
}

// start starts them. Store is the URL of the gateway's store; empty: clients carry
// their sign-ins.
func start(t *testing.T, store string) *world {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(backend.Close)
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	public := "http://" + address
	provider := peer.Provider(t, public+"/oauth/callback")
	dir := folder.Write(t, map[string]string{"gateway.yaml": fmt.Sprintf(configuration, public, provider, backend.URL), "orders.yaml": document})
	program := peer.GatewayProgram(t)
	if err := l.Close(); err != nil { // somebody else may take it meanwhile; then the test says so
		t.Fatal(err)
	}
	peer.Listening(t, peer.Command{
		Path: program, Args: []string{"serve", dir, "--listen", address},
		Env: []string{"SEALING_KEY=" + strings.Repeat("k", 40), "CLIENT_SECRET=the secret & of the gateway: +%", "TOOLGATE_STORE=" + store},
	})
	return &world{url: public + "/orders/mcp", gateway: public}
}

// each runs a test with and without a store.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	peer.NPM(t)
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored=%t", stored), func(t *testing.T) {
			t.Parallel()
			store := ""
			if stored {
				store = "file://" + filepath.ToSlash(filepath.Join(t.TempDir(), "store.db"))
			}
			test(t, start(t, store))
		})
	}
}

const redirect = "http://127.0.0.1:1/callback"

// TestGoSDK signs in with go-sdk's client.
func TestGoSDK(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newBrowser(t, "ada")
		handler := goHandler(t, user)
		session := connect(t, w.url, handler)
		tools, err := session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(tools.Tools) != 1 || tools.Tools[0].Name != "getOrder" {
			t.Errorf("tools/list: got %d tools, the first of which is %q", len(tools.Tools), tools.Tools[0].Name)
		}
		// The last two are of the provider: who one is, and consent to the gateway.
		if want := []string{"Allow access?", "One moment", "Sign-in", "Sign-in"}; !slices.Equal(user.pages, want) {
			t.Errorf("pages: got %q, want %q", user.pages, want)
		}
		call(t, session, "7")
		source, err := handler.TokenSource(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, err := source.Token()
		if err != nil {
			t.Fatal(err)
		}
		w.checkToken(t, token.AccessToken)
		w.checkRefresh(t, token.AccessToken, token.RefreshToken)
		w.checkDocuments(t)
	})
}

// goHandler is the OAuth client of go-sdk, with a browser.
func goHandler(t *testing.T, user *browser) *auth.AuthorizationCodeHandler {
	t.Helper()
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{ClientName: "Go", RedirectURIs: []string{redirect}},
		},
		AuthorizationCodeFetcher: func(_ context.Context, a *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			place, err := user.visit(a.URL, redirect)
			if err != nil {
				return nil, err
			}
			u, err := url.Parse(place)
			if err != nil {
				return nil, err
			}
			q := u.Query()
			return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
		},
		Client: &http.Client{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func connect(t *testing.T, place string, handler auth.OAuthHandler) *mcp.ClientSession {
	t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: "toolgate-signin", Version: "1.0.0"}, nil)
	session, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: place, OAuthHandler: handler}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool, whose backend must not see the client's token.
func call(t *testing.T, session *mcp.ClientSession, id string) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "getOrder", Arguments: map[string]any{"id": id}})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Content[0].(*mcp.TextContent).Text; got != "GET /orders/"+id+" " {
		t.Errorf("the backend got %q", got)
	}
}

// checkToken looks at what a token says, and that it is good for its server alone.
func (w *world) checkToken(t *testing.T, token string) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims map[string]any
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		t.Fatalf("reading a token: %v", err)
	}
	for claim, want := range map[string]any{"iss": w.gateway, "aud": w.url, "sub": "ada", "roles": []any{"buyer"}, "scope": "orders.read"} {
		if fmt.Sprint(claims[claim]) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", claim, claims[claim], want)
		}
	}
	for server, want := range map[string]int{"orders": http.StatusOK, "other": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.gateway+"/"+server+"/mcp",
			strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		res, err := (&http.Client{}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("server %s with a token for orders: got status %d, want %d", server, res.StatusCode, want)
		}
	}
}

// checkRefresh refreshes, has it forgotten, and tries again.
func (w *world) checkRefresh(t *testing.T, access, current string) {
	t.Helper()
	claims := strings.Split(access, ".")[1]
	payload, _ := base64.RawURLEncoding.DecodeString(claims)
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal(payload, &client); err != nil {
		t.Fatal(err)
	}
	post := func(path string, form url.Values) (int, string, string) {
		form.Set("client_id", client.ID)
		res, err := (&http.Client{}).PostForm(w.gateway+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer struct {
			RefreshToken string `json:"refresh_token"`
			Error        string `json:"error"`
		}
		_ = json.UnmarshalRead(res.Body, &answer) // that of a revocation is empty
		return res.StatusCode, answer.RefreshToken, answer.Error
	}
	refresh := func(token string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	}
	for range 3 {
		status, next, failed := post("/oauth/token", refresh(current))
		if status != http.StatusOK || next == "" || next == current {
			t.Fatalf("refreshing: status %d, error %q", status, failed)
		}
		current = next
	}
	if status, _, failed := post("/oauth/revoke", url.Values{"token": {current}}); status != http.StatusOK {
		t.Fatalf("revoking: status %d, error %q", status, failed)
	}
	if status, _, failed := post("/oauth/token", refresh(current)); status != http.StatusBadRequest || failed != "invalid_grant" {
		t.Errorf("refreshing after that: status %d, error %q", status, failed)
	}
}

// checkDocuments has the gateway fetch a client's metadata document from this
// machine, where it must not even knock.
func (w *world) checkDocuments(t *testing.T) {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	knocked := make(chan bool)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			conn.Close()
		}
		knocked <- err == nil
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		query := url.Values{"client_id": {"https://" + host + ":" + port + "/client.json"}, "redirect_uri": {redirect}}
		res, err := (&http.Client{}).Get(w.gateway + "/oauth/authorize?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "invalid_client") {
			t.Errorf("a document on %s: got status %d", host, res.StatusCode)
		}
	}
	l.Close()
	if <-knocked {
		t.Error("the gateway connected to this machine for a document")
	}
}

// TestTypeScript signs in with the TypeScript SDK v2.
func TestTypeScript(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newBrowser(t, "ada")
		out := peer.Script(t, "sign-in.mjs", w.url, user.serve(t, redirect))
		if out.ExitCode != 0 {
			t.Fatalf("exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
		}
		var got struct {
			Tools        []string `json:"tools"`
			Text, Again  string
			Refreshed    bool `json:"refreshed"`
			SignIns      int  `json:"signIns"`
			Token, Scope string
		}
		if err := json.Unmarshal(out.Stdout, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("reading %s: %v", out.Stdout, err)
		}
		if !slices.Equal(got.Tools, []string{"getOrder"}) || got.Text != "GET /orders/7 " || got.Again != "GET /orders/8 " {
			t.Errorf("tools %q, results %q and %q", got.Tools, got.Text, got.Again)
		}
		if !got.Refreshed || got.SignIns != 1 {
			t.Errorf("refreshed = %t, after %d sign-ins", got.Refreshed, got.SignIns)
		}
		w.checkToken(t, got.Token)
	})
}
