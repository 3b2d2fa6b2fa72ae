package policy

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/expr"
)

// Exchange is what the policies of one call see and change: a request, its
// response, and the context of expressions. It is owned by one call and is not
// safe for concurrent use; whoever runs policies side by side forks it.
type Exchange struct {
	// Context is what expressions see as context. Request is never nil;
	// Response is, until there is one.
	expr.Context
	// Target is the message that policies such as set-header and set-body
	// change: the request in inbound and backend, the response behind it,
	// another one inside of return-response and send-request.
	Target Message
	// Forward sends the request to the backend and sets Response. Its error is
	// an *Error. Nil: there is no backend, and the response is empty.
	Forward func(ctx context.Context, o ForwardOptions) error
	// Proxy and Certificate are what the request to the backend goes through
	// and what it presents; nil for none.
	Proxy       *url.URL
	Certificate *Certificate
	Failure     *Error // what sent the call to on-error; nil for nothing
	// BackendID is the backend of the configuration that the request goes to,
	// with its credentials, pool and circuit breaker; empty: a URL alone.
	BackendID string
	// Subject is the access token that the caller showed as Authorization, once a
	// policy found it valid; empty before. Backends are called on behalf of it.
	Subject string
	// Tracer is told what policies do; nil: the call is not traced.
	Tracer Tracer

	service   *url.URL // the URL of the backend; nil when policies do not know it
	path      string   // of Request.URL below service, escaped
	variables variables
	request   *expr.Request // the call's own, to tell it from other targets
	changed   []string      // names of the headers of the request that policies set
	late      http.Header   // headers of a response that there is not yet
	vary      []string      // more names for the header Vary of the response
	kept      map[any]any   // what policies know about the call
	came      []func(context.Context) error
	notices   []func(message []byte) error // of OnNotification
	end       []func(context.Context)

	backendScope Scope           // of the document that chose BackendID; 0: no document did
	assigned     map[string]bool // the variables that a fork set; nil in an exchange that is none
	reading      *sync.Mutex     // held while a fork reads a body of the exchange
}

// ForwardOptions are those of forward-request.
type ForwardOptions struct {
	Timeout         time.Duration // until the response's header; 0: the backend's own
	HTTPVersion     string        // "1", "2or1" or "2"
	FollowRedirects bool
	// HoldRequest keeps the request's body, so that it can be sent again.
	HoldRequest bool
}

// Message is a request or a response: one of its fields is set.
type Message struct {
	Request  *expr.Request
	Response *expr.Response
}

// Header are the headers of the message, never nil.
func (m Message) Header() http.Header {
	if m.Request != nil {
		if m.Request.Headers == nil {
			m.Request.Headers = http.Header{}
		}
		return m.Request.Headers
	}
	if m.Response.Headers == nil {
		m.Response.Headers = http.Header{}
	}
	return m.Response.Headers
}

// Body is the body of the message, nil when it has none.
func (m Message) Body() *Body {
	var b expr.Body
	if m.Request != nil {
		b = m.Request.Body
	} else {
		b = m.Response.Body
	}
	body, _ := b.(*Body)
	return body
}

// SetBody gives the message a body. The bytes must not be changed afterwards.
func (m Message) SetBody(content []byte) {
	if b := m.Body(); b != nil {
		b.Set(content)
		return
	}
	if m.Request != nil {
		m.Request.Body = NewBody(content)
	} else {
		m.Response.Body = NewBody(content)
	}
}

// variables are those of an exchange, and of those that are made of it. A
// document names few of them: they are looked for one by one.
type variables struct{ values []variable }

type variable struct {
	name  string
	value any
}

func (v *variables) find(name string) *variable {
	for i := range v.values {
		if v.values[i].name == name {
			return &v.values[i]
		}
	}
	return nil
}

func (v *variables) Lookup(name string) (any, bool) {
	if found := v.find(name); found != nil {
		return found.value, true
	}
	return nil, false
}

func (v *variables) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, known := range v.values {
			if !yield(known.name, known.value) {
				return
			}
		}
	}
}

// Variable returns a variable.
func (x *Exchange) Variable(name string) (any, bool) { return x.variables.Lookup(name) }

// SetVariable sets a variable.
func (x *Exchange) SetVariable(name string, value any) {
	if known := x.variables.find(name); known != nil {
		known.value = value
	} else {
		if x.variables.values == nil {
			x.variables.values = make([]variable, 0, 4)
		}
		x.variables.values = append(x.variables.values, variable{name, value})
	}
	x.Variables = &x.variables
	if x.assigned != nil {
		x.assigned[name] = true
	}
	x.Note(NoteVariable, name, value)
}

// Inherit gives x copies of the variables of the exchange that it is part of:
// to the call of a tool, those of its MCP message. The headers that policies
// changed there count as changed here, and it is traced as that is.
func (x *Exchange) Inherit(outer *Exchange) {
	x.changed, x.Subject, x.Tracer = slices.Clip(outer.changed), outer.Subject, outer.Tracer
	x.variables.values = slices.Clone(outer.variables.values)
	x.Variables = &x.variables
}

// SetHeader sets a header of the target; no values delete it. The name is in
// canonical form.
func (x *Exchange) SetHeader(name string, values []string) {
	h := x.Target.Header()
	if len(values) == 0 {
		delete(h, name)
	} else {
		h[name] = values
	}
	if x.Target.Request != nil && x.Target.Request == x.request {
		if x.changed == nil {
			x.changed = make([]string, 0, 8)
		}
		x.changed = append(x.changed, name)
	}
}

// ChangedHeaders are the names of the headers of the request that policies set
// or deleted. Where a client's headers do not travel on, these do.
func (x *Exchange) ChangedHeaders() []string { return x.changed }

// SetResponseHeader sets a header of the response, now or as soon as there is
// one, whichever it will be.
func (x *Exchange) SetResponseHeader(name, value string) {
	if x.late == nil {
		x.late = http.Header{}
	}
	x.late.Set(name, value)
	if x.Response != nil {
		Message{Response: x.Response}.Header().Set(name, value)
	}
}

// Respond makes a response the one of the call, in place of the one it has.
func (x *Exchange) Respond(r *expr.Response) {
	if x.Response != nil && x.Response.Body != r.Body {
		_ = Message{Response: x.Response}.Body().Close()
	}
	x.Response = r
	x.lateHeaders()
}

// NewResponse makes a response the one of the call, without a body, in place of
// the one it has.
func (x *Exchange) NewResponse(status int) *expr.Response {
	x.Respond(&expr.Response{StatusCode: status, StatusReason: http.StatusText(status), Headers: http.Header{}, Body: NewBody(nil)})
	return x.Response
}

// AddResponseHeaders puts the headers that wait for a response into a header:
// that of a response that does not pass through the exchange.
func (x *Exchange) AddResponseHeaders(to http.Header) {
	maps.Copy(to, x.late)
	x.addVary(to)
}

// lateHeaders puts the headers that waited for a response into it.
func (x *Exchange) lateHeaders() {
	if x.Response == nil {
		return
	}
	x.AddResponseHeaders(Message{Response: x.Response}.Header())
}

// AtEnd has something done when the response was sent: what the caller need not
// wait for, but an instance must not be stopped before.
func (x *Exchange) AtEnd(do func(context.Context)) { x.end = append(x.end, do) }

// End does what was put off, in order. Whoever sends the response calls it.
func (x *Exchange) End(ctx context.Context) {
	for _, do := range x.end {
		do(ctx)
	}
	x.end = nil
}

// Service is the URL of the backend to which the request will go; nil when the
// policies do not know it.
func (x *Exchange) Service() *url.URL { return x.service }

// Path is the escaped path of the request below Service.
func (x *Exchange) Path() string { return x.path }

// SetService sets the URL of the backend: the request keeps its path below and
// its query.
func (x *Exchange) SetService(service *url.URL) {
	x.service = service
	x.locate(x.Request.URL.RawQuery)
}

// ChooseBackend sends the request to a backend of the configuration. The scope
// is that of the document that says so.
func (x *Exchange) ChooseBackend(b *BackendEntity, by Scope) {
	x.BackendID, x.backendScope = b.ID, by
	x.Backend = &expr.Backend{ID: b.ID, Type: "Single"}
	if b.Pool {
		x.Backend.Type = "Pool"
	}
	if b.URL != nil {
		x.SetService(b.URL)
	}
}

// ChooseService sends the request to a URL, unless a document of a wider scope
// chose a backend of the configuration: only another one takes its place. A query
// of the URL stands before that of the request.
func (x *Exchange) ChooseService(service *url.URL, by Scope) {
	if x.BackendID != "" && x.backendScope != 0 && x.backendScope < by {
		return
	}
	x.BackendID, x.backendScope, x.Backend = "", 0, nil
	x.SetService(service)
	if own, more := service.RawQuery, x.Request.URL.RawQuery; own != "" {
		x.locate(strings.TrimSuffix(own+"&"+more, "&"))
	}
}

// SetTarget sets the URL of the backend, the escaped path below and the query,
// as SetService and SetPath do.
func (x *Exchange) SetTarget(service *url.URL, path, rawQuery string) {
	x.service, x.path = service, path
	x.locate(rawQuery)
}

// SetPath sets the escaped path below Service, and the query.
func (x *Exchange) SetPath(path, rawQuery string) {
	if path == x.path && x.service != nil { // the URL is of both already
		u := *x.Request.URL
		u.RawQuery = rawQuery
		x.Request.URL = &u
		return
	}
	x.path = path
	x.locate(rawQuery)
}

// locate makes the URL of the request anew.
func (x *Exchange) locate(rawQuery string) {
	service := x.service
	if service == nil && x.Request.URL != nil {
		service = &url.URL{Scheme: x.Request.URL.Scheme, Host: x.Request.URL.Host}
	}
	x.Request.URL = Below(service, x.path, rawQuery)
}

// Below is the URL of an escaped path below that of a service, which may be nil.
func Below(service *url.URL, path, rawQuery string) *url.URL {
	u := &url.URL{RawQuery: rawQuery}
	joined := ""
	if service != nil {
		u.Scheme, u.Host, u.User = service.Scheme, service.Host, service.User
		joined = strings.TrimSuffix(service.EscapedPath(), "/")
	}
	if !strings.HasPrefix(path, "/") && path != "" {
		joined += "/"
	}
	joined += path
	if plain, err := url.PathUnescape(joined); err == nil {
		u.Path, u.RawPath = plain, joined
	} else {
		u.Path = joined
	}
	return u
}
