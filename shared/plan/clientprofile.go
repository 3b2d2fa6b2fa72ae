package plan

import (
	"fmt"
	"maps"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/profile"
	"toolgate/shared/snapshot"
	"toolgate/shared/toolslock"
)

// clientProfiles compares the names by which clients know the tools of an API, where
// profiles make some, for the clients that either configuration tells apart. What else
// the profiles make of definitions is a detail.
func (c *comparison) clientProfiles(a, b *snapshot.Server) error {
	if a.API == nil || b.API == nil || a.ClientProfiles == nil && b.ClientProfiles == nil {
		return nil
	}
	before, err := definitions(c.before, a)
	if err != nil {
		return err
	}
	after, err := definitions(c.after, b)
	if err != nil {
		return err
	}
	tools := slices.Sorted(maps.Keys(before))
	was, is := viewsOf(c.before, a), viewsOf(c.after, b)
	for _, client := range unionOf(was, is) {
		x, y := viewOf(was, client), viewOf(is, client)
		if x == nil || y == nil {
			continue
		}
		old, other := clientNames(x.For(a.Name), tools), clientNames(y.For(b.Name), slices.Sorted(maps.Keys(after)))
		var breaking []string
		for _, tool := range tools {
			if name, there := other[tool]; there && name != old[tool] {
				breaking = append(breaking, fmt.Sprintf("the tool %s is called %s, was %s", tool, name, old[tool]))
			}
		}
		var details []string
		if changed := changedFor(x.For(a.Name), y.For(b.Name), before, after); changed > 0 {
			details = append(details, fmt.Sprintf("definitions that are written in another way for them: %d", changed))
		}
		c.changed(AreaTool, a.Name+"/* for "+client, breaking, details)
	}
	return nil
}

// others is what clients are called of which nothing is said.
const others = "other clients"

// viewsOf are the profiles of a server's clients, by what the configuration calls them.
func viewsOf(s *snapshot.Snapshot, server *snapshot.Server) map[string]*profile.Profile {
	views := map[string]*profile.Profile{others: profile.Known(profile.None)}
	terms := server.ClientProfiles
	if terms == nil {
		return views
	}
	add := func(client, name string) {
		if p := config.Resolve(s.Profiles, name); p != nil {
			views[client] = p
		}
	}
	if terms.Auto {
		for _, name := range profile.ClientProfiles() {
			add("clients known as "+name, name)
		}
	}
	for _, client := range terms.Clients {
		add("clients named "+client.Client, client.Profile)
	}
	add(others, terms.Default)
	return views
}

// viewOf is the profile of clients, which the configuration may not tell from others.
func viewOf(views map[string]*profile.Profile, client string) *profile.Profile {
	if p := views[client]; p != nil {
		return p
	}
	return views[others]
}

func clientNames(p *profile.Profile, tools []string) map[string]string {
	names := p.Names(tools)
	if names == nil {
		names = map[string]string{}
	}
	for _, tool := range tools {
		if names[tool] == "" {
			names[tool] = tool
		}
	}
	return names
}

// changedFor counts the tools that are as they were, and are written in another way for
// clients.
func changedFor(x, y *profile.Profile, before, after toolslock.Tools) int {
	changed := 0
	for name, tool := range before {
		if tool.Hash != after[name].Hash {
			continue // which is told of the tool itself
		}
		was, failed := x.Adapt(tool.Content, "")
		is, err := y.Adapt(tool.Content, "")
		if failed == nil && err == nil && !slices.Equal(was.Definition, is.Definition) {
			changed++
		}
	}
	return changed
}
