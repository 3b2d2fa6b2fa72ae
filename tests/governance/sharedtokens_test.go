package governance_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

const sharingFolder = `
name: contoso
%s
namedValues: { backend: { env: BACKEND }, issuer: { env: ISSUER }, jwt-key: { secret: env:JWT_KEY } }
backends:
  own: { url: "{{backend}}", credentials: { clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT } } } }
  other: { url: "{{backend}}", credentials: { clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT }, scope: other } } }
  onbehalf: { url: "{{backend}}", credentials: { onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT } } } }
apis:
  own: { backend: own, path: own, operations: { get: { method: GET, urlTemplate: / } } }
  other: { backend: other, path: other, operations: { get: { method: GET, urlTemplate: / } } }
  onbehalf: { backend: onbehalf, path: onbehalf, operations: { get: { method: GET, urlTemplate: /, policy: validate.xml } } }
`

// granting is a token endpoint that counts.
type granting struct {
	mu     sync.Mutex
	grants map[string]int // by grant and scope
	life   atomic.Int64   // seconds
}

func (g *granting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	g.mu.Lock()
	defer g.mu.Unlock()
	kind := r.PostForm.Get("grant_type")
	kind = kind[strings.LastIndexByte(kind, ':')+1:] + r.PostForm.Get("scope")
	g.grants[kind]++
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"planted-%s-%d","expires_in":%d}`, kind, g.grants[kind], g.life.Load())
}

func (g *granting) count(kind string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.grants[kind]
}

// reading is a store that shows what is written.
type reading struct {
	state.Memory
	written seen
}

func (s *reading) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	fmt.Fprintf(&s.written, "%s %s\n", key, r.Data)
	return s.Memory.Put(ctx, key, r)
}

// Instances over one store get one token together, and one more when it ends;
// without a sealing key, or a store, each gets its own.
func TestInstancesShareTokens(t *testing.T) {
	const instances = 5
	client := hs256(`{"sub":"alice","exp":4000000000}`)
	bob := hs256(`{"sub":"bob","exp":4000000000}`)
	for _, c := range []struct {
		name    string
		sealing string
		share   bool
		want    int
	}{
		{"shared", "sealingKey: { secret: env:SEALING }", true, 1},
		{"no sealing key", "", true, instances},
		{"no store", "sealingKey: { secret: env:SEALING }", false, instances},
	} {
		t.Run(c.name, func(t *testing.T) {
			endpoint := &granting{grants: map[string]int{}}
			endpoint.life.Store(3600)
			issuer := httptest.NewServer(endpoint)
			defer issuer.Close()
			backend := &recorder{}
			site := httptest.NewServer(backend)
			defer site.Close()
			var passed atomic.Int64
			clock := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
			store := &reading{}
			dir := folder.Write(t, map[string]string{"gateway.yaml": fmt.Sprintf(sharingFolder, c.sealing), "validate.xml": validating})
			env := map[string]string{
				"BACKEND": site.URL, "ISSUER": issuer.URL, "CLIENT": "planted-client-secret",
				"SEALING": "planted-sealing-key-of-thirty-two-bytes", "JWT_KEY": "YSBrZXkgb2YgdGVzdHMsIGFuZCBvZiBub2JvZHkgZWxzZQ==",
			}
			var bases []string
			for range instances {
				bases = append(bases, folder.Serve(t, dir, env, gateway.Options{
					Services: services.New(services.Options{Store: store, Now: clock}), ShareTokens: c.share,
				}))
			}
			all := func(path, token string) {
				t.Helper()
				var calls sync.WaitGroup
				for _, base := range bases {
					for range 3 {
						calls.Go(func() {
							if answer := request(t, base+"/"+path, token); !strings.HasPrefix(answer, "200 ") {
								t.Errorf("%s: got %s", path, answer)
							}
						})
					}
				}
				calls.Wait()
			}
			expect := func(kind string, want int) {
				t.Helper()
				if got := endpoint.count(kind); got != want {
					t.Errorf("%s: got %d grants, want %d", kind, got, want)
				}
			}
			all("own", "")
			expect("client_credentials", c.want)
			all("other", "")
			expect("client_credentialsother", c.want)
			all("onbehalf", client)
			expect("jwt-bearer", c.want)
			all("onbehalf", bob) // a caller never gets another's
			expect("jwt-bearer", 2*c.want)
			passed.Add(int64(2 * time.Hour))
			all("own", "")
			expect("client_credentials", 2*c.want)
			sent := backend.take()
			if !strings.Contains(sent, "planted-client_credentials-1") || !strings.Contains(sent, "planted-jwt-bearer-1") {
				t.Errorf("the backend was sent %s", sent)
			}
			if text := store.written.String(); strings.Contains(text, "planted") || strings.Contains(text, client) || c.want == 1 && !strings.Contains(text, "cache-") {
				t.Errorf("the store was sent %s", text)
			}
		})
	}
}
