package build

import (
	"cmp"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
)

// cache checks which results a server over an API keeps, and says of which tools.
// Who may only be asked at run time, a server behind, says it then.
func (c *conversion) cache() *config.Cache {
	wanted := c.server.Cache
	if wanted == nil {
		return nil
	}
	made := *wanted
	made.Tools = []config.CachedTool{}
	names := make([]string, 0, len(c.tools))
	for _, t := range c.tools {
		names = append(names, t.Name)
		hints := hintsOf(&t)
		named := slices.IndexFunc(wanted.Tools, func(n config.CachedTool) bool { return n.Name == t.Name })
		switch {
		case named >= 0 && hints.Destructive && !hints.ReadOnly:
			c.fault(wanted.Tools[named].At, "remove it; or, if it changes nothing, say `annotations: { readOnly: true }` where the tool is chosen",
				"tool %q is destructive: a result that is kept would stand for a call that is not made", t.Name)
		case named >= 0 || wanted.Tools == nil && hints.ReadOnly:
			made.Tools = append(made.Tools, config.CachedTool{Name: t.Name})
		}
	}
	for _, n := range wanted.Tools {
		if n.Name != "" && !slices.Contains(names, n.Name) {
			c.fault(n.At, fault.Suggest(n.Name, names, "no tool is published"), "server %q publishes no tool %q", c.server.Name, n.Name)
		}
	}
	if wanted.Tools == nil && len(made.Tools) == 0 && len(names) > 0 {
		c.fault(wanted.At, "name `tools`, or remove `cache`", "server %q has no tool that only reads, whose results could be kept", c.server.Name)
	}
	return &made
}

// hints are the annotations of a tool that tell whether its results may be kept.
type hints struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
}

func hintsOf(t *tool) hints {
	var shown struct {
		Annotations hints `json:"annotations"`
	}
	_ = json.Unmarshal(t.Definition, &shown) // it was rendered a moment ago
	return shown.Annotations
}

// upstreamCache checks that the tools whose results are kept are published, where
// the configuration says which ones are.
func (b *builder) upstreamCache(s *config.Server) *config.Cache {
	if s.Cache == nil || s.Upstream.Tools == nil {
		return s.Cache
	}
	var names []string
	for _, t := range s.Upstream.Tools {
		names = append(names, cmp.Or(t.Override.Name, t.Tool))
	}
	for _, n := range s.Cache.Tools {
		if n.Name != "" && !slices.Contains(names, n.Name) {
			b.fault(n.At, fault.Suggest(n.Name, names, "no tool is published"), "server %q publishes no tool %q", s.Name, n.Name)
		}
	}
	return s.Cache
}
