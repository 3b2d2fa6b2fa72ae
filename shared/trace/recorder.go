package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/policy"
)

// Bounds of what is recorded of one request.
const (
	maxSteps   = 1000
	maxEffects = 100      // of one step
	maxText    = 512      // bytes of one value in the trace
	maxKept    = 4 << 10  // bytes of one value until its secrets are known
	maxSeen    = 64 << 10 // bytes of one value that are looked at
)

// Options are how a request is recorded. The zero value works.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Redact takes the secrets out of a text that the gateway knows; nil knows none.
	// What the request itself brings as a credential is taken out in any case.
	Redact func(text string) string
	// Bodies is how many bytes of the bodies that policies read or make are
	// recorded; 0: their sizes alone.
	Bodies int
	// Request is told of each request to a backend as well; nil is nobody.
	Request backend.Trace
}

// Recorder records one request. It is safe for concurrent use.
type Recorder struct {
	options Options
	now     func() time.Time
	start   time.Time
	id      string
	secrets secrets

	mu      sync.Mutex
	root    node
	steps   int
	omitted int
	ended   bool
}

// node is a step on its way.
type node struct {
	step   Step
	inside []*node
}

// Begin begins to record.
func Begin(o Options) *Recorder {
	r := &Recorder{options: o, now: o.Now, id: newID()}
	if r.now == nil {
		r.now = time.Now
	}
	r.start = r.now()
	return r
}

// newID is that of a trace: it is not to be guessed.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// ID is that of the trace.
func (r *Recorder) ID() string { return r.id }

// Root is where steps are recorded that are inside of no other.
func (r *Recorder) Root() *Span { return &Span{r, &r.root} }

// Span is a step on its way, in which others are recorded. A nil Span records
// nothing.
type Span struct {
	recorder *Recorder
	node     *node
}

var _ policy.Tracer = (*Span)(nil)

type spanKey struct{}

// Of is the step on whose way a context is; nil when the request is not recorded.
func Of(ctx context.Context) *Span {
	s, _ := ctx.Value(spanKey{}).(*Span)
	return s
}

// Context makes a context that is on the way of the step: requests to backends are
// recorded in it.
func (s *Span) Context(ctx context.Context) context.Context {
	if s == nil {
		return ctx
	}
	return backend.WithTrace(context.WithValue(ctx, spanKey{}, s), s.request)
}

// Step begins a step of the gateway. End tells how it ended: with an error it
// failed.
func (s *Span) Step(name string) *Span {
	if s == nil {
		return nil
	}
	return s.begin(Step{Kind: Gateway, Name: name})
}

// begin adds a step, which is lost where there are too many.
func (s *Span) begin(step Step) *Span {
	r := s.recorder
	step.Start, step.Name = r.since(), r.keep(step.Name)
	made := &node{step: step}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
	case r.steps >= maxSteps:
		r.omitted++
	default:
		r.steps++
		s.node.inside = append(s.node.inside, made)
	}
	return &Span{r, made}
}

// since is the time since the beginning, in microseconds.
func (r *Recorder) since() int64 { return r.now().Sub(r.start).Microseconds() }

// End ends the step. With an error it failed, unless it was refused before.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	end := s.recorder.since()
	s.change(func(step *Step) {
		step.Duration = end - step.Start
		s.fail(step, err)
	})
}

// Refuse ends the step with a refusal.
func (s *Span) Refuse(err error) {
	if s == nil {
		return
	}
	s.End(err)
	s.change(func(step *Step) { step.Outcome = Refused })
}

// Say adds an effect.
func (s *Span) Say(kind, name, text string) {
	if s != nil {
		s.effect(Effect{Kind: kind, Name: name, After: text})
	}
}

// change changes the step, unless the trace was taken already.
func (s *Span) change(do func(*Step)) {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	if !s.recorder.ended {
		do(&s.node.step)
	}
}

func (s *Span) effect(e Effect) {
	e.Before, e.After = s.recorder.keep(e.Before), s.recorder.keep(e.After)
	s.change(func(step *Step) {
		if len(step.Effects) < maxEffects && !told(s.node.inside, &e) {
			step.Effects = append(step.Effects, e)
		}
	})
}

// told tells whether a step inside of another has told the effect already: where
// policies stand in others, the innermost says what changed.
func told(inside []*node, e *Effect) bool {
	return slices.ContainsFunc(inside, func(n *node) bool {
		return n.step.Kind == Policy && slices.ContainsFunc(n.step.Effects, func(of Effect) bool {
			return of.Kind == e.Kind && of.After == e.After && strings.HasSuffix(e.Name, of.Name)
		}) || told(n.inside, e)
	})
}

// fail writes how a step ended. The caller holds the lock.
func (s *Span) fail(step *Step, err error) {
	switch {
	case err == nil:
	case errors.Is(err, policy.Returned):
		step.Outcome = Returned
	case errors.Is(err, policy.Answered):
		step.Outcome = Answered
	default:
		step.Outcome = Failed
		if !failedInside(s.node) {
			step.Failure = s.recorder.failure(err)
		}
	}
}

// failedInside tells whether the failure of a step is that of one inside, which
// says more.
func failedInside(n *node) bool {
	if len(n.inside) == 0 {
		return false
	}
	last := n.inside[len(n.inside)-1]
	return last.step.Kind == Policy && last.step.Outcome == Failed
}

func (r *Recorder) failure(err error) *Failure {
	if e, ok := errors.AsType[*policy.Error](err); ok {
		f := &Failure{Source: e.Source, Reason: string(e.Reason), Message: r.keep(e.Message), Status: e.Status}
		if e.Cause != nil {
			f.Cause = r.keep(e.Cause.Error())
		}
		return f
	}
	return &Failure{Message: r.keep(err.Error())}
}

// Enter begins the step of a policy.
func (s *Span) Enter(ctx context.Context, x *policy.Exchange, p *policy.Element) (context.Context, policy.Tracer, func(*policy.Exchange, error)) {
	inside := s.begin(Step{
		Kind: Policy, Name: p.Name, ID: p.ID, Scope: p.Scope.String(), Section: p.Section.String(), At: p.At.String(), Path: p.Path,
	})
	before := s.recorder.look(x)
	return inside.Context(ctx), inside, func(x *policy.Exchange, err error) {
		s.recorder.compare(inside, before, s.recorder.look(x))
		inside.End(err)
	}
}

// Note adds what a policy says of itself.
func (s *Span) Note(n policy.Note) {
	text := render(n.Value)
	if n.Kind == policy.NoteVariable && sensitive(n.Name) {
		s.recorder.secrets.learn(plain(n.Value))
		text = redacted
	}
	s.effect(Effect{Kind: string(n.Kind), Name: n.Name, After: text})
}

// request records one that goes to a backend.
func (s *Span) request(req *http.Request) func(*http.Response, error) {
	s.recorder.secrets.learnHeader(req.Header)
	inside := s.begin(Step{Kind: Request, Name: req.Method + " " + shownURL(req.URL)})
	for _, name := range names(req.Header) {
		inside.Say("header", name, shownHeader(name, req.Header[name]))
	}
	if req.ContentLength > 0 {
		inside.Say("body", "", strconv.FormatInt(req.ContentLength, 10)+" bytes")
	}
	var also func(*http.Response, error)
	if s.recorder.options.Request != nil {
		also = s.recorder.options.Request(req) //nolint:bodyclose // the response is the caller's of Send
	}
	return func(res *http.Response, err error) {
		if also != nil {
			also(res, err)
		}
		if res != nil {
			s.recorder.secrets.learnHeader(res.Header)
			inside.Say("status", "", strconv.Itoa(res.StatusCode))
		}
		inside.End(err)
	}
}

// Learn keeps a secret of the request out of the trace.
func (r *Recorder) Learn(secret string) { r.secrets.learn(secret) }

// LearnHeader keeps the credentials of a header out of the trace.
func (r *Recorder) LearnHeader(h http.Header) { r.secrets.learnHeader(h) }

// Take ends the recording and returns the trace, with what the gateway knows of
// the request. It is called once.
func (r *Recorder) Take(t Trace) *Trace {
	t.ID, t.Time, t.Duration = r.id, r.start.UTC(), r.since()
	t.Method, t.Name, t.Error = r.keep(t.Method), r.keep(t.Name), r.keep(t.Error)
	r.mu.Lock()
	r.ended = true
	t.Steps, t.Omitted = steps(r.root.inside), r.omitted
	r.mu.Unlock()
	r.redact(&t)
	return &t
}

func steps(list []*node) []Step {
	made := make([]Step, 0, len(list))
	for _, n := range list {
		n.step.Steps = nil
		if len(n.inside) > 0 {
			n.step.Steps = steps(n.inside)
		}
		made = append(made, n.step)
	}
	return made
}
