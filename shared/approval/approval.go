// Package approval knows calls of tools that wait for a person: what the person is
// shown, how the question and its answer travel through a client that may change
// neither, and that an answer is good for one call.
//
// A question that a client puts to its user goes with a requestState, which the
// client brings back with the answer ([Desk.State]). Where a client can only lead
// its user to a page, the page is the gateway's own ([Desk.Link], [Desk.Serve]), and
// the answer waits in the store for the call to be made again ([Desk.Decision]).
package approval

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"toolgate/shared/seal"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// What becomes of an answer that is no approval. Compare with [errors.Is].
var (
	// ErrNotOurs is a state that the gateway did not seal, or sealed for another call:
	// of another caller, server or tool, or with other arguments.
	ErrNotOurs = errors.New("the requestState is not of this call")
	// ErrExpired is a state whose time is over.
	ErrExpired = errors.New("the approval came too late")
	// ErrUsed is an approval that a call was made with.
	ErrUsed = errors.New("the approval was used already")
)

// Options are what a Desk needs.
type Options struct {
	// Store remembers which approvals were used, and the answers that were given on
	// the page; nil: the memory of this process.
	Store state.Store
	// Secret is the one that all instances share, of [seal.MinSecret] bytes at least.
	Secret []byte
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Desk is where approvals are asked for and used. It is safe for concurrent use.
type Desk struct {
	store         state.Store
	memory        *state.Memory // the store, where it is one that nobody sweeps; otherwise nil
	swept         atomic.Int64  // when memory was, in seconds since 1970
	now           func() time.Time
	states, links *seal.Sealer
}

// New makes a desk.
func New(o Options) (*Desk, error) {
	d := &Desk{store: o.Store, now: o.Now}
	if d.store == nil {
		d.store = &state.Memory{}
	}
	d.memory, _ = d.store.(*state.Memory)
	if d.now == nil {
		d.now = time.Now
	}
	var err error
	if d.states, err = seal.New(o.Secret, "approval state"); err != nil {
		return nil, err
	}
	d.links, err = seal.New(o.Secret, "approval link")
	return d, err
}

// Binding is the hash of all that an approval is for: the caller, the server, the
// tool and what it is called with.
type Binding [sha256.Size]byte

// Step says what a client was asked for together with a state.
type Step string

// The steps of a call.
const (
	// Asked: its user was asked for a decision.
	Asked Step = "asked"
	// Led: its user was led to the page.
	Led Step = "led"
	// Approved: the call was approved, and the server behind asked for more.
	Approved Step = "approved"
)

// Ticket is one question, or one further round of a call that was approved. It is
// good for one call.
type Ticket struct {
	ID      string    `json:"id"`
	Binding Binding   `json:"binding"`
	Step    Step      `json:"step,omitzero"`
	Expires time.Time `json:"expires"`
	// Inner is the requestState of the server behind, of step Approved; nil: it has
	// none.
	Inner *string `json:"inner,omitzero"`
}

// Ticket makes a new one.
func (d *Desk) Ticket(b Binding, step Step, life time.Duration) Ticket {
	var id [24]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return Ticket{ID: base64.RawURLEncoding.EncodeToString(id[:]), Binding: b, Step: step, Expires: d.now().Add(life).UTC()}
}

// State seals a ticket for the client to bring back.
func (d *Desk) State(t Ticket) (string, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("making a requestState: %w", err)
	}
	return d.states.Seal(text, nil), nil
}

// Open reads the ticket of a state that came back with a call. The error is
// ErrNotOurs or ErrExpired.
func (d *Desk) Open(text string, b Binding) (Ticket, error) {
	var t Ticket
	plain, err := d.states.Open(text, nil)
	if err != nil || json.Unmarshal(plain, &t) != nil || subtle.ConstantTimeCompare(t.Binding[:], b[:]) != 1 {
		return Ticket{}, ErrNotOurs
	}
	if !t.Expires.After(d.now()) {
		return Ticket{}, ErrExpired
	}
	return t, nil
}

// space is the kind of the rows.
const space = "approval"

// keep is how long rows are kept beyond the time of a ticket: clocks differ.
const keep = time.Hour

// row is the key of one fact of a ticket or of a binding.
func row(fact string, of []byte) state.Key {
	h := sha256.New()
	h.Write([]byte(fact + "\x00"))
	h.Write(of)
	return state.Key{Space: space, ID: hex.EncodeToString(h.Sum(nil))}
}

// Use uses a ticket up, over all instances. The error is ErrUsed for one that was
// used; after any other, too, no call may be made with it.
func (d *Desk) Use(ctx context.Context, t Ticket) error {
	return d.once(ctx, "used", t)
}

// once notes a fact of a ticket; ErrUsed where it was noted before.
func (d *Desk) once(ctx context.Context, fact string, t Ticket) error {
	d.sweep(ctx)
	_, err := d.store.Put(ctx, row(fact, []byte(t.ID)), state.Record{Version: state.MustNotExist, Expires: t.Expires.Add(keep)})
	if errors.Is(err, state.ErrConflict) {
		return ErrUsed
	}
	if err != nil {
		return fmt.Errorf("using up an approval: %w", err)
	}
	return nil
}

// Decision is what a person decided on the page.
type Decision struct {
	Ticket   Ticket `json:"ticket"`
	Approved bool   `json:"approved"`
}

// decide keeps a decision, the only one for its ticket.
func (d *Desk) decide(ctx context.Context, made Decision) error {
	if err := d.once(ctx, "decided", made.Ticket); err != nil {
		return err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("writing a decision: %w", err)
	}
	_, err = d.store.Put(ctx, row("decision", made.Ticket.Binding[:]), state.Record{
		Data: text, Version: state.AnyVersion, Expires: made.Ticket.Expires.Add(keep),
	})
	if err != nil {
		return fmt.Errorf("keeping a decision: %w", err)
	}
	return nil
}

// Decision takes the decision that was made on the page about a call, the latest
// if there are several, and uses it up. It reports false where there is none that
// can be used. After an error no call may be made.
func (d *Desk) Decision(ctx context.Context, b Binding) (Decision, bool, error) {
	key := row("decision", b[:])
	record, err := d.store.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return Decision{}, false, nil
	}
	if err != nil {
		return Decision{}, false, fmt.Errorf("looking for a decision: %w", err)
	}
	var made Decision
	if err := json.Unmarshal(record.Data, &made); err != nil {
		return Decision{}, false, fmt.Errorf("reading a decision: %w", err)
	}
	if made.Ticket.Binding != b || !made.Ticket.Expires.After(d.now()) {
		return Decision{}, false, nil
	}
	if err := d.Use(ctx, made.Ticket); errors.Is(err, ErrUsed) {
		return Decision{}, false, nil
	} else if err != nil {
		return Decision{}, false, err
	}
	// It cannot be used again, whether the row goes or not.
	_ = d.store.Delete(ctx, key, record.Version)
	return made, true, nil
}

// sweep removes expired rows from memory, which nobody else does, once a minute.
func (d *Desk) sweep(ctx context.Context) {
	if d.memory == nil {
		return
	}
	now, last := d.now(), d.swept.Load()
	if now.Unix()-last < 60 || !d.swept.CompareAndSwap(last, now.Unix()) {
		return
	}
	_, _ = d.memory.Sweep(ctx, now, 10_000) // what is left goes the next time
}
