package policy

import "context"

// Tracer is told what the policies of a call do. A call that nobody traces has
// none, and pays a comparison for each policy. It is safe for concurrent use:
// policies that run side by side have the same one.
type Tracer interface {
	// Enter is told of a policy before it runs. It returns the context and the
	// tracer for what happens inside of it, and what to call when it has ended, with
	// its error.
	Enter(ctx context.Context, x *Exchange, policy *Element) (context.Context, Tracer, func(x *Exchange, err error))
	// Note is told what a policy does, by the policy itself.
	Note(n Note)
}

// Note is something that a policy did, and that does not show in the messages.
type Note struct {
	Kind  NoteKind
	Name  string // of the variable, or of what else the value is of
	Value any    // as expressions have values
}

// NoteKind is the kind of a note.
type NoteKind string

// The kinds of notes.
const (
	NoteVariable NoteKind = "variable" // a variable was set
	NoteBranch   NoteKind = "branch"   // a branch was taken, with its condition as the value
	NoteLimit    NoteKind = "limit"    // what is left of a limit
	NoteCache    NoteKind = "cache"    // what a cache had
	NoteRetry    NoteKind = "retry"    // another attempt, and after how long
	NoteMessage  NoteKind = "message"  // what a document has to say: trace, context.Trace
)

// Note tells the tracer, where there is one. Whoever has to compute a value looks
// at Tracer first.
func (x *Exchange) Note(kind NoteKind, name string, value any) {
	if x.Tracer != nil {
		x.Tracer.Note(Note{kind, name, value})
	}
}

// traced runs a policy, or lets it answer a preflight, and tells the tracer.
func (s *statement) traced(ctx context.Context, x *Exchange, run func(context.Context, *Exchange) error) error {
	outer := x.Tracer
	ctx, inside, leave := outer.Enter(ctx, x, s.element)
	x.Tracer = inside
	err := run(ctx, x)
	x.Tracer = outer
	if err != nil {
		err = s.failure(err)
	}
	leave(x, err)
	return err
}

// EnterForward tells the tracer of an exchange, which has one, of the policy that
// Forwards tells of, for what does its work.
func (p *Pipeline) EnterForward(ctx context.Context, x *Exchange) (context.Context, func(err error)) {
	outer := x.Tracer
	ctx, inside, leave := outer.Enter(ctx, x, p.section(Backend).statements[0].element)
	x.Tracer = inside
	return ctx, func(err error) {
		x.Tracer = outer
		leave(x, err)
	}
}

// JoinTracers is a tracer that tells two; either may be nil.
func JoinTracers(a, b Tracer) Tracer {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return both{a, b}
}

type both [2]Tracer

func (t both) Enter(ctx context.Context, x *Exchange, policy *Element) (context.Context, Tracer, func(*Exchange, error)) {
	ctx, first, leaveFirst := t[0].Enter(ctx, x, policy)
	ctx, second, leaveSecond := t[1].Enter(ctx, x, policy)
	return ctx, both{first, second}, func(x *Exchange, err error) {
		leaveSecond(x, err)
		leaveFirst(x, err)
	}
}

func (t both) Note(n Note) {
	t[0].Note(n)
	t[1].Note(n)
}
