package hosts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The doors by which a function is called.
const (
	FunctionURL         = "" // invoke mode RESPONSE_STREAM
	FunctionURLBuffered = "BUFFERED"
	HTTPAPI             = "HTTP API"
)

// The limits of the platform, in bytes.
const (
	maxEvent    = 6 << 20
	maxResponse = 6 << 20
)

// LambdaOptions say how the function runs. The zero value is a Function URL whose
// responses stream.
type LambdaOptions struct {
	Env  []string
	Door string
	// Stage is that of an HTTP API; empty is $default.
	Stage string
	// Timeout is how long an invocation may last; zero is a minute.
	Timeout time.Duration
	// MaxInstances bounds the execution environments; zero is 8. A request that finds
	// none is told 429.
	MaxInstances int
	// Concurrency is that of managed instances; zero is one call at a time, and an
	// instance that is frozen between calls.
	Concurrency int
}

// LambdaFunction is a function that runs.
type LambdaFunction struct {
	URL string // of the door, without a slash at the end

	options LambdaOptions
	dir     string
	front   *http.Server

	mu        sync.Mutex
	instances []*instance
	failures  []string // of functions, as the platform's log has them
	logs      []string // of instances that ended
	exits     []int    // exit codes of instances that Stop ended
	started   int
	stopped   bool
}

// StartLambda runs the function of a folder. A nil listener makes one. Instances start
// with the calls that need them.
func StartLambda(ctx context.Context, dir string, l net.Listener, o LambdaOptions) (*LambdaFunction, error) {
	if l == nil {
		var err error
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	f := &LambdaFunction{URL: "http://" + l.Addr().String(), options: o, dir: dir}
	f.front = &http.Server{Handler: http.HandlerFunc(f.serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = f.front.Serve(l) }() // until Stop closes it
	return f, nil
}

// DomainName is the name of the function's door, by which the gateway is called.
func (f *LambdaFunction) DomainName() string { return domainName(f.options.Door) }

func domainName(door string) string {
	if door == HTTPAPI {
		return "a1b2c3.execute-api.eu-west-1.amazonaws.com"
	}
	return "a1b2c3.lambda-url.eu-west-1.on.aws"
}

// Stop ends the function: its instances are told by SIGTERM, and killed half a second
// later.
func (f *LambdaFunction) Stop() {
	f.mu.Lock()
	f.stopped = true
	instances := slices.Clone(f.instances)
	f.mu.Unlock()
	_ = f.front.Close() // nothing depends on it any more
	var ending sync.WaitGroup
	for _, i := range instances {
		ending.Go(i.stop)
	}
	ending.Wait()
}

// Log is what the instances wrote, and what the platform did.
func (f *LambdaFunction) Log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append(slices.Clone(f.logs), f.failures...)
	for _, i := range f.instances {
		if i.program != nil {
			all = append(all, i.program.process.Log())
		}
	}
	return strings.Join(all, "\n")
}

// Failures are the invocations that failed, as the platform's log has them.
func (f *LambdaFunction) Failures() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.failures)
}

// Exits are the exit codes of the instances that Stop ended: 0 of one that ended by
// itself when it was told to.
func (f *LambdaFunction) Exits() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.exits)
}

// Frozen are the ids of the processes of instances that are frozen between calls, or
// soon will be.
func (f *LambdaFunction) Frozen() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var pids []int
	for _, i := range f.instances {
		if i.busy == 0 {
			pids = append(pids, i.program.pid)
		}
	}
	return pids
}

// Started is how many instances were started so far.
func (f *LambdaFunction) Started() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.started
}

func (f *LambdaFunction) fail(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, text)
}

var (
	errThrottled = errors.New("Rate Exceeded.") //nolint:staticcheck // the platform's words
	errEnded     = errors.New("the runtime exited")
	errTimedOut  = errors.New("the task timed out")
)

// take finds an instance with room for a call, or starts one.
func (f *LambdaFunction) take(ctx context.Context) (*instance, error) {
	f.mu.Lock()
	for _, i := range f.instances {
		if i.busy < max(f.options.Concurrency, 1) {
			i.busy++
			f.mu.Unlock()
			<-i.started
			return i, i.fault
		}
	}
	if f.stopped || len(f.instances) >= cmp.Or(f.options.MaxInstances, 8) {
		f.mu.Unlock()
		return nil, errThrottled
	}
	i := &instance{function: f, busy: 1, invocations: make(chan *invocation), calls: map[string]*invocation{}, started: make(chan struct{})}
	f.instances = append(f.instances, i)
	f.started++
	f.mu.Unlock()
	if i.fault = i.start(ctx); i.fault != nil {
		f.remove(i)
	}
	close(i.started)
	return i, i.fault
}

func (f *LambdaFunction) release(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.busy--
}

// remove takes an instance out that has ended.
func (f *LambdaFunction) remove(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := slices.Index(f.instances, i); n >= 0 {
		f.instances = slices.Delete(f.instances, n, n+1)
		if i.program != nil {
			f.logs = append(f.logs, i.program.process.Log())
		}
	}
}

// serve is the door.
func (f *LambdaFunction) serve(w http.ResponseWriter, r *http.Request) {
	if r.Host != strings.TrimPrefix(f.URL, "http://") && !strings.HasPrefix(r.Host, "localhost:") {
		refuse(w, http.StatusForbidden, "Forbidden") // it routes by Host
		return
	}
	event, err := f.event(r)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "Request must be smaller than 6291556 bytes for the InvokeFunction operation")
		return
	}
	i, err := f.take(r.Context())
	if err != nil {
		if errors.Is(err, errThrottled) {
			refuse(w, http.StatusTooManyRequests, err.Error())
			return
		}
		f.fail(err.Error())
		refuse(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	// A client that goes does not stop an invocation.
	if err := i.invoke(context.WithoutCancel(r.Context()), event, w); err != nil {
		f.fail(err.Error())
		panic(http.ErrAbortHandler) // the client has a part of the answer
	}
}

// refuse answers in the platform's own form.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"Message":%q}`, message)
}

// invocation is one call on its way.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	w        http.ResponseWriter
	begun    bool       // the client has a part of the answer
	answered chan error // nil once the answer has ended
}

// instance is an execution environment: one process with a Runtime API of its own.
type instance struct {
	function *LambdaFunction
	program  *program
	api      *http.Server
	busy     int // calls; guarded by the function's mu

	started chan struct{} // closed once it has started, or has not
	fault   error         // why it has not; not before started is closed

	invocations chan *invocation

	mu        sync.Mutex
	calls     map[string]*invocation // by their id
	n         int
	extension *extension // nil: there is none
	waiting   int        // loops of the runtime that ask for what is next
	changed   chan struct{}
	ending    bool // it has been told to end
}

// extension is the internal extension of a function.
type extension struct {
	invoked bool          // it wants to know of calls
	events  chan struct{} // one for each call
	asks    bool          // it asks for the next event
}

func (i *instance) start(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	i.changed = make(chan struct{})
	i.api = &http.Server{Handler: i.runtimeAPI(), ReadHeaderTimeout: time.Minute}
	go func() { _ = i.api.Serve(l) }() // until stop closes it
	o := &i.function.options
	env := append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=contoso", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_STREAM_NAME=one", "AWS_REGION=eu-west-1", "LAMBDA_TASK_ROOT=" + i.function.dir,
		"_HANDLER=bootstrap", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=token",
	}, o.Env...)
	if o.Concurrency > 0 {
		env = append(env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(o.Concurrency))
	}
	if o.Door == FunctionURLBuffered {
		env = append(env, "TOOLGATE_INVOKE_MODE="+FunctionURLBuffered)
	}
	if i.program, err = start(ctx, filepath.Join(i.function.dir, "bootstrap"), i.function.dir, env, nil); err != nil {
		_ = i.api.Close()
		return err
	}
	// The platform gives a function ten seconds to ask for its first call.
	if err := i.await(10*time.Second, func() bool { return i.waiting > 0 }); err != nil {
		i.program.kill()
		_ = i.api.Close()
		return fmt.Errorf("starting the function: %w\n%s", err, i.program.process.Log())
	}
	return nil
}

// await waits until something is so. Done is called with mu held.
func (i *instance) await(limit time.Duration, done func() bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		i.mu.Lock()
		is, changed := done(), i.changed
		i.mu.Unlock()
		if is {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return errTimedOut
		case <-i.program.process.Ended():
			return errEnded
		}
	}
}

// change changes the state of the instance.
func (i *instance) change(do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	do()
	close(i.changed)
	i.changed = make(chan struct{})
}

func (i *instance) stop() {
	if i.program == nil {
		return
	}
	i.mu.Lock()
	i.ending = true
	i.mu.Unlock()
	_ = thaw(i.program.pid) // an error means that it has ended
	_ = terminate(i.program.pid)
	select {
	case <-i.program.process.Ended():
	case <-time.After(500 * time.Millisecond):
	}
	i.program.kill()
	_ = i.api.Close()
	i.function.mu.Lock()
	defer i.function.mu.Unlock()
	i.function.exits = append(i.function.exits, i.program.process.ExitCode())
}

// invoke runs a call to its end, and freezes the instance afterwards. An error is one
// after the answer has begun.
func (i *instance) invoke(ctx context.Context, event []byte, w http.ResponseWriter) error {
	limit := cmp.Or(i.function.options.Timeout, time.Minute)
	call := &invocation{event: event, deadline: time.Now().Add(limit), w: w, answered: make(chan error, 1)}
	managed := i.function.options.Concurrency > 0
	if !managed {
		if err := thaw(i.program.pid); err != nil {
			return i.crashed(call, err)
		}
	}
	i.change(func() {
		i.n++
		call.id = strconv.Itoa(i.n)
		i.calls[call.id] = call
		if i.extension != nil && i.extension.invoked {
			i.extension.events <- struct{}{}
			i.extension.asks = false
		}
	})
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case i.invocations <- call:
	case <-i.program.process.Ended():
		return i.crashed(call, errEnded)
	case <-ctx.Done():
		return i.crashed(call, errTimedOut)
	}
	var err error
	select {
	case err = <-call.answered:
	case <-i.program.process.Ended():
		return i.crashed(call, errEnded)
	case <-ctx.Done():
		return i.crashed(call, errTimedOut)
	}
	if managed {
		i.function.release(i)
		return err
	}
	// The process runs until the runtime and the extension have asked for what is next.
	settled := func() bool { return i.waiting > 0 && (i.extension == nil || i.extension.asks) }
	go func() {
		if i.await(time.Until(call.deadline), settled) != nil || i.freeze() != nil {
			i.program.kill()
			i.function.remove(i)
			return
		}
		i.function.release(i)
	}()
	return err
}

// freeze stops the process, unless it is told to end.
func (i *instance) freeze() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ending {
		return nil
	}
	return freeze(i.program.pid)
}

// crashed ends an instance, and answers for it where there is no answer yet.
func (i *instance) crashed(call *invocation, cause error) error {
	i.program.kill()
	_ = i.api.Close()
	i.function.remove(i)
	i.mu.Lock()
	begun := call.begun
	i.mu.Unlock()
	if begun {
		return cause
	}
	i.function.fail(cause.Error())
	refuse(call.w, http.StatusBadGateway, "Internal Server Error")
	return nil
}

// drain reads what is left of a body.
func drain(body io.Reader) { _, _ = io.Copy(io.Discard, body) }
