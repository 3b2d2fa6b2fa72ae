package governance_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/fault"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/secret"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
)

// A policy document may be faulty for the secret that stands in it: what is said of
// it does not show the secret.
func TestFaultsHideSecrets(t *testing.T) {
	content, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nnamedValues: { named: { secret: env:NAMED } }\napis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }\n",
		"a.xml":        `<policies><inbound><rate-limit calls="{{named}}" renewal-period="60" /></inbound></policies>`,
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	_, err = gateway.New(snap, gateway.Options{
		Services: services.New(services.Options{}), Secrets: host.Secrets(func(string) (string, bool) { return "planted-named", true }),
	})
	faults, ok := errors.AsType[fault.Faults](err)
	if !ok {
		t.Fatalf("got %v, want faults", err)
	}
	if text := err.Error() + faults.Error(); strings.Contains(text, "planted") || !strings.Contains(text, "[secret]") {
		t.Errorf("got %s", text)
	}
}

const quotingFolder = `
name: contoso
namedValues: { backend: { env: BACKEND } }
backends:
  orders:
    url: "{{backend}}"
    credentials: { header: { X-Key: { secret: "keyvault:https://contoso.vault.azure.net/secrets/key" } }, query: { code: { secret: env:CODE } } }
apis: { orders: { openapi: orders.json, backend: orders } }
servers: { orders: { api: orders } }
`

// A backend that fails may quote the credentials that it was shown; what a model
// gets of it does not.
func TestFailingBackendsQuoteNoSecrets(t *testing.T) {
	const key, code = `planted "key"`, "planted code&more"
	quoted := false
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != key || r.URL.Query().Get("code") != code {
			t.Errorf("got %v of %s", r.Header, r.URL)
		}
		quoted = true
		status := http.StatusInternalServerError
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/x?"+r.URL.RawQuery)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"detail":%q,"url":%q}`, "no customer has "+r.Header.Get("X-Key"), r.URL)
	}))
	defer site.Close()
	content, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{
		"gateway.yaml": quotingFolder,
		"orders.json":  `{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{"/{status}":{"get":{"operationId":"get","parameters":[{"name":"status","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"description":"a"}}}}}}`,
	}), map[string]string{"BACKEND": site.URL})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	v := &vault{}
	v.set(false, map[string]string{"https://contoso.vault.azure.net/secrets/key": key})
	var out seen
	log := slog.New(slog.NewJSONHandler(&out, nil))
	g, err := gateway.NewRenewing(t.Context(), snap, gateway.Options{Services: services.New(services.Options{}), Log: log, Observe: gateway.LogCalls(log)}, secret.New(secret.Options{
		Lookup: func(string) (string, bool) { return code, true }, Vaults: map[string]secret.Vault{secret.KeyVault: v},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	front := httptest.NewServer(g)
	defer front.Close()
	for _, status := range []int{400, 401, 403, 404, 409, 500, 503} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/orders/mcp", strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":{"status":%d}}}`, status)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		answer := answerOf(t, http.DefaultTransport, req)
		if strings.Contains(answer, "planted") || !strings.Contains(answer, fmt.Sprint("HTTP ", status)) || !strings.Contains(answer, `"isError":true`) {
			t.Errorf("%d: got %s", status, answer)
		}
	}
	if !quoted || strings.Contains(out.String()+string(content), "planted") {
		t.Errorf("the log or the snapshot has a secret: %s", out.String())
	}
}
