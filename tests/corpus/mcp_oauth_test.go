package corpus_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/shared/policy/policytest"

	"github.com/go-json-experiment/json"
	"golang.org/x/tools/txtar"
)

// TestOAuthProxy runs the OAuth proxy as one continuous flow: a client that
// registers itself and gets a token, the browser of its user, and Entra. Each
// step goes on with what the step before it gave.
func TestOAuthProxy(t *testing.T) {
	for _, test := range []struct{ name, callback, identity string }{
		{
			"AI-Gateway", "Azure-Samples__AI-Gateway/labs__mcp-client-authorization__src__apim-oauth__oauth-callback.policy.xml",
			"22222222-2222-2222-2222-222222222222",
		},
		{
			"functions", "Azure-Samples__remote-mcp-apim-functions-python/infra__app__apim-oauth__oauth-callback.policy.xml",
			"33333333-3333-3333-3333-333333333333",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newOAuthRun(t, test.callback, test.identity)
			p.register()
			p.pass(time.Hour) // the cache forgets the client, the database does not
			p.consent()
			p.signIn()
			p.token()
			p.call()
		})
	}
}

// oauthRun is one run of the flow. It is what stands behind the gateway as well:
// Entra, the database of clients and the backends of tools.
type oauthRun struct {
	*testing.T
	*front
	jar      http.CookieJar // of the user's browser
	identity string         // client id that the gateway's token is for

	metadata struct {
		AuthorizationEndpoint string `json:"authorization_endpoint"`
		TokenEndpoint         string `json:"token_endpoint"`
		RegistrationEndpoint  string `json:"registration_endpoint"`
	}
	clientID  string
	stored    string          // the client in the database
	sent      []*http.Request // to backends, since the last request of the client
	bodies    []string        // of them
	challenge string          // that Entra was given
	code      string          // of the gateway
	key       string          // that the gateway issued
}

const (
	clientRedirect = "http://127.0.0.1:33418/callback?from=entra"
	clientState    = "c3RhdGU/fg=="
	clientVerifier = "a verifier of the client, of forty-three characters"
	entraCode      = "0.code-of-entra"
	assertion      = "identity-token api://AzureADTokenExchange "
)

func newOAuthRun(t *testing.T, callback, identity string) *oauthRun {
	t.Helper()
	library := newShelf(t)
	content, err := os.ReadFile("testdata/mcp/oauth/gateway.txtar")
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(bytes.ReplaceAll(content, []byte("file: CALLBACK"), []byte("file: "+callback)))
	_, o, err := (&frontTest{shelf: library}).read(archive)
	if err != nil {
		t.Fatal(err)
	}
	p := &oauthRun{T: t, identity: identity}
	o.transport, o.sink = p, &policytest.Writer{}
	if p.front, err = newFront(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	if p.jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// do makes a request, with the cookies of the browser where browser is set.
func (p *oauthRun) do(browser bool, method, target, contentType, body string, header ...string) (*http.Response, string) {
	p.Helper()
	req := httptest.NewRequestWithContext(p.Context(), method, strings.ReplaceAll(target, " ", "%20"), strings.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	page := &url.URL{Scheme: "https", Host: req.URL.Host, Path: req.URL.Path}
	if browser {
		for _, c := range p.jar.Cookies(page) {
			req.AddCookie(c)
		}
	}
	p.sent, p.bodies = nil, nil
	res := p.serve(req)
	content, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	if browser {
		p.jar.SetCookies(page, res.Cookies())
	}
	return res, string(content)
}

const form = "application/x-www-form-urlencoded"

// want checks a status.
func (p *oauthRun) want(step string, res *http.Response, body string, status int) {
	p.Helper()
	if res.StatusCode != status {
		p.Fatalf("%s: status %d, want %d: %s; %v", step, res.StatusCode, status, body, p.failed)
	}
}

// register finds the endpoints and registers the client.
func (p *oauthRun) register() {
	res, body := p.do(false, "GET", "https://tools.contoso.com/.well-known/oauth-authorization-server", "", "")
	p.want("metadata", res, body, http.StatusOK)
	p.decode(body, &p.metadata)
	res, body = p.do(false, "POST", p.metadata.RegistrationEndpoint, "application/json",
		`{"client_name":"Ada's <editor>","client_uri":"https://editor.contoso.com","redirect_uris":["`+clientRedirect+`"],"grant_types":["authorization_code"]}`)
	p.want("register", res, body, http.StatusOK)
	var client struct {
		ID           string   `json:"client_id"`
		Issued       int64    `json:"client_id_issued_at"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	p.decode(body, &client)
	if client.Issued != p.now.Unix() || len(client.RedirectURIs) != 1 || client.RedirectURIs[0] != clientRedirect {
		p.Errorf("registered as %s", body)
	}
	p.clientID = client.ID
	var stored struct {
		ID string `json:"id"`
	}
	if len(p.sent) != 1 {
		p.Fatalf("%d requests to the database, want 1", len(p.sent))
	}
	p.decode(p.bodies[0], &stored)
	h := p.sent[0].Header
	if got, want := h.Get("Authorization"), "type=aad&ver=1.0&sig=identity-token https://cosmos.azure.com"; stored.ID != client.ID || got != want {
		p.Errorf("stored %q with Authorization %q, want %q with %q", stored.ID, got, client.ID, want)
	}
	if got, want := h.Get("X-Ms-Documentdb-Partitionkey"), `["`+client.ID+`"]`; got != want {
		p.Errorf("partition key %s, want %s", got, want)
	}
}

func (p *oauthRun) decode(text string, into any) {
	p.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		p.Fatalf("%v: %s", err, text)
	}
}

// consent lets the user see the page and allow the client.
func (p *oauthRun) consent() {
	res, body := p.do(true, "GET", p.authorization(), "", "")
	p.want("authorize", res, body, http.StatusFound)
	page := res.Header.Get("Location")
	res, body = p.do(true, "GET", page, "", "")
	p.want("consent", res, body, http.StatusOK)
	if len(p.sent) != 1 || p.sent[0].Header.Get("X-Ms-Partitionkey") != `["`+p.clientID+`"]` {
		p.Errorf("%d requests to the database, want one for the client", len(p.sent))
	}
	for _, text := range []string{"Ada&#39;s &lt;editor&gt;", "Weather & more", "<code>openid</code>", "<code>https://graph.microsoft.com/.default</code>"} {
		if !strings.Contains(body, text) {
			p.Errorf("the page does not say %s: %s", text, styles.ReplaceAllString(body, ""))
		}
	}
	if got, want := res.Header.Get("X-Frame-Options")+res.Header.Get("Cache-Control"), "DENYno-store, no-cache, must-revalidate"; got != want {
		p.Errorf("headers of the page: %v", res.Header)
	}
	action, fields := readForm(p.T, body, "Allow")
	if fields.Get("state") != clientState || fields.Get("redirect_uri") != clientRedirect || fields.Get("client_id") != p.clientID ||
		fields.Get("code_challenge") != s256(clientVerifier) || fields.Get("consent_action") != "allow" {
		p.Errorf("form %v", fields)
	}
	for _, header := range [][]string{nil, {"Origin", "https://evil.test"}, {"Origin", "https://tools.contoso.com", "Sec-Fetch-Site", "cross-site"}} {
		res, body = p.do(true, "POST", action, form, fields.Encode(), header...)
		p.want(fmt.Sprintf("consent with %q", header), res, body, http.StatusForbidden)
	}
	forged := url.Values{}
	for name := range fields {
		forged.Set(name, fields.Get(name))
	}
	forged.Set("redirect_uri", "https://evil.test/")
	res, body = p.do(true, "POST", action, form, forged.Encode(), "Origin", "https://tools.contoso.com")
	p.want("consent to another redirection", res, body, http.StatusForbidden)
	res, body = p.do(true, "POST", action, form, fields.Encode(), "Origin", "https://tools.contoso.com")
	p.want("consent allowed", res, body, http.StatusFound)
	p.page(res.Header.Get("Location"), "https://tools.contoso.com/authorize", url.Values{
		"client_id": {p.clientID}, "redirect_uri": {clientRedirect}, "state": {clientState},
		"code_challenge": {s256(clientVerifier)}, "code_challenge_method": {"S256"},
	})
	again, body := p.do(true, "POST", action, form, fields.Encode(), "Origin", "https://tools.contoso.com")
	p.want("consent with a token that was used", again, body, http.StatusForbidden)
}

// authorization is the URL that the client opens in the browser.
func (p *oauthRun) authorization() string {
	return p.metadata.AuthorizationEndpoint + "?" + url.Values{
		"response_type": {"code"}, "client_id": {p.clientID}, "redirect_uri": {clientRedirect}, "state": {clientState},
		"code_challenge": {s256(clientVerifier)}, "code_challenge_method": {"S256"}, "scope": {"openid"},
	}.Encode()
}

// page checks a URL.
func (p *oauthRun) page(location, base string, want url.Values) url.Values {
	p.Helper()
	u, err := url.Parse(location)
	if err != nil {
		p.Fatal(err)
	}
	query := u.Query()
	u.RawQuery = ""
	if u.String() != base {
		p.Errorf("redirected to %s, want %s", u, base)
	}
	for name := range want {
		if query.Get(name) != want.Get(name) {
			p.Errorf("redirected to %s, want %s %q", location, name, want.Get(name))
		}
	}
	return query
}

var (
	formPattern  = regexp.MustCompile(`(?s)<form method='post' action='([^']*)'.*?</form>`)
	fieldPattern = regexp.MustCompile(`<input type='hidden' name='([^']*)' value='([^']*)'>`)
)

// readForm reads the form with a button, as a browser does.
func readForm(t *testing.T, page, button string) (action string, fields url.Values) {
	t.Helper()
	for _, m := range formPattern.FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[0], ">"+button+"</button>") {
			continue
		}
		fields = url.Values{}
		for _, f := range fieldPattern.FindAllStringSubmatch(m[0], -1) {
			fields.Set(f[1], html.UnescapeString(f[2]))
		}
		return html.UnescapeString(m[1]), fields
	}
	t.Fatalf("the page has no button %s: %s", button, styles.ReplaceAllString(page, ""))
	return "", nil
}

// signIn goes on to Entra, and with its code back to the client.
func (p *oauthRun) signIn() {
	res, body := p.do(true, "GET", p.authorization(), "", "")
	p.want("authorize after consent", res, body, http.StatusFound)
	query := p.page(res.Header.Get("Location"), "https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/authorize", url.Values{
		"response_type": {"code"}, "client_id": {"22222222-2222-2222-2222-222222222222"}, "state": {clientState},
		"redirect_uri": {"https://tools.contoso.com/oauth-callback"}, "code_challenge_method": {"S256"},
		"scope": {"openid https://graph.microsoft.com/.default"},
	})
	p.challenge = query.Get("code_challenge")
	if p.challenge == s256(clientVerifier) || len(p.challenge) != 43 {
		p.Errorf("Entra gets the challenge %q, want one of the gateway's own", p.challenge)
	}
	callback := func(state, code string) string {
		return query.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {state}, "session_state": {"s"}}.Encode()
	}
	for _, test := range []struct {
		name, target string
		browser      bool
		want         string
	}{
		{"without a code", callback(query.Get("state"), ""), true, "invalid_request"},
		{"in another browser", callback(query.Get("state"), entraCode), false, "invalid_state"},
		{"with another state", callback("c3RhdGU/fx==", entraCode), true, "invalid_state"},
	} {
		res, body := p.do(test.browser, "GET", test.target, "", "")
		p.want("callback "+test.name, res, body, http.StatusBadRequest)
		if len(p.sent) != 0 || !strings.Contains(body, test.want) {
			p.Errorf("callback %s: %s, want %s", test.name, body, test.want)
		}
	}
	res, body = p.do(true, "GET", callback(query.Get("state"), entraCode), "", "")
	p.want("callback", res, body, http.StatusFound)
	if len(p.sent) != 1 {
		p.Errorf("%d requests to Entra, want 1", len(p.sent))
	}
	// The document puts a question mark behind a redirection that has one: so it does in API Management.
	location := strings.Replace(res.Header.Get("Location"), "entra?code=", "entra&code=", 1)
	p.code = p.page(location, "http://127.0.0.1:33418/callback", url.Values{"state": {clientState}, "from": {"entra"}}).Get("code")
	if p.code == "" || p.code == entraCode {
		p.Errorf("the client gets the code %q, want one of the gateway's own", p.code)
	}
	for _, c := range p.jar.Cookies(&url.URL{Scheme: "https", Host: "tools.contoso.com", Path: "/"}) {
		if c.Name == "__Host-MCP_CONSENT_STATE" {
			p.Error("the cookie of the consent was not removed")
		}
	}
}

// token exchanges the code for a key.
func (p *oauthRun) token() {
	request := func(verifier, clientID, redirect string) string {
		return url.Values{
			"grant_type": {"authorization_code"}, "code": {p.code}, "client_id": {clientID},
			"redirect_uri": {redirect}, "code_verifier": {verifier},
		}.Encode()
	}
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"with a wrong verifier", request("a verifier of somebody else", p.clientID, clientRedirect), http.StatusBadRequest, "code_verifier does not match."},
		{"without a verifier", request("", p.clientID, clientRedirect), http.StatusBadRequest, "code_verifier does not match."},
		{"with another redirection", request(clientVerifier, p.clientID, "https://evil.test/"), http.StatusUnauthorized, "invalid_client"},
		{"without a client", request(clientVerifier, "", clientRedirect), http.StatusUnauthorized, "invalid_client"},
	} {
		res, body := p.do(false, "POST", p.metadata.TokenEndpoint, form, test.body)
		p.want("token "+test.name, res, body, test.status)
		if !strings.Contains(body, test.want) {
			p.Errorf("token %s: %s, want %s", test.name, body, test.want)
		}
	}
	res, body := p.do(false, "POST", p.metadata.TokenEndpoint, form, request(clientVerifier, p.clientID, clientRedirect))
	p.want("token", res, body, http.StatusOK)
	if len(p.sent) != 0 {
		p.Error("the token endpoint sends something to the backend")
	}
	var token struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	p.decode(body, &token)
	if token.TokenType != "Bearer" || token.ExpiresIn != 3600 || strings.Contains(body, "token-of-entra") {
		p.Errorf("token: %s", body)
	}
	p.key = token.AccessToken
}

// call calls tools with the key, and with others.
func (p *oauthRun) call() {
	session := ""
	send := func(server, authorization, message string) (*http.Response, string) {
		header := []string{"Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-11-25"}
		if authorization != "" {
			header = append(header, "Authorization", authorization)
		}
		if session != "" && server == "functions" {
			header = append(header, "Mcp-Session-Id", session)
		}
		return p.do(false, "POST", "https://tools.contoso.com/"+server+"/mcp", "application/json", message, header...)
	}
	mcpCall := func(server, authorization string) (*http.Response, string) {
		return send(server, authorization, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getWeather","arguments":{"city":"Oslo"}}}`)
	}
	res, body := send("functions", "Bearer "+p.key,
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"editor","version":"1"}}}`)
	p.want("initialize", res, body, http.StatusOK)
	session = res.Header.Get("Mcp-Session-Id")
	for _, server := range []string{"functions", "weather"} {
		for _, key := range []string{"Bearer " + p.key, p.key} {
			res, body := mcpCall(server, key)
			p.want(server, res, body, http.StatusOK)
			if len(p.sent) != 1 || strings.Contains(body, "isError") || !strings.Contains(body, "sunny") && !strings.Contains(body, "clear") {
				p.Fatalf("%s: %d requests, %s", server, len(p.sent), body)
			}
			h := p.sent[0].Header
			if h.Get("X-Functions-Key") != "the-key-of-the-host" || h.Get("Authorization") != "" {
				p.Errorf("%s: the backend gets %v", server, h)
			}
		}
		for _, test := range []struct {
			name, authorization string
			status              int
			challenge           string
		}{
			{"no key", "", http.StatusUnauthorized, ""},
			{"a key of no session", "Bearer " + p.encrypt("11111111111111111111111111111111"), http.StatusUnauthorized, `Bearer error="invalid_token"`},
			// It cannot be decrypted: the expression throws, as it does in API Management.
			{"no key at all", "Bearer bm8ga2V5IGF0IGFsbA==", http.StatusInternalServerError, ""},
			{"no base64", "Bearer $", http.StatusInternalServerError, ""},
		} {
			res, body := mcpCall(server, test.authorization)
			p.want(server+" with "+test.name, res, body, test.status)
			if len(p.sent) != 0 || res.Header.Get("WWW-Authenticate") != test.challenge {
				p.Errorf("%s with %s: %d requests, %v", server, test.name, len(p.sent), res.Header)
			}
		}
	}
	// The lab's own server knows one session, which no token is for.
	res, body = mcpCall("lab", "Bearer "+p.key)
	p.want("lab", res, body, http.StatusUnauthorized)
	res, body = mcpCall("lab", "Bearer "+p.encrypt("sessionId123"))
	p.want("lab with its session", res, body, http.StatusOK)
	p.pass(time.Hour)
	res, body = mcpCall("functions", "Bearer "+p.key)
	p.want("an hour later", res, body, http.StatusUnauthorized)
}

// encrypt encrypts the id of a session as the gateway does: AES in CBC mode with
// the padding of PKCS#7, by the key and the vector of the gateway.
func (p *oauthRun) encrypt(session string) string {
	block, err := aes.NewCipher([]byte("01234567890123456789012345678901"))
	if err != nil {
		p.Fatal(err)
	}
	iv := make([]byte, aes.BlockSize)
	for i := range iv {
		iv[i] = byte(i)
	}
	n := aes.BlockSize - len(session)%aes.BlockSize
	text := append([]byte(session), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text)
}
