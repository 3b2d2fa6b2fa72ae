package gatewaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/gateway"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"

	"golang.org/x/tools/txtar"
)

// Transcript runs a test, of the gateway or of a policy document alone, and tells
// what happened. The folder may be nil, for tests that need none. The error is
// about the test itself: a *policytest.Error where that has a place in it,
// fault.Faults where the folder has some. Faults of a gateway of the test's own
// are the transcript.
func Transcript(ctx context.Context, a *txtar.Archive, f *Folder) (string, error) {
	run := f.document
	if stands(a) {
		run = f.gateway
	}
	transcript, err := run(ctx, a)
	if err == nil && transcript == "" {
		err = errors.New("nothing happens in the test: write a request, or a call")
	}
	return transcript, err
}

// gateway runs a test of a gateway. The folder may be nil.
func (f *Folder) gateway(ctx context.Context, a *txtar.Archive) (string, error) {
	t, err := read(a)
	if err != nil {
		return "", err
	}
	r := &run{test: t, now: t.now}
	r.script.Out = &r.out
	content, err := r.compile(ctx, f)
	if faults, ok := errors.AsType[fault.Faults](err); ok && t.files != nil {
		return faults.Error() + "\n", nil
	}
	if err != nil {
		return "", err
	}
	if err := r.start(content); err != nil {
		return "", err
	}
	defer r.stop()
	for _, s := range t.steps {
		if s.request == nil {
			r.pass(s.wait)
		} else if err := r.serve(ctx, s.request); err != nil {
			return "", s.section.Fault(0, err)
		}
	}
	return r.out.String(), r.script.Unused()
}

// run is a test as it runs.
type run struct {
	*test
	out         policytest.Writer
	snapshot    *snapshot.Snapshot
	gateway     *gateway.Gateway
	calls       int
	failed      error // of the request that is being served
	*explaining       // nil: the run is that of a test

	mu     sync.Mutex
	now    time.Time
	random uint64
}

// compile compiles the gateway of the test, or of its folder.
func (r *run) compile(ctx context.Context, f *Folder) ([]byte, error) {
	if r.files == nil {
		if f == nil {
			return nil, errors.New("the test has no gateway.yaml, and stands in no folder with one")
		}
		return f.compile(ctx, r.env)
	}
	dir, err := os.MkdirTemp("", "gatewaytest")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the gateway: %w", err)
	}
	defer os.RemoveAll(dir)
	for name, content := range r.files {
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("-- %s -- is outside of the folder", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return (&Folder{Dir: dir}).compile(ctx, r.env)
}

// start assembles the gateway.
func (r *run) start(content []byte) (err error) {
	if r.snapshot, err = snapshot.Load(bytes.NewReader(content), int64(len(content))); err != nil {
		return err
	}
	t := r.transport()
	s := services.New(services.Options{Transport: t, Now: r.clock})
	s.Sink = &r.out
	s.Sleep = func(_ context.Context, d time.Duration) error {
		r.pass(d)
		r.out.Printf("wait %v", d)
		return nil
	}
	o := gateway.Options{
		Secrets: r.resolve, Transport: t, SealingSecret: []byte(sealingSecret), Services: s,
		Subscriptions: &subscriptions{list: r.subscriptions, now: r.clock},
		Random:        r, Observe: func(c gateway.Call) { r.failed = c.Err },
	}
	if r.explaining != nil {
		if err := r.explained(&o); err != nil {
			return errors.Join(err, r.snapshot.Close())
		}
	}
	if r.gateway, err = gateway.New(r.snapshot, o); err != nil {
		return errors.Join(fmt.Errorf("starting the gateway: %w", err), r.snapshot.Close())
	}
	return nil
}

func (r *run) stop() {
	_ = r.gateway.Close() // nothing of it outlives the test
	_ = r.snapshot.Close()
}

// sealingSecret seals what clients of tests carry.
const sealingSecret = "a secret of tests, and of nobody else"

// resolve gives the value of a secret: its name, unless the test has another.
func (r *run) resolve(ref string) (string, error) {
	_, name, _ := strings.Cut(ref, ":")
	if value, ok := r.env[name]; ok {
		return value, nil
	}
	if ref == r.sealingKey() {
		return sealingSecret, nil // which has a least length
	}
	return name, nil
}

// sealingKey is the reference of the sealing key; empty when it is not one alone.
func (r *run) sealingKey() string {
	if parts := r.snapshot.SealingKey.Parts; len(parts) == 1 {
		return parts[0].Secret
	}
	return ""
}

// clock is the time of the test.
func (r *run) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.explaining != nil && r.Clock {
		return r.now.Add(time.Since(r.began))
	}
	return r.now
}

// origin is the URL that clients reach the gateway by, without a path.
func (r *run) origin() string {
	if public, err := url.Parse(r.snapshot.PublicURL); err == nil && public.Host != "" {
		return public.Scheme + "://" + public.Host // its path ends where the gateway begins
	}
	return "http://127.0.0.1:8080"
}

// pass lets time pass.
func (r *run) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// Read gives bytes that are the same in every run.
func (r *run) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.random++
	for i := range p {
		p[i] = byte(r.random & 0xff)
	}
	return len(p), nil
}

// serve makes one request and writes what came of it.
func (r *run) serve(ctx context.Context, q *request) error {
	r.calls++
	if q.server != "" && q.body == nil {
		if err := q.compose(r.snapshot, r.calls); err != nil {
			return err
		}
	}
	r.script.Statuses(q.status)
	req, err := http.NewRequestWithContext(ctx, q.method, r.origin()+q.target, bytes.NewReader(q.body))
	if err != nil {
		return err
	}
	if len(q.body) == 0 {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header = q.header.Clone()
	if q.key != "" {
		r.present(q, req)
	}
	if name := req.Header.Get("Host"); name != "" {
		req.Host = name
		req.Header.Del("Host")
	}
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), r.ip+":50000"
	w := &response{header: http.Header{}}
	r.failed = nil
	r.gateway.ServeHTTP(w, req)
	r.write(q, w)
	if r.failed != nil {
		r.out.Printf("error %s", strings.ReplaceAll(r.failed.Error(), "\n", "; "))
	}
	return nil
}

// response is what the gateway answers.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header serves http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader serves http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// Write serves http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush serves http.Flusher: an event is on its way as soon as it is written.
func (w *response) Flush() { w.WriteHeader(http.StatusOK) }

var _ io.Reader = (*run)(nil)
