package hosts

import (
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// errLarge is for a request that the platform does not take.
var errLarge = errors.New("the event is too large")

// Event is the event of a POST with a JSON body that comes through a Function URL.
func Event(header http.Header, path, body string) []byte {
	f := &LambdaFunction{}
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: path}, Header: header, Body: io.NopCloser(strings.NewReader(body)), RemoteAddr: "192.0.2.1:4711",
	}
	event, err := f.event(r)
	if err != nil {
		panic(err) // it is larger than an event may be
	}
	return event
}

// event makes the event of a request, payload format 2.0.
func (f *LambdaFunction) event(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent+1))
	if err != nil || len(body) > maxEvent {
		return nil, errLarge
	}
	client, port, _ := net.SplitHostPort(r.RemoteAddr)
	domain := f.DomainName()
	headers := map[string]string{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(headers, "cookie")
	delete(headers, "connection")
	headers["host"] = domain
	headers["x-forwarded-for"], headers["x-forwarded-port"], headers["x-forwarded-proto"] = client, "443", "https"
	headers["x-amzn-trace-id"] = "Root=1-5759e988-bd862e3fe1be46a994272793"
	stage, path := "$default", r.URL.EscapedPath()
	if f.options.Door == HTTPAPI && f.options.Stage != "" {
		stage, path = f.options.Stage, "/"+f.options.Stage+path
	}
	made := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": r.URL.RawQuery, "headers": headers,
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "a1b2c3", "domainName": domain, "domainPrefix": "a1b2c3", "requestId": "1", "stage": stage, "port": port,
			"http": map[string]any{"method": r.Method, "path": path, "protocol": "HTTP/1.1", "sourceIp": client, "userAgent": r.UserAgent()},
		},
		"isBase64Encoded": false,
	}
	if cookies := r.Header.Get("Cookie"); cookies != "" {
		made["cookies"] = strings.Split(cookies, "; ")
	}
	if len(body) > 0 {
		made["body"] = string(body)
		if !isText(r.Header.Get("Content-Type")) {
			made["body"], made["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
		}
	}
	event, err := json.Marshal(made)
	if err == nil && len(event) > maxEvent {
		err = errLarge
	}
	return event, err
}

// isText tells which bodies the platform leaves as they are.
func isText(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/javascript" || kind == "application/xml"
}
