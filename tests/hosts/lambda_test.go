package hosts_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/tests/hosts"
)

// lambda starts the function of these tests.
func lambda(t *testing.T, b *backend, o hosts.LambdaOptions) *hosts.LambdaFunction {
	t.Helper()
	l := listener(t)
	f, err := hosts.StartLambda(t.Context(), app(t, hosts.Lambda, b.url, "http://"+l.Addr().String()), l, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Stop()
		if t.Failed() {
			t.Log(f.Log())
		}
	})
	return f
}

// doors are the ways in to a function.
var doors = []struct {
	name    string
	options hosts.LambdaOptions
}{
	{"Function URL", hosts.LambdaOptions{}},
	{"Function URL, buffered", hosts.LambdaOptions{Door: hosts.FunctionURLBuffered}},
	{"HTTP API", hosts.LambdaOptions{Door: hosts.HTTPAPI}},
	{"HTTP API with a stage", hosts.LambdaOptions{Door: hosts.HTTPAPI, Stage: "prod"}},
	{"Function URL of a managed instance", hosts.LambdaOptions{Concurrency: 4}},
}

func TestLambda(t *testing.T) {
	for _, door := range doors {
		t.Run(door.name, func(t *testing.T) {
			b := newBackend(t)
			f := lambda(t, b, door.options)
			if got := callTool(t, f.URL, "things", "fast", nil); got.status != http.StatusOK || !strings.Contains(got.body, `{\"ok\":true}`) {
				t.Errorf("got %d %s", got.status, got.body)
			}
			checkEcho(t, f.URL)
			if got := ask(t, http.MethodGet, f.URL+"/plain/who", "", func(r *http.Request) { r.Header.Set("X-MS-CLIENT-PRINCIPAL", "mallory") }); got.body != "nobody" {
				t.Errorf("a header of another platform: got %d %s", got.status, got.body)
			}
			got := callTool(t, f.URL, "guarded", "fast", nil)
			if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != "" || !strings.Contains(got.header.Get("X-Amzn-Remapped-Www-Authenticate"), "resource_metadata") {
				t.Errorf("a server that takes tokens: got %d %v", got.status, got.header)
			}
			if got := ask(t, http.MethodGet, f.URL+"/.well-known/oauth-protected-resource/guarded/mcp", "", nil); got.status != http.StatusOK || !strings.Contains(got.body, "login.contoso.com") {
				t.Errorf("the metadata that clients need then: got %d %s", got.status, got.body)
			}
			if got := ask(t, http.MethodPost, f.URL+"/plain/echo", strings.Repeat("a", megabytes<<20), nil); got.status != http.StatusRequestEntityTooLarge {
				t.Errorf("a request of %d MB: got %d, want the platform's 413", megabytes, got.status)
			}
			got = ask(t, http.MethodGet, f.URL+"/plain/big", "", nil)
			if door.options.Door == hosts.FunctionURL {
				checkHalves(t, f.URL, b)
				if got.status != http.StatusOK || len(got.body) != megabytes<<20 {
					t.Errorf("a response of %d MB: got %d with %d bytes", megabytes, got.status, len(got.body))
				}
			} else if got.status != http.StatusBadGateway || !strings.Contains(got.body, "6 MB") {
				t.Errorf("a response of %d MB: got %d %.200s", megabytes, got.status, got.body)
			}
			if failures := f.Failures(); len(failures) > 0 {
				t.Errorf("the platform's log has %q", failures)
			}
			f.Stop()
			for _, code := range f.Exits() {
				if code != 0 {
					t.Errorf("an instance that was told to end: got exit code %d, want 0", code)
				}
			}
		})
	}
}

// checkEcho sends bodies that are text and that are not, with cookies and escapes.
func checkEcho(t *testing.T, url string) {
	t.Helper()
	for contentType, body := range map[string]string{"text/plain": "Zoë", "application/octet-stream": "\x00\xff\xfe", "application/json": `{"a":1}`} {
		got := ask(t, http.MethodPost, url+"/plain/echo?a=b%20c&a=d", body, func(r *http.Request) {
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Cookie", "x=1; y=2")
		})
		if got.status != http.StatusOK || got.body != body || got.header.Get("X-Saw") != "x=1; y=2|a=b%20c&a=d|/echo" ||
			strings.Join(got.header["Set-Cookie"], ";;") != "a=1; Path=/;;b=2" {
			t.Errorf("%s: got %d %q %v", contentType, got.status, got.body, got.header)
		}
	}
}

// An instance does nothing between calls, and serves as before after them.
func TestLambdaFreezes(t *testing.T) {
	b := newBackend(t)
	f := lambda(t, b, hosts.LambdaOptions{})
	for range 3 {
		if got := callTool(t, f.URL, "things", "fast", nil); got.status != http.StatusOK {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		eventually(t, func() bool { return len(f.Frozen()) == 1 && state(t, strconv.Itoa(f.Frozen()[0])) == "T" }, "the instance is frozen")
	}
	if n := f.Started(); n != 1 {
		t.Errorf("got %d instances, want 1", n)
	}
}

// A function answers before the platform ends it, by whichever door.
func TestLambdaTimeout(t *testing.T) {
	for _, door := range doors[:3] {
		t.Run(door.name, func(t *testing.T) {
			t.Parallel()
			o := door.options
			o.Timeout = 2500 * time.Millisecond
			f := lambda(t, newBackend(t), o)
			checkSlow(t, f.URL)
			if failures := f.Failures(); len(failures) > 0 {
				t.Errorf("the platform's log has %q", failures)
			}
		})
	}
}

// A managed instance serves several calls at once, and others one after the other.
func TestLambdaConcurrency(t *testing.T) {
	for _, c := range []struct{ concurrency, instances int }{{4, 1}, {0, 4}} {
		f := lambda(t, newBackend(t), hosts.LambdaOptions{Concurrency: c.concurrency})
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				if got := ask(t, http.MethodGet, f.URL+"/plain/meet", "", nil); got.body != "met" {
					t.Errorf("got %d %s", got.status, got.body)
				}
			})
		}
		calls.Wait()
		if n := f.Started(); n != c.instances {
			t.Errorf("with a concurrency of %d: got %d instances, want %d", c.concurrency, n, c.instances)
		}
	}
}

// A function that does not start fails its calls, and says why.
func TestLambdaSaysWhatDoesNotStart(t *testing.T) {
	f := lambda(t, newBackend(t), hosts.LambdaOptions{Env: []string{"TOOLGATE_INVOKE_MODE=often"}})
	if got := callTool(t, f.URL, "things", "fast", nil); got.status != http.StatusBadGateway || !strings.Contains(f.Log(), "TOOLGATE_INVOKE_MODE") {
		t.Errorf("got %d, %s", got.status, f.Log())
	}
}
