// Package profile knows what clients, and the APIs of their models, accept of the
// definition of a tool, and makes definitions of tools that they accept. A client keeps
// calling the same tool: every name that is made leads back to the one that it stands
// for, and what is valid is still said by the original schema alone.
package profile

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Profile is what a kind of client accepts. The zero value accepts everything.
type Profile struct {
	Name string
	// NameLength is how many characters the name of a tool may have; 0: any number.
	NameLength int
	// NameWith is what the client counts among these beside the name of the tool and
	// that of the server, which it counts as well where this is not nil.
	NameWith *int
	// NameCharacters are those of names of tools, and ArgumentCharacters those of the
	// names of arguments; the zero value is any.
	NameCharacters, ArgumentCharacters Characters
	// ArgumentLength is how many characters the name of an argument may have; 0: any.
	ArgumentLength int
	// Description is how many characters the description of a tool may have; 0: any.
	Description int
	// Flat says that the arguments are described by one object: no oneOf, anyOf, allOf,
	// not, enum or const beside its properties.
	Flat bool
	// ItemsNeeded says that an array needs a schema of its items.
	ItemsNeeded bool
	// Subset says that schemas are of the subset of OpenAPI 3.0 that Gemini takes.
	Subset bool
	// Drop are keywords that schemas must not have.
	Drop []string
	// Tools is how many tools a client takes, of all its servers together; 0: any number.
	// It changes nothing: which tools to leave out is not known here.
	Tools int
}

// Characters say of which characters a name is made.
type Characters uint8

const (
	Any     Characters = iota
	Word               // letters, digits, "_" and "-"
	Dotted             // those and "."
	Leading            // as Word, beginning with a letter or "_"
	Plain              // letters, digits and "_", beginning with no digit
)

// takes tells whether a character may be in a name, at its beginning or later.
func (c Characters) takes(r rune, first bool) bool {
	switch {
	case c == Any, r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		return true
	case r >= '0' && r <= '9':
		return !first || c != Leading && c != Plain
	case r == '-':
		return c != Plain && (!first || c != Leading)
	}
	return r == '.' && c == Dotted
}

// minName is the least room for the name of a tool, whatever the server is called: a
// name that is shorter says nothing.
const minName = 24

// For is the profile for the tools of a server, whose name the client may count with
// those of its tools. What it calls the server is taken to be the name that the gateway
// has for it.
func (p *Profile) For(server string) *Profile {
	if p.NameWith == nil {
		return p
	}
	made := *p
	made.NameLength, made.NameWith = max(minName, p.NameLength-*p.NameWith-len(server)), nil
	return &made
}

// Tool is a tool as a client of a profile knows it.
type Tool struct {
	// Definition is the one that was given, where nothing of it is changed.
	Definition jsontext.Value
	// Arguments are the original names of those arguments that have another name for
	// the client, by that name; nil: there are none.
	Arguments map[string]string
	// Changes say for people what is changed.
	Changes []string
}

// maxDefinition bounds a definition that is adapted, in bytes, and maxCopied the values
// that are handled for it: references and alternatives within each other can be written
// in few bytes.
const (
	maxDefinition = 1 << 20
	maxCopied     = 500_000
)

// Adapt makes the definition of a tool, a JSON object, one that clients of the profile
// accept, under a name that [Profile.Names] gave it. A definition that cannot be read is
// an error.
func (p *Profile) Adapt(definition jsontext.Value, name string) (Tool, error) {
	t := Tool{Definition: definition}
	if len(definition) > maxDefinition {
		return t, fmt.Errorf("the definition is larger than %d bytes", maxDefinition)
	}
	parsed, err := parse(definition)
	if err != nil {
		return t, fmt.Errorf("reading the definition: %w", err)
	}
	tool, ok := parsed.(*object)
	if !ok {
		return t, fmt.Errorf("reading the definition: it is no object")
	}
	before := appendValue(make([]byte, 0, len(definition)), tool)
	a := adaptation{profile: p, counts: map[string]int{}}
	a.rename(tool, name)
	if input, ok := tool.object("inputSchema"); ok {
		a.root = input
		made, anew := a.schema(input)
		if names := a.argumentNames(made); len(names) > 0 {
			if made == input { // into which references still lead
				made = a.copy(made)
			}
			t.Arguments, anew = a.arguments(made, names), true
		}
		if anew && !p.Subset {
			a.relocate(made)
		}
		if len(p.Drop) > 0 || p.ItemsNeeded && !p.Subset {
			made = a.prune(made, 0)
		}
		tool.set("inputSchema", made)
	}
	a.describe(tool)
	if a.copied > maxCopied {
		return Tool{Definition: definition}, fmt.Errorf("the schemas in the definition lead to too many others")
	}
	after := appendValue(make([]byte, 0, len(before)), tool)
	if bytes.Equal(before, after) {
		return t, nil
	}
	t.Definition, t.Changes = after, a.summary()
	return t, nil
}

// Arguments are the [Tool.Arguments] of a tool whose arguments have a schema.
func (p *Profile) Arguments(inputSchema jsontext.Value) (map[string]string, error) {
	if p.ArgumentCharacters == Any && p.ArgumentLength == 0 {
		return nil, nil
	}
	definition := append([]byte(`{"inputSchema":`), inputSchema...)
	t, err := p.Adapt(append(definition, '}'), "")
	return t.Arguments, err
}

// adaptation is the work on one definition.
type adaptation struct {
	profile *Profile
	root    *object // the original schema, which references lead into
	nodes   int     // schemas of the subset that were made
	copied  int     // values that were copied
	changes []string
	counts  map[string]int // keywords that were taken out
	notes   []string       // of the arguments as a whole, for the description of the tool
}

func (a *adaptation) note(format string, args ...any) {
	a.changes = append(a.changes, fmt.Sprintf(format, args...))
}

// summary are the changes.
func (a *adaptation) summary() []string {
	list := a.changes
	for _, keyword := range sortedKeys(a.counts) {
		list = append(list, fmt.Sprintf("%s: %d×", keyword, a.counts[keyword]))
	}
	return list
}

func (a *adaptation) rename(tool *object, name string) {
	if before, ok := tool.text("name"); ok && name != "" && before != name {
		tool.set("name", quoted(name))
		a.note("name: %s", name)
	}
}

// schema makes the schema of the arguments, and tells whether its top is another one.
func (a *adaptation) schema(input *object) (made *object, anew bool) {
	p := a.profile
	made = input
	if p.Flat || p.Subset {
		made = a.flatten(made)
		anew = made != input
	}
	if p.Subset {
		made = a.subset(made)
	}
	return made, anew
}

// argumentNames are the names that are made for arguments.
func (a *adaptation) argumentNames(input *object) map[string]string {
	p := a.profile
	properties, ok := input.object("properties")
	if !ok || p.ArgumentCharacters == Any && p.ArgumentLength == 0 {
		return nil
	}
	var names []string
	for _, m := range properties.members {
		names = append(names, m.name)
	}
	return adapted(names, func(name string, digits int) string {
		return fit(name, digits, p.ArgumentLength, p.ArgumentCharacters)
	})
}

// arguments gives arguments those names, and returns the way back.
func (a *adaptation) arguments(input *object, names map[string]string) map[string]string {
	properties, _ := input.object("properties")
	back := make(map[string]string, len(names))
	for i := range properties.members {
		m := &properties.members[i]
		name, other := names[m.name]
		if !other {
			continue
		}
		back[name] = m.name
		a.note("argument %q: %s", m.name, name)
		if of, ok := m.value.(*object); ok {
			of.say(fmt.Sprintf("It is %q.", m.name)) // which tells a model more than the name that was made
		}
		m.name = name
	}
	for _, keyword := range []string{"required", "propertyOrdering"} {
		list, _ := input.list(keyword)
		for i, item := range list {
			if name, ok := names[text(item)]; ok {
				list[i] = quoted(name)
			}
		}
	}
	return back
}

// describe makes the description fit, with what is to be said of the arguments.
func (a *adaptation) describe(tool *object) {
	limit := a.profile.Description
	before, _ := tool.text("description")
	said := before
	var notes string
	for _, note := range a.notes {
		if limit > 0 && len([]rune(notes))+len([]rune(note)) > limit/3 {
			a.note("not said in the description, which is too long: %s", note)
			continue
		}
		notes += "\n" + note
	}
	if limit > 0 {
		room := limit - len([]rune(notes))
		if cut := shorten(said, room); cut != said {
			a.note("description: the first %d of %d characters", len([]rune(cut)), len([]rune(said)))
			said = cut
		}
	}
	if said += notes; said != before {
		if before == "" {
			said = said[1:]
		}
		tool.set("description", quoted(said))
	}
}

// dropped counts a keyword that was taken out.
func (a *adaptation) dropped(keyword string) { a.counts[keyword]++ }

// Droppable tells whether schemas can do without a keyword: it says something of a value,
// and is no part of how schemas are put together.
func Droppable(keyword string) bool { return slices.Contains(DroppableKeywords, keyword) }
