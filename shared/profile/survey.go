package profile

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Change is what a profile makes of one tool.
type Change struct {
	Tool string // its own name
	Name string // that which clients know
	// Changes say for people what is changed; nil: nothing is.
	Changes []string
	// Err says why the definition cannot be adapted; nil: it can. Clients then get it as
	// it is.
	Err error
}

// Survey says what becomes of the tools of a server, in their order.
func (p *Profile) Survey(definitions []jsontext.Value) []Change {
	list, names := make([]Change, len(definitions)), make([]string, len(definitions))
	for i, definition := range definitions {
		if parsed, err := parse(definition); err == nil {
			if tool, ok := parsed.(*object); ok {
				names[i], _ = tool.text("name")
			}
		}
	}
	made := p.Names(names)
	for i, definition := range definitions {
		c := Change{Tool: names[i], Name: names[i]}
		if name, ok := made[c.Tool]; ok {
			c.Name = name
		}
		var t Tool
		t, c.Err = p.Adapt(definition, c.Name)
		c.Changes = t.Changes
		list[i] = c
	}
	return list
}

// ClientProfiles are the names of the profiles of known clients.
func ClientProfiles() []string {
	var names []string
	for _, c := range clients {
		if !slices.Contains(names, c.profile) {
			names = append(names, c.profile)
		}
	}
	return names
}
