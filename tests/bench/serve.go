package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"

	"toolgate/local/examples/petstore"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// roleArgument is the first argument of a process that serves a role.
const roleArgument = "serve-role"

// Roles of serving processes.
const (
	roleBare          = "bare"           // argument: size of the answer in bytes
	roleGateway       = "gateway"        // argument: file of a snapshot
	roleLoggedGateway = "logged-gateway" // the same, with its log of calls
	roleSDK           = "sdk"            // argument: nothing
	roleReverseProxy  = "reverse-proxy"  // argument: URL to forward to
	rolePetstore      = "petstore"       // argument: nothing
	roleUpstream      = "upstream"       // argument: nothing
	roleEcho          = "echo"           // argument: nothing
	roleIssuer        = "issuer"         // argument: its JSON Web Key Set
	roleCollector     = "collector"      // argument: nothing
)

// serveRole serves a role if the command line names one; the process then ends
// with the one that started it.
func serveRole(args []string) bool {
	if len(args) != 3 || args[0] != roleArgument {
		return false
	}
	err := stayOnOwnCPU()
	var h http.Handler
	if err == nil {
		h, err = handler(args[1], args[2])
	}
	if err == nil {
		err = serve(h)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "serving %s: %v\n", args[1], err)
		os.Exit(1)
	}
	return true
}

func handler(role, argument string) (http.Handler, error) {
	switch role {
	case roleBare:
		size, err := strconv.Atoi(argument)
		return bare(size), err
	case roleGateway:
		return newGateway(argument, nil)
	case roleLoggedGateway:
		// To a file that keeps nothing: what a terminal or a pipe does with a
		// line is not the gateway's cost.
		out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return newGateway(argument, gateway.LogCalls(slog.New(slog.NewJSONHandler(out, nil))))
	case roleSDK:
		return sdkHandler(), nil
	case roleReverseProxy:
		target, err := url.Parse(argument)
		return reverseProxy(target), err
	case rolePetstore:
		return petstore.New(), nil
	case roleUpstream:
		return http.HandlerFunc(upstream), nil
	case roleIssuer:
		return issuing(argument), nil
	case roleCollector:
		return discarding(), nil
	case roleEcho:
		return http.HandlerFunc(echo), nil
	}
	return nil, fmt.Errorf("there is no such role")
}

// bare is the least a handler of net/http can do for a POST: take the body, and
// answer.
func bare(size int) http.Handler {
	answer := bytes.Repeat([]byte{'x'}, size)
	length := strconv.Itoa(size)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(answer)
	})
}

func newGateway(file string, observe func(gateway.Call)) (http.Handler, error) {
	s, err := snapshot.Open(file)
	if err != nil {
		return nil, err
	}
	recorder, err := gateway.OpenTelemetry(s, gateway.TelemetryOptions{})
	if err != nil {
		return nil, err
	}
	return gateway.New(s, gateway.Options{Telemetry: recorder, Secrets: host.EnvSecrets, Observe: observe, Services: services.New(services.Options{})})
}

// reverseProxy is the standard library's, with as many kept connections as the
// gateway keeps.
func reverseProxy(target *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 128},
	}
}

// sdkHandler is the MCP SDK's handler with one tool that answers as upstream
// does.
func sdkHandler() http.Handler {
	s := sdk.NewServer(&sdk.Implementation{Name: "sdk", Version: "1.0.0"}, nil)
	s.AddTool(&sdk.Tool{Name: "echo", InputSchema: map[string]any{"type": "object"}},
		func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil
		})
	return sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
}

const text = "Nothing but this sentence comes back, whatever the arguments were."

// The answers of upstream; every request of the measurement has the id 1.
const (
	discovery = `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete","ttlMs":3600000,"cacheScope":"public",` +
		`"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"upstream","version":"1.0.0"}}}`
	result = `{"content":[{"type":"text","text":"` + text + `"}],"resultType":"complete",` +
		`"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"upstream","version":"1.0.0"}}}`
)

// upstream is the least an MCP server of 2026-07-28 can do: one tool, always
// the same result.
func upstream(w http.ResponseWriter, r *http.Request) {
	var message struct {
		ID     any    `json:"id"`
		Method string `json:"method"`
	}
	if err := json.UnmarshalRead(r.Body, &message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id, err := json.Marshal(message.ID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := result
	if message.Method == "server/discover" {
		answer = discovery
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, id, answer)
}

// echo is a REST API that has every operation.
func echo(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
}

// serve listens for calls and, elsewhere, for questions about this process.
func serve(h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { cancel((&http.Server{Handler: h}).Serve(l)) }() //nolint:gosec // on loopback, for this program alone
	err = host.Listen(ctx, "127.0.0.1:0", control(), func(a net.Addr) {
		fmt.Printf("listening on http://%s http://%s\n", l.Addr(), a)
	})
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// usage is what a process has used since its start.
type usage struct {
	CPUMicroseconds int64  `json:"cpuMicroseconds"`
	Mallocs         uint64 `json:"mallocs"`
	Bytes           uint64 `json:"bytes"`
}

func control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/usage", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		cpu, err := cpuTime()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.MarshalWrite(w, usage{CPUMicroseconds: cpu.Microseconds(), Mallocs: m.Mallocs, Bytes: m.TotalAlloc})
	})
	var profile bytes.Buffer
	mux.HandleFunc("/profile/start", func(w http.ResponseWriter, _ *http.Request) {
		profile.Reset()
		if err := pprof.StartCPUProfile(&profile); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	mux.HandleFunc("/profile/stop", func(w http.ResponseWriter, _ *http.Request) {
		pprof.StopCPUProfile()
		_, _ = profile.WriteTo(w)
	})
	return mux
}
