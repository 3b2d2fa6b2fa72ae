package policy

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// Keep keeps something that a policy knows about the call, for itself and its
// kin; expressions do not see it. Keys are of unexported types, as those of
// contexts are.
func (x *Exchange) Keep(key, value any) {
	if x.kept == nil {
		x.kept = make(map[any]any, 4)
	}
	x.kept[key] = value
}

// Kept returns what was kept, or nil.
func (x *Exchange) Kept(key any) any { return x.kept[key] }

// OnResponse has something done when the response has come, from the backend
// or in its place, before the policies of outbound. A call that fails or ends
// before has no such moment. The Compilation must know by NeedsResponse.
func (x *Exchange) OnResponse(do func(context.Context) error) { x.came = append(x.came, do) }

// responded does what waited for the response.
func (x *Exchange) responded(ctx context.Context) error {
	for _, do := range x.came {
		if err := do(ctx); err != nil {
			return err
		}
	}
	x.came = nil
	return nil
}

// OnNotification has something done with each MCP message that goes to the client
// ahead of the response, while a policy of outbound reads that. An error keeps the
// message back, and ends the answer.
func (x *Exchange) OnNotification(do func(message []byte) error) { x.notices = append(x.notices, do) }

// Notified does what waited for such a message.
func (x *Exchange) Notified(message []byte) error {
	for _, do := range x.notices {
		if err := do(message); err != nil {
			return err
		}
	}
	return nil
}

// VaryBy adds a header of the request to those on which the response depends,
// as its header Vary says.
func (x *Exchange) VaryBy(header string) {
	if !slices.Contains(x.vary, header) {
		x.vary = append(x.vary, header)
	}
	if x.Response != nil {
		x.addVary(Message{Response: x.Response}.Header())
	}
}

// addVary adds what is not in Vary yet.
func (x *Exchange) addVary(h http.Header) {
	for _, name := range x.vary {
		there := slices.ContainsFunc(h["Vary"], func(line string) bool {
			return slices.ContainsFunc(strings.Split(line, ","), func(v string) bool { return strings.EqualFold(strings.TrimSpace(v), name) })
		})
		if !there {
			h["Vary"] = append(h["Vary"], name)
		}
	}
}

// Preflighter is a Statement that answers the requests by which browsers ask
// what they may send (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
type Preflighter interface {
	Statement
	// Preflight returns Returned when it has answered, and nil to leave it to
	// others.
	Preflight(ctx context.Context, x *Exchange) error
}

// IsPreflight tells whether the call is a preflight request for which the API
// has no operation of its own.
func (x *Exchange) IsPreflight() bool {
	r := x.Request
	return r.Method == http.MethodOptions && len(r.Headers["Origin"]) > 0 && len(r.Headers["Access-Control-Request-Method"]) > 0 &&
		(x.Operation == nil || x.Operation.Method != http.MethodOptions)
}

// Preflight lets the policies answer a preflight request that is to get no
// further. It reports false, and does nothing, where none of them knows such
// requests; otherwise the exchange has a response.
func (p *Pipeline) Preflight(ctx context.Context, x *Exchange) bool {
	x.begin()
	answered, err := p.section(Inbound).preflight(ctx, x)
	if answered {
		p.Continue(ctx, x, err)
	}
	return answered
}

// preflight lets the policies that know preflight requests answer one; no other
// policy sees it. It reports false when there is no such policy.
func (b *Block) preflight(ctx context.Context, x *Exchange) (bool, error) {
	known := false
	for i := range b.statements {
		p, ok := b.statements[i].Statement.(Preflighter)
		if !ok {
			continue
		}
		known = true
		answer := p.Preflight
		if x.Tracer != nil {
			answer = func(ctx context.Context, x *Exchange) error { return b.statements[i].traced(ctx, x, p.Preflight) }
		}
		if err := answer(ctx, x); err != nil {
			return true, b.statements[i].failure(err)
		}
	}
	if known {
		x.NewResponse(http.StatusOK)
	}
	return known, Returned
}
