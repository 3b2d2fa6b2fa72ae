package gateway

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// keptReply holds a result back that is to be kept, so that those who wait for it
// do not wait for a client that reads slowly: send sends it. All else passes at
// once.
type keptReply struct {
	mcp.Reply
	settings *config.Cache
	now      func() time.Time
	alone    func() // says that there is nothing to keep

	computed policy.Computed
	send     func() error // nil: nothing was held back
	passed   bool         // something was sent
	spoilt   bool         // the result is not to be kept
	private  bool         // the server behind said so, in a result that does not say it
	ttl      time.Duration
	hasTTL   bool
}

// pass says that nothing will be kept, before something is sent.
func (r *keptReply) pass() {
	r.spoilt = true
	if !r.passed {
		r.passed = true
		r.alone()
	}
}

// Notify passes a notification: a result that has some ahead of it is more than
// the result.
func (r *keptReply) Notify(message jsontext.Value) error {
	r.pass()
	return r.Reply.Notify(message)
}

// Failed says that the result has isError set.
func (r *keptReply) Failed(cause error) {
	r.spoilt = true
	noteFailed(r.Reply, cause)
}

// Hint takes what a server of the modern era says of keeping its result, where the
// result does not say it to a client of the legacy era.
func (r *keptReply) Hint(ttl, scope jsontext.Value) {
	r.private = text(scope) == "private"
	r.setTTL(ttl)
}

func (r *keptReply) setTTL(raw jsontext.Value) {
	if raw != nil {
		r.ttl, r.hasTTL = milliseconds(raw), true
	}
}

// Result holds a result back, or passes it.
func (r *keptReply) Result(result jsontext.Value) error {
	if !r.take(result) {
		r.pass()
		return r.Reply.Result(result)
	}
	held := r.computed.Value[valueHead:]
	r.send = func() error { return r.Reply.Result(held) }
	return nil
}

// take makes the value of a result that is to be kept: of a complete success, as
// long as the server lets it be kept, and for those that it is for.
func (r *keptReply) take(result jsontext.Value) bool {
	if r.spoilt || len(result) > r.settings.MaxSize {
		return false
	}
	var ttl mcp.Span
	err := mcp.EachMember(result, func(m mcp.Member) error {
		value := result[m.Value.Start:m.Value.End]
		switch m.Name {
		case "isError":
			r.spoilt = r.spoilt || string(value) != "false"
		case "resultType":
			r.spoilt = r.spoilt || text(value) != "complete"
		case "task": // a task is still at work (2025-11-25, tasks)
			r.spoilt = true
		case "ttlMs":
			ttl = m.Value
			r.setTTL(value)
		case "cacheScope":
			r.private = text(value) != "public"
		}
		return nil
	})
	if err != nil || r.spoilt || r.private && r.settings.Public || r.hasTTL && r.ttl <= 0 {
		return false
	}
	r.computed.Keep = r.settings.Duration
	if r.hasTTL {
		r.computed.Keep = min(r.computed.Keep, r.ttl)
	}
	r.computed.Value = appendValue(result, r.now(), ttl)
	return true
}

// text is the value of a JSON string; empty for anything else.
func text(raw jsontext.Value) string {
	m := mcp.Message{Raw: raw}
	return m.Text(mcp.Span{End: len(raw)})
}

// Relay holds an answer back that is one result and nothing else. Of an event
// stream no more is read ahead than up to the first message.
func (r *keptReply) Relay(status int, header http.Header, body io.Reader) error {
	var read bytes.Buffer
	if status == http.StatusOK && !r.spoilt {
		ahead := io.TeeReader(io.LimitReader(body, int64(r.settings.MaxSize)+envelope), &read)
		if message := first(header, ahead, r.settings.MaxSize+envelope); message != nil && r.takeMessage(message) {
			whole := read.Bytes()
			r.send = func() error { return r.Reply.Relay(status, header, bytes.NewReader(whole)) }
			return nil
		}
	}
	r.pass()
	return r.Reply.Relay(status, header, io.MultiReader(&read, body))
}

// envelope is more than what a response message has around its result, in bytes.
const envelope = 16 << 10

// first reads the response message of an answer that begins with it; nil where
// there is another message ahead of it, or none within the limit.
func first(header http.Header, body io.Reader, limit int) jsontext.Value {
	message, err := mcp.ReadResponse(header, body, limit, func(jsontext.Value) error { return errGone })
	if err != nil {
		return nil
	}
	return message
}

// takeMessage takes the result of a response message.
func (r *keptReply) takeMessage(raw jsontext.Value) bool {
	m, err := mcp.Scan(raw, maxKeptDepth)
	return err == nil && m.Kind == mcp.KindResponse && m.Result.Present() && !m.Failure.Present() && r.take(m.Bytes(m.Result))
}

// maxKeptDepth bounds the nesting of a result that is kept.
const maxKeptDepth = 1000
