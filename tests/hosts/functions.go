package hosts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// FunctionsOptions say how the app runs. The zero value is what a platform does.
type FunctionsOptions struct {
	Env []string // the app settings
	// Idle is how long the load balancer keeps a call of which it hears nothing; zero
	// is 230 s.
	Idle time.Duration
	// Principal is the value of X-MS-CLIENT-PRINCIPAL that EasyAuth gives every
	// request; empty: it is off, and lets what clients send pass.
	Principal string
	// Key is the key of functions that are not anonymous.
	Key string
}

// Functions is an app that runs.
type Functions struct {
	URL string // of the front end, without a slash at the end

	options FunctionsOptions
	app     *functionApp
	dir     string
	front   *http.Server
	errs    lines // what the handler wrote to stderr

	mu       sync.Mutex
	program  *program
	port     string
	failures int
	down     bool // the host has shut itself down
	stopped  bool
	log      []string // of handlers that ended
}

const (
	hostVersion = "4.1054.250"
	// frontEnd is the address from which the front end reaches the Functions host.
	frontEnd      = "192.0.2.254"
	maxFailures   = 3
	functionsBody = 100 << 20
)

// StartFunctions runs the app of a folder. A nil listener makes one.
func StartFunctions(ctx context.Context, dir string, l net.Listener, o FunctionsOptions) (*Functions, error) {
	app, err := readApp(dir)
	if err != nil {
		return nil, fmt.Errorf("starting the functions of %s: %w", dir, err)
	}
	f := &Functions{options: o, app: app, dir: dir}
	if l == nil {
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	f.URL = "http://" + l.Addr().String()
	if err := f.startHandler(ctx); err != nil {
		_ = l.Close()
		return nil, err
	}
	f.front = &http.Server{Handler: http.HandlerFunc(f.serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = f.front.Serve(l) }() // until Stop closes it
	return f, nil
}

// startHandler starts the custom handler and polls it until it answers.
func (f *Functions) startHandler(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		return err
	}
	worker := rand.Text()
	env := append([]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT=" + port, "FUNCTIONS_CUSTOMHANDLER_WORKER_ID=" + worker,
		"FUNCTIONS_HTTPWORKER_PORT=" + port, "FUNCTIONS_HTTPWORKER_ID=" + worker,
		"FUNCTIONS_APP_ROOT_PATH=" + f.dir, "WEBSITE_SITE_NAME=contoso",
	}, f.options.Env...)
	p, err := start(ctx, filepath.Join(f.dir, f.app.executable), f.dir, env, &f.errs)
	if err != nil {
		return err
	}
	if err := awaitAnswer(ctx, p, "http://127.0.0.1:"+port+"/"); err != nil {
		p.kill()
		return fmt.Errorf("%w\n%s", err, p.process.Log())
	}
	f.mu.Lock()
	f.program, f.port = p, port
	stopped := f.stopped
	f.mu.Unlock()
	if stopped {
		p.kill()
		return nil
	}
	go f.watch(p)
	return nil
}

// awaitAnswer asks every 25 ms until there is any answer.
func awaitAnswer(ctx context.Context, p *program, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // initializationTimeout
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
		if err != nil {
			return err
		}
		res, err := handlers.RoundTrip(req)
		if err == nil {
			return res.Body.Close()
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-p.process.Ended():
			return errors.New("the handler ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("waiting for the handler: %w", err)
		}
	}
}

// handlers carries requests to custom handlers.
var handlers = &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}

// watch starts the handler again when it ends, until there are too many failures.
func (f *Functions) watch(p *program) {
	<-p.process.Ended()
	f.mu.Lock()
	f.log = append(f.log, p.process.Log())
	if f.failures++; f.failures >= maxFailures {
		f.down = true
	}
	over := f.stopped || f.down
	f.mu.Unlock()
	if over {
		return
	}
	if err := f.startHandler(context.Background()); err != nil {
		f.mu.Lock()
		f.down = true
		f.log = append(f.log, err.Error())
		f.mu.Unlock()
	}
}

// Stop ends the app: the handler is killed.
func (f *Functions) Stop() {
	f.mu.Lock()
	f.stopped = true
	p := f.program
	f.mu.Unlock()
	_ = f.front.Close() // nothing depends on it any more
	p.kill()
}

// Kill kills the handler, as the host does when it ends.
func (f *Functions) Kill() {
	f.mu.Lock()
	p := f.program
	f.mu.Unlock()
	p.kill()
}

// Stderr is what handlers wrote there, which the host records as errors.
func (f *Functions) Stderr() string { return f.errs.String() }

// Log is what handlers wrote, both outputs together.
func (f *Functions) Log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(append(slices.Clone(f.log), f.program.process.Log()), "\n")
}

// Down tells whether the host has given up.
func (f *Functions) Down() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

func (f *Functions) target() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "127.0.0.1:" + f.port
}

// serve is the front end and the Functions host behind it.
func (f *Functions) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	key := cmp.Or(r.Header.Get("X-Functions-Key"), r.URL.Query().Get("code"))
	function := f.app.find(r.Method, r.URL.Path)
	switch {
	case r.Host != strings.TrimPrefix(f.URL, "http://") && !strings.HasPrefix(r.Host, "localhost:"):
		http.Error(w, "404 Web Site not found.", http.StatusNotFound) // it routes by Host
	case f.Down():
		http.Error(w, "Function host is not running.", http.StatusServiceUnavailable)
	case strings.HasPrefix(path, "/admin/"), strings.HasPrefix(path, "/runtime/webhooks/"):
		w.WriteHeader(http.StatusUnauthorized)
	case r.ContentLength > functionsBody:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case function == nil:
		w.WriteHeader(http.StatusNotFound)
	case !strings.EqualFold(function.level, "anonymous") && (f.options.Key == "" || key != f.options.Key):
		w.WriteHeader(http.StatusUnauthorized)
	case !function.proxied:
		http.Error(w, "this stand-in proxies HTTP alone", http.StatusInternalServerError)
	default:
		f.proxy(w, r)
	}
}

// proxy forwards a request, with the headers that the front end and the host set
// whatever the client sent.
func (f *Functions) proxy(w http.ResponseWriter, r *http.Request) {
	idle, cancel := newIdle(r.Context(), cmp.Or(f.options.Idle, 230*time.Second))
	defer cancel()
	r = r.WithContext(idle.ctx)
	r.Body = http.MaxBytesReader(w, r.Body, functionsBody)
	p := &httputil.ReverseProxy{
		FlushInterval: -1,
		Transport:     &retrying{idle},
		Rewrite: func(p *httputil.ProxyRequest) {
			target := f.target()
			p.SetURL(&url.URL{Scheme: "http", Host: target})
			p.Out.Host = target
			f.setHeaders(p)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p.ServeHTTP(w, r)
}

func (f *Functions) setHeaders(p *httputil.ProxyRequest) {
	client, port, _ := net.SplitHostPort(p.In.RemoteAddr)
	invocation := rand.Text()
	for name, value := range map[string]string{
		"CLIENT-IP": p.In.RemoteAddr, "X-Client-IP": client, "X-Client-Port": port, "DISGUISED-HOST": p.In.Host,
		"WAS-DEFAULT-HOSTNAME": p.In.Host, "X-ARR-LOG-ID": invocation, "X-Original-URL": p.In.URL.RequestURI(), "X-AppService-Proto": "http",
		"X-Forwarded-For": frontEnd, "X-Forwarded-Host": p.In.Host, "X-Forwarded-Proto": "http",
		"X-Azure-Functions-InvocationId": invocation, "X-Azure-Functions-HostVersion": hostVersion, "x-ms-invocation-id": invocation,
	} {
		p.Out.Header.Set(name, value)
	}
	if f.options.Principal != "" {
		for name := range p.Out.Header {
			if strings.HasPrefix(name, "X-Ms-Client-Principal") || strings.HasPrefix(name, "X-Ms-Token-") {
				p.Out.Header.Del(name)
			}
		}
		p.Out.Header.Set("X-Ms-Client-Principal", f.options.Principal)
	}
}

// retrying sends again what did not reach the handler.
type retrying struct{ idle *idle }

// RoundTrip serves http.RoundTripper.
func (t *retrying) RoundTrip(r *http.Request) (*http.Response, error) {
	wait := 50 * time.Millisecond
	for attempt := 1; ; attempt++ {
		res, err := handlers.RoundTrip(r)
		if err == nil {
			res.Body = t.idle.watch(res.Body)
			return res, nil
		}
		if attempt == 10 || !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		wait = min(wait+50*time.Millisecond, 250*time.Millisecond)
	}
}

// idle ends a call of which nothing is heard.
type idle struct {
	ctx   context.Context
	limit time.Duration
	timer *time.Timer
	io.ReadCloser
}

func newIdle(ctx context.Context, limit time.Duration) (*idle, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return &idle{ctx: ctx, limit: limit, timer: time.AfterFunc(limit, cancel)}, cancel
}

func (i *idle) watch(body io.ReadCloser) io.ReadCloser {
	i.timer.Reset(i.limit)
	i.ReadCloser = body
	return i
}

// Read serves io.Reader.
func (i *idle) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	if n > 0 {
		i.timer.Reset(i.limit)
	}
	return n, err
}

// Timer has a timer trigger fire, and returns what the handler answers.
func (f *Functions) Timer(ctx context.Context, name string) (status int, body string, err error) {
	i := slices.IndexFunc(f.app.functions, func(f function) bool { return f.name == name && f.schedule != "" })
	if i < 0 {
		return 0, "", fmt.Errorf("there is no timer %q", name)
	}
	content := fmt.Sprintf(`{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},`+
		`"Metadata":{"sys":{"MethodName":%q,"UtcNow":%q,"RandGuid":%q}}}`, name, time.Now().UTC().Format(time.RFC3339), rand.Text())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.target()+"/"+name, strings.NewReader(content))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Azure-Functions-Host/"+hostVersion)
	req.Header.Set("X-Azure-Functions-Invocationid", rand.Text())
	req.Header.Set("X-Azure-Functions-Hostversion", hostVersion)
	res, err := handlers.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(bytes.TrimSpace(answer)), err
}
