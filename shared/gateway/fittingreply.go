package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"

	"toolgate/shared/mcp"
	"toolgate/shared/projection"

	"github.com/go-json-experiment/json/jsontext"
)

// fittedReply makes the result of one call fit.
type fittedReply struct {
	mcp.Reply
	fitting *fitting
	tool    *fitted
	req     *mcp.Request
	context []byte // of cursors; nil for a tool without pages
	from    int    // the item that the page begins at
}

// Failed passes on that the result has isError set.
func (r *fittedReply) Failed(cause error) { noteFailed(r.Reply, cause) }

// Cached passes on that the result is that of an earlier call.
func (r *fittedReply) Cached() { noteCached(r.Reply) }

// Task passes on how far a call has come.
func (r *fittedReply) Task(status mcp.TaskStatus) { noteTask(r.Reply, status) }

// leftObserver is a reply that tells the log how many items a result leaves out.
type leftObserver interface{ Left(items int) }

// Left is called by servers whose result leaves out items, or members.
func (x *exchange) Left(items int) { x.call.Left = items }

// Left is for the log.
func (d *delivery) Left(items int) { d.exchange.Left(items) }

// Left passes on how much is left out.
func (c *capture) Left(items int) { noteLeft(c.reply, items) }

// Left passes on how much is left out.
func (r *approvedReply) Left(items int) { noteLeft(r.Reply, items) }

func noteLeft(reply mcp.Reply, items int) {
	if o, ok := reply.(leftObserver); ok {
		o.Left(items)
	}
}

// Relay reads the result out of another server's answer.
func (r *fittedReply) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(r.Reply, status, header, body, r.Result)
}

// relayResult has the result of another server's answer sent by a function, and passes on
// an answer that is none.
func relayResult(reply mcp.Reply, status int, header http.Header, body io.Reader, send func(jsontext.Value) error) error {
	raw, err := mcp.ReadResponse(header, body, maxUpstreamMessage, reply.Notify)
	if err != nil {
		return err
	}
	m, err := mcp.Scan(raw, maxKeptDepth)
	if err != nil {
		return err
	}
	if !m.Result.Present() {
		return reply.Relay(status, http.Header{"Content-Type": contentJSON}, bytes.NewReader(raw))
	}
	return send(m.Bytes(m.Result))
}

// Result sends what there is room for. Errors, and what is no result of a tool yet,
// pass as they are.
func (r *fittedReply) Result(result jsontext.Value) error {
	failed, _ := mcp.Lookup(result, "isError")
	content, ok := mcp.Lookup(result, "content")
	if !ok || result[content.Start] != '[' || failed.Present() && result[failed.Start] == 't' {
		return r.Reply.Result(result)
	}
	found, err := r.answer(result, content)
	if err != nil {
		return err
	}
	if found.value == nil && r.fitting.ofAPI {
		return r.Reply.Result(result) // which the gateway has cut itself
	}
	if found.value == nil {
		return r.Reply.Result(r.cutTexts(result, content, found.blocks))
	}
	if e := r.tool.shape.Select; e != nil {
		if found.value, err = e.Apply(found.value); err != nil {
			return r.fail("The tool was called, but what its configuration selects of the answer cannot be found: "+err.Error(), err)
		}
	}
	page, err := projection.Cut(found.value, r.from, r.tool.budget)
	if err != nil {
		return r.fail("The tool was called, but its answer cannot be read.", err)
	}
	return r.Reply.Result(found.replaced(result, content, r.body(&page)))
}

// body is the object in place of the answer.
func (r *fittedReply) body(page *projection.Page) []byte {
	out := append([]byte(`{"`+projection.ResultMember+`":`), page.Value...)
	if !page.Whole() {
		cursor := ""
		if r.context != nil && page.Left() > 0 {
			cursor = r.fitting.sealCursor(page.Next, r.context)
		}
		out = projection.AppendMore(append(out, `,"`+projection.MoreMember+`":`...), page, cursor)
		noteLeft(r.Reply, page.Left()+page.Omitted+len(page.Members))
	}
	return append(out, '}')
}

// foundAnswer is the JSON of a result.
type foundAnswer struct {
	value      jsontext.Value // nil: there is none
	structured mcp.Span       // of structuredContent
	blocks     []jsontext.Value
	block      int // the one that value is the text of; -1: value is structuredContent
}

// answer finds the JSON of a result. That of an API is the first text, which is the
// answer itself; others have it as structuredContent, or as a text.
func (r *fittedReply) answer(result jsontext.Value, content mcp.Span) (found foundAnswer, err error) {
	found.block = -1
	err = mcp.EachElement(result[content.Start:content.End], func(b jsontext.Value) error {
		found.blocks = append(found.blocks, bytes.Clone(b))
		return nil
	})
	if err != nil {
		return found, err
	}
	found.structured, _ = mcp.Lookup(result, "structuredContent")
	if s := found.structured; s.Present() && !r.fitting.ofAPI {
		found.value = result[s.Start:s.End]
		return found, nil
	}
	for i, b := range found.blocks {
		if member(b, "type") != "text" {
			continue
		}
		value := jsontext.Value(member(b, "text"))
		if kind := value.Kind(); value.IsValid() && (r.fitting.ofAPI || kind == '{' || kind == '[') {
			found.value, found.block = value, i
		}
		break // what comes after it are notes
	}
	return found, nil
}

// replaced is a result with a body in place of the answer.
func (f *foundAnswer) replaced(result jsontext.Value, content mcp.Span, body []byte) jsontext.Value {
	text := append(mcp.AppendString([]byte(`{"type":"text","text":`), string(body)), '}')
	out := []byte{'['}
	if f.block < 0 {
		out = append(out, text...)
	}
	for i, b := range f.blocks {
		switch {
		case i == f.block:
			out = append(appendComma(out), text...)
		case f.block < 0 && member(b, "type") == "text": // it says the same
		default:
			out = append(appendComma(out), b...)
		}
	}
	edits := []mcp.Edit{{Span: content, Text: append(out, ']')}}
	if f.structured.Present() {
		edits = append(edits, mcp.Edit{Span: f.structured, Text: body})
	}
	return mcp.Splice(result, edits...)
}

// cutTexts makes a result fit whose texts are no JSON: they end where there is no more
// room.
func (r *fittedReply) cutTexts(result jsontext.Value, content mcp.Span, blocks []jsontext.Value) jsontext.Value {
	room, cut := r.tool.budget.Bytes, 0
	out := []byte{'['}
	for _, b := range blocks {
		text := member(b, "text")
		if member(b, "type") != "text" || len(text) <= room {
			if member(b, "type") == "text" {
				room -= len(text)
			}
			out = append(appendComma(out), b...)
			continue
		}
		end := max(0, room)
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		note := "[Result cut: first " + strconv.Itoa(end) + " of " + strconv.Itoa(len(text)) + " bytes.]"
		cut += len(text) - end
		room = 0
		if end > 0 {
			note = text[:end] + "\n" + note
		}
		out = append(mcp.AppendString(append(appendComma(out), `{"type":"text","text":`...), note), '}')
	}
	if cut == 0 {
		return result
	}
	noteLeft(r.Reply, 1)
	edits := []mcp.Edit{{Span: content, Text: append(out, ']')}}
	if s, ok := mcp.Lookup(result, "structuredContent"); ok {
		edits = append(edits, mcp.Edit{Span: s, Text: []byte(`{"truncated":true}`)})
	}
	return mcp.Splice(result, edits...)
}

// fittedList makes the definitions of an upstream's tools those of tools with such
// results.
type fittedList struct {
	mcp.Reply
	fitting *fitting
}

// Relay reads the list out of another server's answer.
func (l *fittedList) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(l.Reply, status, header, body, l.Result)
}

// Result sends the list.
func (l *fittedList) Result(result jsontext.Value) error {
	span, ok := mcp.Lookup(result, "tools")
	if !ok || result[span.Start] != '[' {
		return l.Reply.Result(result)
	}
	out := []byte{'['}
	err := mcp.EachElement(result[span.Start:span.End], func(item jsontext.Value) error {
		if f := l.fitting.tools[member(item, "name")]; f != nil {
			if defined, err := f.shape.Define(bytes.Clone(item)); err == nil {
				item = defined
			} else { // a schema that cannot be read is the client's to refuse
				l.fitting.gateway.log.Warn("the definition of a tool whose results are made to fit cannot be read", "server", l.fitting.name, "error", err)
			}
		}
		out = append(appendComma(out), item...)
		return nil
	})
	if err != nil {
		return err
	}
	return l.Reply.Result(mcp.Splice(result, mcp.Edit{Span: span, Text: append(out, ']')}))
}
