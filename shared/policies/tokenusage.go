package policies

import (
	"bytes"
	"context"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// tokenUsage is what a call of a language model used.
type tokenUsage struct{ prompt, completion, total int }

// tokenMeter measures the tokens of one call, for all policies that ask. The
// usage that the model reports counts; without one, tokens are estimated from
// texts, four characters each. The response is only looked at as it passes, so
// that streams stay streams.
type tokenMeter struct {
	prompt   int // estimated
	answered bool
	events   bool // the response is a stream of events
	reported tokenUsage
	letters  int    // of the texts of the answer
	pending  []byte // of an event or a document that has not wholly passed
	skipping bool   // pending was too long, and its rest is passed over
}

// tokenMeterKey is what the meter of an exchange is kept under.
type tokenMeterKey struct{}

// Bounds of what is kept of a response in order to find its usage, in bytes.
const (
	maxTokenEvent    = 1 << 20
	maxTokenDocument = 8 << 20
)

// tokensOf estimates the tokens of a number of characters.
func tokensOf(letters int) int { return (letters + 3) / 4 }

// meterOf is the meter of the exchange. The Compilation must know by
// NeedsResponse and ReadsBody.
func meterOf(source string, x *policy.Exchange) (*tokenMeter, error) {
	if m, ok := x.Kept(tokenMeterKey{}).(*tokenMeter); ok {
		return m, nil
	}
	body, err := policy.Message{Request: x.Request}.Body().Bytes(true)
	if err != nil {
		return nil, policy.BodyError(source, err)
	}
	m := &tokenMeter{prompt: tokensOf(promptLetters(body))}
	x.Keep(tokenMeterKey{}, m)
	x.OnResponse(func(context.Context) error {
		m.watch(x)
		return nil
	})
	return m, nil
}

// watch begins to look at the response.
func (m *tokenMeter) watch(x *policy.Exchange) {
	r := policy.Message{Response: x.Response}
	kind, _, _ := mime.ParseMediaType(r.Header().Get("Content-Type"))
	m.events = kind == "text/event-stream"
	isJSON := kind == "application/json" || strings.HasSuffix(kind, "+json")
	if x.Response.StatusCode >= 300 || r.Header().Get("Content-Encoding") != "" || !m.events && !isJSON {
		return
	}
	m.answered = true
	r.Body().Watch(m.see)
}

// measurable tells whether there is an answer that is no stream: holding
// its body lets the usage be known.
func (m *tokenMeter) measurable() bool { return m.answered && !m.events }

// see takes a part of the response.
func (m *tokenMeter) see(part []byte, done bool) {
	if m.events {
		m.seeEvents(part)
		if done {
			m.line(m.pending)
			m.pending = nil
		}
		return
	}
	switch {
	case m.skipping:
	case done && len(m.pending) == 0 && len(part) > 0:
		m.document(part)
	case len(m.pending)+len(part) > maxTokenDocument:
		m.pending, m.skipping = nil, true
	default:
		if m.pending = append(m.pending, part...); done {
			m.document(m.pending)
			m.pending = nil
		}
	}
}

// seeEvents takes lines out of a stream (WHATWG HTML, 9.2 Server-sent events).
func (m *tokenMeter) seeEvents(part []byte) {
	for len(part) > 0 {
		i := bytes.IndexByte(part, '\n')
		if i < 0 {
			if m.skipping = m.skipping || len(m.pending)+len(part) > maxTokenEvent; m.skipping {
				m.pending = m.pending[:0]
			} else {
				m.pending = append(m.pending, part...)
			}
			return
		}
		switch {
		case m.skipping:
			m.skipping = false
		case len(m.pending) > 0:
			m.line(append(m.pending, part[:i]...))
		default:
			m.line(part[:i])
		}
		m.pending = m.pending[:0]
		part = part[i+1:]
	}
}

// line takes one line of a stream. Models write each event's data on one.
func (m *tokenMeter) line(line []byte) {
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		m.document(bytes.TrimSpace(data))
	}
}

// document takes a response or an event, in JSON.
func (m *tokenMeter) document(content []byte) {
	a := answerReader{dec: tokenDecoder(content)}
	if err := a.value("", 0); err != nil {
		return // such as [DONE], which ends a stream
	}
	m.reported.prompt = max(m.reported.prompt, a.usage.prompt)
	m.reported.completion = max(m.reported.completion, a.usage.completion)
	m.reported.total = max(m.reported.total, a.usage.total)
	// Of the events of the Responses API, only the deltas say something new.
	if !strings.HasPrefix(a.kind, "response.") || strings.HasSuffix(a.kind, ".delta") {
		m.letters += a.letters
	}
}

// usage is what was used, as far as it is known by now. It reports false
// without an answer of a model.
func (m *tokenMeter) usage() (tokenUsage, bool) {
	u := m.reported
	if u == (tokenUsage{}) {
		u = tokenUsage{prompt: m.prompt, completion: tokensOf(m.letters)}
	}
	u.total = max(u.total, u.prompt+u.completion)
	return u, m.answered
}

func tokenDecoder(content []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(content), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// answerReader finds usage and texts in a response of the Chat Completions,
// Completions, Embeddings, Responses or Messages API, or in an event of one.
type answerReader struct {
	dec     *jsontext.Decoder
	usage   tokenUsage
	letters int
	kind    string // the member type at the top
}

// answerTexts are the members that have what a model wrote.
var answerTexts = []string{"content", "text", "delta", "arguments", "partial_json", "thinking", "reasoning_content", "refusal"}

// value reads the value of a member, which stands at a depth.
func (a *answerReader) value(name string, depth int) error {
	token, err := a.dec.ReadToken()
	if err != nil {
		return err
	}
	switch token.Kind() {
	case '{', '[':
		return a.container(name, token.Kind() == '{', depth)
	case '"':
		if depth == 1 && name == "type" {
			a.kind = token.String()
		} else if slices.Contains(answerTexts, name) {
			a.letters += utf8.RuneCountInString(token.String())
		}
	}
	return nil
}

// container reads an object or an array to its end. The values of an array
// belong to its member.
func (a *answerReader) container(name string, object bool, depth int) error {
	for a.dec.PeekKind() != '}' && a.dec.PeekKind() != ']' {
		member := name
		if object {
			token, err := a.dec.ReadToken()
			if err != nil {
				return err
			}
			member = token.String()
		}
		var err error
		if object && member == "usage" && (depth == 0 || name == "message" || name == "response") && a.dec.PeekKind() == '{' {
			err = a.readUsage()
		} else {
			err = a.value(member, depth+1)
		}
		if err != nil {
			return err
		}
	}
	_, err := a.dec.ReadToken()
	return err
}

// readUsage reads numbers under the names of the APIs. Tokens that were read
// from a cache of prompts or written to it stand beside the others in one of
// them.
func (a *answerReader) readUsage() error {
	if _, err := a.dec.ReadToken(); err != nil {
		return err
	}
	for a.dec.PeekKind() == '"' {
		name, err := a.dec.ReadToken()
		if err != nil {
			return err
		}
		member := name.String()
		if a.dec.PeekKind() != '0' {
			if err := a.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		token, err := a.dec.ReadToken()
		if err != nil {
			return err
		}
		count, err := token.Int()
		if err != nil {
			return err
		}
		n := int(min(max(count, 0), 1<<31-1))
		switch member {
		case "prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens":
			a.usage.prompt += n
		case "completion_tokens", "output_tokens":
			a.usage.completion += n
		case "total_tokens":
			a.usage.total = n
		}
	}
	_, err := a.dec.ReadToken()
	return err
}

// readMembers have what a model reads; of toolMembers it reads all.
var (
	readMembers = []string{"messages", "prompt", "input", "system", "instructions"}
	toolMembers = []string{"tools", "functions"}
	// notRead are members of messages that are no text for the model, or no text.
	notRead = []string{"role", "type", "id", "tool_call_id", "tool_use_id", "url", "image_url", "data", "media_type", "detail", "format", "file_data", "file_id"}
)

// promptLetters are the characters that a model reads of a request. It is 0 for
// what is no JSON object.
func promptLetters(content []byte) int {
	dec := tokenDecoder(content)
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return 0
	}
	letters := 0
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return letters
		}
		name := token.String()
		switch {
		case slices.Contains(readMembers, name):
			var n int
			n, err = lettersOf(dec, name)
			letters += n
		case slices.Contains(toolMembers, name):
			var raw jsontext.Value
			raw, err = dec.ReadValue()
			letters += utf8.RuneCount(raw)
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return letters
		}
	}
	return letters
}

// lettersOf are the characters of the texts in the value of a member.
func lettersOf(dec *jsontext.Decoder, name string) (int, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return 0, err
	}
	letters := 0
	switch kind := token.Kind(); kind {
	case '"':
		if !slices.Contains(notRead, name) {
			letters = utf8.RuneCountInString(token.String())
		}
	case '{', '[':
		for dec.PeekKind() != '}' && dec.PeekKind() != ']' {
			member := name
			if kind == '{' {
				if token, err = dec.ReadToken(); err != nil {
					return letters, err
				}
				member = token.String()
			}
			n, err := lettersOf(dec, member)
			letters += n
			if err != nil {
				return letters, err
			}
		}
		_, err = dec.ReadToken()
	}
	return letters, err
}
