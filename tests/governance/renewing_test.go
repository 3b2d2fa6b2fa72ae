package governance_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/secret"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
)

// vault has secrets that a test changes.
type vault struct {
	mu     sync.Mutex
	values map[string]string
	down   bool
}

func (v *vault) Read(_ context.Context, names []string) []secret.Outcome {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]secret.Outcome, len(names))
	for i, name := range names {
		if list[i].Text = v.values[name]; v.down {
			list[i] = secret.Outcome{Err: &secret.Error{Vault: "the vault", Err: errors.New("it does not answer")}}
		}
	}
	return list
}

func (v *vault) set(down bool, values map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values, v.down = values, down
}

const renewingFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, named: { secret: ssm:/named } }
backends: { orders: { url: "{{backend}}", credentials: { header: { X-Key: { secret: "secretsmanager:orders#key" } } } } }
apis: { orders: { backend: orders, path: orders, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }
`

// A rotated secret reaches policies and credentials without a restart, a vault that
// is away leaves the old one, and one that is away at start is asked again.
func TestSecretsAreRenewed(t *testing.T) {
	backend := &recorder{}
	site := httptest.NewServer(backend)
	defer site.Close()
	content, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{
		"gateway.yaml": renewingFolder,
		"a.xml":        `<policies><inbound><set-header name="X-Named"><value>{{named}}</value></set-header></inbound><backend><forward-request /></backend><outbound /></policies>`,
	}), map[string]string{"BACKEND": site.URL})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	var out seen
	log := slog.New(slog.NewTextHandler(&out, nil))
	v := &vault{}
	v.set(true, nil)
	g, err := gateway.NewRenewing(t.Context(), snap, gateway.Options{Services: services.New(services.Options{}), Log: log}, secret.New(secret.Options{
		Vaults: map[string]secret.Vault{secret.ParameterStore: v, secret.AWSSecrets: v}, Now: clock, Log: log,
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(g.Close(), snap.Close()); err != nil {
			t.Error(err)
		}
	}()
	front := httptest.NewServer(g)
	defer front.Close()
	call := func() string { return request(t, front.URL+"/orders", "") }

	if answer := call(); g.Ready() || !strings.HasPrefix(answer, "503 ") || strings.Contains(answer, "ssm:") {
		t.Errorf("without secrets: got %s", answer)
	}
	pass(time.Minute)
	if answer := call(); !strings.HasPrefix(answer, "503 ") {
		t.Errorf("still without secrets: got %s", answer)
	}
	first := map[string]string{"/named": "first-named", "orders": `{"key":"first-key"}`}
	v.set(false, first)
	pass(time.Minute)
	if answer := call(); !g.Ready() || !strings.HasPrefix(answer, "200 ") { // the call waits for the look
		t.Errorf("with secrets: got %s", answer)
	}
	if sent := backend.take(); !strings.Contains(sent, "first-named") || !strings.Contains(sent, "first-key") {
		t.Errorf("the backend was sent %s", sent)
	}

	eventually := func(want ...string) {
		t.Helper()
		var sent string
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if answer := call(); !strings.HasPrefix(answer, "200 ") {
				t.Fatalf("got %s", answer)
			}
			sent = backend.take()
			missing := false
			for _, text := range want {
				missing = missing || !strings.Contains(sent, text)
			}
			if !missing {
				return
			}
		}
		t.Errorf("the backend was sent %s, want %v", sent, want)
	}
	second := map[string]string{"/named": "second-named", "orders": `{"key":"second-key"}`}
	v.set(false, second)
	eventually("first-named", "first-key") // not yet
	pass(secret.RenewEvery)
	eventually("second-named", "second-key")
	v.set(true, nil)
	pass(secret.RenewEvery)
	eventually("second-named", "second-key")
	v.set(false, map[string]string{"/named": `"bro<ken`, "orders": `{"key":"third-key"}`}) // no text for an attribute or an element
	pass(secret.RenewEvery)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(out.String(), "old value goes on") && time.Now().Before(deadline); {
		eventually("second-named")
	}
	text := out.String()
	for _, want := range []string{"waits for its secrets", "ssm:/named", "has its secrets", "a secret has changed", "serves with the changed secrets", "old value goes on"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	for _, value := range []string{"first-named", "first-key", "second-named", "second-key", "third-key"} {
		if strings.Contains(text, value) {
			t.Errorf("the log has %s", value)
		}
	}
}

// A secret of the environment that is missing is no matter of waiting.
func TestMissingVariableStops(t *testing.T) {
	content, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nbackends: { a: { url: https://a.contoso.com, credentials: { header: { X-Key: { secret: env:NONE } } } } }\napis: { a: { backend: a, path: a, operations: { get: { method: GET, urlTemplate: / } } } }\n",
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	_, err = gateway.NewRenewing(t.Context(), snap, gateway.Options{Services: services.New(services.Options{})}, secret.New(secret.Options{}))
	if err == nil || !strings.Contains(err.Error(), "NONE is not set") {
		t.Errorf("got %v", err)
	}
}

var _ http.Handler = (*gateway.Renewing)(nil)
