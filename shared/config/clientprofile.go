package config

import (
	"cmp"
	"slices"

	"toolgate/shared/fault"
	"toolgate/shared/profile"
)

// ClientProfiles say of a server which clients are given definitions of tools that their
// models accept, and by which profile. The profiles are those that are known, and those
// of the file.
type ClientProfiles struct {
	// Default is the profile of clients of which nothing else is said; empty: they are
	// given the definitions as they are.
	Default string `json:"default,omitzero"`
	// Auto chooses the profiles of known clients by their names.
	Auto bool `json:"auto,omitzero"`
	// Clients are chosen before, the first that matches.
	Clients []ClientProfile `json:"clients,omitzero"`
	At      fault.Position  `json:"-"`
}

// ClientProfile is the profile of the clients whose names, as they state them, match a
// pattern, in which "*" stands for any characters.
type ClientProfile struct {
	Client  string `json:"client"`
	Profile string `json:"profile"`
}

// Varies tells whether a list of tools differs by what a client says that it is.
func (c *ClientProfiles) Varies() bool { return c != nil && (c.Auto || len(c.Clients) > 0) }

// Names are the profiles of the clients that are told apart, without the one that
// changes nothing.
func (c *ClientProfiles) Names() []string {
	var names []string
	add := func(name string) {
		if name != "" && name != profile.None && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(c.Default)
	for _, client := range c.Clients {
		add(client.Profile)
	}
	if c.Auto {
		for _, name := range profile.ClientProfiles() {
			add(name)
		}
	}
	return names
}

// Profile is one of the file's own. Zero fields are those of the profile that it is like.
type Profile struct {
	Name string `json:"name"`
	// Like is the known profile that it begins with; empty: the one that accepts
	// everything.
	Like        string   `json:"like,omitzero"`
	NameLength  int      `json:"nameLength,omitzero"`
	Description int      `json:"description,omitzero"`
	Flat        *bool    `json:"flat,omitzero"` // nil: as Like
	Drop        []string `json:"drop,omitzero"` // beside those of Like
	Tools       int      `json:"tools,omitzero"`
}

// Resolve is the profile of a name among those that are known and these; nil: there is
// none of this name.
func Resolve(own []Profile, name string) *profile.Profile {
	i := slices.IndexFunc(own, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return profile.Known(name)
	}
	o := own[i]
	made := profile.Known(cmp.Or(o.Like, profile.None))
	if made == nil {
		return nil
	}
	made.Name = name
	if o.NameLength > 0 {
		made.NameLength, made.NameWith = o.NameLength, nil
		made.NameCharacters = max(made.NameCharacters, profile.Word)
	}
	made.Description, made.Tools = cmp.Or(o.Description, made.Description), cmp.Or(o.Tools, made.Tools)
	if o.Flat != nil {
		made.Flat = *o.Flat
	}
	made.Drop = append(slices.Clip(made.Drop), o.Drop...)
	return made
}

const (
	minProfileName        = 24
	maxProfileName        = 128
	minProfileDescription = 64
)

var clientProfilesKeys = vocabulary[ClientProfiles]{kind: "clientProfiles", check: notEmpty[ClientProfiles](`give "default", "auto" or "clients"`), keys: []key[ClientProfiles]{
	{name: "default", decode: func(d *decoder, v value, c *ClientProfiles) { c.Default = d.profileName(v) }},
	{name: "auto", decode: func(d *decoder, v value, c *ClientProfiles) { d.flag(v, &c.Auto) }},
	{name: "clients", decode: func(d *decoder, v value, c *ClientProfiles) {
		entries, _ := d.entries(v)
		for _, e := range entries {
			if e.name == "" {
				d.fault(e.value.key, `write the name that a client states, with "*" for any characters`, "%s is empty", v.in("the name of a client"))
			}
			c.Clients = append(c.Clients, ClientProfile{Client: e.name, Profile: d.profileName(e.value)})
		}
	}},
}}

// clientProfiles decodes the mapping.
func (d *decoder) clientProfiles(v value) *ClientProfiles {
	c := &ClientProfiles{At: v.key}
	decodeMapping(d, v, clientProfilesKeys, c)
	return c
}

var profileKeys = vocabulary[Profile]{kind: "profile", keys: []key[Profile]{
	{name: "like", decode: func(d *decoder, v value, p *Profile) { p.Like = d.oneOf(v, profile.KnownNames()...) }},
	{name: "nameLength", decode: func(d *decoder, v value, p *Profile) {
		d.integer(v, minProfileName, maxProfileName, &p.NameLength)
	}},
	{name: "description", decode: func(d *decoder, v value, p *Profile) {
		d.integer(v, minProfileDescription, maxToolDescription, &p.Description)
	}},
	{name: "flat", decode: func(d *decoder, v value, p *Profile) { p.Flat = d.boolean(v) }},
	{name: "drop", decode: func(d *decoder, v value, p *Profile) {
		for item := range d.list(v) {
			p.Drop = append(p.Drop, d.oneOf(item, profile.DroppableKeywords...))
		}
	}},
	{name: "tools", decode: func(d *decoder, v value, p *Profile) { d.integer(v, 1, maxTools, &p.Tools) }},
}}

// profileName is the name of a profile that is known, or that the file declares.
func (d *decoder) profileName(v value) string {
	name, choices := d.str(v), append(profile.KnownNames(), d.declared["profile"]...)
	if name != "" && !slices.Contains(choices, name) {
		d.fault(v.at, fault.Suggest(name, choices, declareFirst), "%s is %s, an unknown profile", v.what, quote(name))
		return ""
	}
	return name
}

// profile decodes a profile of the file's own.
func (d *decoder) profile(name string, v value) Profile {
	p := Profile{Name: name}
	if profile.Known(name) != nil {
		d.fault(v.key, `choose another name, and begin with this one by "like"`, "profile name %s is that of a known profile", quote(name))
	}
	decodeMapping(d, v, profileKeys, &p)
	return p
}
