package authserver

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Bounds of what comes in, in bytes.
const (
	maxQuery = 16 << 10 // of an authorization request
	maxForm  = 64 << 10
	maxState = 1 << 10
	// maxScope bounds a request for scopes. What is granted is among those of the
	// configuration.
	maxScope    = 2 << 10
	maxResource = 16 // how many
)

// oauthError is an error response (RFC 6749, 4.1.2.1 and 5.2).
type oauthError struct {
	status int // of the response of an endpoint without browser
	code   string
	// description is for developers of clients; it says nothing they did not send.
	description string
	cause       error // for the log; may be nil
}

// Error is for the log.
func (e *oauthError) Error() string {
	text := e.code
	if e.description != "" {
		text += ": " + e.description
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap is the cause.
func (e *oauthError) Unwrap() error { return e.cause }

func refuse(code, description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: code, description: description}
}

// unavailable is what is not the fault of the client, who may come back.
func unavailable(cause error) *oauthError {
	return &oauthError{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: "try again later", cause: cause}
}

// broken is what is not the fault of the client, and will not be better later.
func broken(cause error) *oauthError {
	return &oauthError{status: http.StatusInternalServerError, code: "server_error", cause: cause}
}

// sendError answers an endpoint without browser.
func (s *Server) sendError(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*oauthError](err)
	if !ok {
		e = broken(err)
	}
	if e.cause != nil {
		s.log.WarnContext(r.Context(), "authorization server", "path", r.URL.Path, "error", e.Error())
	}
	if e.status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`) // RFC 6749, 5.2
	}
	if e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	send(w, e.status, marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitzero"`
	}{e.code, e.description}))
}

// parameters are those of a request, each there once (RFC 6749, 3.1), but for
// resource (RFC 8707, 2). One without value counts as not there.
type parameters struct{ values url.Values }

func (p parameters) get(name string) string { return p.values.Get(name) }

func (p parameters) all(name string) []string { return p.values[name] }

// parse reads parameters.
func parse(text string) (parameters, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return parameters{url.Values{}}, refuse("invalid_request", "the parameters cannot be read")
	}
	for name, list := range values {
		if len(list) > 1 && name != "resource" {
			return parameters{url.Values{}}, refuse("invalid_request", "a parameter is there more than once")
		}
		for _, v := range list {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
				return parameters{url.Values{}}, refuse("invalid_request", "a parameter has a control character")
			}
		}
	}
	return parameters{values}, nil
}

// readForm reads the body of a POST.
func readForm(w http.ResponseWriter, r *http.Request) (parameters, error) {
	none := parameters{url.Values{}}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return none, refuse("invalid_request", "the Content-Type is not application/x-www-form-urlencoded")
	}
	body, err := readBody(w, r)
	if err != nil {
		return none, err
	}
	return parse(string(body))
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, &oauthError{status: http.StatusRequestEntityTooLarge, code: "invalid_request", description: "the body is too long"}
	}
	if err != nil {
		return nil, refuse("invalid_request", "the body cannot be read")
	}
	return body, nil
}
