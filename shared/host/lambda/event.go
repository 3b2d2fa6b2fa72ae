package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// event is a request as a Function URL or an HTTP API hands it to a function: payload
// format 2.0. A payload of format 1.0, of a REST API or a load balancer, is another.
type event struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies"` // each as name=value
	Headers         map[string]string `json:"headers"` // values of one name are joined by commas
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		DomainName string `json:"domainName"`
		Stage      string `json:"stage"`
		HTTP       struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
}

// EventError says that an invocation is no request that this function serves, such
// as a test event of the console.
type EventError struct {
	Fault string
	Cause error // may be nil
}

// Error serves error.
func (e *EventError) Error() string {
	text := "reading the event of an invocation: " + e.Fault +
		"; this function is called by a Function URL, or by an HTTP API with payload format 2.0"
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *EventError) Unwrap() error { return e.Cause }

// readEvent decodes an event. The platform adds members, which are not looked at.
func readEvent(payload jsontext.Value) (*event, error) {
	e := new(event)
	if err := json.Unmarshal(payload, e, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, &EventError{"it is not one of payload format 2.0", err}
	}
	switch {
	case e.Version != "" && e.Version != "2.0":
		return nil, &EventError{fmt.Sprintf("its payload format is %q", e.Version), nil}
	case e.RequestContext.HTTP.Method == "":
		return nil, &EventError{"it has no requestContext.http.method", nil}
	}
	return e, nil
}

// ofFunctionURL tells whether the event came through a Function URL, which has a name
// of its own in every partition: ID.lambda-url.REGION.SUFFIX. An HTTP API has
// another, or one of its owner.
func (e *event) ofFunctionURL() bool {
	_, rest, _ := strings.Cut(e.RequestContext.DomainName, ".")
	return strings.HasPrefix(rest, "lambda-url.")
}

// request is the request of the client, as net/http gives it to a handler.
func (e *event) request(ctx context.Context) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, &EventError{"its body is not in base64, as it says", err}
		}
	}
	u := e.url()
	method := e.RequestContext.HTTP.Method
	r, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, &EventError{fmt.Sprintf("its method is %q", method), err}
	}
	r.URL, r.RequestURI = u, u.RequestURI()
	if len(body) == 0 {
		r.Body = http.NoBody
	}
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	r.Host = e.RequestContext.DomainName
	if r.Host == "" {
		r.Host = r.Header.Get("Host")
	}
	r.Header.Del("Host")
	r.RemoteAddr = e.RequestContext.HTTP.SourceIP
	if _, _, err := net.SplitHostPort(r.RemoteAddr); err != nil {
		r.RemoteAddr = net.JoinHostPort(r.RemoteAddr, "0")
	}
	return r, nil
}

// url is the path and the query. An HTTP API puts the name of a stage in front of the
// path, which clients have in their URL and a handler has not. A path that is no
// escaped one is taken as it is.
func (e *event) url() *url.URL {
	raw := e.RawPath
	if stage := e.RequestContext.Stage; !e.ofFunctionURL() && stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(raw, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			raw = rest
		}
	}
	if !strings.HasPrefix(raw, "/") {
		raw = "/" + raw
	}
	u := &url.URL{Path: raw, RawQuery: e.RawQueryString}
	if path, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath = path, raw // RawPath counts only where it is an encoding of Path
	}
	return u
}
