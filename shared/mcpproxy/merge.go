package mcpproxy

import (
	"context"
	"strings"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// discovery is what a member said of itself.
type discovery struct {
	capabilities jsontext.Value
	instructions string
	hint         mcp.CacheHint
}

// discover answers server/discover and initialize with what the members are
// together. A member that is down counts with what it said last.
func (f *Federation) discover(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	// In the modern era whatever the client's: there is no session to open.
	q, err := f.ask(req, mcp.Latest)
	if err != nil {
		return err
	}
	answers := f.askAll(ctx, func(ctx context.Context, m *member) answer {
		a := q.put(ctx, m, mcp.MethodDiscover, "")
		if a.err == nil {
			a.err = m.listen(a.result)
		}
		return a
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	d := mcp.Discovery{ServerInfo: f.info, Instructions: f.instructions, Hint: f.hint}
	var merged []jsontext.Value
	var instructions []string
	for i := range f.members {
		said := f.members[i].said.Load()
		if said != nil {
			merged = append(merged, said.capabilities)
			d.Hint = shorter(d.Hint, said.hint)
			if said.instructions != "" {
				instructions = append(instructions, f.members[i].Name+": "+said.instructions)
			}
		}
		if answers[i].missing() {
			d.Hint.TTL = min(d.Hint.TTL, degradedTTL)
		}
	}
	if d.Instructions == "" {
		d.Instructions = strings.Join(instructions, "\n\n")
	}
	if d.Capabilities, err = mergeCapabilities(merged); err != nil {
		return err
	}
	result := d.AppendInitialize(nil, req.Version)
	if req.Version.Modern() {
		result = d.AppendDiscover(nil)
	}
	remarked, err := f.remark(result, answers, nil)
	if err != nil {
		return err
	}
	return reply.Result(remarked)
}

// listen takes note of what a member says of itself.
func (m *member) listen(result jsontext.Value) error {
	var r struct {
		Capabilities jsontext.Value `json:"capabilities"`
		Instructions string         `json:"instructions"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return &unreadable{err}
	}
	if r.Capabilities.Kind() != '{' {
		r.Capabilities = jsontext.Value("{}")
	}
	var none rules
	capabilities, err := none.capabilities(r.Capabilities, false)
	if err != nil {
		return &unreadable{err}
	}
	m.said.Store(&discovery{capabilities, r.Instructions, hintOf(result)})
	return nil
}

// hintOf reads the cache hint of a result.
func hintOf(result jsontext.Value) mcp.CacheHint {
	return mcp.CacheHint{
		TTL:    milliseconds(lookup(result, "ttlMs")),
		Public: text(lookup(result, "cacheScope")) == "public",
	}
}

// shorter is the hint for an answer made of two: for as long, and for as many,
// as both allow.
func shorter(a, b mcp.CacheHint) mcp.CacheHint {
	return mcp.CacheHint{TTL: min(a.TTL, b.TTL), Public: a.Public && b.Public}
}

// mergeCapabilities is the union of capabilities. Of what two members say of
// the same the earlier holds, but extensions are united one by one.
func mergeCapabilities(all []jsontext.Value) (jsontext.Value, error) {
	merged := jsontext.Value("{}")
	for _, c := range all {
		var err error
		if merged, err = unite(merged, c, 1); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// unite adds to a what only b has, down to the given depth of objects.
func unite(a, b jsontext.Value, depth int) (jsontext.Value, error) {
	var add []string
	more := map[string]jsontext.Value{}
	err := mcp.EachMember(b, func(m mcp.Member) error {
		value := b[m.Value.Start:m.Value.End]
		more[m.Name] = value
		if lookup(a, m.Name) == nil {
			add = append(add, string(quote(m.Name))+":"+string(value))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rebuild(a, func(name string, value jsontext.Value) (jsontext.Value, error) {
		if depth > 0 && value.Kind() == '{' && more[name].Kind() == '{' {
			return unite(value, more[name], depth-1)
		}
		return value, nil
	}, add...)
}
