package federation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// platform is AWS STS and Microsoft Entra as a transport.
type platform struct {
	sts, entra int // how often they were asked
	refuse     string
	form       url.Values // of the last request to Microsoft Entra
	host       string
}

func (p *platform) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	answer := func(status int, kind, text string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
	}
	if strings.HasPrefix(req.URL.Host, "sts.") {
		p.sts++
		switch {
		case p.refuse != "":
			return answer(403, "text/xml", "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>"+p.refuse+"</Code><Message>no</Message></Error></ErrorResponse>")
		case req.Header.Get("Authorization") != "sts eu-west-1" || req.URL.Host != "sts.eu-west-1.amazonaws.com" || form.Get("Action") != "GetWebIdentityToken" ||
			form.Get("Version") != "2011-06-15" || form.Get("Audience.member.1") != Audience || form.Get("SigningAlgorithm") != "RS256" || form.Get("DurationSeconds") != "300":
			return answer(400, "text/xml", "<ErrorResponse><Error><Code>ValidationError</Code><Message>"+form.Encode()+"</Message></Error></ErrorResponse>")
		}
		return answer(200, "text/xml", fmt.Sprintf(`<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult><WebIdentityToken>aws-%d</WebIdentityToken><Expiration>2026-01-01T00:05:00Z</Expiration></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`, p.sts))
	}
	p.entra++
	p.form, p.host = form, req.URL.Host+req.URL.Path
	if form.Get("client_id") == "unknown" {
		return answer(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS700213: no match for `+form.Get("client_assertion")+`"}`)
	}
	return answer(200, "application/json", fmt.Sprintf(`{"token_type":"Bearer","access_token":"entra-%d","expires_in":3600}`, p.entra))
}

type marking struct{}

func (marking) Sign(_ context.Context, req *http.Request, service, region string) error {
	req.Header.Set("Authorization", service+" "+region)
	return nil
}

func TestFederation(t *testing.T) {
	p := &platform{}
	now := time.Unix(1_700_000_000, 0)
	i, err := New(Options{Tenant: "contoso", ClientID: "gateway", Source: NewSTS(marking{}, "eu-west-1", p), Transport: p, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	token := func(resource, client string) string {
		t.Helper()
		text, err := i.Token(t.Context(), resource, client)
		if err != nil {
			return err.Error()
		}
		return text
	}
	expect := func(got, want string, sts, entra int) {
		t.Helper()
		if !strings.Contains(got, want) || p.sts != sts || p.entra != entra {
			t.Errorf("got %s after %d and %d requests, want %s after %d and %d", got, p.sts, p.entra, want, sts, entra)
		}
	}
	expect(token("api://orders", ""), "entra-1", 1, 1)
	if p.host != "login.microsoftonline.com/contoso/oauth2/v2.0/token" || p.form.Get("client_assertion") != "aws-1" || p.form.Get("client_id") != "gateway" ||
		p.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || p.form.Get("scope") != "api://orders/.default" || p.form.Get("grant_type") != "client_credentials" {
		t.Errorf("%s was sent %v", p.host, p.form)
	}
	expect(token("api://orders", "gateway"), "entra-1", 1, 1) // kept
	expect(token("https://management.azure.com/", ""), "entra-2", 2, 2)
	if got := p.form.Get("scope"); got != "https://management.azure.com//.default" {
		t.Errorf("got %s", got)
	}
	expect(token("api://orders/.default", "other"), "entra-3", 3, 3)
	expect(token(Audience, ""), "aws-4", 4, 3) // the token of the platform itself
	got := token("api://orders", "unknown")
	expect(got, `getting a token of Microsoft Entra for "api://orders"`, 5, 4)
	if strings.Contains(got, "aws-5") || !strings.Contains(got, "AADSTS700213") {
		t.Errorf("got %s", got)
	}
	now = now.Add(time.Hour)
	expect(token("api://orders", ""), "entra-5", 6, 5)
	p.refuse = "OutboundWebIdentityFederationDisabledException"
	expect(token("api://new", ""), "enable-outbound-web-identity-federation", 7, 5)
	expect(token("", ""), "it is empty", 7, 5)
	for n := range maxClients + 5 { // bounded
		_ = token("api://x", fmt.Sprint(n))
	}
	if len(i.clients) > maxClients {
		t.Errorf("there are %d clients", len(i.clients))
	}
}

func TestOptions(t *testing.T) {
	source := File{}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{ClientID: "a", Source: source}, "AZURE_TENANT_ID and AZURE_CLIENT_ID"},
		{Options{Tenant: "a", Source: source}, "AZURE_TENANT_ID and AZURE_CLIENT_ID"},
		{Options{Tenant: "a/../b", ClientID: "a", Source: source}, "AZURE_TENANT_ID is no tenant"},
		{Options{Tenant: "a", ClientID: "a", Authority: "http://login.contoso.com", Source: source}, "AZURE_AUTHORITY_HOST"},
		{Options{Tenant: "a", ClientID: "a", Authority: "login.contoso.com", Source: source}, "AZURE_AUTHORITY_HOST"},
		{Options{Tenant: "a", ClientID: "a"}, "no token of this platform"},
		{Options{Tenant: "a", ClientID: "a", Authority: "https://login.microsoftonline.us/", Source: source}, ""},
	} {
		_, err := New(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
		}
	}
}

func TestFile(t *testing.T) {
	for _, c := range []struct {
		content string
		err     error
		want    string
	}{
		{"a.b.c\n", nil, "a.b.c"},
		{"", nil, "holds no token"},
		{"a b", nil, "holds no token"},
		{strings.Repeat("a", maxToken+1), nil, "holds no token"},
		{"", errors.New("open /secret/path"), "cannot be read"},
	} {
		got, err := File{Read: func() ([]byte, error) { return []byte(c.content), c.err }}.Token(t.Context(), Audience)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestSTSFails(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, "<a/>", "has no token"},
		{200, "", "has no token"},
		{200, "<r><GetWebIdentityTokenResult><WebIdentityToken>a b</WebIdentityToken></GetWebIdentityTokenResult></r>", "has no token"},
		{503, "<html>", "status 503"},
		{403, "<r><Error><Code>AccessDenied</Code><Message>" + strings.Repeat("x", 1000) + "</Message></Error></r>", "allow the role sts:GetWebIdentityToken"},
	} {
		if _, err := readSTS(c.status, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 600 {
			t.Errorf("%d %.40s: got %v, want %s", c.status, c.body, err, c.want)
		}
	}
	if _, err := NewSTS(marking{}, "", nil).Token(t.Context(), Audience); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("got %v", err)
	}
}

func FuzzSTS(f *testing.F) {
	f.Add(200, "<r><GetWebIdentityTokenResult><WebIdentityToken>a</WebIdentityToken></GetWebIdentityTokenResult></r>")
	f.Add(400, "<r><Error><Code>a</Code></Error></r>")
	f.Fuzz(func(t *testing.T, status int, body string) {
		token, err := readSTS(status, []byte(body))
		if err == nil && !sendable(token) {
			t.Errorf("got %q", token)
		}
	})
}
