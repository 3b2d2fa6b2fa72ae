package mcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind tells the three JSON-RPC messages apart.
type Kind uint8

const (
	KindRequest Kind = iota
	KindNotification
	KindResponse
)

// Span is a part of a message's bytes. The zero Span is an absent value.
type Span struct{ Start, End int }

// Present reports whether the value was there.
func (s Span) Present() bool { return s.End > s.Start }

// Message is one JSON-RPC message, scanned but not decoded. Spans index Raw.
type Message struct {
	Raw  jsontext.Value
	Kind Kind
	// ID is the request's id: a string or a number; absent on notifications.
	ID Span
	// Method is empty on responses.
	Method string
	// Params is the object of parameters; absent when there is none.
	Params Span
	// Name is the member that identifies what is asked for: params.name,
	// params.uri or params.taskId, by method. Absent when missing.
	Name Span
	// Arguments is params.arguments.
	Arguments Span
	// Cursor is params.cursor.
	Cursor Span
	// Meta is params._meta and its members as far as they matter here.
	Meta Meta
	// Ref is params.ref of completion/complete: an object.
	Ref Span
	// InitializeVersion is params.protocolVersion of initialize.
	InitializeVersion Span
	// Result and Failure are the members "result" and "error" of a response.
	Result, Failure Span

	uri, taskID Span
}

// Meta is the _meta of a request's parameters.
type Meta struct {
	Span
	ProtocolVersion, ClientCapabilities, ClientInfo, LogLevel, ProgressToken Span
	// TraceParent, TraceState and Baggage are those of W3C (SEP-414).
	TraceParent, TraceState, Baggage Span
}

// Bytes is the raw JSON of a span; nil when it is absent.
func (m *Message) Bytes(s Span) jsontext.Value {
	if !s.Present() {
		return nil
	}
	return m.Raw[s.Start:s.End]
}

// Text is the value of a span that holds a JSON string; empty when it is absent
// or no string.
func (m *Message) Text(s Span) string {
	raw := m.Bytes(s)
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// maxDepth bounds the nesting of a message where the caller sets no bound.
const maxDepth = 128

// scanner decodes one message at a time; it is pooled because its decoder
// allocates.
type scanner struct {
	buf bytes.Buffer // aliased by the decoder: values it returns lie in the message
	dec jsontext.Decoder
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// Scan reads one JSON-RPC message. It refuses what two parsers could read in
// two ways, duplicate names and invalid UTF-8, and nesting beyond depth levels
// (0: 128). An *[Error] of code ParseError or InvalidRequest says what is wrong;
// msg.ID is set then as far as it could be read.
//
// The message keeps raw and must not outlive it.
func Scan(raw []byte, depth int) (msg Message, err error) {
	msg.Raw = raw
	if d := nesting(raw); d > cmpOr(depth, maxDepth) {
		return msg, Errorf(CodeInvalidRequest, "the message is nested deeper than %d levels", cmpOr(depth, maxDepth))
	}
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.read(raw)
	err = s.message(&msg)
	s.release()
	if err != nil {
		return msg, scanError(err)
	}
	return msg, msg.classify()
}

// read points the decoder at raw, release lets go of it.
func (s *scanner) read(raw []byte) {
	s.buf = *bytes.NewBuffer(raw)
	s.dec.Reset(&s.buf)
}

func (s *scanner) release() {
	s.buf = bytes.Buffer{}
	s.dec.Reset(&s.buf)
}

func cmpOr(n, fallback int) int {
	if n > 0 {
		return n
	}
	return fallback
}

// nesting is the deepest level of brackets outside strings. On bytes that are
// no JSON the number means nothing, and the decoder refuses them later.
func nesting(raw []byte) int {
	level, deepest := 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		}
	}
	return deepest
}

var errNotObject = errors.New("a JSON-RPC message is an object")

// scanError turns a decoding error into what the client is told.
func scanError(err error) *Error {
	if errors.Is(err, errNotObject) {
		return Errorf(CodeInvalidRequest, "%v", err)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(CodeParseError, "the body is not a single JSON value: %v", err)
}

func (s *scanner) message(msg *Message) error {
	version := Span{}
	err := s.object(func(name []byte) error {
		var err error
		switch string(name) {
		case "jsonrpc":
			version, err = s.value()
		case "id":
			msg.ID, err = s.value()
		case "method":
			var span Span
			span, err = s.value()
			msg.Method = methodName(msg, span)
		case "params":
			err = s.params(msg)
		case "result":
			msg.Result, err = s.value()
		case "error":
			msg.Failure, err = s.value()
		default:
			err = s.dec.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one JSON value")
		}
		return err
	}
	if string(msg.Bytes(version)) != `"2.0"` {
		return Errorf(CodeInvalidRequest, `"jsonrpc" must be "2.0"`)
	}
	return nil
}

// methodName returns the constant of a known method, so that a call does not
// allocate its name.
func methodName(msg *Message, span Span) string {
	raw := msg.Bytes(span)
	if len(raw) > 2 {
		if m := methods[string(raw[1:len(raw)-1])]; m != nil {
			return m.name
		}
	}
	return msg.Text(span)
}

// params scans the parameters for the members that any method is known by.
// "method" may follow "params", so all are kept, and identify chooses later.
func (s *scanner) params(msg *Message) error {
	if s.dec.PeekKind() != '{' {
		span, err := s.value()
		if err == nil && string(msg.Raw[span.Start:span.End]) != "null" {
			err = Errorf(CodeInvalidRequest, `"params" must be an object`)
		}
		return err
	}
	start := s.start()
	err := s.object(func(name []byte) error {
		var err error
		switch string(name) {
		case "name":
			msg.Name, err = s.value()
		case "uri":
			msg.uri, err = s.value()
		case "taskId":
			msg.taskID, err = s.value()
		case "arguments":
			msg.Arguments, err = s.value()
		case "cursor":
			msg.Cursor, err = s.value()
		case "ref":
			msg.Ref, err = s.value()
		case "protocolVersion":
			msg.InitializeVersion, err = s.value()
		case "_meta":
			err = s.meta(&msg.Meta)
		default:
			err = s.dec.SkipValue()
		}
		return err
	})
	msg.Params = Span{start, int(s.dec.InputOffset())}
	return err
}

// identify chooses the member of params that names what is asked for.
func (m *Message) identify() {
	named := ""
	if row := methods[m.Method]; row != nil {
		named = row.named
	}
	switch named {
	case "name":
	case "uri":
		m.Name = m.uri
	case "taskId":
		m.Name = m.taskID
	default:
		m.Name = Span{}
	}
}

func (s *scanner) meta(meta *Meta) error {
	if s.dec.PeekKind() != '{' {
		return Errorf(CodeInvalidParams, `"params._meta" must be an object`)
	}
	start := s.start()
	err := s.object(func(name []byte) error {
		var err error
		switch string(name) {
		case MetaProtocolVersion:
			meta.ProtocolVersion, err = s.value()
		case MetaClientCapabilities:
			meta.ClientCapabilities, err = s.value()
		case MetaClientInfo:
			meta.ClientInfo, err = s.value()
		case MetaLogLevel:
			meta.LogLevel, err = s.value()
		case MetaProgressToken:
			meta.ProgressToken, err = s.value()
		case MetaTraceParent:
			meta.TraceParent, err = s.value()
		case MetaTraceState:
			meta.TraceState, err = s.value()
		case MetaBaggage:
			meta.Baggage, err = s.value()
		default:
			err = s.dec.SkipValue()
		}
		return err
	})
	meta.Span = Span{start, int(s.dec.InputOffset())}
	return err
}

// object reads an object and calls member for the value of each name.
func (s *scanner) object(member func(name []byte) error) error {
	token, err := s.dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != '{' {
		return errNotObject
	}
	for s.dec.PeekKind() != '}' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		if bytes.IndexByte(name, '\\') >= 0 {
			if name, err = jsontext.AppendUnquote(nil, name); err != nil {
				return err
			}
		} else {
			name = name[1 : len(name)-1]
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err = s.dec.ReadToken()
	return err
}

// value reads one value and returns where it lies.
func (s *scanner) value() (Span, error) {
	v, err := s.dec.ReadValue()
	end := int(s.dec.InputOffset())
	return Span{end - len(v), end}, err
}

// start is the offset of the next token, which must have been peeked.
func (s *scanner) start() int {
	before := int(s.dec.InputOffset())
	rest := s.dec.UnreadBuffer()
	return before + len(rest) - len(bytes.TrimLeft(rest, ",: \t\r\n"))
}

// classify sets the kind and checks what JSON-RPC asks of it.
func (m *Message) classify() error {
	m.identify()
	id := m.Bytes(m.ID)
	switch {
	case m.Method == "" && (m.Result.Present() || m.Failure.Present()):
		m.Kind = KindResponse
		return nil
	case m.Method == "":
		return Errorf(CodeInvalidRequest, `"method" is missing`)
	case id == nil:
		m.Kind = KindNotification
		return nil
	case id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9':
		return nil
	}
	m.ID = Span{}
	return Errorf(CodeInvalidRequest, `"id" must be a string or a number`)
}

// String describes the message for logs: its method and name, nothing else.
func (m *Message) String() string {
	if name := m.Text(m.Name); name != "" {
		return fmt.Sprintf("%s %s", m.Method, name)
	}
	return m.Method
}
