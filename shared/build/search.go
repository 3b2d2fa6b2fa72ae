package build

import (
	"cmp"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/search"

	"github.com/go-json-experiment/json/jsontext"
)

// searchIndex is the index of a server whose tools are found by a search; nil for other
// servers.
type searchIndex struct {
	search.Builder
	err error
}

func (c *conversion) searchIndex() *searchIndex {
	if !c.server.Search {
		return nil
	}
	for name := range c.byName {
		c.checkSearchName(&c.server, name, c.server.At)
	}
	return &searchIndex{}
}

// add adds a tool, whose definition begins at a byte of a page. The operation is nil for
// a tool that the gateway adds.
func (x *searchIndex) add(definition jsontext.Value, o *openapi.Operation, page, start int) {
	if x == nil {
		return
	}
	d, err := search.Read(definition)
	if err != nil {
		x.err = cmp.Or(x.err, err)
		return
	}
	if o != nil {
		d.Tags, d.Method, d.Path = o.Tags, o.Method, o.Path
	}
	d.Place = search.Place{Page: page, Start: start, End: start + len(definition)}
	x.Add(d)
}

// writeSearch puts the index into the snapshot.
func (c *conversion) writeSearch(x *searchIndex) {
	if x == nil {
		return
	}
	content, err := x.Bytes()
	if err = cmp.Or(x.err, err); err != nil {
		c.fault(c.server.At, "publish fewer tools, or remove `publish: search`", "the tools of server %q cannot be searched: %v", c.server.Name, err)
		return
	}
	c.out.SearchIndex(c.server.Name, content)
}

// checkSearchName finds tools with the name of one of those by which tools are found.
func (b *builder) checkSearchName(s *config.Server, name string, at fault.Position) {
	if s.Search && search.Publishes(name) {
		b.fault(at, "give it another `name`", "server %q publishes its tools by search, and has a tool %q of its own", s.Name, name)
	}
}
