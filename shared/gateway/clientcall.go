package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"toolgate/shared/mcp"
	profiles "toolgate/shared/profile" // a test here has the name

	"github.com/go-json-experiment/json/jsontext"
)

type calledKey struct{}

// calledAs is how a client calls a tool that has another name, or other arguments.
type calledAs struct {
	tool knownTool
	name string // the client's
}

// retarget makes a call by names that were made for the client one by those of the tool,
// in place. One by the tool's own names stays as it is.
func (v *view) retarget(ctx context.Context, req *mcp.Request) (context.Context, error) {
	name, args := req.Text(req.Name), req.Bytes(req.Arguments)
	if !profiles.Made(name) && (v.profile.ArgumentCharacters == profiles.Any || !hasMade(args)) {
		return ctx, nil
	}
	known, ok := v.find(ctx, req, name)
	if !ok {
		return ctx, nil
	}
	edits := known.original(req, args)
	if known.name != name {
		edits = append(edits, mcp.Edit{Span: req.Name, Text: mcp.AppendString(nil, known.name)})
	}
	if len(edits) == 0 {
		return ctx, nil
	}
	message, err := mcp.Scan(mcp.Splice(req.Raw, edits...), v.server.gateway.depth)
	if err != nil {
		return ctx, err
	}
	if req.Header[mcp.HeaderName] != nil && known.name != name {
		req.Header = req.Header.Clone()
		req.Header[mcp.HeaderName] = []string{mcp.EncodeHeader(known.name)}
	}
	req.Message = message
	return context.WithValue(ctx, calledKey{}, &calledAs{tool: known, name: name}), nil
}

// hasMade tells whether an argument has a name of the form of those that are made.
func hasMade(args jsontext.Value) (found bool) {
	if args.Kind() != '{' {
		return false
	}
	_ = mcp.EachMember(args, func(m mcp.Member) error { // it was scanned
		found = found || profiles.Made(m.Name)
		return nil
	})
	return found
}

// original are the edits that give arguments the names that the tool has for them. One
// that is given by both names is left for the tool to refuse.
func (t knownTool) original(req *mcp.Request, args jsontext.Value) []mcp.Edit {
	if t.arguments == nil || args.Kind() != '{' {
		return nil
	}
	members, err := mcp.Members(args)
	if err != nil {
		return nil
	}
	given := make(map[string]bool, len(members))
	for _, m := range members {
		given[m.Name] = true
	}
	var edits []mcp.Edit
	for _, m := range members {
		if name, ok := t.arguments[m.Name]; ok && !given[name] {
			at := req.Arguments.Start
			edits = append(edits, mcp.Edit{
				Span: mcp.Span{Start: at + m.Whole.Start, End: at + m.Value.Start}, Text: append(mcp.AppendString(nil, name), ':'),
			})
		}
	}
	return edits
}

// err is an error in the client's words.
func (c *calledAs) err(err error) error {
	e, ok := errors.AsType[*mcp.Error](err)
	if !ok {
		return err
	}
	said := c.say(e.Message)
	if said == e.Message {
		return err
	}
	made := *e
	made.Message = said
	return &made
}

// say puts the names that the client knows in the place of the tool's own.
func (c *calledAs) say(text string) string {
	if c.tool.name != c.name {
		text = strings.ReplaceAll(text, strconv.Quote(c.tool.name), strconv.Quote(c.name))
		text = replaceWord(text, c.tool.name, c.name)
	}
	for known, original := range c.tool.arguments {
		text = replaceWord(text, original, known)
	}
	return text
}

// replaceWord replaces a name where it is a word of its own.
func replaceWord(text, name, by string) string {
	if name == "" {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, name)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(name)
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[:i])
		if i > 0 && ofWord(before) || end < len(text) && ofWord(after) {
			b.WriteString(name)
		} else {
			b.WriteString(by)
		}
		text = text[end:]
	}
}

func ofWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// calledReply is the reply to a call by names that were made for the client: what the
// model is told of a failure names what it knows.
type calledReply struct {
	mcp.Reply
	called *calledAs
}

// Result sends the result.
func (r *calledReply) Result(result jsontext.Value) error {
	failed, ok := mcp.Lookup(result, "isError")
	content, has := mcp.Lookup(result, "content")
	if !ok || !has || result[failed.Start] != 't' || result[content.Start] != '[' {
		return r.Reply.Result(result)
	}
	out := []byte{'['}
	err := mcp.EachElement(result[content.Start:content.End], func(block jsontext.Value) error {
		out = appendComma(out)
		span, ok := mcp.Lookup(block, "text")
		if !ok || member(block, "type") != "text" {
			out = append(out, block...)
			return nil
		}
		out = append(out, mcp.Splice(block, mcp.Edit{Span: span, Text: mcp.AppendString(nil, r.called.say(member(block, "text")))})...)
		return nil
	})
	if err != nil {
		return err
	}
	return r.Reply.Result(mcp.Splice(result, mcp.Edit{Span: content, Text: append(out, ']')}))
}

// Relay reads the result out of another server's answer.
func (r *calledReply) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(r.Reply, status, header, body, r.Result)
}

// Failed passes on that the result has isError set.
func (r *calledReply) Failed(cause error) { noteFailed(r.Reply, cause) }

// Cached passes on that the result is that of an earlier call.
func (r *calledReply) Cached() { noteCached(r.Reply) }

// Approval passes on what became of an approval.
func (r *calledReply) Approval(outcome, by string) { noteApproval(r.Reply, outcome, by) }

// Left passes on how much is left out.
func (r *calledReply) Left(items int) { noteLeft(r.Reply, items) }

// Task passes on how far a call has come.
func (r *calledReply) Task(status mcp.TaskStatus) { noteTask(r.Reply, status) }
