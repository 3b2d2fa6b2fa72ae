package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/toolslock"

	"github.com/go-json-experiment/json/jsontext"
)

// Vetting says how the tools of a server are looked at before a model reads of
// them.
type Vetting struct {
	// Lock has the hashes of the definitions that somebody has reviewed, by the
	// names that the server gives its tools (see [toolslock.Tools.Hashes]). A tool
	// with another definition is held back: it is not listed, and calls of it are
	// refused. Nil: nothing was reviewed, and all tools pass.
	Lock map[string]string
	// AllowNew lets tools pass that are not in the lock.
	AllowNew bool
	// Limits bound what is shown.
	Limits toolslock.Limits
}

// vetting is a Vetting at work, and what it knows.
//
// A list is looked at whenever it passes. A call of a tool that is locked needs to
// know what the server says of the tool now, whether or not its client has asked:
// the gateway reads the whole list itself, once for all calls that wait for it,
// and again when that is old.
type vetting struct {
	Vetting
	log *slog.Logger
	// names are those of the lock by their hashes, for tools that were renamed.
	names map[string]string

	known   atomic.Pointer[vetted]
	last    atomic.Pointer[vettedPage]
	writing sync.Mutex

	telling sync.Mutex
	told    map[[4]string]bool // what the log was told
}

// vetted is what is known of a server's tools. It is read-only.
type vetted struct {
	tools map[string]*vettedTool // of a server with a lock, by its names
	// beyond are the tools that the server lists after as many as there may be.
	beyond map[string]bool
	// fetched is when the whole list was read last; the zero time is never. It is
	// good until then; for as long again while it is read anew.
	fetched, until time.Time
}

// vettedPage is the first page as it came last, which is very likely to come
// again. It is read-only.
type vettedPage struct {
	raw, shown jsontext.Value // arrays; shown is nil where nothing was amiss
}

// vettedTool is a definition that was looked at.
type vettedTool struct {
	raw   jsontext.Value // as the server has it
	shown jsontext.Value // as it is listed; nil: held back
	// held says why in words that follow the tool's name; empty: it is not.
	held string
}

const (
	// vettedTTL is how long a list is good for where the server does not say;
	// minVettedTTL and maxVettedTTL bound what it says.
	vettedTTL    = 5 * time.Minute
	minVettedTTL = time.Minute
	maxVettedTTL = 15 * time.Minute
	// maxTold bounds what is remembered of what was logged.
	maxTold = 4096
)

func (v *vetting) open(o *Vetting, log *slog.Logger) {
	v.Vetting, v.log, v.names = *o, log, make(map[string]string, len(o.Lock))
	for name, hash := range o.Lock {
		v.names[hash] = name
	}
}

// vet refuses the call of a tool that is held back, and sees to it that a later
// page of a list can be counted.
func (p *Proxy) vet(ctx context.Context, req *mcp.Request) error {
	switch {
	case req.Kind != mcp.KindRequest:
		return nil
	case req.Method == mcp.MethodCallTool:
		return p.vetCall(ctx, req)
	case req.Method == mcp.MethodListTools && later(req) && p.vetting.Limits.Tools > 0:
		if known := p.vetting.known.Load(); known == nil || !p.now().Before(known.until) {
			_, err := p.listing.join(ctx, &p.background, p.listParams).wait(ctx)
			return fail(err)
		}
	}
	return nil
}

// later reports whether a request is for another page than the first.
func later(req *mcp.Request) bool {
	cursor := req.Bytes(req.Cursor)
	return cursor != nil && cursor.Kind() != 'n'
}

func (p *Proxy) vetCall(ctx context.Context, req *mcp.Request) error {
	v := &p.vetting
	name := req.Bytes(req.Name)
	if !toolslock.CleanName(name) {
		return held(req.Text(req.Name), heldName)
	}
	if v.Lock == nil {
		return nil
	}
	if _, locked := v.locked(name); !locked {
		if v.AllowNew {
			return nil
		}
		return held(req.Text(req.Name), heldNew)
	}
	known, err := p.vetted(ctx)
	if err != nil {
		return err
	}
	tool := known.tool(name)
	if tool == nil { // not listed, or not for the caller who caused it to be read
		if _, err := p.listing.join(ctx, &p.background, p.listParams).wait(ctx); err != nil {
			return fail(err)
		}
		known = v.known.Load()
		if tool = known.tool(name); tool == nil {
			return UnknownTool(req.Text(req.Name))
		}
	}
	if tool.held != "" {
		return held(req.Text(req.Name), tool.held)
	}
	if len(known.beyond) > 0 && known.beyond[req.Text(req.Name)] {
		return held(req.Text(req.Name), heldBeyond)
	}
	return nil
}

// vetted is what is known of the tools of a server with a lock.
func (p *Proxy) vetted(ctx context.Context) (*vetted, error) {
	known, now := p.vetting.known.Load(), p.now()
	switch {
	case known != nil && now.Before(known.until):
		return known, nil
	case known != nil && now.Before(known.until.Add(known.until.Sub(known.fetched))):
		if p.listing.idle() {
			p.listing.join(ctx, &p.background, p.listParams)
		}
		return known, nil
	}
	if _, err := p.listing.join(ctx, &p.background, p.listParams).wait(ctx); err != nil {
		return nil, fail(err)
	}
	return p.vetting.known.Load(), nil
}

// locked is the hash in the lock of a name, a JSON string.
func (v *vetting) locked(name jsontext.Value) (string, bool) {
	if bare, ok := plain(name); ok {
		hash, locked := v.Lock[string(bare)]
		return hash, locked
	}
	hash, locked := v.Lock[text(name)]
	return hash, locked
}

// tool is what is known of a name, a JSON string; nil when it is not known.
func (k *vetted) tool(name jsontext.Value) *vettedTool {
	if bare, ok := plain(name); ok {
		return k.tools[string(bare)]
	}
	return k.tools[text(name)]
}

// plain is the text of a JSON string without escape sequences. A map is asked for
// it without a copy.
func plain(s jsontext.Value) ([]byte, bool) {
	if len(s) < 2 || s[0] != '"' || bytes.IndexByte(s, '\\') >= 0 {
		return nil, false
	}
	return s[1 : len(s)-1], true
}

// Why tools are held back, in words that follow the tool's name.
const (
	heldName    = "has hidden characters in its name"
	heldNew     = "is not among the tools that were reviewed (tools.lock)"
	heldChanged = "is not what was reviewed (tools.lock): the server has changed its definition"
	heldBeyond  = "is one of more tools than the server may list (limits)"
	heldUnread  = "has a definition that cannot be read"
)

// held is what a client is told of a call.
func held(name, why string) *mcp.Error {
	return mcp.Errorf(mcp.CodeInvalidParams, "tool %q is held back: it %s", name, why)
}

// page makes of a page of tools/list what clients may read. It returns result
// itself where nothing is amiss. first says that the page is the first one.
func (v *vetting) page(result jsontext.Value, first bool) (jsontext.Value, error) {
	span, ok := mcp.Lookup(result, "tools")
	if !ok || result[span.Start] != '[' {
		return result, nil
	}
	list := result[span.Start:span.End]
	page := v.last.Load()
	if !first || page == nil || !bytes.Equal(page.raw, list) {
		var err error
		if page, err = v.vetPage(list, first); err != nil {
			return nil, err
		}
	}
	if page.shown == nil {
		return result, nil
	}
	return mcp.Splice(result, mcp.Edit{Span: span, Text: page.shown}), nil
}

// vetPage looks at the array of tools of a page.
func (v *vetting) vetPage(list jsontext.Value, first bool) (*vettedPage, error) {
	looked, same := []*vettedTool(nil), true
	found := map[string]*vettedTool{}
	err := mcp.EachElement(list, func(tool jsontext.Value) error {
		t := v.look(tool, found)
		if v.isBeyond(tool, len(looked), first) {
			v.tell(tool, heldBeyond, "")
			t = &vettedTool{raw: t.raw}
		}
		looked = append(looked, t)
		same = same && len(t.shown) == len(tool) && bytes.Equal(t.shown, tool)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.remember(found, nil, time.Time{}, time.Time{})
	page := &vettedPage{raw: list.Clone()}
	if !same {
		out := append(make([]byte, 0, len(list)), '[')
		for _, t := range looked {
			if t.shown != nil {
				out = append(separate(out), t.shown...)
			}
		}
		page.shown = append(out, ']')
	}
	if first {
		v.last.Store(page)
	}
	return page, nil
}

// edit makes the result of a request what the client may see.
func (p *Proxy) edit(req *mcp.Request, result jsontext.Value) (jsontext.Value, error) {
	if req.Method == mcp.MethodListTools {
		var err error
		if result, err = p.vetting.page(result, !later(req)); err != nil {
			return nil, err
		}
	}
	return p.rules.edit(req.Method, result)
}

// isBeyond reports whether a server lists more tools than it may before this one.
func (v *vetting) isBeyond(tool jsontext.Value, before int, first bool) bool {
	if v.Limits.Tools <= 0 || first {
		return v.Limits.Tools > 0 && before >= v.Limits.Tools
	}
	known := v.known.Load()
	return known != nil && len(known.beyond) > 0 && known.beyond[text(lookup(tool, "name"))]
}

// survey is what is found in a whole list.
type survey struct {
	vetting *vetting
	found   map[string]*vettedTool
	beyond  map[string]bool
	count   int
}

func (v *vetting) survey() *survey {
	return &survey{vetting: v, found: map[string]*vettedTool{}, beyond: map[string]bool{}}
}

// add looks at the next tool of the list.
func (s *survey) add(tool jsontext.Value) {
	if s.vetting.Lock != nil {
		s.vetting.look(tool, s.found)
	}
	if s.count++; s.vetting.Limits.Tools > 0 && s.count > s.vetting.Limits.Tools && len(s.beyond) < maxTold {
		s.beyond[text(lookup(tool, "name"))] = true
	}
}

// finish keeps what was found, for as long as the server says.
func (s *survey) finish(now time.Time, ttl jsontext.Value) {
	good := vettedTTL
	if ttl != nil {
		good = min(max(milliseconds(ttl), minVettedTTL), maxVettedTTL)
	}
	s.vetting.remember(s.found, s.beyond, now, now.Add(good))
}

// look judges a definition. Of a server with a lock it is noted in found. One that
// is known byte for byte is not judged again.
func (v *vetting) look(tool jsontext.Value, found map[string]*vettedTool) *vettedTool {
	if v.Lock == nil {
		return v.judge(tool)
	}
	name := text(lookup(tool, "name"))
	var t *vettedTool
	if known := v.known.Load(); known != nil {
		t = known.tools[name]
	}
	if t == nil || !bytes.Equal(t.raw, tool) {
		t = v.judge(tool.Clone())
	}
	// Of two definitions of one name the one that is held back decides on calls.
	if other := found[name]; other == nil || other.held == "" {
		found[name] = t
	}
	return t
}

// judge compares a definition with the lock, if there is one, and cleans it.
func (v *vetting) judge(tool jsontext.Value) *vettedTool {
	t := &vettedTool{raw: tool}
	hash := ""
	if v.Lock != nil {
		if t.held, hash = v.compare(tool); t.held != "" {
			v.tell(tool, t.held, hash)
			return t
		}
	}
	shown, changes, err := toolslock.Clean(tool, v.Limits)
	if r, ok := errors.AsType[*toolslock.RefusedError](err); ok {
		t.held = "has " + r.Pointer + ", which " + r.Reason
		v.tell(tool, t.held, hash)
		return t
	}
	t.shown = shown
	if len(changes) > 0 {
		v.tell(tool, "", hash, changes...)
	}
	return t
}

// compare says why a tool is held back, empty when it is not, and the hash of its
// definition.
func (v *vetting) compare(definition jsontext.Value) (why, hash string) {
	name, tool, err := toolslock.NewTool(definition)
	if err != nil {
		return heldUnread, ""
	}
	reviewed, locked := v.Lock[name]
	switch {
	case locked && reviewed != tool.Hash:
		return heldChanged, tool.Hash
	case locked || v.AllowNew:
		return "", tool.Hash
	}
	if before := v.names[tool.Hash]; before != "" {
		return heldNew + "; it has the definition of " + strconv.Quote(before) + ", so it seems to be that one renamed", tool.Hash
	}
	return heldNew, tool.Hash
}

// remember keeps what was found. The whole list has its tools beyond the limit, and
// a time; a page adds to what is known.
func (v *vetting) remember(found map[string]*vettedTool, beyond map[string]bool, fetched, until time.Time) {
	v.writing.Lock()
	defer v.writing.Unlock()
	next := &vetted{}
	if known := v.known.Load(); known != nil {
		*next = *known
	}
	maps.DeleteFunc(found, func(name string, t *vettedTool) bool {
		_, locked := v.Lock[name] // calls of others are not looked up
		return !locked || next.tools[name] == t
	})
	if len(found) == 0 && fetched.IsZero() {
		return
	}
	if len(found) > 0 {
		tools := make(map[string]*vettedTool, len(next.tools)+len(found))
		maps.Copy(tools, next.tools)
		maps.Copy(tools, found)
		next.tools = tools
		v.last.Store(nil) // what it says of tools is not the last word
	}
	if !fetched.IsZero() {
		next.beyond, next.fetched, next.until = beyond, fetched, until
	}
	v.known.Store(next)
}

// tell logs what is amiss with a definition, once; another definition of the tool
// is told of again.
func (v *vetting) tell(definition jsontext.Value, why, hash string, changes ...toolslock.Change) {
	name := text(lookup(definition, "name"))
	done := make([]string, len(changes))
	for i, c := range changes {
		done[i] = c.String()
	}
	did := strings.Join(done, "; ")
	v.telling.Lock()
	defer v.telling.Unlock()
	key := [...]string{name, why, hash, did}
	if v.told[key] || len(v.told) >= maxTold {
		return
	}
	if v.told == nil {
		v.told = map[[4]string]bool{}
	}
	v.told[key] = true
	shown := string(toolslock.Visible([]byte(name)))
	if why != "" {
		v.log.Warn("a tool is held back", "tool", shown, "reason", why)
		return
	}
	v.log.Warn("texts of a tool were cleaned", "tool", shown, "changes", did)
}
