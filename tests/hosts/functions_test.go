package hosts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"toolgate/tests/hosts"
	"toolgate/tests/internal/folder"
)

const hostJSON = `{"version":"2.0","extensions":{"http":{"routePrefix":""}},"customHandler":{"description":{"defaultExecutablePath":"app"},"enableProxyingHttpRequest":true%}}`

// The host refuses an app whose files contradict each other, before it starts anything.
func TestFunctionsHostRefuses(t *testing.T) {
	hosts.Needed(t)
	const anonymous = `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"{*route}"},{"type":"http","direction":"out","name":"res"}]}`
	for _, c := range []struct{ name, host, function, want string }{
		{"routes beside functions", strings.ReplaceAll(hostJSON, "%", `,"http":{"routes":[{"route":"{*route}"}]}`), anonymous, "InvalidOperationException"},
		{"profile beside functions", `{"configurationProfile":"mcp-custom-handler",` + strings.ReplaceAll(hostJSON, "%", "")[1:], anonymous, "InvalidOperationException"},
		{"no functions", strings.ReplaceAll(hostJSON, "%", ""), "", "no job functions"},
		{"no version", `{}`, anonymous, "version"},
		{"two triggers", strings.ReplaceAll(hostJSON, "%", ""), `{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"0 7 * * * *"},{"type":"timerTrigger","direction":"in","name":"b","schedule":"0 7 * * * *"}]}`, "2 triggers"},
		{"schedule of five fields", strings.ReplaceAll(hostJSON, "%", ""), `{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"7 * * * *"}]}`, "six fields"},
	} {
		files := map[string]string{"host.json": c.host}
		if c.function != "" {
			files["gateway/function.json"] = c.function
		}
		dir := folder.Write(t, files)
		f, err := hosts.StartFunctions(t.Context(), dir, nil, hosts.FunctionsOptions{})
		if err == nil {
			f.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// functions starts the app of these tests.
func functions(t *testing.T, b *backend, o hosts.FunctionsOptions) *hosts.Functions {
	t.Helper()
	l := listener(t)
	f, err := hosts.StartFunctions(t.Context(), app(t, hosts.Azure, b.url, "http://"+l.Addr().String()), l, o)
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

func TestFunctions(t *testing.T) {
	b := newBackend(t)
	f := functions(t, b, hosts.FunctionsOptions{Idle: 10 * time.Second, Env: []string{"TOOLGATE_ANSWER_WITHIN=1s"}})
	t.Run("the address of a client", func(t *testing.T) {
		got := callTool(t, f.URL, "things", "fast", func(r *http.Request) {
			for _, name := range []string{"CLIENT-IP", "X-Client-IP", "X-Forwarded-For", "X-Azure-ClientIP", "Forwarded"} {
				r.Header.Set(name, "203.0.113.7")
			}
		})
		if got.status != http.StatusOK || !strings.Contains(got.body, `{\"ok\":true}`) {
			t.Errorf("got %d %s", got.status, got.body)
		}
		eventually(t, func() bool { return strings.Contains(f.Log(), `"client":"127.0.0.1"`) }, "the log has the address that the front end tells")
		if strings.Contains(f.Log(), "203.0.113.7") {
			t.Error("the log has the address that the client tells")
		}
	})
	t.Run("backends that are slow", func(t *testing.T) { checkSlow(t, f.URL) })
	t.Run("streaming", func(t *testing.T) { checkHalves(t, f.URL, b) })
	t.Run("the timer", func(t *testing.T) {
		status, body, err := f.Timer(t.Context(), "sweep")
		if err != nil || status != http.StatusOK || body != `{"Outputs":{},"Logs":[],"ReturnValue":null}` {
			t.Errorf("got %d %s, %v", status, body, err)
		}
	})
	t.Run("what is not for clients", func(t *testing.T) {
		for _, c := range []struct {
			method, path, want string
			status             int
			change             func(*http.Request)
		}{
			{http.MethodPost, "/sweep", "there is nothing here", http.StatusNotFound, nil},
			{http.MethodPost, "/sweep", "there is nothing here", http.StatusNotFound, func(r *http.Request) {
				r.Header["X-Forwarded-Host"], r.Header["X-Ms-Invocation-Id"] = nil, nil
				r.Header.Set("Connection", "X-Forwarded-Host, X-Ms-Invocation-Id, X-Forwarded-For, X-Forwarded-Proto")
				r.Header.Set("User-Agent", "Azure-Functions-Host/4")
			}},
			{http.MethodGet, "/admin/host/status", "", http.StatusUnauthorized, nil},
			{http.MethodGet, "/", "Web Site not found", http.StatusNotFound, func(r *http.Request) { r.Host = "evil.contoso.com" }},
		} {
			if got := ask(t, c.method, f.URL+c.path, "{}", c.change); got.status != c.status || !strings.Contains(got.body, c.want) {
				t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, got.status, got.body, c.status, c.want)
			}
		}
	})
	t.Run("stderr", func(t *testing.T) {
		if got := f.Stderr(); got != "" {
			t.Errorf("the host records as errors:\n%s", got)
		}
	})
}

// Policies see who has signed in where the platform says so, and nobody where a client
// does.
func TestEasyAuth(t *testing.T) {
	forge := func(r *http.Request) {
		r.Header.Set("X-MS-CLIENT-PRINCIPAL", "mallory")
		r.Header.Set("X-MS-TOKEN-AAD-ACCESS-TOKEN", "mallory")
	}
	for _, c := range []struct {
		name, want string
		o          hosts.FunctionsOptions
	}{
		{"off", "nobody", hosts.FunctionsOptions{}},
		{"on", "alice", hosts.FunctionsOptions{Principal: "alice", Env: []string{"TOOLGATE_EASYAUTH=true", "WEBSITE_AUTH_ENABLED=True"}}},
		{"on, and not configured", "nobody", hosts.FunctionsOptions{Principal: "alice", Env: []string{"WEBSITE_AUTH_ENABLED=True"}}},
	} {
		f := functions(t, newBackend(t), c.o)
		if got := ask(t, http.MethodGet, f.URL+"/plain/who", "", forge); got.status != http.StatusOK || got.body != c.want {
			t.Errorf("%s: got %d %s, want %s", c.name, got.status, got.body, c.want)
		}
	}
}

// A platform that ends a call by itself does so with an answer that is no MCP.
func TestFunctionsHostEndsIdleCalls(t *testing.T) {
	f := functions(t, newBackend(t), hosts.FunctionsOptions{Idle: 500 * time.Millisecond})
	if got := callTool(t, f.URL, "things", "slow", nil); got.status != http.StatusBadGateway || got.body != "" {
		t.Errorf("got %d %s, want the platform's 502", got.status, got.body)
	}
}

// A handler that is killed is started again, up to a point, and serves as before.
func TestFunctionsHostRestarts(t *testing.T) {
	f := functions(t, newBackend(t), hosts.FunctionsOptions{})
	for range 2 {
		f.Kill()
		if got := callTool(t, f.URL, "things", "fast", nil); got.status != http.StatusOK {
			eventually(t, func() bool { return callTool(t, f.URL, "things", "fast", nil).status == http.StatusOK }, "the handler serves again")
		}
	}
	f.Kill()
	eventually(t, f.Down, "the host gives up after three failures")
	if got := callTool(t, f.URL, "things", "fast", nil); got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", got.status)
	}
}

// A handler that does not start is no app.
func TestFunctionsHostSaysWhatDoesNotStart(t *testing.T) {
	_, err := hosts.StartFunctions(t.Context(), app(t, hosts.Azure, "http://127.0.0.1:1", "http://127.0.0.1:1"), nil,
		hosts.FunctionsOptions{Env: []string{"TOOLGATE_ANSWER_WITHIN=soon"}})
	if err == nil || !strings.Contains(err.Error(), "TOOLGATE_ANSWER_WITHIN") {
		t.Errorf("got %v", err)
	}
}

// eventually polls until something is so.
func eventually(t *testing.T, is func() bool, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
