package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An event of a Function URL, and one of an HTTP API.
const (
	functionURL = `"domainName":"abc.lambda-url.eu-west-1.on.aws"`
	httpAPIName = `"domainName":"api.contoso.com","stage":"prod"`
)

func eventOf(context, rest string) jsontext.Value {
	return jsontext.Value(`{"version":"2.0","requestContext":{` + context + `,"http":{"method":"POST","sourceIp":"192.0.2.1"}},` + rest + `}`)
}

func testFunction(h http.HandlerFunc) *function {
	return &function{handler: h, log: slog.New(slog.DiscardHandler)}
}

func TestRequest(t *testing.T) {
	for _, c := range []struct{ name, context, rest, want string }{
		{"text", functionURL, `"rawPath":"/a/mcp","rawQueryString":"b=c%20d","body":"é"`, "POST /a/mcp b=c%20d abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 é"},
		{"base64", functionURL, `"rawPath":"/","body":"/w==","isBase64Encoded":true`, "POST /  abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 \xff"},
		{"escapes", functionURL, `"rawPath":"/a%2Fb"`, "POST /a%2Fb  abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 "},
		{"no escapes", functionURL, `"rawPath":"/a b%"`, "POST /a%20b%25  abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 "},
		{"stage", httpAPIName, `"rawPath":"/prod/a/mcp"`, "POST /a/mcp  api.contoso.com 192.0.2.1:0 "},
		{"stage alone", httpAPIName, `"rawPath":"/prod"`, "POST /  api.contoso.com 192.0.2.1:0 "},
		{"no stage", httpAPIName, `"rawPath":"/products"`, "POST /products  api.contoso.com 192.0.2.1:0 "},
		{"stage of a Function URL", functionURL + `,"stage":"prod"`, `"rawPath":"/prod/a"`, "POST /prod/a  abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 "},
		{"no path", functionURL, `"rawPath":""`, "POST /  abc.lambda-url.eu-west-1.on.aws 192.0.2.1:0 "},
		{"IPv6", `"domainName":"x","http":{"method":"GET","sourceIp":"2001:db8::1"},"a":{}`, `"rawPath":"/"`, "POST /  x 192.0.2.1:0 "},
	} {
		e, err := readEvent(eventOf(c.context, c.rest))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r, err := e.request(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body, _ := io.ReadAll(r.Body)
		if got := fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, r.RemoteAddr, body); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if r.ContentLength != int64(len(body)) || r.RequestURI != r.URL.RequestURI() {
			t.Errorf("%s: got length %d, target %s", c.name, r.ContentLength, r.RequestURI)
		}
	}
}

func TestRequestHeaders(t *testing.T) {
	e, err := readEvent(eventOf(functionURL, `"rawPath":"/","headers":{"host":"evil","accept":"a, b","mcp-method":"tools/call"},"cookies":["a=1","b=2"]`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.request(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Accept") + "|" + r.Header.Get("Mcp-Method") + "|" + r.Header.Get("Cookie") + "|" + r.Header.Get("Host"); got != "a, b|tools/call|a=1; b=2|" {
		t.Errorf("got %q", got)
	}
}

// What is no request is a failure of the invocation, and says what is.
func TestEventsThatAreNoRequests(t *testing.T) {
	f := testFunction(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for _, payload := range []string{
		`{}`, `{"key1":"value1"}`, `[]`, `null`, `"a"`,
		`{"version":"1.0","httpMethod":"GET","path":"/"}`,
		string(eventOf(functionURL, `"body":"~","isBase64Encoded":true`)),
		`{"requestContext":{"http":{"method":"A B"}}}`,
	} {
		_, err := f.invoke(t.Context(), jsontext.Value(payload))
		if _, ok := errors.AsType[*EventError](err); !ok || !strings.Contains(err.Error(), "payload format 2.0") {
			t.Errorf("%s: got %v", payload, err)
		}
	}
}

// response is what a platform makes of what the runtime sends.
type response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// answer is the answer to an event, and how reading it ended.
func answer(t *testing.T, f *function, payload jsontext.Value) (response, error) {
	t.Helper()
	reader, err := f.invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	content, readErr := io.ReadAll(reader)
	prelude, body, streams := bytes.Cut(content, make([]byte, 8))
	var res response
	if err := json.Unmarshal(prelude, &res); err != nil {
		t.Fatalf("%v in %q", err, prelude)
	}
	if want := reader.(interface{ ContentType() string }).ContentType(); streams != strings.HasSuffix(want, "http-integration-response") {
		t.Errorf("got the content type %s for %q", want, content)
	}
	if streams {
		res.Body = string(body)
	}
	if res.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body = string(decoded)
	}
	return res, readErr
}

// fronts are the ways in: of what streams, and of what is sent whole.
var fronts = map[string]struct {
	context  string
	buffered bool
}{
	"stream":   {functionURL, false},
	"buffered": {functionURL, true},
	"HTTP API": {httpAPIName, false},
}

func TestResponse(t *testing.T) {
	for name, front := range fronts {
		f := testFunction(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "text/plain")
			h.Set("Connection", "keep-alive, X-Hop")
			h.Set("X-Hop", "1")
			h.Set("Keep-Alive", "timeout=5")
			h.Set("Transfer-Encoding", "chunked")
			h.Set("Content-Length", "3")
			h["Www-Authenticate"] = []string{"Bearer a", "Basic b"}
			h["Set-Cookie"] = []string{"a=1; Path=/", "b=2"}
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusUnauthorized)
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "no\xff")
		})
		f.buffered = front.buffered
		res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`))
		want := map[string]string{"Content-Type": "text/plain", "Www-Authenticate": "Bearer a, Basic b"}
		if err != nil || res.StatusCode != 401 || res.Body != "no\xff" || fmt.Sprint(res.Headers) != fmt.Sprint(want) || fmt.Sprint(res.Cookies) != "[a=1; Path=/ b=2]" {
			t.Errorf("%s: got %+v, %v", name, res, err)
		}
	}
}

// A handler that says nothing has said 200, as under net/http.
func TestDefaults(t *testing.T) {
	for name, front := range fronts {
		f := testFunction(func(http.ResponseWriter, *http.Request) {})
		f.buffered = front.buffered
		if res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`)); err != nil || res.StatusCode != 200 || res.Body != "" {
			t.Errorf("%s: nothing: got %+v, %v", name, res, err)
		}
		f.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
		if res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`)); err != nil || !strings.HasPrefix(res.Headers["Content-Type"], "text/html") {
			t.Errorf("%s: no content type: got %+v, %v", name, res, err)
		}
	}
}

// A handler is told whether its client gets a response as it is written.
func TestFlush(t *testing.T) {
	for name, front := range fronts {
		f := testFunction(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, http.NewResponseController(w).Flush())
		})
		f.buffered = front.buffered
		want := "feature not supported"
		if name == "stream" {
			want = "<nil>"
		}
		if res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`)); err != nil || res.StatusCode != 200 || res.Body != want {
			t.Errorf("%s: got %+v, %v, want %s", name, res, err, want)
		}
	}
}

// A panic must not end the process, which would fail the next calls too; nor may a
// response that it cut off pass for whole.
func TestPanicIsAnAnswer(t *testing.T) {
	for name, front := range fronts {
		f := testFunction(func(http.ResponseWriter, *http.Request) { panic("x") })
		f.buffered = front.buffered
		if res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`)); err != nil || res.StatusCode != 500 || res.Body != internalErrorBody {
			t.Errorf("%s: got %+v, %v", name, res, err)
		}
		f.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		})
		res, err := answer(t, f, eventOf(front.context, `"rawPath":"/"`))
		if streams := name == "stream"; streams != (err != nil) || !streams && res.StatusCode != 500 {
			t.Errorf("%s, begun: got %+v, %v", name, res, err)
		}
	}
}

// What the platform does not take is said in words, and not in its 502.
func TestLargeResponse(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		want int
	}{
		{"fits", bytes.Repeat([]byte("a"), maxBuffered-200), 200},
		{"too large", bytes.Repeat([]byte("a"), maxBuffered), 502},
		{"too large in JSON", bytes.Repeat([]byte(`"`), maxBuffered/2+1), 502},
		{"too large in base64", bytes.Repeat([]byte{0xff}, maxBuffered/4*3+1), 502},
		{"far too large", bytes.Repeat([]byte("a"), 4*maxBuffered), 502},
	} {
		f := testFunction(func(w http.ResponseWriter, _ *http.Request) {
			for len(c.body) > 0 {
				n := min(len(c.body), 1<<20)
				if _, err := w.Write(c.body[:n]); err != nil && !errors.Is(err, errLarge) {
					t.Errorf("%s: got %v", c.name, err)
				}
				c.body = c.body[n:]
			}
		})
		res, err := answer(t, f, eventOf(httpAPIName, `"rawPath":"/"`))
		if err != nil || res.StatusCode != c.want || c.want == 502 && !strings.Contains(res.Body, "6 MB") {
			t.Errorf("%s: got %d, %.200s, %v; want %d", c.name, res.StatusCode, res.Body, err, c.want)
		}
	}
}

// An answer goes out before the platform ends the call.
func TestContextEndsBeforeTheInvocation(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"stream": time.Minute - beforeTimeout, "buffered": time.Minute - beforeTimeout, "HTTP API": httpAPI,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			f := testFunction(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				if !errors.Is(context.Cause(r.Context()), context.DeadlineExceeded) {
					t.Errorf("%s: got %v", name, context.Cause(r.Context()))
				}
				w.WriteHeader(http.StatusGatewayTimeout)
			})
			f.buffered = fronts[name].buffered
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			reader, err := f.invoke(ctx, eventOf(fronts[name].context, `"rawPath":"/"`))
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != want {
				t.Errorf("%s: got the end after %v, want %v", name, took, want)
			}
			_, _ = io.Copy(io.Discard, reader)
		})
	}
}

func TestReadInvokeMode(t *testing.T) {
	for _, c := range []struct {
		name     string
		buffered bool
		ok       bool
	}{{"", false, true}, {"RESPONSE_STREAM", false, true}, {"BUFFERED", true, true}, {"buffered", false, false}} {
		if got, err := ReadInvokeMode(c.name); got != c.buffered || (err == nil) != c.ok {
			t.Errorf("%q: got %v, %v", c.name, got, err)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, string(eventOf(functionURL, `"rawPath":"/a%2Fb","cookies":["a=1"],"headers":{"a\n":"b"}`)), string(eventOf(httpAPIName, `"rawPath":"/prod","body":"x"`))} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := readEvent(payload)
		if err != nil {
			return
		}
		r, err := e.request(t.Context())
		if err == nil && (!strings.HasPrefix(r.URL.Path, "/") || r.Method == "") {
			t.Errorf("got %s %s of %s", r.Method, r.URL, payload)
		}
	})
}
