package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"
)

// Registry makes the gateway a registry of its servers, and of servers elsewhere, with a
// page for people.
type Registry struct {
	// Namespace precedes the names of servers that have none of their own.
	Namespace string `json:"namespace"`
	// Path is the path below the gateway's URL that precedes /v0.1/servers; it begins
	// with a slash and has none at its end, and is empty for the root.
	Path string `json:"basePath,omitzero"`
	// Callers shows each caller those of the gateway's servers that they may use;
	// otherwise all are shown to everybody.
	Callers bool `json:"callers,omitzero"`
	// ServerCards has server cards and the AI catalogue served, which are drafts.
	ServerCards bool             `json:"serverCards,omitzero"`
	Servers     []ExternalServer `json:"servers,omitzero"` // those that live elsewhere
}

// ExternalServer is an MCP server that lives elsewhere, of which the registry tells.
type ExternalServer struct {
	Title       string    `json:"title,omitzero"`
	Description string    `json:"description"`
	URL         string    `json:"url"`
	Transport   Transport `json:"transport"`
	Listing     `json:",inline"`
}

// Listing is what the registry says of a server beyond what the server is.
type Listing struct {
	// Hidden leaves the server out.
	Hidden bool `json:"hidden,omitzero"`
	// Name is the name in the registry, with its namespace.
	Name          string    `json:"name,omitzero"`
	Version       string    `json:"version,omitzero"`
	Status        string    `json:"status,omitzero"` // one of listingStatuses; empty: active
	StatusMessage string    `json:"statusMessage,omitzero"`
	Published     time.Time `json:"published,omitzero"`
	Updated       time.Time `json:"updated,omitzero"`
	WebsiteURL    string    `json:"websiteUrl,omitzero"`
	// Repository is where the source is; nil: not said.
	Repository  *Repository    `json:"repository,omitzero"`
	Owner       string         `json:"owner,omitzero"`
	Environment string         `json:"environment,omitzero"`
	Lifecycle   string         `json:"lifecycle,omitzero"` // one of lifecycles
	At          fault.Position `json:"-"`
}

// Repository is where the source of a server is.
type Repository struct {
	URL       string `json:"url"`
	Source    string `json:"source"`
	Subfolder string `json:"subfolder,omitzero"`
}

var (
	// listingStatuses are those of the registry's API.
	listingStatuses = []string{"active", "deprecated", "deleted"}
	// lifecycles are the stages of Azure API Center.
	lifecycles = []string{"design", "development", "testing", "preview", "production", "deprecated", "retired"}

	registryNamespace = pattern.Lazy(`^[A-Za-z0-9][A-Za-z0-9.-]{0,98}$`)
	registryName      = pattern.Lazy(`^([A-Za-z0-9][A-Za-z0-9.-]{0,98}/)?[A-Za-z0-9._-]{1,100}$`)
	registryVersion   = pattern.Lazy(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,254}$`)
	registryBasePath  = pattern.Lazy(`^(/[A-Za-z0-9._~-]+)+$`)
	versionRange      = pattern.Lazy(`^latest$|(^|\.)[xX](\.|$)`)
)

const (
	maxListingText   = 100 // characters
	maxStatusMessage = 500 // characters
)

var registryKeys = vocabulary[Registry]{kind: "registry", keys: []key[Registry]{
	{name: "namespace", decode: func(d *decoder, v value, r *Registry) {
		r.Namespace = d.matching(v, registryNamespace, "write the reversed name of a domain, as in com.contoso")
	}},
	{name: "basePath", decode: func(d *decoder, v value, r *Registry) { r.Path = d.registryPath(v) }},
	{name: "visibility", decode: func(d *decoder, v value, r *Registry) {
		r.Callers = d.oneOf(v, "public", "callers") == "callers"
	}},
	{name: "serverCards", decode: func(d *decoder, v value, r *Registry) { d.flag(v, &r.ServerCards) }},
	{name: "servers", decode: func(d *decoder, v value, r *Registry) {
		for name, item := range d.entities(v, "external server") {
			r.Servers = append(r.Servers, d.externalServer(name, item))
		}
	}},
}}

var externalServerKeys = vocabulary[ExternalServer]{kind: "external server", keys: append([]key[ExternalServer]{
	{name: "title", decode: func(d *decoder, v value, s *ExternalServer) { s.Title = d.shortText(v, maxListingText) }},
	{name: "description", required: true, decode: func(d *decoder, v value, s *ExternalServer) { s.Description = d.str(v) }},
	{name: "url", required: true, decode: func(d *decoder, v value, s *ExternalServer) { s.URL = d.absoluteURL(v, true) }},
	{name: "transport", decode: func(d *decoder, v value, s *ExternalServer) {
		s.Transport = Transport(d.oneOf(v, string(StreamableHTTP), string(SSE)))
	}},
}, externalListing()...)}

var listingKeys = vocabulary[Listing]{kind: "listing", check: notEmpty[Listing]("give it a key, or remove it"), keys: []key[Listing]{
	{name: "name", decode: func(d *decoder, v value, l *Listing) {
		l.Name = d.matching(v, registryName, "use letters, digits, \".\", \"_\" and \"-\", after a namespace and a slash if it has one of its own, as in com.contoso/orders")
	}},
	{name: "version", decode: func(d *decoder, v value, l *Listing) { l.Version = d.listingVersion(v) }},
	{name: "status", decode: func(d *decoder, v value, l *Listing) { l.Status = d.oneOf(v, listingStatuses...) }},
	{name: "statusMessage", decode: func(d *decoder, v value, l *Listing) { l.StatusMessage = d.shortText(v, maxStatusMessage) }},
	{name: "published", decode: func(d *decoder, v value, l *Listing) { l.Published = d.moment(v) }},
	{name: "updated", decode: func(d *decoder, v value, l *Listing) { l.Updated = d.moment(v) }},
	{name: "websiteUrl", decode: func(d *decoder, v value, l *Listing) { l.WebsiteURL = d.absoluteURL(v, true) }},
	{name: "repository", decode: func(d *decoder, v value, l *Listing) {
		l.Repository = &Repository{}
		decodeMapping(d, v, repositoryKeys, l.Repository)
	}},
	{name: "owner", decode: func(d *decoder, v value, l *Listing) { l.Owner = d.shortText(v, maxListingText) }},
	{name: "environment", decode: func(d *decoder, v value, l *Listing) { l.Environment = d.shortText(v, maxListingText) }},
	{name: "lifecycle", decode: func(d *decoder, v value, l *Listing) { l.Lifecycle = d.oneOf(v, lifecycles...) }},
}}

var repositoryKeys = vocabulary[Repository]{kind: "repository", keys: []key[Repository]{
	{name: "url", required: true, decode: func(d *decoder, v value, r *Repository) { r.URL = d.absoluteURL(v, false) }},
	{name: "source", required: true, decode: func(d *decoder, v value, r *Repository) { r.Source = d.shortText(v, maxListingText) }},
	{name: "subfolder", decode: func(d *decoder, v value, r *Repository) { r.Subfolder = d.str(v) }},
}}

// externalListing are the keys of a listing, for servers that are nothing else here.
func externalListing() []key[ExternalServer] {
	var keys []key[ExternalServer]
	for _, k := range listingKeys.keys {
		keys = append(keys, key[ExternalServer]{name: k.name, decode: func(d *decoder, v value, s *ExternalServer) {
			k.decode(d, v, &s.Listing)
		}})
	}
	return keys
}

// listing decodes what the registry says of a server of the gateway: true, false or a
// mapping.
func (d *decoder) listing(v value) *Listing {
	l := &Listing{At: v.key}
	l.Hidden = !decodeChoice(d, v, listingKeys, l)
	return l
}

func (d *decoder) externalServer(name string, v value) ExternalServer {
	s := ExternalServer{Transport: StreamableHTTP}
	if !entityName().MatchString(name) {
		d.fault(v.key, entityNameFix, "external server name %s is not valid", quote(name))
	}
	decodeMapping(d, v, externalServerKeys, &s)
	s.At = v.key
	if s.Name == "" {
		s.Name = name
	}
	return s
}

// registry decodes the registry.
func (d *decoder) registry(v value, c *Config) *Registry {
	r := &Registry{}
	decodeMapping(d, v, registryKeys, r)
	if r.Namespace == "" {
		r.Namespace = namespaceOf(c.PublicURL)
	}
	return r
}

// namespaceOf is the host of the gateway with its labels reversed; localhost where it
// has none.
func namespaceOf(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return "localhost"
	}
	labels := strings.Split(strings.ReplaceAll(host, "_", "-"), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// checkRegistry completes the names and versions of all entries, and refuses two that
// are the same.
func (d *decoder) checkRegistry(c *Config) {
	taken := map[[2]string]string{}
	complete := func(l *Listing, name, version, what string) {
		if l.Name == "" {
			l.Name = name
		}
		if !strings.Contains(l.Name, "/") && c.Registry != nil {
			l.Name = c.Registry.Namespace + "/" + l.Name
		}
		if l.Version == "" {
			l.Version = version
		}
		id := [2]string{l.Name, l.Version}
		if other := taken[id]; other != "" && !l.Hidden {
			d.fault(l.At, "give them versions or names that differ", "%s is %s, version %s, in the registry, and so is %s", what, quote(l.Name), quote(l.Version), other)
		} else if !l.Hidden {
			taken[id] = what
		}
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		if c.Registry == nil {
			if s.Listing != nil {
				d.fault(s.Listing.At, `add "registry" to the file, as in registry: { namespace: com.contoso }`, "server %s says how it is listed, and the gateway is no registry", quote(s.Name))
			}
			continue
		}
		if s.Listing == nil {
			s.Listing = &Listing{At: s.At}
		}
		complete(s.Listing, s.Name, c.Version, "server "+quote(s.Name))
	}
	if c.Registry == nil {
		return
	}
	d.checkRegistryPaths(c)
	for i := range c.Registry.Servers {
		s := &c.Registry.Servers[i]
		complete(&s.Listing, s.Name, defaultVersion, "external server "+quote(s.Name))
	}
}

// checkRegistryPaths refuses APIs where the registry or the page answers.
func (d *decoder) checkRegistryPaths(c *Config) {
	base := strings.TrimPrefix(c.Registry.Path+"/", "/")
	for i := range c.APIs {
		a := &c.APIs[i]
		for _, own := range []string{base + "v0", base + "v0.1", "catalog"} {
			if path := strings.ToLower(a.Path); a.HasPath && (path == own || strings.HasPrefix(path, own+"/")) {
				d.fault(a.At, "choose another path, or another basePath of the registry", "api %s has the path %s, where the registry and its page answer", quote(a.Name), quote(a.Path))
			}
		}
	}
}

func (d *decoder) listingVersion(v value) string {
	s := d.matching(v, registryVersion, "give a version such as 1.0.0")
	if versionRange().MatchString(s) {
		d.fault(v.at, "give a version such as 1.0.0", "%s is %s, which stands for several versions", v.what, quote(s))
		return ""
	}
	return s
}

// registryPath is a path of the registry; "/" is the root.
func (d *decoder) registryPath(v value) string {
	s := d.str(v)
	if trimmed := strings.TrimRight(s, "/"); trimmed == "" || registryBasePath().MatchString(trimmed) && !hasDotSegment(trimmed) {
		return trimmed
	}
	d.fault(v.at, "write it as /workspaces/default", "%s is %s, which is not a path", v.what, quote(s))
	return ""
}

// shortText is text of at most so many characters.
func (d *decoder) shortText(v value, most int) string {
	s := d.str(v)
	if n := len([]rune(s)); n > most {
		d.fault(v.at, "shorten it", "%s has %d characters, and the registry allows %d", v.what, n, most)
		return ""
	}
	return s
}

// moment is a day, which begins in UTC, or a time (RFC 3339).
func (d *decoder) moment(v value) time.Time {
	s := d.str(v)
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	if s != "" {
		d.fault(v.at, "give a day such as 2026-11-01, or a time such as 2026-11-01T09:30:00Z", "%s is %s", v.what, quote(s))
	}
	return time.Time{}
}
