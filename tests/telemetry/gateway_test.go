package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/telemetry"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

// petDocument describes a REST API with a tool that succeeds and one that fails.
const petDocument = `openapi: 3.1.0
info: { title: Pets, version: "1" }
paths:
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses: { "200": { description: A pet., content: { application/json: { schema: { type: object } } } } }
  /broken:
    get:
      operationId: broken
      responses: { "200": { description: Nothing. } }
`

// gate is a gateway whose exports are made by Flush.
type gate struct {
	*gateway.Gateway
	recorder *telemetry.Recorder
	observed []gateway.Call
}

// files of a folder by their names.
type files map[string]string

func start(t *testing.T, f files, interval time.Duration) *gate {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := folder.Compile(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	secrets := func(ref string) (string, error) { return "the secret of " + ref, nil }
	if g.recorder, err = gateway.OpenTelemetry(s, gateway.TelemetryOptions{Interval: interval, Secrets: secrets}); err != nil {
		t.Fatal(err)
	}
	g.Gateway, err = gateway.New(s, gateway.Options{
		Secrets: secrets, Telemetry: g.recorder, Services: services.New(services.Options{}),
		Observe: func(c gateway.Call) { g.observed = append(g.observed, c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = g.recorder.Close(ctx)
		_ = s.Close()
	})
	return g
}

func (g *gate) flush(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := g.recorder.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// call serves one request of an MCP client.
func (g *gate) call(t *testing.T, server string, r rpc.Request, header ...string) *http.Response {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/"+server+"/mcp", strings.NewReader(r.Body))
	maps.Copy(req.Header, r.Header)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Header.Set("User-Agent", "contoso/1")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, req)
	return w.Result()
}

func callTool(name, arguments, meta string) rpc.Request {
	params := `{"name":"` + name + `","arguments":` + arguments
	if meta != "" {
		params += `,"_meta":` + meta
	}
	return rpc.New(mcp.Latest, `"7"`, mcp.MethodCallTool, params+"}")
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// seen is what a backend was sent.
type seen struct {
	header http.Header
	body   string
}

// pets is the backend of petDocument; it tells what it was sent.
func pets(t *testing.T) (url string, requests chan seen) {
	t.Helper()
	requests = make(chan seen, 1024)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case requests <- seen{r.Header, string(body)}:
		default:
		}
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"name":"Mia","secret":"hunter2"}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}
