package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/snapshot"
	"toolgate/shared/toolslock"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tools compares the tools that two servers of a name publish.
func (c *comparison) tools(a, b *snapshot.Server) error {
	switch {
	case a.API != nil && b.API != nil:
		return c.apiTools(a, b)
	case a.Upstream != nil && b.Upstream != nil:
		c.upstreamTools(a, b)
	case a.Federate != nil && b.Federate != nil:
		c.members(a, b)
	default:
		c.changed(AreaTool, a.Name+"/*", []string{"the server is made of something else: its tools are others"}, nil)
	}
	return nil
}

// apiTools compares the tools of REST APIs, whose definitions snapshots have.
func (c *comparison) apiTools(a, b *snapshot.Server) error {
	before, err := definitions(c.before, a)
	if err != nil {
		return err
	}
	after, err := definitions(c.after, b)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, d := range toolslock.Compare(before, after) {
		seen[d.Tool] = true
		ch := Change{Area: AreaTool, Subject: a.Name + "/" + d.Tool, Kind: Kind(d.Kind)}
		switch d.Kind {
		case toolslock.Added:
		case toolslock.Removed:
			ch.Breaking = []string{"the tool is not there any more"}
		case toolslock.Renamed:
			ch.Breaking = []string{fmt.Sprintf("the tool was called %s", d.From)}
			ch.judge(d, before[d.From].Content, after[d.Tool].Content)
		case toolslock.Changed:
			ch.judge(d, before[d.Tool].Content, after[d.Tool].Content)
		}
		c.add(ch)
	}
	for name := range after {
		if _, both := before[name]; !both {
			continue
		}
		lines, err := c.requests(a, b, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(c.plan.Changes, func(ch Change) bool {
			return seen[name] && ch.Area == AreaTool && ch.Subject == a.Name+"/"+name
		})
		if i < 0 {
			c.changed(AreaTool, a.Name+"/"+name, nil, lines)
			continue
		}
		c.plan.Changes[i].Details = append(c.plan.Changes[i].Details, lines...)
	}
	return nil
}

// definitions are the tools of a server, from the pages of its list.
func definitions(s *snapshot.Snapshot, server *snapshot.Server) (toolslock.Tools, error) {
	tools := toolslock.Tools{}
	for page := range server.API.Pages {
		content, err := s.Page(server.Name, page)
		if err != nil {
			return nil, err
		}
		var list []jsontext.Value
		if err := json.Unmarshal(content, &list); err != nil {
			return nil, fmt.Errorf("reading the tools of server %q: %w", server.Name, err)
		}
		for _, d := range list {
			name, tool, err := toolslock.NewTool(d)
			if err != nil {
				return nil, err
			}
			tools[name] = tool
		}
	}
	return tools, nil
}

// judge says what is another in a definition, and what of it breaks clients.
func (ch *Change) judge(d toolslock.Difference, before, after jsontext.Value) {
	reasons := breaking(before, after)
	ch.Breaking = append(ch.Breaking, reasons...)
	for _, detail := range d.Details {
		if slices.ContainsFunc(reasons, func(r string) bool { return sameSubject(r, detail.Text) }) {
			continue // it was said, and why it matters
		}
		line := detail.Text
		if detail.Old != "" || detail.New != "" {
			line += fmt.Sprintf(": %q → %q", shortened(detail.Old), shortened(detail.New))
		}
		ch.Details = append(ch.Details, line)
	}
}

// sameSubject tells whether a reason is about the same as a detail that is no text
// for readers: both begin with the parameter, in quotation marks.
func sameSubject(reason, detail string) bool {
	if strings.HasSuffix(detail, ": description") || strings.HasSuffix(detail, ": title") {
		return false
	}
	subject := func(s string) string {
		if i := strings.IndexByte(s, '"'); i >= 0 {
			if j := strings.IndexByte(s[i+1:], '"'); j >= 0 {
				return s[:i+j+2]
			}
		}
		return s
	}
	return strings.Contains(detail, `"`) && subject(reason) == subject(detail)
}

// requests compares what a tool asks of its backend.
func (c *comparison) requests(a, b *snapshot.Server, name string) ([]string, error) {
	before, err := c.before.Tool(a.Name, name)
	if err != nil {
		return nil, err
	}
	after, err := c.after.Tool(b.Name, name)
	if err != nil {
		return nil, err
	}
	var list []string
	target := func(t *snapshot.Tool) string { return t.Binding.Method + " " + t.Binding.Path }
	if target(before) != target(after) {
		list = append(list, fmt.Sprintf("it sends %s, and sent %s", target(after), target(before)))
	}
	if x, y := destination(a, before), destination(b, after); x != y {
		list = append(list, fmt.Sprintf("it goes to %s, and went to %s", y, x))
	}
	if list == nil && written(before.Binding) != written(after.Binding) {
		list = append(list, "what it sends to the backend, or makes of the response, is another")
	}
	return list, nil
}

// destination is the backend of a tool.
func destination(s *snapshot.Server, t *snapshot.Tool) string {
	if t.Backend < 0 || t.Backend >= len(s.API.Backends) {
		return "no backend"
	}
	b := s.API.Backends[t.Backend]
	if b.Name != "" {
		return "the backend " + b.Name // what has changed of it is told once
	}
	return withoutSecrets(b.URL)
}

// upstreamTools compares what is published of an MCP server. What its tools are is
// the server's affair; a snapshot has their names and the hashes of those that were
// reviewed.
func (c *comparison) upstreamTools(a, b *snapshot.Server) {
	before, after := publishedTools(a), publishedTools(b)
	subject := func(name string) string { return a.Name + "/" + name }
	switch {
	case before == nil && after != nil:
		c.changed(AreaTool, subject("*"), []string{fmt.Sprintf("all tools were published, and %d are now", len(after))}, nil)
	case before != nil && after == nil:
		c.changed(AreaTool, subject("*"), nil, []string{"all tools are published, and not only those that were named"})
	}
	for _, name := range unionOf(before, after) {
		was, is := before[name], after[name]
		switch {
		case was != nil && is != nil:
			c.changed(AreaTool, subject(name), otherTool(was, is), differences(flat(was), flat(is)))
		case was != nil && after != nil:
			c.add(Change{Area: AreaTool, Subject: subject(name), Kind: Removed, Breaking: []string{"the tool is not published any more"}})
		case was != nil && was.Override.Name != "" && was.Override.Name != was.Tool:
			c.add(Change{Area: AreaTool, Subject: subject(name), Kind: Removed, Breaking: []string{"the tool has its own name again, " + was.Tool}})
		case is != nil && before != nil:
			c.add(Change{Area: AreaTool, Subject: subject(name), Kind: Added})
		}
	}
	for _, name := range unionOf(a.Lock, b.Lock) {
		if was, is := a.Lock[name], b.Lock[name]; was != is && a.Lock != nil && b.Lock != nil {
			line := "another definition was reviewed: tools.lock in version control shows which"
			if is == "" {
				line = "it is not among the reviewed tools any more, and is held back unless the server lets new ones pass"
			}
			c.changed(AreaTool, subject(name), nil, []string{line})
		}
	}
	if a.Lock == nil && b.Lock != nil {
		c.changed(AreaTool, subject("*"), []string{"tools that were not reviewed are held back"}, nil)
	}
}

// publishedTools are the tools that a server names, as clients see them; nil: all.
func publishedTools(s *snapshot.Server) map[string]*config.Selection {
	if s.Upstream.Tools == nil {
		return nil
	}
	m := make(map[string]*config.Selection, len(s.Upstream.Tools))
	for i := range s.Upstream.Tools {
		t := &s.Upstream.Tools[i]
		m[cmp.Or(t.Override.Name, t.Tool)] = t
	}
	return m
}

func otherTool(a, b *config.Selection) []string {
	if a.Tool != b.Tool {
		return []string{fmt.Sprintf("it is another tool of the server: %s, was %s", b.Tool, a.Tool)}
	}
	return nil
}

// members compares the members of federations.
func (c *comparison) members(a, b *snapshot.Server) {
	prefixOf := func(m *config.Member) string {
		if m.Bare {
			return ""
		}
		return cmp.Or(m.Prefix, m.Server) + "_"
	}
	_ = paired(a.Federate, b.Federate, func(m *config.Member) string { return m.Server }, func(name string, x, y *config.Member) error {
		switch subject := a.Name + "/" + name; {
		case x == nil:
			c.add(Change{Area: AreaTool, Subject: subject, Kind: Added, Details: []string{"the tools of the server " + name + " are in the federation"}})
		case y == nil:
			c.add(Change{Area: AreaTool, Subject: subject, Kind: Removed, Breaking: []string{"the tools of the server " + name + " are not in the federation any more"}})
		case prefixOf(x) != prefixOf(y):
			c.changed(AreaTool, subject, []string{fmt.Sprintf("the names of its tools begin with %q, and began with %q", prefixOf(y), prefixOf(x))}, nil)
		}
		return nil // nothing fails
	})
}
