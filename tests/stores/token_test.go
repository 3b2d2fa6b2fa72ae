package stores_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
	"toolgate/shared/state/statetest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newIdentity returns an identity that has no token yet: the SDK keeps tokens for
// the whole process.
func newIdentity(t *testing.T) azcore.TokenCredential {
	t.Helper()
	credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: azidentity.ClientID(rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	return credential
}

// TestManagedIdentity: the tables of a storage account are reached over TLS with a
// token of the function app's identity, fetched once, when it is first needed.
func TestManagedIdentity(t *testing.T) {
	var tokens, rows atomic.Int64
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens.Add(1)
		if got, want := r.URL.Query().Get("resource"), "https://storage.azure.com"; got != want || r.Header.Get("X-Identity-Header") != "secret" {
			t.Errorf("the request for a token: got resource %q and header %q, want %q and secret", got, r.Header.Get("X-Identity-Header"), want)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"the-token","expires_on":"4102444800","resource":"https://storage.azure.com","token_type":"Bearer"}`)
	}))
	defer identity.Close()
	account := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rows.Add(1)
		if got, want := r.Header.Get("Authorization"), "Bearer the-token"; got != want {
			t.Errorf("Authorization: got %q, want %q", got, want)
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer account.Close()
	t.Setenv("IDENTITY_ENDPOINT", identity.URL+"/msi/token")
	t.Setenv("IDENTITY_HEADER", "secret")
	credential := newIdentity(t)
	s, err := aztables.New(account.URL+"/counters", aztables.Options{
		Credential: credential, Transport: account.Client().Transport, Timeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := tokens.Load(); got != 0 {
		t.Errorf("before the first operation: %d tokens were fetched, want none", got)
	}
	for range 3 {
		if _, err := s.Get(t.Context(), statetest.NewKey("rate")); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("got %v, want %v", err, state.ErrNotFound)
		}
	}
	if tokens.Load() != 1 || rows.Load() != 3 {
		t.Errorf("got %d requests for tokens and %d for rows, want 1 and 3", tokens.Load(), rows.Load())
	}
}

// TestNoIdentity: without a token the store is not reached, which is said soon.
func TestNoIdentity(t *testing.T) {
	account := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request without a token reached the account")
	}))
	defer account.Close()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		silent(t, w, r, nil)
	}))
	defer endpoint.Close()
	defer endpoint.CloseClientConnections() // the token is still being fetched
	t.Setenv("IDENTITY_ENDPOINT", endpoint.URL)
	t.Setenv("IDENTITY_HEADER", "secret")
	credential := newIdentity(t)
	s, err := aztables.New(account.URL+"/counters", aztables.Options{Credential: credential, Transport: account.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := time.Now()
	if _, err := s.Get(t.Context(), statetest.NewKey("rate")); !errors.Is(err, state.ErrBusy) {
		t.Errorf("got %v, want %v", err, state.ErrBusy)
	}
	if took := time.Since(start); took > 2*time.Second+margin {
		t.Errorf("it took %v, want 2 s", took)
	}
}
