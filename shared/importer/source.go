package importer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Source answers requests about one resource, as Azure Resource Manager does.
type Source interface {
	// Reply answers a request with JSON. The error is a *MissingError where there
	// is no such thing.
	Reply(ctx context.Context, q Request) ([]byte, error)
	// Document is a document that stands outside of Azure Resource Manager, at a
	// URL. It is asked for without credentials.
	Document(ctx context.Context, name, location string) ([]byte, error)
}

// Request is one request.
type Request struct {
	Method string // GET or POST
	// Path is below the id of the resource, without a slash at its ends; empty for
	// the resource itself.
	Path string
	// Query has the api-version.
	Query url.Values
	// Next is the URL of the next page of a list; empty for the first.
	Next string
	// As takes the place of Path in the name of the file; empty: Path does.
	As string
}

// File is the name under which a reply is saved: the path below the resource
// with .json behind it, and resource.json for the resource itself.
func (q Request) File() string { return cmp.Or(q.As, q.Path, "resource") + ".json" }

// MissingError says that there is no such thing.
type MissingError struct {
	What string // such as apis.json
}

// Error says what is missing.
func (e *MissingError) Error() string { return e.What + " is not there" }

// ReplyError is a reply that is not what it should be.
type ReplyError struct {
	File string // see Request.File
	Err  error
}

// Error says which reply it is, and what is wrong with it.
func (e *ReplyError) Error() string { return "reading " + e.File + ": " + e.Err.Error() }

// Unwrap is what is wrong.
func (e *ReplyError) Unwrap() error { return e.Err }

// Saved answers from a folder of saved replies.
func Saved(folder fs.FS) Source { return saved{folder} }

type saved struct{ folder fs.FS }

// Reply serves Source.
func (s saved) Reply(_ context.Context, q Request) ([]byte, error) { return s.read(q.File()) }

// Document serves Source.
func (s saved) Document(_ context.Context, name, _ string) ([]byte, error) { return s.read(name) }

func (s saved) read(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &ReplyError{name, errors.New("this is no name of a file")}
	}
	content, err := fs.ReadFile(s.folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{name}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path.Base(name), err)
	}
	return withoutMark(content), nil
}

// withoutMark is a text without the byte order mark that editors and shells put
// before it.
func withoutMark(content []byte) []byte { return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) }

// Recording is a source that keeps what another one answers: what is used of it,
// and without secrets.
type Recording struct {
	Source
	Files map[string][]byte // by the names that Saved asks for
}

// Recorded begins a recording.
func Recorded(s Source) *Recording { return &Recording{Source: s, Files: map[string][]byte{}} }

// keep records a reply that was read and cleaned of secrets.
func (r *Recording) keep(name string, reply any) error {
	content, err := json.Marshal(reply, jsontext.Multiline(true), jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return &ReplyError{name, err}
	}
	r.Files[name] = append(content, '\n')
	return nil
}

// reader reads the replies of a source. What it reads has no secrets.
type reader struct {
	source       Source
	draft        *draft
	resourceType string
}

// cleaned is a reply that may hold secrets. clean takes them out, and leaves
// references to named values in the place of those that are needed. Place says
// where the reply comes from.
type cleaned interface {
	clean(d *draft, place string)
}

// ask reads a reply.
func ask[T any](ctx context.Context, r *reader, q Request) (*T, error) {
	content, err := r.source.Reply(ctx, q)
	if err != nil {
		return nil, err
	}
	return decode[T](r, q.File(), content)
}

// decode takes a reply apart, cleans it, and records it.
func decode[T any](r *reader, name string, content []byte) (*T, error) {
	reply := new(T)
	// Members that nobody reads here are left out, so that a recording has none of them.
	if err := json.Unmarshal(content, reply); err != nil {
		return nil, &ReplyError{name, err}
	}
	if c, ok := any(reply).(cleaned); ok {
		c.clean(r.draft, strings.TrimSuffix(strings.TrimSuffix(name, ".json"), "/policies/policy"))
	}
	if to, ok := r.source.(*Recording); ok {
		if err := to.keep(name, reply); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

// optional is nil where there is no such thing, or where this kind of resource
// has none.
func optional[T any](ctx context.Context, r *reader, q Request) (*T, error) {
	reply, err := ask[T](ctx, r, q)
	if _, missing := errors.AsType[*MissingError](err); missing {
		return nil, nil
	}
	return reply, err
}

// asides reads a reply that says more of something. Where it is refused, a remark
// says what is not known without it.
func asides[T any](ctx context.Context, r *reader, q Request, place, what string) (*T, error) {
	reply, err := optional[T](ctx, r, q)
	if refused, ok := errors.AsType[*ReplyError](err); ok {
		r.draft.remark(place, "it is not known %s: %v", what, refused)
		return nil, nil
	}
	return reply, err
}

// page is one page of a list.
type page[T any] struct {
	Value    []T    `json:"value"`
	NextLink string `json:"nextLink,omitzero"`
}

// clean cleans the elements.
func (p *page[T]) clean(d *draft, place string) {
	for i := range p.Value {
		if c, ok := any(&p.Value[i]).(cleaned); ok {
			c.clean(d, place)
		}
	}
}

// maxPages bounds the pages of one list.
const maxPages = 1000

// list reads a whole list, which is recorded as one page. A list that is not there
// is empty.
func list[T any](ctx context.Context, r *reader, q Request) ([]T, error) {
	var all page[T]
	for range maxPages {
		content, err := r.source.Reply(ctx, q)
		if _, missing := errors.AsType[*MissingError](err); missing && q.Next == "" {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var one page[T]
		if err := json.Unmarshal(content, &one); err != nil {
			return nil, &ReplyError{q.File(), err}
		}
		one.clean(r.draft, strings.TrimSuffix(q.File(), ".json"))
		all.Value = append(all.Value, one.Value...)
		if q.Next = one.NextLink; q.Next == "" {
			break
		}
	}
	if q.Next != "" {
		return nil, &ReplyError{q.File(), fmt.Errorf("the list has more than %d pages", maxPages)}
	}
	if to, ok := r.source.(*Recording); ok {
		return all.Value, to.keep(q.File(), &all)
	}
	return all.Value, nil
}

// document reads a document, and records it. It is nil where it is not there.
func (r *reader) document(ctx context.Context, name, location string) ([]byte, error) {
	content, err := r.source.Document(ctx, name, location)
	if _, missing := errors.AsType[*MissingError](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if to, ok := r.source.(*Recording); ok {
		to.Files[name] = content
	}
	return content, nil
}

// get is a request of the version.
func get(version string, segments ...string) Request {
	return Request{Method: "GET", Path: strings.Join(segments, "/"), Query: url.Values{"api-version": {version}}}
}

// post is a request that asks for something, and changes nothing.
func post(version string, segments ...string) Request {
	q := get(version, segments...)
	q.Method = "POST"
	return q
}
