package hosts_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/mcp"
	"toolgate/tests/hosts"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"
)

// startBound is how long a process may take from its start until it has answered its
// first call: the median of ten.
const startBound = 50 * time.Millisecond

// catalogues are folders by the number of their tools: the example's pet store, and
// one as large as GitHub's API.
func catalogues(b *testing.B) map[string]string {
	b.Helper()
	var document strings.Builder
	document.WriteString("openapi: 3.1.0\ninfo: { title: Many, version: \"1\" }\npaths:\n")
	for i := range 1223 {
		fmt.Fprintf(&document, `  /things%d/{id}:
    get:
      operationId: getThing%[1]d
      summary: Returns thing %[1]d
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, description: Which one. } }
        - { name: page, in: query, schema: { type: integer, minimum: 1 } }
      responses: { "200": { description: ok, content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } } } }
`, i)
	}
	return map[string]string{
		"petstore": filepath.Join(peer.Root(b), "local", "examples", "gateway"),
		"1223 tools": folder.Write(b, map[string]string{
			"many.yaml": document.String(),
			"gateway.yaml": "name: contoso\nbackends: { many: { url: \"http://127.0.0.1:9\" } }\n" +
				"apis: { many: { openapi: many.yaml, backend: many } }\nservers: { petstore: { api: many } }\n",
		}),
	}
}

// BenchmarkStart measures the packaged programs from their start until they have
// answered tools/list. With -benchtime 10x it fails beyond the bound.
func BenchmarkStart(b *testing.B) {
	for name, dir := range catalogues(b) {
		for _, platform := range []string{hosts.Azure, hosts.Lambda} {
			b.Run(platform+"/"+name, func(b *testing.B) {
				to := filepath.Join(b.TempDir(), "app")
				if err := hosts.Deploy(b.Context(), peer.GatewayProgram(b), hosts.Package(b, platform), dir, to); err != nil {
					b.Fatal(err)
				}
				var times []time.Duration
				for b.Loop() {
					if platform == hosts.Azure {
						times = append(times, startOnFunctions(b, to))
					} else {
						times = append(times, startOnLambda(b, to))
					}
				}
				slices.Sort(times)
				median := times[len(times)/2]
				b.ReportMetric(float64(median.Microseconds())/1000, "ms/median")
				if len(times) >= 10 && median > startBound {
					b.Errorf("got a median of %v, want %v at most", median, startBound)
				}
			})
		}
	}
}

// listTools is the first call.
func listTools() rpc.Request { return rpc.New(mcp.Latest, "1", mcp.MethodListTools, "{}") }

// run starts a program, and returns when it began and how to end it.
func run(b *testing.B, path string, env ...string) (began time.Time, stop func()) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), path)
	cmd.Dir, cmd.Env = filepath.Dir(path), append(os.Environ(), env...)
	began = time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return began, func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		_ = cmd.Wait()
	}
}

func startOnFunctions(b *testing.B, dir string) time.Duration {
	b.Helper()
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // the program takes the port
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	began, stop := run(b, filepath.Join(dir, "app"), "FUNCTIONS_CUSTOMHANDLER_PORT="+port)
	defer stop()
	r := listTools()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/petstore/mcp", strings.NewReader(r.Body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header = r.Header
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"tools":[{`) {
				b.Fatalf("got %d %.300s, %v", res.StatusCode, body, err)
			}
			return time.Since(began)
		}
		if ctx.Err() != nil {
			b.Fatal(err)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// startOnLambda gives the function its first call, and waits for the answer.
func startOnLambda(b *testing.B, dir string) time.Duration {
	b.Helper()
	r := listTools()
	event := hosts.Event(r.Header, "/petstore/mcp", r.Body)
	answered := make(chan string, 1)
	mux := http.NewServeMux()
	first := true
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, req *http.Request) {
		if !first {
			<-req.Context().Done()
			return
		}
		first = false
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(patience).UnixMilli()))
		_, _ = w.Write(event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.WriteHeader(http.StatusAccepted)
		answered <- string(body)
	})
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "one")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	began, stop := run(b, filepath.Join(dir, "bootstrap"), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_REGION=eu-west-1")
	defer stop()
	select {
	case body := <-answered:
		if !strings.Contains(body, `"tools":[{`) {
			b.Fatalf("got %.300s", body)
		}
		return time.Since(began)
	case <-time.After(patience):
		b.Fatal("the function did not answer")
	}
	return 0
}
