package lambda

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// flushTime bounds what is done after a response: it is billed, and the next call
// may be waiting.
const flushTime = 200 * time.Millisecond

// extension is an internal extension (Lambda Extensions API, 2020-01-01). The
// platform freezes the process once the runtime and the extensions have asked for
// what is next, so what an extension does after a response is done before the
// freeze, while the client has the response already.
type extension struct {
	api    string // host and port of the Runtime API
	id     string
	client *http.Client
	after  func(context.Context)

	mu      sync.Mutex
	calls   int           // that have begun
	open    int           // of those, the ones that have not ended
	changed chan struct{} // closed when one begins or ends
}

// extensionName is the name in the log of the platform.
const extensionName = "toolgate"

// register makes the extension known to the platform. That is only possible while
// the process starts. Without after it waits for no event.
func register(ctx context.Context, api string, after func(context.Context)) (*extension, error) {
	e := &extension{api: api, client: &http.Client{Transport: &http.Transport{}}, after: after, changed: make(chan struct{})}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	events := `{"events":["INVOKE"]}`
	if after == nil {
		events = `{"events":[]}` // it is there for SIGTERM alone
	}
	header, err := e.ask(ctx, http.MethodPost, "register", events)
	if err != nil {
		return nil, fmt.Errorf("registering the extension: %w", err)
	}
	e.id = header.Get("Lambda-Extension-Identifier")
	return e, nil
}

// ask sends one request to the Extensions API.
func (e *extension) ask(ctx context.Context, method, path, body string) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.api+"/2020-01-01/extension/"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Lambda-Extension-Name", extensionName)
	if e.id != "" {
		req.Header.Set("Lambda-Extension-Identifier", e.id)
	}
	res, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the platform answered %d", res.StatusCode)
	}
	return res.Header, nil
}

// run does after each response what is to be done, until the platform ends the
// process, or ctx does.
func (e *extension) run(ctx context.Context) {
	for n := 1; ; n++ {
		if _, err := e.ask(ctx, http.MethodGet, "event/next", ""); err != nil {
			return // the platform goes on without, as with any extension that fails
		}
		if e.after == nil || !e.await(ctx, n) {
			return
		}
		flushing, cancel := context.WithTimeout(ctx, flushTime)
		e.after(flushing)
		cancel()
	}
}

// unserved is how long an invocation may take to become a call. One that is no
// request, such as a test event of the console, never does.
const unserved = 2 * time.Second

// await waits until n calls have begun and none is open. It reports false when ctx
// ends.
func (e *extension) await(ctx context.Context, n int) bool {
	begins := time.NewTimer(unserved)
	defer begins.Stop()
	for {
		e.mu.Lock()
		done, changed := e.calls >= n && e.open == 0, e.changed
		e.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-begins.C:
			e.mu.Lock()
			e.calls = max(e.calls, n)
			e.mu.Unlock()
		case <-ctx.Done():
			return false
		}
	}
}

func (e *extension) count(begun, open int) {
	e.mu.Lock()
	e.calls += begun
	e.open += open
	close(e.changed)
	e.changed = make(chan struct{})
	e.mu.Unlock()
}

// counting tells the extension when calls begin and end.
func (e *extension) counting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.count(1, 1)
		defer e.count(0, -1)
		h.ServeHTTP(w, r)
	})
}

// flushing does what is to be done before the end of each response, where the
// platform takes no extensions: the client has the body, and waits for its end.
func flushing(h http.Handler, after func(context.Context)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), flushTime)
			defer cancel()
			after(ctx)
		}()
		h.ServeHTTP(w, r)
	})
}

// Resource says where the process runs, as attributes of an OpenTelemetry resource
// (semantic conventions, cloud and FaaS), by the environment of AWS Lambda.
func Resource(get func(name string) string) map[string]string {
	return map[string]string{
		"cloud.provider": "aws", "cloud.platform": "aws_lambda", "cloud.region": get("AWS_REGION"),
		"faas.name": get("AWS_LAMBDA_FUNCTION_NAME"), "faas.version": get("AWS_LAMBDA_FUNCTION_VERSION"), "faas.instance": get("AWS_LAMBDA_LOG_STREAM_NAME"),
	}
}
