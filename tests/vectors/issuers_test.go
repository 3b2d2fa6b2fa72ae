package vectors_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// providers serves the configurations and keys of providers, by name.
type providers struct {
	url string

	mu      sync.Mutex
	sets    map[string]string
	fetches map[string]int // of keys
}

func newIssuers(t testing.TB) *providers {
	t.Helper()
	p := &providers{sets: map[string]string{}, fetches: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/{name}/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		issuer := p.url + "/" + r.PathValue("name")
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, issuer+"/keys")
	})
	mux.HandleFunc("/{name}/keys", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		name := r.PathValue("name")
		p.fetches[name]++
		_, _ = io.WriteString(w, p.sets[name])
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// publish makes a provider answer with keys, and returns its identifier.
func (p *providers) publish(name, keys string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sets[name] = keys
	return p.url + "/" + name
}

// fetched is how often the keys of the default provider were asked for.
func (p *providers) fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches["default"]
}
