package build

import (
	"fmt"
	"io"

	"toolgate/shared/config"
	"toolgate/shared/profile"

	"github.com/go-json-experiment/json/jsontext"
)

// ProfileReport is what a profile of clients makes of the tools of one API server.
type ProfileReport struct {
	Server  string `json:"server"`
	Profile string `json:"profile"`
	Tools   int    `json:"tools"`
	Adapted int    `json:"adapted"`
	Limit   int    `json:"limit,omitzero"` // how many tools clients take; 0: any number
	// Changes are those of adapted tools. They are printed, and not kept.
	Changes []profile.Change `json:"-"`
}

// surveyProfiles reports what becomes of the tools for the clients that the
// configuration tells apart. Of tools that are found by a search clients list three.
func (c *conversion) surveyProfiles() {
	if c.server.ClientProfiles == nil || c.server.Search {
		return
	}
	definitions := make([]jsontext.Value, len(c.tools))
	for i, t := range c.tools {
		definitions[i] = t.Definition
	}
	for _, name := range c.server.ClientProfiles.Names() {
		p := config.Resolve(c.cfg.Profiles, name)
		if p == nil {
			continue // the unknown name has been reported
		}
		r := ProfileReport{Server: c.server.Name, Profile: name, Tools: len(definitions), Limit: p.Tools}
		for _, change := range p.For(c.server.Name).Survey(definitions) {
			if change.Err != nil {
				c.builder.report.Notes = append(c.builder.report.Notes, fmt.Sprintf("%s: tool %q cannot be adapted for %s: %v", r.Server, change.Tool, name, change.Err))
			}
			if change.Changes != nil {
				r.Adapted++
				r.Changes = append(r.Changes, change)
			}
		}
		c.builder.report.Profiles = append(c.builder.report.Profiles, r)
	}
}

func (r *ProfileReport) write(w io.Writer, all bool) {
	if r.Adapted > 0 {
		fmt.Fprintf(w, "%s: for clients of the profile %s, %d of %d tools are adapted\n", r.Server, r.Profile, r.Adapted, r.Tools)
	}
	if r.Limit > 0 && r.Tools > r.Limit {
		fmt.Fprintf(w, "%s: clients of the profile %s take %d tools, and there are %d: select with `tools`, or say `publish: search`\n", r.Server, r.Profile, r.Limit, r.Tools)
	}
	if !all {
		return
	}
	for _, c := range r.Changes {
		WriteChange(w, c)
	}
}

// WriteChange prints what becomes of one tool.
func WriteChange(w io.Writer, c profile.Change) {
	fmt.Fprintf(w, "  %s\n", c.Tool)
	for _, change := range c.Changes {
		fmt.Fprintf(w, "    %s\n", change)
	}
}
