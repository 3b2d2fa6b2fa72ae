package corpus_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What stands behind the gateway of TestOAuthProxy.

// RoundTrip answers the gateway.
func (p *oauthRun) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	p.sent, p.bodies = append(p.sent, req), append(p.bodies, string(body))
	status, answer := http.StatusOK, ""
	switch req.URL.Host + req.URL.Path {
	case "clients.contoso.com/dbs/oauth/colls/clients/docs":
		p.stored = string(body)
		status, answer = http.StatusCreated, p.stored
	case "clients.contoso.com/dbs/oauth/colls/clients/docs/" + p.clientID:
		answer = p.stored
	case "clients.contoso.com/dbs/oauth/colls/clients/docs/":
		status, answer = http.StatusNotFound, `{"code":"NotFound"}`
	case "login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/authorize": // the document replaces the page
		answer = "<html></html>"
	case "login.microsoftonline.com/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token":
		status, answer = p.exchange(req, string(body))
	case "functions.contoso.com/runtime/webhooks/mcp":
		return p.upstream(req, string(body)), nil
	case "weather.contoso.com/weather/Oslo":
		answer = `{"sky":"clear"}`
	default:
		p.Errorf("the gateway sends %s %s", req.Method, req.URL)
		status = http.StatusNotFound
	}
	return p.answer(req, status, answer), nil
}

func (p *oauthRun) answer(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// upstream is an MCP server that wants a key with every request.
func (p *oauthRun) upstream(req *http.Request, body string) *http.Response {
	var message struct {
		ID     jsontext.Value `json:"id"`
		Method string         `json:"method"`
	}
	if err := json.Unmarshal([]byte(body), &message); err != nil {
		p.Errorf("the gateway sends %s: %v", body, err)
	}
	result := `{"content":[{"type":"text","text":"sunny"}]}`
	switch {
	case req.Header.Get("X-Functions-Key") != "the-key-of-the-host":
		return p.answer(req, http.StatusUnauthorized, "")
	case message.Method == "initialize":
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"functions","version":"1"}}`
	case message.Method != "tools/call":
		return p.answer(req, http.StatusAccepted, "")
	}
	res := p.answer(req, http.StatusOK, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, message.ID, result))
	res.Header.Set("Mcp-Session-Id", "session-of-the-server")
	return res
}

// exchange is Entra's token endpoint.
func (p *oauthRun) exchange(req *http.Request, body string) (status int, answer string) {
	form, err := url.ParseQuery(body)
	if err != nil {
		p.Errorf("the token request is no form: %v", err)
	}
	want := url.Values{
		"client_id": {"22222222-2222-2222-2222-222222222222"}, "grant_type": {"authorization_code"}, "code": {entraCode},
		"redirect_uri": {"https://tools.contoso.com/oauth-callback"}, "scope": {"User.Read"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion + p.identity},
		"code_verifier": form["code_verifier"],
	}
	if req.Method != http.MethodPost || form.Encode() != want.Encode() {
		p.Errorf("token request %s %v, want POST %v", req.Method, form, want)
	}
	if got := s256(form.Get("code_verifier")); got != p.challenge {
		return http.StatusBadRequest, fmt.Sprintf(`{"error":"invalid_grant","error_description":"%s is not %s"}`, got, p.challenge)
	}
	return http.StatusOK, `{"token_type":"Bearer","access_token":"token-of-entra"}`
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
