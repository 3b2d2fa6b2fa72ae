package mcpproxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// kind is what a list method lists.
type kind struct {
	key string // the member of an item that identifies it
	// prefixed items bear the prefix of their member; the others' identity is
	// meant for all.
	prefixed bool
}

var kinds = map[string]kind{
	mcp.MethodListTools:             {key: "name", prefixed: true},
	mcp.MethodListPrompts:           {key: "name", prefixed: true},
	mcp.MethodListResources:         {key: "uri"},
	mcp.MethodListResourceTemplates: {key: "uriTemplate"},
}

// maxName is the longest name of a tool that all clients accept.
const maxName = 64

// public is the name under which the federation publishes a tool or prompt of
// the member. One that would be too long ends in a part of its hash instead, so
// it is the same in every instance.
func (m *member) public(name string) string {
	if m.Bare {
		return name
	}
	full := m.Prefix + "_" + name
	if len(full) <= maxName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	cut := maxName - 9
	for cut > 0 && !utf8.RuneStart(full[cut]) {
		cut--
	}
	return full[:cut] + "_" + hex.EncodeToString(sum[:4])
}

// list answers a list method with what all members have, on one page.
func (f *Federation) list(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if cursor := req.Bytes(req.Cursor); cursor != nil && cursor.Kind() != 'n' {
		return mcp.Errorf(mcp.CodeInvalidParams, "the cursor %s is not one of this list; start again without", cursor)
	}
	result, err := f.fill(ctx, req, req.Method)
	if err != nil {
		return err
	}
	return reply.Result(result)
}

// fill asks all members for a list, takes note of who has what, and returns the
// result for the client's era.
func (f *Federation) fill(ctx context.Context, req *mcp.Request, method string) (jsontext.Value, error) {
	q, err := f.ask(req, req.Version)
	if err != nil {
		return nil, err
	}
	answers := f.askAll(ctx, func(ctx context.Context, m *member) answer {
		return q.pages(ctx, m, method)
	})
	if err := context.Cause(ctx); err != nil {
		return nil, err // the client's own time is up, not the members'
	}
	l := &listing{federation: f, ctx: ctx, method: method, kind: kinds[method], entries: map[string]entry{}, items: []byte{'['}, hint: f.hint}
	for i := range answers {
		if answers[i].err == nil {
			answers[i].err = l.add(i, answers[i].result)
			l.hint = shorter(l.hint, answers[i].hint)
		}
		if answers[i].missing() {
			l.hint.TTL = min(l.hint.TTL, degradedTTL)
			l.carryOver(i, f.directories[method].load())
		}
	}
	f.directories[method].store(l.entries, l.templates, f.now())
	out := append([]byte(`{"`+mcp.ListMember(method)+`":`), append(l.items, ']')...)
	out = mcp.AppendCacheHint(out, req.Version, l.hint)
	out = mcp.AppendResultMembers(out, req.Version, f.info)
	return f.remark(append(out, '}'), answers, l.omitted)
}

// pages reads a whole list of a member. The result is the array of its items.
func (q *question) pages(ctx context.Context, m *member, method string) answer {
	items, params := []byte{'['}, ""
	var hint mcp.CacheHint
	for range maxPages {
		a := q.put(ctx, m, method, params)
		if a.err != nil {
			return a
		}
		page := lookup(a.result, mcp.ListMember(method))
		if page.Kind() != '[' {
			return answer{err: &unreadable{errors.New("the result has no array " + mcp.ListMember(method))}}
		}
		if inner := bytes.TrimSpace(page[1 : len(page)-1]); len(inner) > 0 {
			items = append(separate(items), inner...)
		}
		if len(items) > maxMemberAnswer {
			return answer{err: &tooLargeError{maxMemberAnswer}}
		}
		if params == "" {
			hint = hintOf(a.result)
		}
		hint = shorter(hint, hintOf(a.result))
		cursor := lookup(a.result, "nextCursor")
		next := `"cursor":` + string(cursor)
		if cursor.Kind() != '"' || next == params {
			break
		}
		params = next
	}
	return answer{result: append(items, ']'), hint: hint}
}

// listing is a list in the making.
type listing struct {
	federation *Federation
	ctx        context.Context // of the caller
	method     string
	kind       kind
	entries    map[string]entry
	templates  []template
	items      []byte // of an array, without its end
	omitted    []omission
	hint       mcp.CacheHint
}

// add takes the items of a member. Nothing is added unless all can be read.
func (l *listing) add(i int, items jsontext.Value) error {
	m := &l.federation.members[i]
	var found []entry
	var texts []jsontext.Value
	err := mcp.EachElement(items, func(item jsontext.Value) error {
		name := text(lookup(item, l.kind.key))
		e := entry{member: i, name: name, public: name}
		if l.kind.prefixed {
			e.public = m.public(name)
		}
		if e.public != name {
			var err error
			item, err = rebuild(item, func(member string, value jsontext.Value) (jsontext.Value, error) {
				if member == l.kind.key {
					return quote(e.public), nil
				}
				return value, nil
			})
			if err != nil {
				return err
			}
		}
		found, texts = append(found, e), append(texts, item)
		return nil
	})
	if err != nil {
		return &unreadable{err}
	}
	for n, e := range found {
		earlier, shown := l.entries[e.public], l.shows(e)
		switch taken := !l.take(e); {
		case !shown:
		case !taken:
			l.items = append(separate(l.items), texts[n]...)
		case l.shows(earlier):
			l.omitted = append(l.omitted, omission{m.Name, e.public})
		}
	}
	return nil
}

// shows tells whether the caller is shown an entry. One that they are not shown has
// its name all the same.
func (l *listing) shows(e entry) bool {
	m := &l.federation.members[e.member]
	return m.Shows == nil || m.Shows(l.ctx, l.method, e.name)
}

// take enters an item, unless its name is taken.
func (l *listing) take(e entry) bool {
	if _, taken := l.entries[e.public]; taken {
		return false
	}
	l.entries[e.public] = e
	if l.kind.key == "uriTemplate" {
		l.templates = append(l.templates, newTemplate(e))
	}
	return true
}

// carryOver keeps what is known of a member that could not be asked, so that
// calls still find their way to it.
func (l *listing) carryOver(i int, known *entries) {
	if known == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(known.byName)) {
		if e := known.byName[name]; e.member == i {
			l.take(e)
		}
	}
}
