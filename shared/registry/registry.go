// Package registry knows the registry of MCP servers: the API by which clients find
// servers (Registry API v0.1, and v0 alike), server.json, and, as experiments, server
// cards and the AI catalogue. Entries come from the configuration, so there is nothing
// to publish to.
package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Status is where a version of a server is in its life, as clients are told.
type Status string

const (
	Active     Status = "active"
	Deprecated Status = "deprecated"
	// Deleted are not listed unless they are asked for.
	Deleted Status = "deleted"
)

// Types of remotes.
const (
	StreamableHTTP = "streamable-http"
	SSE            = "sse"
)

// Entry is one version of a server.
type Entry struct {
	// Server is the name of the gateway's server; empty for one that is elsewhere.
	Server string
	// Name has a namespace and a name, such as com.contoso/orders.
	Name        string
	Title       string
	Description string // of any length; the API gives the first 100 characters
	Version     string
	WebsiteURL  string
	Repository  *Repository
	Remotes     []Remote
	// Owner, Environment and Lifecycle are the publisher's, for people.
	Owner       string
	Environment string
	Lifecycle   string
	Status      Status // empty is [Active]
	// StatusMessage says why, or what to use instead.
	StatusMessage string
	// Published and Updated are zero where nobody has said.
	Published time.Time
	Updated   time.Time
	// ProtocolVersions are those that the server speaks, for its card.
	ProtocolVersions []string
}

// Repository is where the source of a server is.
type Repository struct {
	URL       string `json:"url"`
	Source    string `json:"source"` // such as github
	Subfolder string `json:"subfolder,omitzero"`
}

// Remote is where a server is reached.
type Remote struct {
	Type string
	// URL is absolute, or a path that begins with a slash, below the gateway's.
	URL     string
	Headers []Header
}

// Header is one that clients send to a remote.
type Header struct {
	Name        string `json:"name"`
	Description string `json:"description,omitzero"`
	IsRequired  bool   `json:"isRequired,omitzero"`
	IsSecret    bool   `json:"isSecret,omitzero"`
}

// Options make a registry.
type Options struct {
	// Path precedes /v0.1/servers, such as /workspaces/default; it has no slash at
	// its end and is empty for the root.
	Path    string
	Entries []Entry
	// Cards has server cards and the AI catalogue served, which are drafts.
	Cards bool
}

// Registry answers questions about its entries. It does not change, and is safe for
// concurrent use.
type Registry struct {
	base    string
	entries []Entry // by name, then by version as text
	cards   bool
}

// New makes a registry.
func New(o Options) *Registry {
	r := &Registry{base: o.Path, entries: slices.Clone(o.Entries), cards: o.Cards}
	for i := range r.entries {
		r.entries[i].Status = cmp.Or(r.entries[i].Status, Active)
	}
	slices.SortStableFunc(r.entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return r
}

// Viewer is who asks.
type Viewer struct {
	// URL is the gateway's, without a slash at its end.
	URL string
	// Sees says which of the gateway's servers are shown; nil shows all. Servers that
	// are elsewhere are shown to everybody.
	Sees func(server string) bool
}

// listed is an entry as one viewer sees it.
type listed struct {
	*Entry
	latest bool
}

// seen are the entries that a viewer is shown. Which version is the latest is said
// among those.
func (r *Registry) seen(v *Viewer) []listed {
	list := make([]listed, 0, len(r.entries))
	for i := range r.entries {
		e := &r.entries[i]
		if v.Sees == nil || e.Server == "" || v.Sees(e.Server) {
			list = append(list, listed{Entry: e})
		}
	}
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].Name == list[from].Name {
			to++
		}
		latest := slices.MaxFunc(list[from:to], olderEntry)
		for i := from; i < to; i++ {
			list[i].latest = list[i].Entry == latest.Entry
		}
		from = to
	}
	return list
}

// olderEntry compares versions of one server. A deleted version is older than any that
// is not.
func olderEntry(a, b listed) int {
	if (a.Status == Deleted) != (b.Status == Deleted) {
		if a.Status == Deleted {
			return -1
		}
		return 1
	}
	return compareVersions(a.Version, b.Version)
}

// query is what a list is asked for.
type query struct {
	after          position // of the cursor; zero: from the beginning
	limit          int
	search         string
	version        string // empty: all; "latest"
	updatedSince   time.Time
	includeDeleted bool
}

// position is the place of an entry in the list.
type position struct{ name, version string }

func (p position) before(e *Entry) bool {
	return cmp.Or(strings.Compare(p.name, e.Name), strings.Compare(p.version, e.Version)) < 0
}

// list returns one page, and whether there are more.
func (r *Registry) list(v *Viewer, q *query) (page []listed, more bool) {
	for _, l := range r.seen(v) {
		if !q.after.before(l.Entry) || !q.matches(l) {
			continue
		}
		if len(page) == q.limit {
			return page, true
		}
		page = append(page, l)
	}
	return page, false
}

// matches tells whether an entry is asked for. Whoever follows changes is told of
// deletions, and of entries whose time nobody knows.
func (q *query) matches(l listed) bool {
	since := !q.updatedSince.IsZero()
	switch {
	case l.Status == Deleted && !q.includeDeleted && !since:
		return false
	case q.version == latestVersion && !l.latest, q.version != "" && q.version != latestVersion && q.version != l.Version:
		return false
	case since && !l.changed().IsZero() && l.changed().Before(q.updatedSince):
		return false
	}
	return q.search == "" || contains(l.Name, q.search) || contains(l.Title, q.search)
}

// changed is when an entry was changed last; zero: nobody has said.
func (e *Entry) changed() time.Time {
	if e.Updated.IsZero() {
		return e.Published
	}
	return e.Updated
}

func contains(text, search string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(search))
}

// latestVersion stands for the latest version, which no entry may have as its own.
const latestVersion = "latest"

// versions are those of a server, newest first.
func (r *Registry) versions(v *Viewer, name string, deleted bool) []listed {
	var list []listed
	for _, l := range r.seen(v) {
		if l.Name == name && (deleted || l.Status != Deleted) {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b listed) int { return olderEntry(b, a) })
	return list
}
