package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/mcp"
	"toolgate/shared/policies"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"

	"golang.org/x/tools/txtar"
)

// TestMCP runs public policy documents of MCP servers, and of the APIs beside
// them, through the front door of a gateway. The files of testdata/mcp have
//
//	gateway.yaml          and the files that it names; one that begins with "file: "
//	                      is the document of that path below TOOLGATE_CORPUS
//	token NAME            the claims of a token, as TestDocuments has it
//	settings              lines of key: value: now, and replace TEXT, a placeholder
//	                      of the documents that a deployment fills in
//	env                   lines of NAME=value
//	backend [METHOD URL]  a scripted response, as package policytest has it
//	call SERVER TOOL      headers, an empty line and arguments: tools/call of 2025-11-25
//	request               any other HTTP request
//	wait DURATION         lets time pass
//	want                  the transcript
//
// A file with policy.xml is a test of package policytest instead: of what needs
// a subscription.
func TestMCP(t *testing.T) {
	library := newShelf(t)
	provider := newProvider(t)
	policytest.RunFiles(t, "testdata/mcp/*.txtar", *update, func(ctx context.Context, a *txtar.Archive) (string, error) {
		s, err := newSurroundings(a, provider)
		if err != nil {
			return "", err
		}
		var transcript string
		if policytest.HasDocument(s.archive) {
			transcript, err = policytest.Transcript(ctx, s.archive, policytest.Options{
				Policies: policies.Registry(), Services: s.services, Document: library.document,
			})
		} else {
			transcript, err = (&frontTest{shelf: library, provider: provider}).run(ctx, s.archive)
		}
		return s.hidden.Replace(transcript), err
	})
}

// shelf is the folder of the corpus.
type shelf string

func newShelf(t *testing.T) shelf {
	t.Helper()
	dir := os.Getenv("TOOLGATE_CORPUS")
	if dir == "" {
		t.Skip("TOOLGATE_CORPUS does not name a folder of policy documents")
	}
	return shelf(dir)
}

func (s shelf) document(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(s), filepath.FromSlash(name)))
}

// text is a file of a gateway: what is written, or the document that it names.
func (s shelf) text(written string) (string, error) {
	name, ok := strings.CutPrefix(strings.TrimSpace(written), "file: ")
	if !ok {
		return written, nil
	}
	content, err := s.document(name)
	return string(content), err
}

// front is a gateway over documents of the corpus, seen from its front door.
type front struct {
	gateway  *gateway.Gateway
	snapshot *snapshot.Snapshot
	// failed is what sent the last request to on-error.
	failed error

	mu     sync.Mutex
	now    time.Time
	random byte
}

// frontOptions are what a gateway is made of.
type frontOptions struct {
	files     map[string]string
	env       map[string]string
	transport http.RoundTripper
	sink      *policytest.Writer
	now       time.Time
}

// newFront compiles a gateway and starts it.
func newFront(ctx context.Context, o frontOptions) (f *front, err error) {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for name, content := range o.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return nil, err
		}
	}
	content, err := folder.Compile(ctx, dir, o.env)
	if err != nil {
		return nil, err
	}
	f = &front{now: o.now}
	if f.snapshot, err = snapshot.Load(bytes.NewReader(content), int64(len(content))); err != nil {
		return nil, err
	}
	s := services.New(services.Options{Transport: o.transport, Identity: identity{}, Now: f.clock})
	s.Sink = o.sink
	f.gateway, err = gateway.New(f.snapshot, gateway.Options{
		Secrets:   host.Secrets(func(name string) (string, bool) { v, ok := o.env[name]; return v, ok }),
		Transport: o.transport, SealingSecret: []byte("a secret of tests, and of nobody else"),
		Services: s, Random: f, Observe: func(c gateway.Call) { f.failed = c.Err },
	})
	return f, err
}

func (f *front) close() error { return errors.Join(f.gateway.Close(), f.snapshot.Close()) }

func (f *front) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// pass lets time pass.
func (f *front) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Read gives bytes that are the same in every run, and others at every call.
func (f *front) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random++
	for i := range p {
		p[i] = f.random
	}
	return len(p), nil
}

// serve makes one request of a client.
func (f *front) serve(req *http.Request) *http.Response {
	f.failed = nil
	req.RemoteAddr = "192.0.2.1:50000"
	w := httptest.NewRecorder()
	f.gateway.ServeHTTP(w, req)
	return w.Result()
}

// frontTest is a file of testdata/mcp as it runs. It serves http.RoundTripper.
type frontTest struct {
	shelf
	provider *provider
	*front
	out    policytest.Writer
	script policytest.Script
	calls  int
}

// RoundTrip has the identity provider answer for its configuration and keys, and
// the script for all others. The configuration that tenants share names no one
// of them as the issuer, as Entra's does.
func (r *frontTest) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, "/.well-known/openid-configuration") && !strings.HasSuffix(req.URL.Path, "/discovery/keys") {
		return r.script.RoundTrip(req)
	}
	res, err := r.provider.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte("sts.windows.net/common/"), []byte("sts.windows.net/{tenantid}/"))))
	return res, err
}

func (r *frontTest) run(ctx context.Context, a *txtar.Archive) (string, error) {
	r.script.Out = &r.out
	steps, o, err := r.read(a)
	if err != nil {
		return "", err
	}
	o.transport, o.sink = r, &r.out
	if r.front, err = newFront(ctx, o); err != nil {
		return "", err
	}
	for _, s := range steps {
		if s.Kind == "wait" {
			d, err := s.Duration()
			if err != nil {
				return "", err
			}
			r.pass(d)
			continue
		}
		if err := r.request(ctx, s); err != nil {
			return "", s.Fault(0, err)
		}
	}
	return r.out.String(), errors.Join(r.script.Unused(), r.close())
}

// read tells the steps from what the gateway is made of.
func (r *frontTest) read(a *txtar.Archive) (steps []policytest.Section, o frontOptions, err error) {
	o = frontOptions{files: map[string]string{}, env: map[string]string{}, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	var placeholders []string
	for _, s := range policytest.Sections(a) {
		switch s.Kind {
		case "settings":
			err = s.Pairs(":", func(key, value string) (err error) {
				placeholder, ok := strings.CutPrefix(key, "replace ")
				switch {
				case ok:
					placeholders = append(placeholders, placeholder, value)
				case key == "now":
					o.now, err = time.Parse(time.RFC3339, value)
				default:
					err = errors.New("there is no such setting")
				}
				return err
			})
		case "env":
			err = s.Pairs("=", func(name, value string) error {
				o.env[name] = value
				return nil
			})
		case "backend":
			err = r.script.Add(s)
		case "call", "request", "wait":
			steps = append(steps, s)
		case "want":
		default:
			o.files[s.Name()], err = r.text(string(s.Data))
			err = s.Fault(1, err)
		}
		if err != nil {
			return nil, o, err
		}
	}
	for name, content := range o.files {
		o.files[name] = strings.NewReplacer(placeholders...).Replace(content)
	}
	return steps, o, nil
}

// request makes a request and writes what came of it.
func (r *frontTest) request(ctx context.Context, s policytest.Section) error {
	m, err := r.message(&s)
	if err != nil {
		return err
	}
	method, target, _ := strings.Cut(m.First, " ")
	base := r.snapshot.PublicURL
	if base == "" {
		base = "http://127.0.0.1:8080"
	}
	req := httptest.NewRequestWithContext(ctx, method, base+target, bytes.NewReader(m.Body))
	req.Header = m.Header
	res := r.serve(req)
	for _, name := range []string{"Content-Length", "Date"} {
		res.Header.Del(name)
	}
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(res.Body); err != nil {
		return err
	}
	r.out.Message(fmt.Sprintf("response %d", res.StatusCode), res.Header, styles.ReplaceAll(body.Bytes(), []byte("<style>…</style>")))
	if r.failed != nil {
		r.out.Printf("error %s", strings.ReplaceAll(r.failed.Error(), "\n", "; "))
	}
	return nil
}

// styles are long, and the same on all pages.
var styles = regexp.MustCompile(`(?s)<style>.*?</style>`)

// message is the HTTP request of a step.
func (r *frontTest) message(s *policytest.Section) (policytest.Message, error) {
	if s.Kind == "request" {
		return s.Message()
	}
	header, arguments, err := s.Headers("{")
	server, tool, ok := strings.Cut(s.Rest, " ")
	if !ok {
		err = errors.Join(err, errors.New("write call SERVER TOOL"))
	}
	r.calls++
	for name, value := range map[string]string{
		"Accept": mcp.ContentJSON + ", " + mcp.ContentSSE, "Content-Type": mcp.ContentJSON, mcp.HeaderProtocolVersion: "2025-11-25",
	} {
		header.Set(name, value)
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, r.calls, tool, arguments)
	return policytest.Message{First: "POST /" + server + "/mcp", Header: header, Body: []byte(body)}, err
}
