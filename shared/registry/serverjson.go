package registry

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"
)

// SchemaURL names the schema of server.json to which entries conform.
const SchemaURL = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"

// maxText is the length of titles and descriptions in characters.
const maxText = 100

// serverJSON is server.json.
type serverJSON struct {
	Schema      string          `json:"$schema"`
	Name        string          `json:"name"`
	Title       string          `json:"title,omitzero"`
	Description string          `json:"description"`
	Version     string          `json:"version"`
	WebsiteURL  string          `json:"websiteUrl,omitzero"`
	Repository  *Repository     `json:"repository,omitzero"`
	Remotes     []remoteJSON    `json:"remotes"`
	Meta        *serverJSONMeta `json:"_meta,omitzero"`
}

type remoteJSON struct {
	Type    string   `json:"type"`
	URL     string   `json:"url"`
	Headers []Header `json:"headers,omitzero"`
}

type serverJSONMeta struct {
	Publisher publisher `json:"io.modelcontextprotocol.registry/publisher-provided"`
}

type publisher struct {
	Owner       string `json:"owner,omitzero"`
	Environment string `json:"environment,omitzero"`
	Lifecycle   string `json:"lifecycle,omitzero"`
}

// serverResponse is an entry and what the registry says of it.
type serverResponse struct {
	Server serverJSON   `json:"server"`
	Meta   registryMeta `json:"_meta"`
}

type registryMeta struct {
	Official official `json:"io.modelcontextprotocol.registry/official"`
}

type official struct {
	Status          Status    `json:"status"`
	StatusMessage   string    `json:"statusMessage,omitzero"`
	StatusChangedAt time.Time `json:"statusChangedAt,omitzero"`
	PublishedAt     time.Time `json:"publishedAt,omitzero"`
	UpdatedAt       time.Time `json:"updatedAt,omitzero"`
	IsLatest        bool      `json:"isLatest"`
}

type serverList struct {
	Servers  []serverResponse `json:"servers"`
	Metadata listMetadata     `json:"metadata"`
}

type listMetadata struct {
	Count      int    `json:"count"`
	NextCursor string `json:"nextCursor,omitzero"`
}

// response is what a viewer is shown of an entry.
func (l listed) response(baseURL string) serverResponse {
	s := serverJSON{
		Schema: SchemaURL, Name: l.Name, Title: shorten(l.Title), Version: l.Version, WebsiteURL: l.WebsiteURL,
		Description: shorten(cmp.Or(l.Description, l.Title, l.Name)), Repository: l.Repository, Remotes: l.remotes(baseURL),
	}
	if p := (publisher{l.Owner, l.Environment, l.Lifecycle}); p != (publisher{}) {
		s.Meta = &serverJSONMeta{p}
	}
	return serverResponse{s, registryMeta{official{
		Status: l.Status, StatusMessage: l.StatusMessage, StatusChangedAt: l.changed(),
		PublishedAt: l.Published, UpdatedAt: l.changed(), IsLatest: l.latest,
	}}}
}

func (e *Entry) remotes(baseURL string) []remoteJSON {
	list := make([]remoteJSON, 0, len(e.Remotes))
	for _, m := range e.Remotes {
		url := m.URL
		if strings.HasPrefix(url, "/") {
			url = baseURL + url
		}
		list = append(list, remoteJSON{m.Type, url, m.Headers})
	}
	return list
}

// shorten makes one line of at most maxText characters of a text, and ends it at a word
// where it can.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	cut := string([]rune(text)[:maxText-1])
	if i := strings.LastIndexByte(cut, ' '); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " .,;:") + "…"
}
