package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// cimd is the client ID metadata document that the suite knows.
const cimd = "https://conformance-test.local/client-metadata.json"

// maxConsents is how often the driver consents before it gives up.
const maxConsents = 6

// authScenarios are the suite's scenarios for clients that are authorized.
const authScenarios = "auth/"

// given is the suite's context of a scenario.
type given struct {
	ClientID   string `json:"client_id"`
	Secret     string `json:"client_secret"`
	Issuer     string `json:"issuer"`
	PrivateKey string `json:"private_key_pem"`
	Workload   string `json:"valid_jwt"`
}

// credentials is what gateway.yaml says of the gateway as a client of the server at
// a URL. Secrets go into the environment, which the gateway has from here.
func credentials(ctx context.Context, scenario, server string) (string, error) {
	var g given
	if text := os.Getenv("MCP_CONFORMANCE_CONTEXT"); text != "" {
		if err := json.Unmarshal([]byte(text), &g); err != nil {
			return "", fmt.Errorf("reading MCP_CONFORMANCE_CONTEXT: %w", err)
		}
	}
	for name, value := range map[string]string{"CLIENT_SECRET": g.Secret, "PRIVATE_KEY": g.PrivateKey, "WORKLOAD": g.Workload, "SEALING_KEY": strings.Repeat("conformance ", 4)} {
		if err := os.Setenv(name, value); err != nil {
			return "", err
		}
	}
	switch scenario {
	case "auth/basic-cimd":
		return fmt.Sprintf("{ consent: callers, clientMetadataUrl: %q }", cimd), nil
	case "auth/pre-registration":
		return fmt.Sprintf("{ consent: callers, issuer: %q, clientId: %q, clientSecret: { secret: env:CLIENT_SECRET } }", g.Issuer, g.ClientID), nil
	case "auth/client-credentials-basic", "auth/client-credentials-jwt":
		// Who configures client credentials knows where they are from; the suite does
		// not say.
		issuer, err := issuerOf(ctx, server)
		proof := "clientSecret: { secret: env:CLIENT_SECRET }"
		if g.PrivateKey != "" {
			proof = "privateKey: { secret: env:PRIVATE_KEY }"
		}
		return fmt.Sprintf("{ grant: client-credentials, issuer: %q, clientId: %q, %s }", issuer, g.ClientID, proof), err
	case "auth/wif-jwt-bearer":
		issuer, err := issuerOf(ctx, server)
		return fmt.Sprintf("{ grant: jwt-bearer, issuer: %q, clientId: %q, assertion: { secret: env:WORKLOAD } }", issuer, g.ClientID), err
	}
	return "{ consent: callers }", nil
}

// issuerOf is the authorization server of the server at a URL.
func issuerOf(ctx context.Context, server string) (string, error) {
	at, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	at.Path = "/.well-known/oauth-protected-resource" + at.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", err
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var found struct {
		Servers []string `json:"authorization_servers"`
	}
	if err := json.UnmarshalRead(res.Body, &found); err != nil || len(found.Servers) == 0 {
		return "", fmt.Errorf("reading %s: no authorization server: %w", at, err)
	}
	return found.Servers[0], nil
}

// link is one to the gateway's consent page in a text that a client is given.
var link = regexp.MustCompile(`http://[^\s"]+/connections/[^\s"]+\?ticket=[A-Za-z0-9_-]+`)

// authorized uses the server, and consents as often as it is asked to.
func authorized(ctx context.Context, d *driver) error {
	for range maxConsents {
		err := d.useTool(ctx)
		if err == nil {
			return nil
		}
		to := link.FindString(err.Error())
		if to == "" {
			return err
		}
		if err := follow(ctx, to); err != nil {
			return err
		}
	}
	return errors.New("consenting did not help")
}

// useTool lists the tools and calls one twice. A client that is led to a URL goes
// there at once.
func (d *driver) useTool(ctx context.Context) error {
	options := &mcp.ClientOptions{
		Capabilities: &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{URL: &mcp.URLElicitationCapabilities{}}},
		ElicitationHandler: func(ctx context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept"}, follow(ctx, req.Params.URL)
		},
	}
	return d.withTools(ctx, options, func(session *mcp.ClientSession, tools []*mcp.Tool) error {
		if len(tools) == 0 {
			return errors.New("no tool is listed")
		}
		for range 2 {
			if err := callListed(ctx, session, tools, tools[0].Name, map[string]any{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ticket is the hidden field of the consent page.
var ticket = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

// follow goes where a person goes who consents: to the page, to the authorization
// server, which asks nothing, and back.
func follow(ctx context.Context, to string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar}
	page, err := visit(ctx, browser, http.MethodGet, to, nil)
	if err != nil {
		return err
	}
	found := ticket.FindStringSubmatch(page)
	if found == nil {
		return fmt.Errorf("consenting: the page has no form:\n%s", page)
	}
	page, err = visit(ctx, browser, http.MethodPost, to, url.Values{"ticket": {html.UnescapeString(found[1])}})
	if err == nil && !strings.Contains(page, "is connected") {
		err = fmt.Errorf("consenting: the gateway answers:\n%s", page)
	}
	return err
}

func visit(ctx context.Context, browser *http.Client, method, to string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := browser.Do(req)
	if err != nil {
		return "", fmt.Errorf("consenting: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
