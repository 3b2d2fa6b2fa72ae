package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// runtimeAPI stands in for the Lambda runtime: it hands out one invocation and
// takes its response.
type runtimeAPI struct {
	event    []byte
	handed   chan struct{} // holds one token: the invocation
	response chan invocationResponse
	done     <-chan struct{}
}

type invocationResponse struct {
	contentType string
	body        []byte
}

func (r *runtimeAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch {
	case strings.HasSuffix(req.URL.Path, "/invocation/next"):
		select {
		case <-r.handed:
		case <-r.done:
			return
		case <-req.Context().Done():
			return
		}
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", "1")
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:gateway")
		_, _ = w.Write(r.event)
	case strings.HasSuffix(req.URL.Path, "/response"), strings.HasSuffix(req.URL.Path, "/error"):
		body, _ := io.ReadAll(req.Body)
		r.response <- invocationResponse{req.Header.Get("Content-Type"), body}
		w.WriteHeader(http.StatusAccepted)
	default:
		http.NotFound(w, req)
	}
}

func TestLambda(t *testing.T) {
	backend := startPetstore(t)
	snapshot := buildExample(t, backend)
	api := &runtimeAPI{event: functionURLEvent(t), handed: make(chan struct{}, 1), response: make(chan invocationResponse, 1), done: t.Context().Done()}
	api.handed <- struct{}{}
	runtime := httptest.NewServer(api)
	t.Cleanup(runtime.CloseClientConnections)
	p, err := peer.Start(peer.Command{
		Path: peer.Build(t, "./functions/lambda"),
		Env:  []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://"), "TOOLGATE_SNAPSHOT=" + snapshot},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	select {
	case res := <-api.response:
		checkStreamed(t, res)
		waitForLog(t, p, `"client":"192.0.2.1"`) // of the event, whatever its headers say
	case <-time.After(30 * time.Second):
		t.Fatal("the function did not answer")
	}
}

// functionURLEvent is the event of a Function URL, payload format 2.0.
func functionURLEvent(t *testing.T) []byte {
	t.Helper()
	body, err := io.ReadAll(callGetPet())
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	setModernHeaders(h, "tools/call", "getPet")
	headers := map[string]string{}
	for name := range h {
		headers[strings.ToLower(name)] = h.Get(name)
	}
	headers["x-forwarded-for"], headers["client-ip"], headers["x-real-ip"] = "203.0.113.1, 203.0.113.2", "203.0.113.3", "203.0.113.4"
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": "/petstore/mcp", "rawQueryString": "", "headers": headers,
		"body": string(body), "isBase64Encoded": false,
		"requestContext": map[string]any{
			"domainName": "abc.lambda-url.eu-west-1.on.aws",
			"http":       map[string]any{"method": "POST", "path": "/petstore/mcp", "sourceIp": "192.0.2.1"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// checkStreamed reads the streaming form: a prelude with status and headers,
// eight NUL bytes, and the body.
func checkStreamed(t *testing.T, res invocationResponse) {
	t.Helper()
	if want := "application/vnd.awslambda.http-integration-response"; res.contentType != want {
		t.Errorf("got content type %q, want %q", res.contentType, want)
	}
	prelude, body, ok := bytes.Cut(res.body, make([]byte, 8))
	if !ok {
		t.Fatalf("no prelude in %q", res.body)
	}
	var head struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
	}
	if err := json.Unmarshal(prelude, &head); err != nil {
		t.Fatalf("%v in %q", err, prelude)
	}
	checkPet(t, head.StatusCode, head.Headers["Content-Type"], bytes.NewReader(body))
}
