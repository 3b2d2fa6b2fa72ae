package trace

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// view is what policies can change, as it was at one time.
type view struct {
	method, url, backend string
	request, response    *message // nil: there is none
	target               *message // of the policy, where it is another one; nil otherwise
}

// message is a request or a response as it was at one time.
type message struct {
	of     any // the request or the response itself, to tell one from another
	status int // of a response
	header http.Header
	body   *policy.Body
	sets   int
	held   bool
	length int64
	start  string // of the body, where it is recorded
}

// look takes down how an exchange is.
func (r *Recorder) look(x *policy.Exchange) *view {
	s := &view{}
	if q := x.Request; q != nil {
		s.method, s.backend = q.Method, x.BackendID
		if q.URL != nil {
			s.url = shownURL(q.URL)
		}
		s.request = r.message(policy.Message{Request: q}, q, 0)
	}
	if x.Response != nil {
		s.response = r.message(policy.Message{Response: x.Response}, x.Response, x.Response.StatusCode)
	}
	switch t := x.Target; {
	case t.Request != nil && t.Request != x.Request:
		s.target = r.message(t, t.Request, 0)
	case t.Response != nil && t.Response != x.Response:
		s.target = r.message(t, t.Response, t.Response.StatusCode)
	}
	return s
}

func (r *Recorder) message(m policy.Message, of any, status int) *message {
	body := m.Body()
	content, held := body.Held()
	made := &message{of: of, status: status, header: maps.Clone(m.Header()), body: body, sets: body.Sets(), held: held, length: body.Len()}
	if n := min(r.options.Bodies, len(content)); n > 0 {
		made.start = string(content[:n])
	}
	r.secrets.learnHeader(made.header)
	return made
}

// compare records what a step changed.
func (r *Recorder) compare(s *Span, before, after *view) {
	changed := func(kind, name, a, b string) {
		if a != b {
			s.effect(Effect{Kind: kind, Name: name, Before: a, After: b})
		}
	}
	changed("method", "", before.method, after.method)
	changed("url", "", before.url, after.url)
	changed("backend", "", before.backend, after.backend)
	s.messages("request ", before.request, after.request)
	s.messages("response ", before.response, after.response)
	s.messages("", before.target, after.target)
}

// messages records how a message changed, or that there is another one.
func (s *Span) messages(which string, before, after *message) {
	if after == nil || after == before {
		return
	}
	if before == nil {
		before = &message{}
	}
	if before.status != after.status {
		s.effect(Effect{Kind: "status", Before: status(before.status), After: status(after.status)})
	}
	for _, name := range names(before.header, after.header) {
		a, b := before.header[name], after.header[name]
		if !slices.Equal(a, b) {
			s.effect(Effect{Kind: "header", Name: which + name, Before: shownHeader(name, a), After: shownHeader(name, b)})
		}
	}
	s.body(which, before, after)
}

func status(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// body records that a body was read, or that there is another one.
func (s *Span) body(which string, before, after *message) {
	what := ""
	switch {
	case before.body != after.body && (after.length != 0 || before.of != nil && before.length != 0), before.sets != after.sets:
		what = "replaced"
	case before.body == after.body && !before.held && after.held:
		what = "read"
	default:
		return
	}
	e := Effect{Kind: "body", Name: which + what, After: size(after)}
	if what == "replaced" && before.body != nil {
		e.Before = size(before)
	}
	s.effect(e)
}

// size is that of a body, with its beginning where that is recorded.
func size(m *message) string {
	text := strconv.FormatInt(m.length, 10) + " bytes"
	if m.length < 0 {
		text = "a stream"
	}
	if m.start != "" {
		text += ": " + m.start
	}
	return text
}

// names are those of headers, in order.
func names(headers ...http.Header) []string {
	var list []string
	for _, h := range headers {
		list = slices.AppendSeq(list, maps.Keys(h))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// render is a value of an expression as text.
func render(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case *expr.Response:
		if v == nil {
			return "null"
		}
		return fmt.Sprintf("a response with status %d", v.StatusCode)
	case []byte:
		return strconv.Itoa(len(v)) + " bytes"
	}
	if expr.TypeName(v) == "Jwt" {
		return "a token"
	}
	return plain(v)
}

// plain is a value as text without regard to what it is.
func plain(v any) string {
	text, err := expr.Text(v)
	if err != nil {
		return "a value of the type " + expr.TypeName(v)
	}
	return text
}

// cut is a text of bounded length, in valid UTF-8.
func cut(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return strings.ToValidUTF8(text, "�")
}

// Target is the path and query of a URL, without the values of parameters that look
// like credentials.
func Target(u *url.URL) string {
	shown := *u
	shown.Scheme, shown.Host = "", ""
	return shownURL(&shown)
}

// shownURL is a URL without user information, and without the values of
// parameters that look like credentials.
func shownURL(u *url.URL) string {
	shown := *u
	shown.User = nil
	if u.RawQuery != "" {
		var pairs []string
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			name, _, found := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(name); found && (err != nil || sensitive(decoded)) {
				pair = name + "=" + redacted
			}
			pairs = append(pairs, pair)
		}
		shown.RawQuery = strings.Join(pairs, "&")
	}
	return shown.String()
}
