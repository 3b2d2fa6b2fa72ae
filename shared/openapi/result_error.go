package openapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxErrorBody bounds what an error result quotes of a response, in bytes.
const maxErrorBody = 4 << 10

// maxSummary bounds the summary of an error, in bytes.
const maxSummary = 500

// failure is the text of an error result: the status, what the backend says,
// and what the model can do about it.
func (w *resultWriter) failure() string {
	r := w.response
	text := statusLine(r.StatusCode)
	body := ""
	// A refusal of the gateway's credential may quote it.
	if r.StatusCode != http.StatusUnauthorized && r.StatusCode != http.StatusProxyAuthRequired {
		var summary string
		summary, body = w.errorBody()
		if summary != "" {
			text += ": " + summary
		}
	}
	if location := withoutQuery(r.Header.Get("Location")); location != "" {
		text += "\nLocation: " + location
	}
	if body != "" {
		text += "\n\n" + body
	}
	return text + "\n\n" + advice(w.binding.Method, r.StatusCode, retryAfter(r.Header))
}

// statusLine writes a status the way people do.
func statusLine(code int) string {
	line := "HTTP " + strconv.Itoa(code)
	if text := http.StatusText(code); text != "" {
		line += " " + text
	}
	return line
}

// errorBody returns one line that says what is wrong, where the response has
// one, and the beginning of the body. A page for people is left out.
func (w *resultWriter) errorBody() (summary, body string) {
	r := w.response
	contentType := r.Header.Get("Content-Type")
	essence := mediaType(contentType)
	if essence == "" {
		essence = sniff(r)
	}
	if len(r.Body) == 0 || !isTextType(essence) {
		return "", ""
	}
	text := strings.TrimSpace(string(decodeText(contentType, trimPartialRune(r.Body))))
	if essence == "text/html" || essence == "application/xhtml+xml" {
		return "", "(The response is an HTML page of " + strconv.Itoa(len(r.Body)) + " bytes.)"
	}
	if strings.HasPrefix(text, "{") {
		summary = singleLine(problemSummary(jsontext.Value(text), true), maxSummary)
	}
	limit := min(maxErrorBody, w.maxText)
	if len(text) > limit {
		return summary, string(cutText([]byte(text), limit)) + "…"
	}
	return summary, text
}

// problemSummary takes the message from a problem document (RFC 9457), from an
// OAuth error, or from the members that most APIs use instead, also inside a
// member error where outer is set.
func problemSummary(problem jsontext.Value, outer bool) string {
	var title, detail, message, code, description string
	for name, value := range jsonMembers(problem) {
		switch string(name) {
		case "title":
			title = stringText(value)
		case "detail":
			detail = stringText(value)
		case "message", "Message", "error_message", "errorMessage":
			message = stringText(value)
		case "error_description":
			description = stringText(value)
		case "error":
			if code = stringText(value); outer && value.Kind() == '{' {
				code = problemSummary(value, false)
			}
		}
	}
	for _, pair := range [][2]string{{title, detail}, {message, ""}, {code, description}} {
		parts := slices.DeleteFunc(pair[:], func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(parts) > 0 {
			return strings.Join(parts, " – ")
		}
	}
	return ""
}

// stringText returns the text of a JSON string, and nothing of other values.
func stringText(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	return string(unquoted(v))
}

// retryAfter says when a call may be repeated (RFC 9110 section 10.2.3), or
// nothing.
func retryAfter(header http.Header) string {
	value := singleLine(header.Get("Retry-After"), 64)
	if value == "" {
		return ""
	}
	if seconds, err := strconv.Atoi(value); err == nil {
		if seconds < 0 {
			return ""
		}
		return "after " + strconv.Itoa(seconds) + " seconds"
	}
	if at, err := http.ParseTime(value); err == nil {
		return "after " + at.UTC().Format(http.TimeFormat)
	}
	return ""
}

// advice says what a model can do after a status. wait may be empty.
func advice(method string, code int, wait string) string {
	switch code {
	case http.StatusNotModified:
		return "Nothing has changed since the state that the arguments name."
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "The API refused the arguments: correct what it names and call again."
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return "The API refused the gateway's credential. No argument changes that: do not repeat the call, and tell the user that the gateway's connection to this API needs attention."
	case http.StatusForbidden:
		return "The gateway's credential is not allowed to do this. Do not repeat the call with the same arguments; tell the user that access is missing."
	case http.StatusNotFound, http.StatusGone:
		return "There is nothing under these arguments: check the identifiers, for example with a tool that lists or searches."
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return "The API does not offer this operation. Do not repeat the call."
	case http.StatusConflict, http.StatusPreconditionFailed:
		return "The call conflicts with the present state: read that state first, then decide what to change."
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return "The arguments are too large for the API: send less in one call."
	case http.StatusTooManyRequests:
		if wait != "" {
			return "The API limits the rate of calls: call again " + wait + "."
		}
		return "The API limits the rate of calls: wait before calling again, and call less often."
	case http.StatusRequestTimeout:
		return repeatAdvice(method, wait)
	}
	switch {
	case code >= 500:
		return repeatAdvice(method, wait)
	case code >= 400:
		return "Do not repeat the call unchanged."
	case code >= 300:
		return "The API answered with a redirect, which the gateway does not follow."
	}
	return "The API did not answer with a final status."
}

// repeatAdvice is for failures of the API itself. A method that is not
// idempotent (RFC 9110 section 9.2.2) may have been carried out.
func repeatAdvice(method, wait string) string {
	if wait == "" {
		wait = "after a while"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		http.MethodPut, http.MethodDelete, "QUERY":
		return "The API failed. The call may be repeated " + wait + "."
	}
	return "The API failed, and may have carried out the call nevertheless: look at the present state before repeating it, " + wait + " at the earliest."
}
