package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
)

// cloud is a transport that answers requests, and notes them.
type cloud struct {
	mu     sync.Mutex
	asked  []string
	answer func(req *http.Request, body string) (int, string)
}

func (c *cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	c.mu.Lock()
	c.asked = append(c.asked, strings.TrimSpace(req.URL.Host+" "+req.Header.Get("X-Amz-Target")+" "+string(body)))
	c.mu.Unlock()
	status, text := c.answer(req, string(body))
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func (c *cloud) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	slices.Sort(asked)
	return asked
}

// marking signs by saying so.
type marking struct{}

func (marking) Sign(_ context.Context, req *http.Request, service, region string) error {
	if region == "eu-central-1" {
		return errors.New("no credentials")
	}
	req.Header.Set("Authorization", service+" "+region)
	return nil
}

type tokens struct{}

func (tokens) Token(_ context.Context, resource, clientID string) (string, error) {
	if clientID != "" || !strings.HasPrefix(resource, "https://vault") {
		return "", errors.New("unexpected")
	}
	return "token-for-" + resource, nil
}

func TestKeyVault(t *testing.T) {
	c := &cloud{answer: func(req *http.Request, _ string) (int, string) {
		if req.Header.Get("Authorization") != "Bearer token-for-https://"+strings.TrimPrefix(req.URL.Host, "contoso.") || req.URL.RawQuery != "api-version=7.4" {
			return http.StatusUnauthorized, `{"error":{"code":"Unauthorized","message":"bad token ` + req.Header.Get("Authorization") + `"}}`
		}
		switch req.URL.Path {
		case "/secrets/good":
			return 200, `{"value":"the secret","id":"x","attributes":{"enabled":true}}`
		case "/secrets/empty":
			return 200, `{"id":"x"}`
		case "/secrets/forbidden":
			return 403, `{"error":{"code":"Forbidden","message":"the caller is not\nauthorized"}}`
		case "/secrets/busy":
			return 429, `{"error":{"code":"Throttled","message":"slow down"}}`
		case "/secrets/down":
			return 0, ""
		case "/secrets/moved":
			return 302, ""
		}
		return 404, `{"error":{"code":"SecretNotFound","message":"` + strings.Repeat("long ", 200) + `"}}`
	}}
	const vault = "https://contoso.vault.azure.net/secrets/"
	for _, x := range []struct {
		name, want string
		temporary  bool
	}{
		{vault + "good", "the secret", false},
		{"https://contoso.vault.azure.cn/secrets/good", "the secret", false},
		{vault + "empty", "Azure Key Vault: its answer has no value", false},
		{vault + "forbidden", "Azure Key Vault: it answered status 403, Forbidden: the caller is not authorized (give the gateway's identity the role Key Vault Secrets User on contoso.vault.azure.net", false},
		{vault + "busy", "status 429, Throttled: slow down", true},
		{vault + "down", "Azure Key Vault: it does not answer: connection refused", true},
		{vault + "moved", "status 302", false},
		{vault + "none", "there is no such secret", false},
	} {
		o := NewKeyVault(tokens{}, c).Read(t.Context(), []string{x.name})[0]
		got := o.Text
		if o.Err != nil {
			got = o.Err.Error()
		}
		e, _ := errors.AsType[*Error](o.Err)
		if !strings.Contains(got, x.want) || len(got) > 600 || strings.Contains(got, "token-for") || e != nil && e.Temporary != x.temporary {
			t.Errorf("%s: got %s, want %s", x.name, got, x.want)
		}
	}
	wrong := NewKeyVault(identityFunc(func() (string, error) { return "", errors.New("no identity") }), c).Read(t.Context(), []string{vault + "good"})
	if wrong[0].Err == nil || !strings.Contains(wrong[0].Err.Error(), "no identity") {
		t.Errorf("got %v", wrong)
	}
	if other := NewKeyVault(identityFunc(func() (string, error) { return "other", nil }), c).Read(t.Context(), []string{vault + "good"}); strings.Contains(other[0].Err.Error(), "other") {
		t.Errorf("the error quotes the token: %v", other[0].Err)
	}
}

type identityFunc func() (string, error)

func (f identityFunc) Token(context.Context, string, string) (string, error) { return f() }

// manager answers as Secrets Manager does. What it is not let do is refused.
func manager(batches bool) *cloud {
	arn := func(name, region string) string {
		return "arn:aws:secretsmanager:" + region + ":123456789012:secret:" + name + "-Ab12Cd"
	}
	value := func(id, region string) string {
		name := id
		if strings.HasPrefix(id, "arn:") {
			name = strings.TrimSuffix(strings.Split(id, ":")[6], "-Ab12Cd")
		}
		switch name {
		case "none":
			return ""
		case "binary":
			return fmt.Sprintf(`{"ARN":%q,"Name":%q,"SecretBinary":"AAEC","CreatedDate":1.5}`, arn(name, region), name)
		}
		return fmt.Sprintf(`{"ARN":%q,"Name":%q,"SecretString":%q,"VersionStages":["AWSCURRENT"]}`, arn(name, region), name, "of "+name)
	}
	return &cloud{answer: func(req *http.Request, body string) (int, string) {
		region := strings.Split(req.URL.Host, ".")[1]
		if req.Header.Get("Authorization") != "secretsmanager "+region || req.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
			return 403, `{"__type":"UnrecognizedClientException"}`
		}
		var in struct {
			SecretID     string   `json:"SecretId"`
			SecretIDList []string `json:"SecretIdList"`
		}
		_ = json.Unmarshal([]byte(body), &in)
		if in.SecretIDList == nil {
			if text := value(in.SecretID, region); text != "" {
				return 200, text
			}
			return 400, `{"__type":"com.amazonaws#ResourceNotFoundException","Message":"can't find it"}`
		}
		if !batches {
			return 400, `{"__type":"AccessDeniedException","Message":"not allowed to BatchGetSecretValue"}`
		}
		var values, errs []string
		for _, id := range in.SecretIDList {
			if text := value(id, region); text != "" {
				values = append(values, text)
			} else {
				errs = append(errs, fmt.Sprintf(`{"SecretId":%q,"ErrorCode":"ResourceNotFoundException","Message":"none"}`, id))
			}
		}
		return 200, fmt.Sprintf(`{"SecretValues":[%s],"Errors":[%s]}`, strings.Join(values, ","), strings.Join(errs, ","))
	}}
}

func TestAWSSecrets(t *testing.T) {
	full, partial := "arn:aws:secretsmanager:us-east-1:123456789012:secret:far-Ab12Cd", "arn:aws:secretsmanager:us-east-1:123456789012:secret:near"
	names := []string{"a", "none", full, "binary", partial}
	want := []string{"of a", "AWS Secrets Manager: it answered status 400, ResourceNotFoundException", "of far", "AAEC", "of near"}
	for _, batches := range []bool{true, false} {
		c := manager(batches)
		v := NewAWSSecrets(AWSOptions{Signer: marking{}, Region: "eu-west-1", Transport: c})
		for i, o := range v.Read(t.Context(), names) {
			got := o.Text
			if o.Err != nil {
				got = o.Err.Error()
			}
			if !strings.HasPrefix(got, want[i]) {
				t.Errorf("%s: got %s, want %s", names[i], got, want[i])
			}
		}
		if asked := c.take(); batches && len(asked) != 2 || !batches && len(asked) != 2+len(names) {
			t.Errorf("batches %t: asked %q", batches, asked)
		}
	}
	c := manager(true)
	v := NewAWSSecrets(AWSOptions{Signer: marking{}, Region: "eu-west-1", Transport: c})
	var many []string
	for i := range 45 {
		many = append(many, fmt.Sprint("s", i))
	}
	for i, o := range v.Read(t.Context(), many) {
		if o.Text != "of "+many[i] {
			t.Errorf("got %+v of %s", o, many[i])
		}
	}
	if asked := c.take(); len(asked) != 3 {
		t.Errorf("asked %d times, want 3", len(asked))
	}
	if o := v.Read(t.Context(), []string{"a"}); o[0].Text != "of a" || !strings.Contains(c.take()[0], "GetSecretValue {\"SecretId\":\"a\"}") {
		t.Errorf("got %+v", o)
	}
}

func TestAWSFails(t *testing.T) {
	down := &cloud{answer: func(*http.Request, string) (int, string) { return 0, "" }}
	html := &cloud{answer: func(*http.Request, string) (int, string) { return 200, "<html>" }}
	throttling := &cloud{answer: func(*http.Request, string) (int, string) {
		return 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`
	}}
	for _, x := range []struct {
		region    string
		cloud     *cloud
		want      string
		temporary bool
	}{
		{"", html, "set AWS_REGION", false},
		{"eu-central-1", html, "no credentials", true},
		{"eu-west-1", down, "it does not answer", true},
		{"eu-west-1", html, "not of the form", false},
		{"eu-west-1", throttling, "Rate exceeded", true},
	} {
		for _, v := range []Vault{
			NewAWSSecrets(AWSOptions{Signer: marking{}, Region: x.region, Transport: x.cloud}),
			NewParameterStore(AWSOptions{Signer: marking{}, Region: x.region, Transport: x.cloud}),
		} {
			for _, o := range v.Read(t.Context(), []string{"/a", "/b"}) {
				e, ok := errors.AsType[*Error](o.Err)
				if !ok || !strings.Contains(e.Error(), x.want) || e.Temporary != x.temporary {
					t.Errorf("%q %s: got %v, temporary %t", x.region, x.want, o.Err, ok && e.Temporary)
				}
			}
		}
	}
}

func TestParameterStore(t *testing.T) {
	c := &cloud{answer: func(req *http.Request, body string) (int, string) {
		var in struct {
			Names          []string `json:"Names"`
			WithDecryption bool     `json:"WithDecryption"`
		}
		if json.Unmarshal([]byte(body), &in) != nil || !in.WithDecryption || len(in.Names) > 10 || req.URL.Host != "ssm.cn-north-1.amazonaws.com.cn" {
			return 400, `{"__type":"ValidationException","message":"` + req.URL.Host + `"}`
		}
		var found []string
		for _, name := range in.Names {
			name, selector, _ := strings.Cut(name, ":")
			if selector != "" {
				selector = ":" + selector
			}
			if name != "/none" {
				found = append(found, fmt.Sprintf(`{"Name":%q,"Selector":%q,"Type":"SecureString","Value":%q,"LastModifiedDate":1.7E9}`, name, selector, "of "+name+selector))
			}
		}
		return 200, `{"Parameters":[` + strings.Join(found, ",") + `],"InvalidParameters":[]}`
	}}
	v := NewParameterStore(AWSOptions{Signer: marking{}, Region: "cn-north-1", Transport: c})
	names := []string{"/none", "/a:3"}
	for i := range 20 {
		names = append(names, fmt.Sprint("/p/", i))
	}
	for i, o := range v.Read(t.Context(), names) {
		switch {
		case names[i] == "/none":
			if o.Err == nil || !strings.Contains(o.Err.Error(), "there is no such parameter") {
				t.Errorf("got %+v", o)
			}
		case o.Text != "of "+names[i]:
			t.Errorf("%s: got %+v", names[i], o)
		}
	}
	if asked := c.take(); len(asked) != 3 {
		t.Errorf("asked %d times, want 3", len(asked))
	}
}

// No answer makes it panic, and what is none is an error.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"value":"a","SecretString":"a","Parameters":[{"Name":"/a","Value":"b"}]}`)
	f.Add(400, `{"__type":"a#b","error":{"code":"c"}}`)
	f.Add(200, `{"SecretValues":[{}],"Errors":[{"SecretId":"/a"}]}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		c := &cloud{answer: func(*http.Request, string) (int, string) { return status, body }}
		o := AWSOptions{Signer: marking{}, Region: "eu-west-1", Transport: c}
		for _, v := range []Vault{NewAWSSecrets(o), NewParameterStore(o)} {
			if got := v.Read(t.Context(), []string{"/a", "/b"}); len(got) != 2 {
				t.Errorf("got %v", got)
			}
		}
		if got := NewKeyVault(tokens{}, c).Read(t.Context(), []string{"https://contoso.vault.azure.net/secrets/a"}); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}
