package hosts

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// integration is the content type of a response that streams.
const integration = "application/vnd.awslambda.http-integration-response"

// runtimeAPI is the Runtime API and the Extensions API of an instance.
func (i *instance) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", i.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", i.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", i.failure)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.function.fail("init: " + string(body))
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("POST /2020-01-01/extension/register", i.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", i.event)
	return mux
}

// next hands out a call once there is one.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	i.change(func() { i.waiting++ })
	select {
	case call := <-i.invocations:
		i.change(func() { i.waiting-- })
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:contoso")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(call.event)
	case <-r.Context().Done():
		i.change(func() { i.waiting-- })
	}
}

func (i *instance) call(r *http.Request) *invocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	id := r.PathValue("id")
	call := i.calls[id]
	delete(i.calls, id)
	return call
}

// response takes what the function answers, and hands it to the client.
func (i *instance) response(w http.ResponseWriter, r *http.Request) {
	call := i.call(r)
	if call == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	streams := r.Header.Get("Content-Type") == integration
	var err error
	switch {
	case streams && i.function.options.Door == FunctionURL:
		err = i.stream(call, r)
	case streams:
		drain(r.Body)
		i.function.fail("the response streams, and the door takes whole ones")
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
	case i.function.options.Door == FunctionURL:
		drain(r.Body)
		i.function.fail("the response does not stream, as the door has it")
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
	default:
		i.whole(call, r.Body)
	}
	w.WriteHeader(http.StatusAccepted)
	call.answered <- err
}

// prelude is the beginning of a response that streams, and nearly the whole of another.
type prelude struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func (p *prelude) send(w http.ResponseWriter) {
	for name, value := range p.Headers {
		if strings.EqualFold(name, "WWW-Authenticate") {
			name = "x-amzn-Remapped-www-authenticate"
		}
		w.Header().Set(name, value)
	}
	for _, cookie := range p.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.Header().Set("X-Amzn-Requestid", "1")
	if _, ok := w.Header()["Content-Type"]; !ok {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	w.WriteHeader(p.StatusCode)
}

// stream hands on a response as it comes: a prelude, eight NUL bytes, and the body. The
// platform refuses headers that are about the connection, and so does this.
func (i *instance) stream(call *invocation, r *http.Request) error {
	in := bufio.NewReader(r.Body)
	var head []byte
	for !bytes.HasSuffix(head, make([]byte, 8)) {
		b, err := in.ReadByte()
		if err != nil || len(head) > 64<<10 {
			i.function.fail(fmt.Sprintf("the response has no prelude: %v", err))
			refuse(call.w, http.StatusBadGateway, "Internal Server Error")
			return nil
		}
		head = append(head, b)
	}
	var p prelude
	if err := json.Unmarshal(head[:len(head)-8], &p); err != nil || p.StatusCode == 0 || hasHop(p.Headers) {
		i.function.fail(fmt.Sprintf("the prelude %s cannot be used: %v", head, err))
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
		drain(in)
		return nil
	}
	i.change(func() { call.begun = true })
	p.send(call.w)
	out := http.NewResponseController(call.w)
	_ = out.Flush() // the client may have gone, which stops nothing
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			_, _ = call.w.Write(buf[:n])
			_ = out.Flush()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the response was cut off: %w", err)
		}
	}
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		body, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		return fmt.Errorf("the function failed in its response: %s %s", kind, body)
	}
	return nil
}

func hasHop(headers map[string]string) bool {
	for name := range headers {
		switch strings.ToLower(name) {
		case "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection":
			return true
		}
	}
	return false
}

// whole takes a response that is sent at once.
func (i *instance) whole(call *invocation, body io.Reader) {
	content, err := io.ReadAll(body)
	if len(content) > maxResponse {
		i.function.fail("Function.ResponseSizeTooLarge")
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	var p prelude
	if err == nil {
		err = json.Unmarshal(content, &p)
	}
	text := []byte(p.Body)
	if err == nil && p.IsBase64Encoded {
		text, err = base64.StdEncoding.DecodeString(p.Body)
	}
	if err != nil || p.StatusCode == 0 || hasHop(p.Headers) {
		i.function.fail(fmt.Sprintf("the response %.200s cannot be used: %v", content, err))
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	p.send(call.w)
	_, _ = call.w.Write(text) // the client may have gone
}

func (i *instance) failure(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	if call := i.call(r); call != nil {
		i.function.fail(string(body))
		refuse(call.w, http.StatusBadGateway, "Internal Server Error")
		call.answered <- nil
	}
}

// register takes an extension. Managed instances tell extensions of no calls.
func (i *instance) register(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Events []string `json:"events"`
	}
	if err := json.UnmarshalRead(r.Body, &asked); err != nil || r.Header.Get("Lambda-Extension-Name") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e := &extension{events: make(chan struct{}, 64)}
	for _, name := range asked.Events {
		if name != "INVOKE" || i.function.options.Concurrency > 0 { // internal extensions are not told of the end
			w.WriteHeader(http.StatusForbidden)
			return
		}
		e.invoked = true
	}
	i.change(func() { i.extension = e })
	w.Header().Set("Lambda-Extension-Identifier", "one")
	_, _ = io.WriteString(w, `{"functionName":"contoso","functionVersion":"$LATEST","handler":"bootstrap"}`)
}

// event tells an extension of the next call.
func (i *instance) event(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	e := i.extension
	i.mu.Unlock()
	if e == nil || r.Header.Get("Lambda-Extension-Identifier") != "one" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	i.change(func() { e.asks = len(e.events) == 0 })
	select {
	case <-e.events:
		_, _ = io.WriteString(w, `{"eventType":"INVOKE"}`)
	case <-r.Context().Done():
	}
}
