package gateway

import (
	"io"
	"net/http"
	"sync"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// filter is a reply that leaves out of a list what the caller is not shown.
type filter struct {
	mcp.Reply
	visitor *visitor
	shown   func(*visitor, string) bool
	method  string
}

// identities are the members of items by which lists name them.
var identities = map[string]string{
	mcp.MethodListTools: "name", mcp.MethodListPrompts: "name",
	mcp.MethodListResources: "uri", mcp.MethodListResourceTemplates: "uriTemplate",
}

// Result sends what is left.
func (f *filter) Result(result jsontext.Value) error {
	left, err := f.reduce(result)
	if err != nil {
		return err
	}
	return f.Reply.Result(left)
}

// Relay reads the list out of another server's answer.
func (f *filter) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(f.Reply, status, header, body, f.Result)
}

// reduce makes the result one for this caller alone.
func (f *filter) reduce(result jsontext.Value) (jsontext.Value, error) {
	var edits []mcp.Edit
	if span, ok := mcp.Lookup(result, mcp.ListMember(f.method)); ok && result[span.Start] == '[' {
		left := append(make([]byte, 0, span.End-span.Start), '[')
		err := mcp.EachElement(result[span.Start:span.End], func(item jsontext.Value) error {
			if f.shown(f.visitor, member(item, identities[f.method])) {
				left = append(appendComma(left), item...)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		edits = append(edits, mcp.Edit{Span: span, Text: append(left, ']')})
	}
	if span, ok := mcp.Lookup(result, "cacheScope"); ok {
		edits = append(edits, mcp.Edit{Span: span, Text: []byte(`"private"`)})
	}
	return mcp.Splice(result, edits...), nil
}

func appendComma(out []byte) []byte {
	if out[len(out)-1] == '[' {
		return out
	}
	return append(out, ',')
}

// classes are the renderings of a page of tools/list for callers of whom all rules
// say the same. They are few: as many as there are kinds of callers.
type classes struct {
	once   sync.Once
	pieces []piece
	err    error
	// known are by the verdicts on the distinct rules.
	known sync.Map // string → jsontext.Value
	mu    sync.Mutex
	count int
}

// piece is the definition of one tool and its rule.
type piece struct {
	definition jsontext.Value
	rule       *rule // nil: for whoever may use the server
}

// maxClasses bounds the renderings of a page that are kept; the others are made for
// each call.
const maxClasses = 64

// listFor answers tools/list with the tools that the visitor may call. Pages are
// those of the whole list, so that a cursor is good for everybody; one may be
// empty.
func (c *catalog) listFor(v *visitor, g *guard, req *mcp.Request, reply mcp.Reply) error {
	n, err := c.page(req)
	if err != nil {
		return err
	}
	p := &c.pages[n]
	r := &p.legacyClasses
	if req.Version.Modern() {
		r = &p.modernClasses
	}
	key := g.class(v)
	if known, ok := r.known.Load(string(key)); ok {
		return reply.Result(known.(jsontext.Value))
	}
	result, err := c.renderFor(g, key, n, r, req.Version)
	if err != nil {
		return err
	}
	return reply.Result(result)
}

// class are the verdicts on the distinct rules of a visitor, who is past the door.
func (g *guard) class(v *visitor) []byte {
	key := make([]byte, len(g.distinct))
	if v == nil {
		return key
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, r := range g.distinct {
		if v.judge(r).verdict == allowed {
			key[i] = 1
		}
	}
	return key
}

// renderFor makes the list of a class, and keeps it.
func (c *catalog) renderFor(g *guard, key []byte, n int, r *classes, version mcp.Version) (jsontext.Value, error) {
	r.once.Do(func() { r.pieces, r.err = c.split(g, n) })
	if r.err != nil {
		return nil, r.err
	}
	may := make(map[*rule]bool, len(g.distinct))
	for i, rule := range g.distinct {
		may[rule] = key[i] == 1
	}
	tools := []byte{'['}
	for _, p := range r.pieces {
		if p.rule == nil || may[p.rule] {
			tools = append(appendComma(tools), p.definition...)
		}
	}
	result := c.render(append(tools, ']'), n, version)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count < maxClasses {
		r.count++
		r.known.Store(string(key), result)
	}
	return result, nil
}

// split reads a page of the snapshot as the definitions of its tools.
func (c *catalog) split(g *guard, n int) ([]piece, error) {
	tools, err := c.snapshot.Page(c.name, n)
	if err != nil {
		return nil, err
	}
	var pieces []piece
	err = mcp.EachElement(tools, func(item jsontext.Value) error {
		pieces = append(pieces, piece{definition: item, rule: g.tools[member(item, "name")]})
		return nil
	})
	return pieces, err
}
