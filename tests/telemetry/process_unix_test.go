//go:build unix

package telemetry_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

// program starts one of functions/ with a gateway, without a supervisor: it is
// frozen and killed by its id.
func program(t *testing.T, name string, f files, env ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for file, content := range f {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := folder.Compile(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join(dir, "gateway.snapshot")
	if err := os.WriteFile(snapshot, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), peer.Build(t, "./functions/"+name))
	cmd.Env = append(append(os.Environ(), "TOOLGATE_SNAPSHOT="+snapshot), env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// servers counts the calls among the spans of a collector.
func servers(r *receiver) int {
	n := 0
	for _, s := range r.all() {
		if s.Kind == traces.Span_SPAN_KIND_SERVER {
			n++
		}
	}
	return n
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

// lambdaPlatform is the Runtime API and the Extensions API of AWS Lambda.
type lambdaPlatform struct {
	events, invocations chan []byte
	responses           chan string

	mu                           sync.Mutex
	extensionWaits, runtimeWaits bool
}

func (p *lambdaPlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next := func(waits *bool, from chan []byte) {
		p.mu.Lock()
		*waits = true
		p.mu.Unlock()
		select {
		case body := <-from:
			p.mu.Lock()
			*waits = false
			p.mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = w.Write(body)
		case <-r.Context().Done():
		}
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/extension/register"):
		w.Header().Set("Lambda-Extension-Identifier", "one")
	case strings.HasSuffix(r.URL.Path, "/extension/event/next"):
		next(&p.extensionWaits, p.events)
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		next(&p.runtimeWaits, p.invocations)
	default:
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		p.responses <- string(body)
	}
}

// frozen tells whether the platform would freeze the process.
func (p *lambdaPlatform) frozen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.extensionWaits && p.runtimeWaits
}

// invoke has the function called, and returns how long it took from its response
// until it may be frozen.
func (p *lambdaPlatform) invoke(t *testing.T) time.Duration {
	t.Helper()
	await(t, "the function to be ready", p.frozen)
	r := callTool("getPet", `{"id":1}`, "")
	headers := map[string]string{}
	for name := range r.Header {
		headers[strings.ToLower(name)] = r.Header.Get(name)
	}
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/pets/mcp", "headers": headers, "body": r.Body,
		"requestContext": map[string]any{"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": map[string]any{"method": "POST", "path": "/pets/mcp", "sourceIp": "192.0.2.1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.events <- []byte(`{"eventType":"INVOKE"}`)
	p.invocations <- event
	select {
	case body := <-p.responses:
		if !strings.Contains(body, "Mia") {
			t.Fatalf("got %s", body)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the function did not answer")
	}
	answered := time.Now()
	await(t, "the end of the invocation", p.frozen)
	return time.Since(answered)
}

func newLambda(t *testing.T, collector string) (*lambdaPlatform, *exec.Cmd) {
	t.Helper()
	p := &lambdaPlatform{events: make(chan []byte), invocations: make(chan []byte), responses: make(chan string, 1)}
	api := httptest.NewServer(p)
	t.Cleanup(api.CloseClientConnections)
	backend, _ := pets(t)
	return p, program(t, "lambda", petGateway(t, collector, backend, ""), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
}

// What a call leaves behind is exported before the process is frozen.
func TestFrozen(t *testing.T) {
	collector := newReceiver(t)
	p, cmd := newLambda(t, collector.URL)
	for n := range 5 {
		p.invoke(t)
		signal(t, cmd, syscall.SIGSTOP)
		if got := servers(collector); got != n+1 {
			t.Errorf("frozen after call %d: got %d calls at the collector, want %d", n+1, got, n+1)
		}
		signal(t, cmd, syscall.SIGCONT)
	}
	signal(t, cmd, syscall.SIGKILL)
	collector.check(t)
}

// A collector that hangs holds an invocation for a short time only, and its response
// for none.
func TestFrozenWithACollectorThatHangs(t *testing.T) {
	done := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer hangs.Close()
	defer close(done)
	p, _ := newLambda(t, hangs.URL)
	for range 3 {
		if took := p.invoke(t); took > 2*time.Second { // 200 ms, on a machine that may be busy; an export has ten seconds
			t.Errorf("got %v from the response to the end of the invocation", took)
		}
	}
}

// A process that is killed has lost what it recorded in its last seconds, and one
// that is asked to end has lost nothing.
func TestKilled(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		lost   int // at most
	}{{syscall.SIGKILL, 1}, {syscall.SIGTERM, 0}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			collector := newReceiver(t)
			backend, _ := pets(t)
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().(*net.TCPAddr)
			l.Close()
			cmd := program(t, "azure", petGateway(t, collector.URL, backend, ""), fmt.Sprintf("FUNCTIONS_CUSTOMHANDLER_PORT=%d", address.Port))
			base := "http://" + address.String()
			await(t, "the gateway", func() bool { return post(t, base) })
			for range 20 {
				post(t, base)
			}
			await(t, "the export", func() bool { return servers(collector) >= 21 })
			before := servers(collector)
			post(t, base)
			signal(t, cmd, c.signal)
			_ = cmd.Wait()
			if got := servers(collector); got < before+1-c.lost {
				t.Errorf("got %d calls, want %d, or %d fewer", got, before+1, c.lost)
			}
			collector.check(t)
		})
	}
}

// post calls the tool, and tells whether it was answered.
func post(t *testing.T, base string) bool {
	t.Helper()
	r := callTool("getPet", `{"id":1}`, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/pets/mcp", strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return err == nil && strings.Contains(string(body), "Mia")
}

func signal(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
