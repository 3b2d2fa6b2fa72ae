package policy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"toolgate/shared/expr"
)

// seen is what a watcher saw.
type seen struct {
	parts strings.Builder
	done  int
}

func (s *seen) see(part []byte, done bool) {
	s.parts.Write(part)
	if done {
		s.done++
	}
}

func TestWatch(t *testing.T) {
	stream := func(r io.Reader) *Body { return NewStream(io.NopCloser(r), -1) }
	read := func(b *Body) {
		r := b.Reader()
		defer r.Close()
		_, _ = io.ReadAll(r)
	}
	for _, tt := range []struct {
		name   string
		body   *Body
		use    func(*Body)
		want   string
		done   int
		passed int64
	}{
		{"none", nil, read, "", 1, 0},
		{"at hand", NewBody([]byte("text")), read, "text", 1, 4},
		{"a stream that is sent", stream(strings.NewReader("text")), read, "text", 1, 4},
		{"in parts", stream(iotest.OneByteReader(strings.NewReader("text"))), read, "text", 1, 4},
		{"with its end at once", stream(iotest.DataErrReader(strings.NewReader("text"))), read, "text", 1, 4},
		{"a stream that breaks", stream(io.MultiReader(strings.NewReader("te"), iotest.ErrReader(io.ErrUnexpectedEOF))), read, "te", 0, 2},
		{"a stream that is held", stream(strings.NewReader("text")), func(b *Body) { _ = b.Hold(); read(b) }, "text", 1, 4},
		{"a stream that is replaced", stream(strings.NewReader("text")), func(b *Body) { b.Set([]byte("another")) }, "", 0, 7},
		{"held, then replaced", stream(strings.NewReader("text")), func(b *Body) { _ = b.Hold(); b.Set([]byte("another")) }, "text", 1, 7},
		{"a stream that is let go", stream(strings.NewReader("text")), func(b *Body) { _ = b.Close() }, "", 0, 0},
		{"read and gone", stream(strings.NewReader("text")), func(b *Body) { _, _ = b.Bytes(false) }, "text", 1, 0},
	} {
		var first, second seen
		tt.body.Watch(first.see)
		tt.body.Watch(second.see)
		tt.use(tt.body)
		for _, s := range []*seen{&first, &second} {
			if got := s.parts.String(); got != tt.want || s.done != tt.done {
				t.Errorf("%s: saw %q, done %d times, want %q and %d", tt.name, got, s.done, tt.want, tt.done)
			}
		}
		if got := tt.body.Passed(); got != tt.passed {
			t.Errorf("%s: %d bytes passed, want %d", tt.name, got, tt.passed)
		}
	}
}

func TestKeep(t *testing.T) {
	type key struct{}
	x := &Exchange{}
	x.Request = &expr.Request{}
	x.Target = Message{Request: x.Request}
	if got := x.Kept(key{}); got != nil {
		t.Errorf("got %v before it was kept, want nil", got)
	}
	x.Keep(key{}, 1)
	fork := x.Fork()
	fork.Keep(key{}, 2)
	if got := x.Kept(key{}); got != 1 {
		t.Errorf("got %v while a fork keeps another, want 1", got)
	}
	x.Join(fork)
	if got := x.Kept(key{}); got != 2 {
		t.Errorf("got %v behind the fork, want 2", got)
	}
}

func TestVaryBy(t *testing.T) {
	for _, tt := range []struct {
		name string
		vary []string
		want []string
	}{
		{"none", nil, []string{"Origin"}},
		{"others", []string{"Accept, Accept-Language"}, []string{"Accept, Accept-Language", "Origin"}},
		{"there already", []string{"accept, origin"}, []string{"accept, origin"}},
	} {
		x := &Exchange{}
		x.VaryBy("Origin")
		x.VaryBy("Origin")
		x.Respond(&expr.Response{Headers: http.Header{"Vary": tt.vary}})
		x.VaryBy("Origin")
		if got := x.Response.Headers["Vary"]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// step is a statement that a test watches.
type step func(*Exchange) error

func (s *step) Apply(_ context.Context, x *Exchange) error { return (*s)(x) }

// pipelineOf is a pipeline of a statement in inbound and one in outbound.
func pipelineOf(inbound, outbound step) *Pipeline {
	p := &Pipeline{}
	p.section(Inbound).statements = []statement{{&inbound, &Element{Name: "in", Section: Inbound}}}
	p.section(Outbound).statements = []statement{{&outbound, &Element{Name: "out", Section: Outbound}}}
	return p
}

func TestOnResponse(t *testing.T) {
	for _, tt := range []struct {
		name string
		ends error // of inbound
		came error // of what waits for the response
		want string
	}{
		{"after the backend", nil, nil, "came out"},
		{"after an answer in its place", Answered, nil, "came out"},
		{"after a pipeline that ended", Returned, nil, ""},
		{"after a failure", errors.New("oops"), nil, ""},
		{"when it fails", nil, errors.New("oops"), "came failed"},
	} {
		var order []string
		x := &Exchange{}
		x.Request = &expr.Request{Method: http.MethodGet}
		p := pipelineOf(func(x *Exchange) error {
			x.OnResponse(func(context.Context) error {
				order = append(order, "came")
				return tt.came
			})
			if errors.Is(tt.ends, Answered) || errors.Is(tt.ends, Returned) {
				x.NewResponse(http.StatusOK)
			}
			return tt.ends
		}, func(*Exchange) error {
			order = append(order, "out")
			return nil
		})
		p.Run(t.Context(), x)
		if tt.came != nil && x.Failure != nil {
			order = append(order, "failed")
		}
		if got := strings.Join(order, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
