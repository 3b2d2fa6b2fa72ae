package policytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"

	"golang.org/x/tools/txtar"
)

// Options are what tests run with.
type Options struct {
	Policies policy.Registry
	// Services are those of each test; what the test itself gives (Sender,
	// Backends, Sink, Now, Sleep) is put in. Nil: no others.
	Services func(now func() time.Time) *policy.Services
	// ServicesOver takes the place of Services where some of them send requests:
	// backends carries those to the script of the test. Nil: Services.
	ServicesOver func(now func() time.Time, backends http.RoundTripper) *policy.Services
	// Document reads a document that a test names in place of its text: a file
	// that begins with "file: ". Nil: there are none.
	Document func(name string) ([]byte, error)
	// NamedValues, Fragments (texts by id) and Backends are those of the folder
	// that the tests stand in. A test can have others of the same names.
	NamedValues map[string]string
	Fragments   map[string][]byte
	Backends    map[string]*policy.BackendEntity
}

// Transcript runs a test and tells what happened: requests to backends,
// responses, failures, and what policies reported. The error is about the test
// itself, an *Error where that has a place in it.
func Transcript(ctx context.Context, a *txtar.Archive, o Options) (string, error) {
	t, err := read(a)
	if err != nil {
		return "", err
	}
	r := &run{test: t, options: o, now: t.settings.now}
	r.script.Out = &r.out
	r.settings.inherit(&o)
	pipeline, err := r.compile()
	if pipeline == nil || err != nil {
		return r.out.String(), err // without an error its faults are the transcript
	}
	for _, s := range t.steps {
		if s.request == nil {
			r.pass(s.wait)
			continue
		}
		if err := r.call(ctx, pipeline, s.request); err != nil {
			return "", s.section.Fault(0, err)
		}
	}
	return r.out.String(), r.script.Unused()
}

// run is a test as it runs.
type run struct {
	*test
	options Options
	out     Writer
	calls   int

	mu  sync.Mutex // policies may wait at the same time
	now time.Time
}

// clock is the time of the test.
func (r *run) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// pass lets time pass.
func (r *run) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *run) compile() (*policy.Pipeline, error) {
	fragments, err := r.allFragments()
	if fragments == nil || err != nil {
		return nil, err
	}
	var layers []policy.Layer
	for _, scope := range []policy.Scope{
		policy.ScopeGlobal, policy.ScopeProduct, policy.ScopeServer, policy.ScopeTool, policy.ScopeAPI, policy.ScopeOperation,
	} {
		s, ok := r.documents[scope]
		if !ok {
			continue
		}
		d, err := r.document(&s, s.Kind, scope)
		if d == nil || err != nil {
			return nil, err
		}
		layers = append(layers, policy.Layer{Scope: scope, Document: d})
	}
	effective, faults := policy.Compose(layers, fragments)
	if faults.Err() == nil {
		var p *policy.Pipeline
		p, faults = policy.Compile(effective, policy.CompileOptions{Policies: r.options.Policies, Services: r.services()})
		if faults.Err() == nil {
			return p, nil
		}
	}
	r.out.Printf("%v", faults.Err())
	return nil, nil
}

// allFragments are those of the folder and of the test; nil when one has faults.
func (r *run) allFragments() (map[string]*policy.Document, error) {
	fragments := map[string]*policy.Document{}
	for id, content := range r.options.Fragments {
		if fragments[id] = r.parse("fragment "+id, content, 0); fragments[id] == nil {
			return nil, nil
		}
	}
	for _, s := range r.fragments {
		id := strings.TrimSuffix(s.Rest, ".xml")
		d, err := r.document(&s, s.Rest, 0)
		if fragments[id] = d; d == nil || err != nil {
			return nil, err
		}
	}
	return fragments, nil
}

// document reads the document of a section, which messages call file, or that
// which the section names; nil when it has faults, which are in the transcript
// then.
func (r *run) document(s *Section, file string, scope policy.Scope) (*policy.Document, error) {
	content := s.Data
	if name, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "file: "); ok {
		if r.options.Document == nil {
			return nil, s.Fault(1, errors.New("documents of other files are not at hand"))
		}
		var err error
		if content, err = r.options.Document(name); err != nil {
			return nil, s.Fault(1, err)
		}
		file = name
	}
	if len(r.settings.replaced) > 0 {
		content = []byte(strings.NewReplacer(r.settings.replaced...).Replace(string(content)))
	}
	return r.parse(file, content, scope), nil
}

func (r *run) parse(file string, content []byte, scope policy.Scope) *policy.Document {
	d, faults := policy.Parse(file, content, policy.ParseOptions{NamedValues: r.settings.namedValues})
	if faults.Err() == nil {
		faults = policy.Validate(d, policy.ValidateOptions{Scope: scope, Compiler: policy.CSharp{}})
	}
	if err := faults.Err(); err != nil {
		r.out.Printf("%v", err)
		return nil
	}
	return d
}

// services are those of the options and those that write the transcript.
func (r *run) services() *policy.Services {
	s := &policy.Services{}
	switch o := &r.options; {
	case o.ServicesOver != nil:
		s = o.ServicesOver(r.clock, &r.script)
	case o.Services != nil:
		s = o.Services(r.clock)
	}
	s.Now, s.Sender, s.Backends, s.Sink = r.clock, r, &r.settings, &r.out
	s.Sleep = func(_ context.Context, d time.Duration) error {
		r.pass(d)
		r.out.Printf("wait %v", d)
		return nil
	}
	return s
}

// call makes one call and writes what came of it.
func (r *run) call(ctx context.Context, p *policy.Pipeline, m *Message) error {
	x, err := r.exchange(m)
	if err != nil {
		return err
	}
	p.Run(ctx, x)
	first := "response " + strconv.Itoa(x.Response.StatusCode)
	if x.Response.StatusReason != http.StatusText(x.Response.StatusCode) {
		first += " " + x.Response.StatusReason
	}
	body, err := policy.Message{Response: x.Response}.Body().Bytes(true)
	if err != nil {
		return err
	}
	r.out.Message(first, x.Response.Headers, body)
	if x.Failure != nil {
		r.out.Printf("error %v", x.Failure)
	}
	x.End(ctx)
	return nil
}

// exchange makes the exchange of a call.
func (r *run) exchange(m *Message) (*policy.Exchange, error) {
	method, target, ok := strings.Cut(m.First, " ")
	if !ok {
		return nil, fmt.Errorf("%q is no request: write a method and a target", m.First)
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r.calls++
	x := &policy.Exchange{Context: r.settings.context}
	x.RequestID[15] = byte(r.calls & 0xff)
	x.Timestamp = r.clock()
	x.Now = r.clock
	x.Elapsed = func() time.Duration { return r.clock().Sub(x.Timestamp) }
	x.Random = &counter{}
	original := *u
	if original.Host == "" {
		original.Scheme, original.Host = "https", "gateway.test"
	}
	x.Request = &expr.Request{
		Method: method, Headers: m.Header.Clone(), IPAddress: r.settings.ip, OriginalURL: &original, URL: &original,
		MatchedParameters: r.settings.parameters, Certificate: r.settings.certificate,
	}
	x.SetPath(u.EscapedPath(), u.RawQuery)
	if r.settings.service != nil {
		x.SetService(r.settings.service)
	}
	if m.Body != nil && (len(m.Body) > 0 || method != http.MethodGet) {
		x.Request.Body = policy.NewBody(m.Body)
	}
	x.Forward = func(ctx context.Context, _ policy.ForwardOptions) error { return r.forward(ctx, x) }
	return x, nil
}

// counter is a source of bytes that are the same in every run.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		c.n++
		p[i] = c.n
	}
	return len(p), nil
}

// forward answers the request to the backend.
func (r *run) forward(_ context.Context, x *policy.Exchange) error {
	body, err := policy.Message{Request: x.Request}.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("forward-request", err)
	}
	x.Response, err = r.answer(sent{"backend", x.Request.Method, x.Request.URL.String(), x.Certificate, x.Request.Headers, body})
	if failed, ok := errors.AsType[*policy.SendError](err); ok {
		reason := policy.ReasonBackendConnectionFailure
		if failed.Timeout {
			reason = policy.ReasonTimeout
		}
		return policy.NewError("forward-request", reason)
	}
	return err
}

// Send serves policy.Sender.
func (r *run) Send(_ context.Context, o *policy.Outgoing) (*expr.Response, error) {
	return r.answer(sent{"send", o.Method, o.URL.String(), o.Certificate, o.Header, o.Body})
}

// answer has the script answer a request. The body of a response is at hand but
// for a stream of events.
func (r *run) answer(s sent) (*expr.Response, error) {
	res, err := r.script.respond(s) //nolint:bodyclose // whoever has the exchange closes it
	if err != nil {
		return nil, err
	}
	body := policy.NewStream(res.Body, -1)
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		err = body.Hold()
	}
	return &expr.Response{StatusCode: res.StatusCode, StatusReason: http.StatusText(res.StatusCode), Headers: res.Header, Body: body}, err
}
