package auth

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// keyEndpoint is a provider whose configuration is good and whose keys another
// handler serves.
func keyEndpoint(t *testing.T, keys http.HandlerFunc) (configuration string) {
	t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":"i","jwks_uri":%q}`, s.URL+"/keys")
	})
	mux.HandleFunc("/keys", keys)
	return s.URL + "/.well-known/openid-configuration"
}

// zipped is a document after gzip.
func zipped(t *testing.T, document io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, document); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// spaces never end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return copy(p, block), nil }

var block = bytes.Repeat([]byte(" "), 32<<10)

// What a key endpoint may answer, and what becomes of it. Whatever it is, the tokens of
// the keys that were there before stay valid, and nothing is read without end.
func TestKeyEndpoint(t *testing.T) {
	good := keySetText(web("1", &p256().PublicKey))
	bomb := zipped(t, io.LimitReader(spaces{}, 64<<20))
	text := func(contentType, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, text)
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string // of the error; empty for keys
	}{
		{"as it should be", text("application/jwk-set+json", good), ""},
		{"another content type", text("text/html", good), ""},
		{"after gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped(t, strings.NewReader(good)))
		}, ""},
		{"a page", text("application/json", "<html>sign in</html>"), "reading the JSON Web Key Set"},
		{"a redirect elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/keys", http.StatusFound)
		}, "answered status 302"},
		{"a redirect to itself", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, "answered status 307"},
		{"down", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"an error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, good, http.StatusBadGateway) }, "answered status 502"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "answered status 204"},
		{"half of it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			_, _ = io.WriteString(w, good[:len(good)/2])
		}, "unexpected EOF"},
		{"huge", text("application/json", strings.Repeat(" ", maxDocument)+good), "is longer than 1048576 bytes"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, spaces{}) }, "is longer than 1048576 bytes"},
		{"a gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}, "is longer than 1048576 bytes"},
		{"an endless header", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 4096 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 64))
			}
			_, _ = io.WriteString(w, good)
		}, "exceeded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := New(Options{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			set, err := v.fetchKeySet(t.Context(), keyEndpoint(t, test.handler))
			runtime.ReadMemStats(&after)
			if test.want == "" && (err != nil || len(set.keys) != 1) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, %v, want %q", set, err, test.want)
			}
			if read := after.TotalAlloc - before.TotalAlloc; read > 32<<20 {
				t.Errorf("got %d bytes allocated, want no more than a few times the limit", read)
			}

			var bad atomic.Bool
			place := keyEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
				if bad.Load() {
					test.handler(w, r)
					return
				}
				_, _ = io.WriteString(w, good)
			})
			c := &clock{}
			v = New(Options{Now: c.now})
			token := sign(t, "ES256", p256(), always("i"), "kid", "1")
			for range 3 {
				if _, err := v.Validate(t.Context(), token, &Rules{OpenIDConfigs: []string{place}}); err != nil {
					t.Errorf("a token of a key that was there before: got %v, want none", err)
				}
				v.settle()
				bad.Store(true)
				c.move(freshFor)
			}
		})
	}
}

// An endpoint that sends a byte now and then holds nobody longer than a fetch may take.
func TestDrippingKeyEndpoint(t *testing.T) {
	place := keyEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond) // slow is what it is to be
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := New(Options{}).fetchKeySet(ctx, place)
	if err == nil || ctx.Err() == nil || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v, want the end of the context", err, time.Since(start))
	}
}

// A provider that has other keys each time is asked no oftener than any other, and a
// key is good as long as the set it stands in.
func TestKeysChangeOnEveryFetch(t *testing.T) {
	var fetches atomic.Int64
	place := keyEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		if fetches.Add(1) == 1 {
			_, _ = io.WriteString(w, keySetText(web("1", &p256().PublicKey)))
			return
		}
		_, _ = io.WriteString(w, keySetText(web(fmt.Sprint(fetches.Load()), &newEC(p256().Curve)().PublicKey)))
	})
	c := &clock{}
	v := New(Options{Now: c.now})
	rules := &Rules{OpenIDConfigs: []string{place}}
	first := sign(t, "ES256", p256(), always("i"), "kid", "1")
	validate := func(token string) string {
		t.Helper()
		_, err := v.Validate(t.Context(), token, rules)
		v.settle()
		return kindOf(t, err)
	}
	for range 10 {
		if got := validate(first); got != "" {
			t.Fatalf("got %q, want the first key to be good for an hour", got)
		}
		c.move(time.Minute)
	}
	for minute := range 30 {
		if got := validate(sign(t, "ES256", p256(), always("i"), "kid", fmt.Sprint("unknown-", minute))); got != "TokenSignatureKeyNotFound" {
			t.Fatalf("got %q, want TokenSignatureKeyNotFound", got)
		}
		c.move(time.Minute)
	}
	if got := fetches.Load(); got != 1+30/5 {
		t.Errorf("got %d fetches in half an hour, want %d", got, 1+30/5)
	}
	if got := validate(first); got != "TokenSignatureKeyNotFound" {
		t.Errorf("got %q of a key that went with its set, want TokenSignatureKeyNotFound", got)
	}
}
