package openapi

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Request is the HTTP request of an operation, without the backend's address.
type Request struct {
	Method string
	// Path is escaped, starts with a slash, and has the segments of the
	// operation's path template.
	Path string
	// RawQuery is the query string, empty for none.
	RawQuery string
	// Header has only what the operation sets: its header parameters, Accept,
	// Content-Type with a body, and Cookie with cookie parameters.
	Header http.Header
	// Body is nil for a request without one. It shares no memory with the
	// arguments.
	Body []byte
}

// Bind turns the arguments of a call, one JSON object, into the request of the
// operation; nil or empty arguments are an empty object. Numbers are sent digit
// for digit as they were written, and JSON bodies byte for byte.
//
// The error is an [*ArgumentError] where other arguments would do, and a
// [*BindingError] where none would.
func (b *Binding) Bind(args jsontext.Value) (*Request, error) {
	x := binders.Get().(*binder)
	x.binding = b
	defer x.release()
	if err := x.args.scan(&x.reader, args); err != nil {
		return nil, err
	}
	r := &Request{Method: b.Method, Header: make(http.Header, 4)}
	r.Header["Accept"] = []string{b.Accept}
	if err := x.bindPath(); err != nil {
		return nil, err
	}
	for i := range b.Params {
		if err := x.bindParam(&b.Params[i], r); err != nil {
			return nil, err
		}
	}
	if err := x.bindBody(r); err != nil {
		return nil, err
	}
	if err := x.checkUnclaimed(); err != nil {
		return nil, err
	}
	r.Path = string(x.path)
	r.RawQuery = string(x.query.buf)
	if len(x.cookie) > 0 {
		r.Header["Cookie"] = []string{string(x.cookie)}
	}
	return r, nil
}

// binder holds what one Bind needs. Binders are used again.
type binder struct {
	styleWriter
	binding *Binding
	args    argumentSet
	reader  rawReader
	path    []byte
	value   []byte // of the header that is being written
	cookie  []byte
	query   pairWriter
	form    pairWriter // a form-urlencoded body
}

var binders = sync.Pool{New: func() any {
	x := new(binder)
	x.query.limit, x.query.taken = maxQuery, func(name string) bool { return x.binding.param(InQuery, name) != nil }
	x.form.limit, x.form.taken = maxForm, x.hasProperty
	return x
}}

// retained is the room, in bytes, that each buffer of a binder may keep for the
// next call, and retainedArguments the number of arguments.
const (
	retained          = 64 << 10
	retainedArguments = 1024
)

// release makes x ready for the next call. A binder that has grown large is
// left to the garbage collector.
func (x *binder) release() {
	x.args.reset()
	x.reader.open(nil)
	x.binding = nil
	x.path, x.value, x.cookie = x.path[:0], x.value[:0], x.cookie[:0]
	x.query.buf, x.form.buf = x.query.buf[:0], x.form.buf[:0]
	large := max(cap(x.path), cap(x.value), cap(x.cookie), cap(x.text), cap(x.query.buf), cap(x.query.name),
		cap(x.query.text), cap(x.form.buf), cap(x.form.name), cap(x.form.text))
	if large <= retained && cap(x.args.list) <= retainedArguments {
		binders.Put(x)
	}
}

// source says where a value came from.
type source uint8

const (
	fromArgument source = iota
	fromConfiguration
)

// argument returns the value to send for an argument: the argument itself, or what
// the configuration gives in its place; nil when there is neither.
func (x *binder) argument(arg string, configured jsontext.Value) (jsontext.Value, source) {
	if arg == "" {
		return configured, fromConfiguration
	}
	if v := x.args.claim(arg); !isNull(v) || len(configured) == 0 {
		return v, fromArgument
	}
	return configured, fromConfiguration
}

// bindParam sends one parameter other than those of the path.
func (x *binder) bindParam(p *Param, r *Request) (err error) {
	if p.In == InPath {
		return nil
	}
	v, from := x.argument(p.Arg, p.Value)
	if isNull(v) {
		if p.Required {
			return x.refuse(p.Arg, p.Name, from, errRequired)
		}
		return nil
	}
	switch p.In {
	case InQuery:
		err = x.bindQuery(p, v)
	case InHeader:
		err = x.bindHeader(p, v, r.Header)
	case InCookie:
		err = x.bindCookie(p, v)
	case InQueryString:
		err = x.bindQueryString(p, v)
	default:
		err = x.fault("parameter " + p.Name + " is in " + quoted(string(p.In)) + ", which is not a location")
	}
	return x.refuse(p.Arg, p.Name, from, err)
}

func (x *binder) bindQuery(p *Param, v jsontext.Value) error {
	w := &x.query
	if p.Content != "" {
		w.begin(p.Name)
		w.text = appendContent(w.text[:0], p.Content, v)
		w.buf = appendEscaped(w.buf, w.text, &unreserved)
		return w.checkLength()
	}
	err := w.add(p.Name, v, pairStyle{p.Style, p.Explode, p.AllowReserved, p.Required})
	if errors.Is(err, errNoStyle) {
		return x.styleFault(p)
	}
	return err
}

// bindQueryString makes v the whole query string (OpenAPI 3.2).
func (x *binder) bindQueryString(p *Param, v jsontext.Value) error {
	w := &x.query
	if isFormType(mediaType(p.Content)) {
		if v.Kind() != '{' {
			return unfitError("must be an object, whose members become the query")
		}
		return w.addMembers(v)
	}
	w.text = appendContent(w.text[:0], p.Content, v)
	w.buf = appendEscaped(w.buf, w.text, &unreserved)
	return w.checkLength()
}

// checkUnclaimed refuses arguments that nothing has used: an argument that
// would be dropped silently is one that the model believes to have an effect.
func (x *binder) checkUnclaimed() error {
	for i := range x.args.list {
		a := &x.args.list[i]
		if a.claimed {
			continue
		}
		name := string(a.name)
		return &ArgumentError{
			Pointer: argumentPointer(name),
			Message: "argument " + quoted(name) + ": is not known" + suggestion(name, x.binding.argumentNames()),
		}
	}
	return nil
}

// argumentNames lists the arguments that the operation takes.
func (b *Binding) argumentNames() []string {
	var names []string
	add := func(arg string) {
		if arg != "" {
			names = append(names, arg)
		}
	}
	for i := range b.Params {
		add(b.Params[i].Arg)
	}
	if b.Body != nil {
		add(b.Body.Arg)
		for i := range b.Body.Properties {
			add(b.Body.Properties[i].Arg)
		}
	}
	return names
}

// param returns the parameter of a name and location, or nil.
func (b *Binding) param(in In, name string) *Param {
	for i := range b.Params {
		if p := &b.Params[i]; p.In == in && p.Name == name {
			return p
		}
	}
	return nil
}

// errRequired and errNoStyle are the faults that need more than their text: the
// first is the same everywhere, the second is not the argument's.
const (
	errRequired = unfitError("is required")
	errNoStyle  = unfitError("has a style that its place does not know")
)

// refuse says which argument err is about. A value that the configuration gave
// is none of the caller's.
func (x *binder) refuse(arg, name string, from source, err error) error {
	var fault unfitError
	if !errors.As(err, &fault) {
		return err
	}
	if from == fromConfiguration {
		return x.fault("the value configured for " + quoted(name) + " " + string(fault))
	}
	return &ArgumentError{
		Pointer: argumentPointer(arg),
		Message: "argument " + quoted(arg) + ": " + string(fault),
	}
}

func (x *binder) fault(message string) error {
	return &BindingError{Operation: x.binding.Operation, Message: message}
}

func (x *binder) styleFault(p *Param) error {
	return x.fault("parameter " + quoted(p.Name) + " in " + string(p.In) + " has the style " + quoted(p.Style) + ", which is not a style of that place")
}

// quoted quotes a name for a message, cut where it is too long to be read.
func quoted(s string) string {
	const longest = 100 // bytes
	return quotedUpTo(s, longest)
}

func quotedUpTo(s string, longest int) string {
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strconv.Quote(s)
}

// appendContent appends a value in a media type (the "content" of a parameter).
func appendContent(dst []byte, contentType string, v jsontext.Value) []byte {
	if isJSONType(mediaType(contentType)) {
		return appendCompact(dst, bytes.TrimSpace(v))
	}
	return appendPlainText(dst, v)
}
