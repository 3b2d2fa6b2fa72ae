package governance_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/oauthclient"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// protected is an MCP server that asks for tokens, the authorization server that
// gives them, and a gateway in front.
type protected struct {
	base string

	mu     sync.Mutex
	issued int
	shown  string // the Authorization that came last
	last   gateway.Call
}

const protectedFolder = `
name: contoso
sealingKey: { secret: env:SEALING }
namedValues: { upstream: { env: UPSTREAM } }
servers:
  callers: { upstream: { url: "{{upstream}}/mcp", credentials: { oauth: { consent: callers } } }, cache: { duration: 60s, tools: [ search ] } }
  old: { upstream: { url: "{{upstream}}/mcp", transport: sse, credentials: { oauth: { consent: callers } } } }
  operator: { upstream: { url: "{{upstream}}/mcp", credentials: { oauth: {} } } }
  each: { upstream: { url: "{{upstream}}/mcp", credentials: { oauth: { perCaller: true } } }, policy: tokens.xml }
  own: { upstream: { url: "{{upstream}}/mcp", credentials: { oauth: { grant: client-credentials, issuer: "{{upstream}}", clientId: gateway, clientSecret: { secret: env:CLIENT } } } } }
  all: { federate: [ callers, own ] }
`

const tokensPolicy = `<policies><inbound><base /><validate-jwt header-name="Authorization"><openid-config url="https://login.contoso.com/.well-known/openid-configuration" /></validate-jwt></inbound><backend><base /></backend><outbound><base /></outbound></policies>`

func newProtected(t *testing.T) *protected {
	t.Helper()
	p := &protected{}
	shelter := sdk.NewServer(&sdk.Implementation{Name: "shelter", Version: "1"}, nil)
	sdk.AddTool(shelter, &sdk.Tool{Name: "search"}, func(_ context.Context, req *sdk.CallToolRequest, _ any) (*sdk.CallToolResult, any, error) {
		text := fmt.Sprintf("%s with %d answers", req.Extra.Header.Get("Authorization"), len(req.Params.InputResponses))
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil, nil
	})
	mcp := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return shelter }, &sdk.StreamableHTTPOptions{Stateless: true})
	mux := http.NewServeMux()
	upstream := httptest.NewServer(mux)
	t.Cleanup(upstream.Close)
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		shown := r.Header.Get("Authorization")
		if !strings.HasPrefix(shown, "Bearer planted-token-") {
			w.Header().Set("WWW-Authenticate", `Bearer scope="tools"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.mu.Lock()
		p.shown = shown
		p.mu.Unlock()
		mcp.ServeHTTP(w, r)
	})
	document := func(path, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.ReplaceAll(text, "BASE", upstream.URL))
		})
	}
	document("/.well-known/oauth-protected-resource/mcp", `{"resource":"BASE/mcp","authorization_servers":["BASE"]}`)
	document("/.well-known/oauth-authorization-server", `{"issuer":"BASE","authorization_endpoint":"BASE/authorize","token_endpoint":"BASE/token","registration_endpoint":"BASE/register","code_challenge_methods_supported":["S256"]}`)
	document("/register", `{"client_id":"made","client_secret":"planted-secret"}`)
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?code=c&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.issued++
		_, _ = fmt.Fprintf(w, `{"access_token":"planted-token-%d","expires_in":3600}`, p.issued)
	})
	s := services.New(services.Options{})
	s.Tokens = claimed{}
	p.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": protectedFolder, "tokens.xml": tokensPolicy}),
		map[string]string{"UPSTREAM": upstream.URL, "SEALING": strings.Repeat("s", 32), "CLIENT": "planted-secret"},
		gateway.Options{Services: s, Connections: &state.Memory{}, Observe: func(c gateway.Call) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.last = c
		}})
	return p
}

// logged is the cause that the log has of the last request.
func (p *protected) logged() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Err
}

// told is what a client is told.
type told struct {
	Result struct {
		Type    string `json:"resultType"`
		IsError bool   `json:"isError"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		Requests map[string]struct {
			Method string `json:"method"`
			Params struct {
				Mode, Message, URL string
			} `json:"params"`
		} `json:"inputRequests"`
		Tools []jsontext.Value `json:"tools"`
	} `json:"result"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (a *told) text() string {
	if len(a.Result.Content) > 0 {
		return a.Result.Content[0].Text
	}
	return a.Error.Message
}

// send sends a request in the modern era; with a version, in that of the version.
func (p *protected) send(t *testing.T, server, method, name, params, capabilities, version, token string) *told {
	t.Helper()
	if params == "" && name != "" {
		params = fmt.Sprintf(`"name":%q,"arguments":{}`, name)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	if version == "" {
		version = "2026-07-28"
		meta := fmt.Sprintf(`"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientCapabilities":%s}`, version, capabilities)
		params = strings.Trim(params+","+meta, ",")
		header["Mcp-Method"] = []string{method}
		if name != "" {
			header["Mcp-Name"] = []string{name}
		}
	}
	header["Mcp-Protocol-Version"] = []string{version}
	if token != "" {
		header["Authorization"] = []string{"Bearer " + token}
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s}}`, method, params)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/"+server+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, data, ok := strings.Cut(string(text), "data: "); ok {
		text = []byte(data)
	}
	a := &told{}
	if err := json.Unmarshal(text, a, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if strings.Contains(string(text), "planted-secret") {
		t.Errorf("the answer has a secret: %s", text)
	}
	return a
}

func (p *protected) call(t *testing.T, server, capabilities, version, token string) *told {
	t.Helper()
	return p.send(t, server, "tools/call", "search", "", capabilities, version, token)
}

var consentLink = regexp.MustCompile(`http://[^\s"]+/connections/[^\s"]+\?ticket=[A-Za-z0-9_-]+`)

// consent follows the link in a text.
func (p *protected) consent(t *testing.T, text string) {
	t.Helper()
	link := consentLink.FindString(text)
	if !strings.HasPrefix(link, p.base+"/connections/") {
		t.Fatalf("there is no link in %q", text)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := visit(t, browser, http.MethodGet, link, "")
	found := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("got %s", page)
	}
	if page = visit(t, browser, http.MethodPost, link, url.Values{"ticket": {html.UnescapeString(found[1])}}.Encode()); !strings.Contains(page, "is connected") || strings.Contains(page, "planted") {
		t.Fatalf("got %s", page)
	}
}

const opensURLs = `{"elicitation":{"url":{}}}`

// TestOAuthConsent: a caller is led to the page in the way that its client has.
func TestOAuthConsent(t *testing.T) {
	p := newProtected(t)
	for _, c := range []struct{ name, capabilities, version string }{
		{"without elicitation", `{}`, ""},
		{"by form alone", `{"elicitation":{}}`, ""},
		{"2025-11-25", "", "2025-11-25"},
		{"2025-03-26", "", "2025-03-26"},
	} {
		got := p.call(t, "callers", c.capabilities, c.version, "")
		if !got.Result.IsError || !consentLink.MatchString(got.text()) {
			t.Errorf("%s: got %+v, want a result with isError and the link", c.name, got)
		}
		if _, ok := errors.AsType[*oauthclient.ConsentError](p.logged()); !ok {
			t.Errorf("%s: the log has %v", c.name, p.logged())
		}
	}
	if got := p.send(t, "callers", "tools/list", "", "", opensURLs, "", ""); !consentLink.MatchString(got.Error.Message) {
		t.Errorf("a list: got %+v, want an error with the link", got)
	}
	if got := p.send(t, "all", "tools/call", "callers_search", "", `{}`, "", ""); !got.Result.IsError || !consentLink.MatchString(got.text()) {
		t.Errorf("as a member of a federation: got %+v", got)
	}
	if got := p.call(t, "old", `{}`, "", ""); !got.Result.IsError || !consentLink.MatchString(got.text()) {
		t.Errorf("over the transport of 2024-11-05: got %+v", got)
	}
	asked := p.call(t, "callers", opensURLs, "", "").Result
	request := asked.Requests["toolgate_consent"]
	if asked.Type != "input_required" || request.Method != "elicitation/create" || request.Params.Mode != "url" {
		t.Fatalf("got %+v, want an elicitation by URL", asked)
	}
	retry := func(action string) *told {
		return p.send(t, "callers", "tools/call", "search", `"name":"search","arguments":{},"inputResponses":{"toolgate_consent":{"action":"`+action+`"}}`, opensURLs, "", "")
	}
	if got := retry("decline"); !got.Result.IsError || !strings.Contains(got.text(), "was not given") || consentLink.MatchString(got.text()) {
		t.Errorf("declined: got %+v", got)
	}
	if got := retry("accept"); !got.Result.IsError || !consentLink.MatchString(got.text()) {
		t.Errorf("accepted, and did nothing: got %+v", got)
	}
	p.consent(t, request.Params.URL)
	if got := retry("accept"); got.text() != "Bearer planted-token-1 with 0 answers" {
		t.Errorf("accepted, and consented: got %+v", got)
	}
	if got := p.call(t, "callers", "", "2025-11-25", ""); got.text() != "Bearer planted-token-1 with 0 answers" {
		t.Errorf("another client: got %+v", got)
	}
}

// TestOAuthOperator: a shared connection is not for callers to make, unless the
// configuration says so.
func TestOAuthOperator(t *testing.T) {
	p := newProtected(t)
	got := p.call(t, "operator", opensURLs, "", "")
	if !got.Result.IsError || consentLink.MatchString(got.text()) || strings.Contains(got.text(), "operator/shared") {
		t.Errorf("got %+v, want no link", got)
	}
	if err := p.logged(); err == nil || !strings.Contains(err.Error(), "connections add operator/shared") {
		t.Errorf("the log has %v", err)
	}
}

// TestOAuthPerCaller: each caller consents, and the access is for nobody else.
func TestOAuthPerCaller(t *testing.T) {
	p := newProtected(t)
	a, b := hs256(`{"iss":"https://login.contoso.com","sub":"a"}`), hs256(`{"iss":"https://login.contoso.com","sub":"b"}`)
	p.consent(t, p.call(t, "each", `{}`, "", a).text())
	if got := p.call(t, "each", `{}`, "", a); got.text() != "Bearer planted-token-1 with 0 answers" {
		t.Errorf("a: got %+v", got)
	}
	p.consent(t, p.call(t, "each", `{}`, "", b).text())
	if got := p.call(t, "each", `{}`, "", b); got.text() != "Bearer planted-token-2 with 0 answers" {
		t.Errorf("b: got %+v", got)
	}
	again := hs256(`{"iss":"https://login.contoso.com","sub":"a","iat":1}`)
	if got := p.call(t, "each", `{}`, "", again); got.text() != "Bearer planted-token-1 with 0 answers" {
		t.Errorf("a, with another token: got %+v", got)
	}
}

// TestOAuthInOwnName: with client credentials nobody is asked.
func TestOAuthInOwnName(t *testing.T) {
	p := newProtected(t)
	for range 2 {
		if got := p.call(t, "own", `{}`, "", ""); got.text() != "Bearer planted-token-1 with 0 answers" {
			t.Errorf("got %+v", got)
		}
	}
}

// TestOAuthDocument: below an https publicUrl the gateway says who it is as a client,
// where authorization servers may read it.
func TestOAuthDocument(t *testing.T) {
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]\n" + strings.TrimPrefix(protectedFolder, "\n"), "tokens.xml": tokensPolicy,
	})
	base := folder.Serve(t, dir, map[string]string{"UPSTREAM": "https://shelter.contoso.com", "SEALING": strings.Repeat("s", 32), "CLIENT": "planted-secret"},
		gateway.Options{Services: services.New(services.Options{}), Connections: &state.Memory{}})
	got := request(t, base+"/connections/callers/client-metadata.json", "")
	for _, want := range []string{
		"200 ", `"client_id":"https://tools.contoso.com/connections/callers/client-metadata.json"`,
		`"redirect_uris":["https://tools.contoso.com/connections/callers/callback"]`, `"refresh_token"`, `"token_endpoint_auth_method":"none"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := request(t, base+"/connections/own/client-metadata.json", ""); !strings.HasPrefix(got, "404 ") {
		t.Errorf("a server that nobody consents to: got %s", got)
	}
}
