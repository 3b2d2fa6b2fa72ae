// Package registry_test holds the answers of the registry against the official
// documents: the OpenAPI description of the registry's API, and the schema of
// server.json. It replays what editors ask, through the front door of a gateway.
package registry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/tests/internal/fixture"
	"toolgate/tests/internal/folder"
)

// official is the module of the official registry, and the sum of its content.
const (
	official    = "github.com/modelcontextprotocol/registry@v1.8.8"
	officialSum = "h1:mnSk49TTqtyv53Mdjjf4OyL3UESocTybylLmSbZ/cic="
)

// documents returns the folder with the documents of the official registry.
func documents(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", official)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if fault := json.Unmarshal(out, &module); fault != nil || err != nil || module.Sum != officialSum {
		t.Fatalf("fetching %s: %v: %+v", official, errors.Join(err, fault), module)
	}
	return module.Dir
}

// check holds answers against the documents.
type check struct {
	api    *openapi3.T
	server *jsonschema.Schema
}

func newCheck(t *testing.T) *check {
	t.Helper()
	dir := documents(t)
	loader := openapi3.NewLoader()
	api, err := loader.LoadFromFile(filepath.Join(dir, "docs", "reference", "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	server, err := c.Compile(filepath.Join(dir, "internal", "validators", "schemas", "2025-12-11.json"))
	if err != nil {
		t.Fatal(err)
	}
	return &check{api, server}
}

// answer validates the body of an answer to a template of the OpenAPI document.
func (c *check) answer(t *testing.T, template string, status int, body []byte) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("%s: %v: %s", template, err, body)
	}
	response := c.api.Paths.Find(template).Get.Responses.Status(status)
	if response == nil {
		if value["error"] == nil { // as those that are documented
			t.Errorf("%s: status %d without an error: %s", template, status, body)
		}
		return value
	}
	schema := response.Value.Content["application/json"].Schema.Value
	if err := schema.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v\n%s", template, err, body)
	}
	for _, entry := range entriesOf(value) {
		if err := c.server.Validate(entry["server"]); err != nil {
			t.Errorf("%s: server.json: %v\n%s", template, err, body)
		}
	}
	return value
}

func entriesOf(value map[string]any) []map[string]any {
	if value["server"] != nil {
		return []map[string]any{value}
	}
	list, _ := value["servers"].([]any)
	var entries []map[string]any
	for _, item := range list {
		entries = append(entries, item.(map[string]any))
	}
	return entries
}

func name(entry map[string]any) string {
	server := entry["server"].(map[string]any)
	return server["name"].(string) + " " + server["version"].(string)
}

func namesOf(value map[string]any) string {
	var names []string
	for _, e := range entriesOf(value) {
		names = append(names, strings.ReplaceAll(name(e), "com.contoso/", ""))
	}
	return strings.Join(names, ", ")
}

const configuration = `name: contoso
publicUrl: https://tools.contoso.com
allowedHosts: [ 127.0.0.1 ]
registry:
  namespace: com.contoso
  visibility: VISIBILITY
  serverCards: true
  basePath: BASEPATH
  servers:
    tickets: { url: "https://tickets.contoso.com/mcp", title: Tickets, description: The help desk., owner: Support, environment: production, lifecycle: preview, published: 2026-11-01, updated: 2026-11-20T10:00:00Z, websiteUrl: "https://contoso.com/help", repository: { url: "https://github.com/contoso/tickets", source: github } }
servers:
  orders: { upstream: { url: "{{upstream}}" }, title: Orders, description: "DESCRIPTION", legacySSE: true, registry: { status: deprecated, statusMessage: Use 2.0.0. } }
  orders-v2: { upstream: { url: "{{upstream}}" }, registry: { name: orders, version: 2.0.0 }, authorization: { issuer: "https://login.contoso.com" } }
  shop: { upstream: { url: "{{upstream}}" }, title: Shop, registry: { version: 3.0.0-rc.1, published: 2026-11-05 } }
  inner: { upstream: { url: "{{upstream}}" }, registry: false }
namedValues: { upstream: { env: UPSTREAM } }
products: { starter: { servers: [ shop ] } }
`

// tokens takes unsigned tokens: what is asked of signatures is tested elsewhere.
type tokens struct{}

func (tokens) Validate(_ context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token+"..", ".")[1])
	var claims struct{ Iss, Aud string }
	if err := json.Unmarshal(payload, &claims, json.MatchCaseInsensitiveNames(true)); err != nil || !slices.Contains(r.Audiences, claims.Aud) || !slices.Contains(r.Authorities, claims.Iss) {
		return &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Err: errors.New("not for this server")}
	}
	return nil
}

// adasKey is the key of the one subscription, to the product starter.
const adasKey = "the-key-of-ada"

type oneKey struct{}

func (oneKey) Find(_ context.Context, key string) (*policy.Subscription, error) {
	if key != adasKey {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "ada", Scope: policy.SubscriptionScope{Kind: policy.ProductScope, Name: "starter"}}, nil
}

// start serves a gateway, and returns its URL.
func start(t *testing.T, visibility, basePath string) string {
	t.Helper()
	text := strings.NewReplacer("VISIBILITY", visibility, "BASEPATH", basePath, "DESCRIPTION", strings.Repeat("Orders of contoso. ", 20)).Replace(configuration)
	own := services.New(services.Options{})
	own.Tokens = tokens{}
	dir := folder.Write(t, map[string]string{"gateway.yaml": text})
	return folder.Serve(t, dir, map[string]string{"UPSTREAM": fixture.Listen(t, fixture.Options{})}, gateway.Options{Services: own, Subscriptions: oneKey{}})
}

func get(t *testing.T, target string, header ...string) (*http.Response, []byte) {
	t.Helper()
	return send(t, http.MethodGet, target, header...)
}

func send(t *testing.T, method, target string, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

const (
	listTemplate     = "/v0.1/servers"
	versionsTemplate = "/v0.1/servers/{serverName}/versions"
	versionTemplate  = "/v0.1/servers/{serverName}/versions/{version}"
)

// TestAnswers validates each answer, at every path that the API has.
func TestAnswers(t *testing.T) {
	c := newCheck(t)
	tests := []struct {
		template, path string
		status         int
		want           string
	}{
		{listTemplate, "", 200, "orders 1.0.0, orders 2.0.0, shop 3.0.0-rc.1, tickets 1.0.0"},
		{listTemplate, "?limit=1", 200, "orders 1.0.0"},
		{listTemplate, "?search=shop", 200, "shop 3.0.0-rc.1"},
		{listTemplate, "?version=latest", 200, "orders 2.0.0, shop 3.0.0-rc.1, tickets 1.0.0"},
		{listTemplate, "?updated_since=2026-11-10T00:00:00Z", 200, "orders 1.0.0, orders 2.0.0, tickets 1.0.0"},
		{listTemplate, "?limit=none", 400, ""},
		{versionsTemplate, "/com.contoso%2Forders/versions", 200, "orders 2.0.0, orders 1.0.0"},
		{versionsTemplate, "/com.contoso%2Finner/versions", 404, ""},
		{versionTemplate, "/com.contoso%2Forders/versions/latest", 200, "orders 2.0.0"},
		{versionTemplate, "/com.contoso%2Forders/versions/1.0.0", 200, "orders 1.0.0"},
		{versionTemplate, "/com.contoso%2Ftickets/versions/1.0.0", 200, "tickets 1.0.0"},
		{versionTemplate, "/com.contoso%2Forders/versions/7", 404, ""},
	}
	for _, base := range []string{"/", "/workspaces/default"} {
		gate := start(t, "public", base)
		for _, version := range []string{"/v0.1/servers", "/v0/servers"} {
			for _, tt := range tests {
				target := gate + strings.TrimSuffix(base, "/") + version + tt.path
				res, body := get(t, target)
				if res.StatusCode != tt.status || res.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s: got %d, %s, want %d", target, res.StatusCode, res.Header.Get("Content-Type"), tt.status)
				}
				if got := namesOf(c.answer(t, tt.template, res.StatusCode, body)); got != tt.want {
					t.Errorf("%s: got %s, want %s", target, got, tt.want)
				}
			}
		}
	}
}

// TestEditor replays what VS Code and GitHub Copilot ask, in their order and with their
// origin: whether there is a registry, the preflight of a webview, the list page by
// page, and the version that is installed.
func TestEditor(t *testing.T) {
	gate := start(t, "public", "/")
	c := newCheck(t)
	const origin = "vscode-file://vscode-app"
	res, body := get(t, gate+"/v0.1/servers?limit=1", "Origin", origin)
	c.answer(t, listTemplate, res.StatusCode, body)
	res, _ = send(t, http.MethodOptions, gate+"/v0.1/servers", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization,content-type")
	allowed := strings.ToLower(res.Header.Get("Access-Control-Allow-Headers"))
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Access-Control-Allow-Methods") != "GET, OPTIONS" ||
		!strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
		t.Errorf("preflight: got %d %v", res.StatusCode, res.Header)
	}
	var all []string
	cursor := ""
	for {
		target := gate + "/v0.1/servers?limit=1&version=latest"
		if cursor != "" {
			target += "&cursor=" + cursor
		}
		res, body = get(t, target, "Origin", origin)
		if res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("list: got %v", res.Header)
		}
		page := c.answer(t, listTemplate, res.StatusCode, body)
		all = append(all, namesOf(page))
		metadata := page["metadata"].(map[string]any)
		if cursor, _ = metadata["nextCursor"].(string); cursor == "" {
			break
		}
	}
	if got, want := strings.Join(all, ", "), "orders 2.0.0, shop 3.0.0-rc.1, tickets 1.0.0"; got != want {
		t.Fatalf("pages: got %s, want %s", got, want)
	}
	res, body = get(t, gate+"/v0.1/servers/com.contoso%2Fshop/versions/latest", "Origin", origin)
	entry := c.answer(t, versionTemplate, res.StatusCode, body)
	remote := entry["server"].(map[string]any)["remotes"].([]any)[0].(map[string]any)
	header := remote["headers"].([]any)[0].(map[string]any)
	if remote["url"] != "https://tools.contoso.com/shop/mcp" || header["name"] != "Ocp-Apim-Subscription-Key" || header["isSecret"] != true || header["isRequired"] != true {
		t.Errorf("remote: got %v", remote)
	}
}

func tokenFor(t *testing.T, audience string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]string{"iss": "https://login.contoso.com", "aud": audience, "sub": "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer e30." + base64.RawURLEncoding.EncodeToString(claims) + ".x"
}

// TestCallers shows each caller what they may use, and nothing else.
func TestCallers(t *testing.T) {
	gate := start(t, "callers", "/")
	c := newCheck(t)
	const key, token = "Ocp-Apim-Subscription-Key", "Authorization"
	good := tokenFor(t, "https://tools.contoso.com/orders-v2/mcp")
	tests := []struct {
		name, want string
		header     []string
	}{
		{"nobody", "orders 1.0.0, tickets 1.0.0", nil},
		{"a key", "orders 1.0.0, shop 3.0.0-rc.1, tickets 1.0.0", []string{key, adasKey}},
		{"a wrong key", "orders 1.0.0, tickets 1.0.0", []string{key, "wrong"}},
		{"a token", "orders 1.0.0, orders 2.0.0, tickets 1.0.0", []string{token, good}},
		{"a token for another server", "orders 1.0.0, tickets 1.0.0", []string{token, tokenFor(t, "https://tools.contoso.com/shop/mcp")}},
		{"both", "orders 1.0.0, orders 2.0.0, shop 3.0.0-rc.1, tickets 1.0.0", []string{token, good, key, adasKey}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := get(t, gate+"/v0.1/servers", tt.header...)
			if got := namesOf(c.answer(t, listTemplate, res.StatusCode, body)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := res.Header.Get("Cache-Control"); got != "private, no-cache" {
				t.Errorf("Cache-Control: got %s", got)
			}
			want := http.StatusNotFound
			if strings.Contains(tt.want, "orders 2.0.0") {
				want = http.StatusOK
			}
			if res, _ := get(t, gate+"/orders-v2/mcp/server-card", tt.header...); res.StatusCode != want {
				t.Errorf("card: got %d, want %d", res.StatusCode, want)
			}
		})
	}
}

// TestCards follows the AI catalogue to the cards.
func TestCards(t *testing.T) {
	gate := start(t, "public", "/")
	var catalog struct {
		SpecVersion string                                   `json:"specVersion"`
		Entries     []struct{ Identifier, Type, URL string } `json:"entries"`
	}
	_, body := get(t, gate+"/.well-known/ai-catalog.json")
	if err := json.Unmarshal(body, &catalog, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if catalog.SpecVersion != "1.0" || len(catalog.Entries) != 3 {
		t.Fatalf("got %s", body)
	}
	for _, e := range catalog.Entries {
		res, body := get(t, strings.Replace(e.URL, "https://tools.contoso.com", gate, 1))
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != e.Type || !strings.Contains(string(body), `"supportedProtocolVersions":["2026-07-28"`) {
			t.Errorf("%s: got %d %v %s", e.Identifier, res.StatusCode, res.Header, body)
		}
	}
}

// TestCheck shows that the documents refuse what is wrong.
func TestCheck(t *testing.T) {
	c := newCheck(t)
	schema := c.api.Paths.Find(listTemplate).Get.Responses.Status(http.StatusOK).Value.Content["application/json"].Schema.Value
	for _, wrong := range []string{
		`{}`, `{"servers":[{"_meta":{}}]}`,
		`{"servers":[{"server":{"name":"a/b","description":"","version":"1"}}]}`,
		`{"servers":[{"server":{"name":"a/b","description":"d","version":"1"},"_meta":{"io.modelcontextprotocol.registry/official":{"status":"gone"}}}]}`,
	} {
		var value any
		if err := json.Unmarshal([]byte(wrong), &value); err != nil {
			t.Fatal(err)
		}
		if schema.VisitJSON(value, openapi3.VisitAsResponse()) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
	if c.server.Validate(map[string]any{"name": "orders", "description": "d", "version": "1"}) == nil {
		t.Error("a name without a namespace is taken")
	}
}
