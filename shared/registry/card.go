package registry

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// CatalogPath is where the AI catalogue is, below the gateway's URL.
const CatalogPath = "/.well-known/ai-catalog.json"

// cardSuffix follows the name of a server: a card is below its endpoint.
const cardSuffix = "/mcp/server-card"

// cardSchema names the schema of server cards.
const cardSchema = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"

// serverCard is a server card (SEP-2127, a draft).
type serverCard struct {
	Schema      string       `json:"$schema"`
	Name        string       `json:"name"`
	Title       string       `json:"title,omitzero"`
	Description string       `json:"description"`
	Version     string       `json:"version"`
	WebsiteURL  string       `json:"websiteUrl,omitzero"`
	Repository  *Repository  `json:"repository,omitzero"`
	Remotes     []cardRemote `json:"remotes"`
}

type cardRemote struct {
	remoteJSON                `json:",inline"`
	SupportedProtocolVersions []string `json:"supportedProtocolVersions,omitzero"`
}

// aiCatalog is the AI catalogue, a draft: it names the cards.
type aiCatalog struct {
	SpecVersion string         `json:"specVersion"`
	Entries     []catalogEntry `json:"entries"`
}

type catalogEntry struct {
	Identifier  string `json:"identifier"`
	DisplayName string `json:"displayName"`
	Type        string `json:"type"`
	URL         string `json:"url"`
}

// card is that of one of the gateway's servers.
func (r *Registry) card(server string, v *Viewer) (any, *refusal) {
	for _, l := range r.seen(v) {
		if l.Server != server || l.Status == Deleted {
			continue
		}
		s := l.response(v.URL).Server
		card := serverCard{
			Schema: cardSchema, Name: s.Name, Title: s.Title, Description: s.Description, Version: s.Version,
			WebsiteURL: s.WebsiteURL, Repository: s.Repository,
		}
		for _, m := range s.Remotes {
			one := cardRemote{remoteJSON: m}
			if m.Type == StreamableHTTP {
				one.SupportedProtocolVersions = l.ProtocolVersions
			}
			card.Remotes = append(card.Remotes, one)
		}
		return card, nil
	}
	return nil, &refusal{http.StatusNotFound, "Server not found"}
}

// catalog names the cards of the gateway's servers.
func (r *Registry) catalog(v *Viewer) aiCatalog {
	out := aiCatalog{SpecVersion: "1.0", Entries: []catalogEntry{}}
	host := v.URL
	if u, err := url.Parse(v.URL); err == nil {
		host = u.Hostname()
	}
	for _, l := range r.seen(v) {
		if l.Server == "" || l.Status == Deleted {
			continue
		}
		out.Entries = append(out.Entries, catalogEntry{
			Identifier:  "urn:air:" + strings.ToLower(host) + ":mcp:" + l.Server,
			DisplayName: cmp.Or(shorten(l.Title), l.Name),
			Type:        contentTypes[cardKind],
			URL:         v.URL + "/" + l.Server + cardSuffix,
		})
	}
	return out
}
