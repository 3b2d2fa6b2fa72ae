package policytest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
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
	// Document reads a document that a test names in place of its text: a file
	// that begins with "file: ". Nil: there are none.
	Document func(name string) ([]byte, error)
}

// Run runs the tests of the files that a pattern matches, one subtest each.
// With update, transcripts are written into the files.
func Run(t *testing.T, pattern string, o Options, update bool) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test matches %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(content)
			got, err := Transcript(t.Context(), archive, o)
			if err != nil {
				t.Fatal(err)
			}
			want := Want(archive)
			if got == want {
				return
			}
			if !update {
				t.Errorf("the transcript differs\ngot:\n%s\nwant:\n%s", got, want)
				return
			}
			SetWant(archive, got)
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
}

// Want is the transcript that an archive wants.
func Want(a *txtar.Archive) string {
	for _, f := range a.Files {
		if f.Name == "want" {
			return string(f.Data)
		}
	}
	return ""
}

// SetWant puts a transcript into an archive.
func SetWant(a *txtar.Archive, transcript string) {
	for i, f := range a.Files {
		if f.Name == "want" {
			a.Files[i].Data = []byte(transcript)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(transcript)})
}

// Transcript runs a test and tells what happened: requests to backends,
// responses, failures, and what policies reported. The error is about the test
// itself.
func Transcript(ctx context.Context, a *txtar.Archive, o Options) (string, error) {
	t, err := read(a)
	if err != nil {
		return "", err
	}
	r := &run{test: t, options: o, now: t.settings.now}
	pipeline, err := r.compile()
	if err != nil {
		return r.out.String(), err
	}
	if pipeline == nil {
		return r.out.String(), nil // its faults are the transcript
	}
	for _, s := range t.steps {
		if s.request == nil {
			r.now = r.now.Add(s.wait)
			continue
		}
		if err := r.call(ctx, pipeline, s.request); err != nil {
			return "", err
		}
	}
	for _, unused := range t.script {
		if !unused.used {
			return r.out.String(), fmt.Errorf("no request came for -- backend %s %s --", unused.method, unused.url)
		}
	}
	return r.out.String(), nil
}

// run is a test as it runs.
type run struct {
	*test
	options Options
	now     time.Time
	mu      sync.Mutex // requests of policies may be sent at the same time
	out     bytes.Buffer
	calls   int
}

func (r *run) compile() (*policy.Pipeline, error) {
	var layers []policy.Layer
	fragments := map[string]*policy.Document{}
	for _, f := range r.fragments {
		d, err := r.parse(f, 0)
		if d == nil || err != nil {
			return nil, err
		}
		fragments[strings.TrimSuffix(f.Name, ".xml")] = d
	}
	for _, scope := range []policy.Scope{
		policy.ScopeGlobal, policy.ScopeProduct, policy.ScopeServer, policy.ScopeTool, policy.ScopeAPI, policy.ScopeOperation,
	} {
		f, ok := r.documents[scope]
		if !ok {
			continue
		}
		d, err := r.parse(f, scope)
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
	fmt.Fprintln(&r.out, faults.Err())
	return nil, nil
}

// parse reads a document; nil when it has faults, which are in the transcript
// then.
func (r *run) parse(f txtar.File, scope policy.Scope) (*policy.Document, error) {
	content := f.Data
	if name, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "file: "); ok {
		if r.options.Document == nil {
			return nil, fmt.Errorf("-- %s --: documents of other files are not at hand", f.Name)
		}
		var err error
		if content, err = r.options.Document(name); err != nil {
			return nil, err
		}
	}
	d, faults := policy.Parse(f.Name, content, policy.ParseOptions{NamedValues: r.settings.namedValues})
	if faults.Err() == nil {
		faults = policy.Validate(d, policy.ValidateOptions{Scope: scope, Compiler: policy.CSharp{}})
	}
	if err := faults.Err(); err != nil {
		fmt.Fprintln(&r.out, err)
		return nil, nil
	}
	return d, nil
}

// services are those of the options and those that write the transcript.
func (r *run) services() *policy.Services {
	now := func() time.Time { return r.now }
	s := &policy.Services{}
	if r.options.Services != nil {
		s = r.options.Services(now)
	}
	s.Now, s.Sender, s.Backends, s.Sink = now, r, &r.settings, r
	s.Sleep = func(_ context.Context, d time.Duration) error {
		r.now = r.now.Add(d)
		fmt.Fprintf(&r.out, "wait %v\n", d)
		return nil
	}
	return s
}

// call makes one call and writes what came of it.
func (r *run) call(ctx context.Context, p *policy.Pipeline, m *message) error {
	x, err := r.exchange(m)
	if err != nil {
		return err
	}
	p.Run(ctx, x)
	fmt.Fprintf(&r.out, "response %d", x.Response.StatusCode)
	if x.Response.StatusReason != http.StatusText(x.Response.StatusCode) {
		fmt.Fprintf(&r.out, " %s", x.Response.StatusReason)
	}
	r.out.WriteByte('\n')
	body, err := policy.Message{Response: x.Response}.Body().Bytes(true)
	if err != nil {
		return err
	}
	r.message(x.Response.Headers, body)
	if x.Failure != nil {
		fmt.Fprintf(&r.out, "error %v\n", x.Failure)
	}
	x.End(ctx)
	return nil
}

// exchange makes the exchange of a call.
func (r *run) exchange(m *message) (*policy.Exchange, error) {
	method, target, ok := strings.Cut(m.first, " ")
	if !ok {
		return nil, fmt.Errorf("%q is no request: write a method and a target", m.first)
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r.calls++
	x := &policy.Exchange{Context: r.settings.context}
	x.RequestID[15] = byte(r.calls)
	x.Timestamp = r.now
	x.Now = func() time.Time { return r.now }
	x.Elapsed = func() time.Duration { return r.now.Sub(x.Timestamp) }
	x.Random = &counter{}
	original := *u
	if original.Host == "" {
		original.Scheme, original.Host = "https", "gateway.test"
	}
	x.Request = &expr.Request{
		Method: method, Headers: m.header.Clone(), IPAddress: r.settings.ip, OriginalURL: &original, URL: &original,
		MatchedParameters: r.settings.parameters, Certificate: r.settings.certificate,
	}
	x.SetPath(u.EscapedPath(), u.RawQuery)
	if r.settings.service != nil {
		x.SetService(r.settings.service)
	}
	if m.body != nil && (len(m.body) > 0 || method != http.MethodGet) {
		x.Request.Body = policy.NewBody(m.body)
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

func statusOf(first string) (int, error) {
	text, _, _ := strings.Cut(first, " ")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("a scripted response begins with %q, which is no status", first)
	}
	return n, nil
}
