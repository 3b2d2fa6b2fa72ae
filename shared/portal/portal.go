// Package portal is the page on which people find the servers of a gateway, try their
// tools and take along the configuration of their clients. It is a few static files
// and one document, which the gateway makes for whoever asks.
package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

//go:embed static
var static embed.FS

// Path is where the page is, below the gateway's URL.
const Path = "/catalog"

// contentPath is where its document is.
const contentPath = Path + "/servers.json"

// Content is what the page shows. What is in it is for the caller who asks.
type Content struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitzero"`
	Version string `json:"version"`
	// Snapshot identifies what this instance serves.
	Snapshot string `json:"snapshot"`
	// URL is the gateway's, without a slash at its end.
	URL     string   `json:"url"`
	Servers []Server `json:"servers"`
}

// Server is one server of the page.
type Server struct {
	// ID is unique among them: the name of the gateway's server, or that in the
	// registry of one that is elsewhere.
	ID            string `json:"id"`
	Name          string `json:"name"` // in the registry
	Title         string `json:"title,omitzero"`
	Description   string `json:"description,omitzero"`
	Version       string `json:"version"`
	Status        string `json:"status"`
	StatusMessage string `json:"statusMessage,omitzero"`
	Owner         string `json:"owner,omitzero"`
	Environment   string `json:"environment,omitzero"`
	Lifecycle     string `json:"lifecycle,omitzero"`
	WebsiteURL    string `json:"websiteUrl,omitzero"`
	// URL is that of its endpoint; Transport says how it speaks.
	URL       string `json:"url"`
	Transport string `json:"transport"`
	// External says that the gateway does not stand in front of it.
	External bool `json:"external,omitzero"`
	// Admitted says that the server lets this caller in.
	Admitted bool     `json:"admitted,omitzero"`
	Issuers  []string `json:"issuers,omitzero"` // of tokens that it takes
	Scopes   []string `json:"scopes,omitzero"`  // to ask for
	// KeyHeader is the header of subscription keys; empty: it takes none.
	KeyHeader   string    `json:"keyHeader,omitzero"`
	KeyRequired bool      `json:"keyRequired,omitzero"`
	Products    []Product `json:"products,omitzero"`
	// Subscription is that of the caller's key; nil: there was none that is good here.
	Subscription *Subscription `json:"subscription,omitzero"`
	// Allow says who may use the server, one alternative each; nil: whoever is let in.
	Allow  []string `json:"allow,omitzero"`
	Limits []Limit  `json:"limits,omitzero"`
	// Tools say more of tools than their definitions; nil where there is nothing to say,
	// or the caller is not let in.
	Tools map[string]Tool `json:"tools,omitzero"`
}

// Product is a product that a server is in.
type Product struct {
	Name        string `json:"name"`
	Description string `json:"description,omitzero"`
	Open        bool   `json:"open,omitzero"`
}

// Subscription is the caller's, and what they have used of it.
type Subscription struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitzero"`
	Product string    `json:"product,omitzero"`
	End     time.Time `json:"end,omitzero"`
	Usage   []Usage   `json:"usage,omitzero"`
	// Unknown says that the counters do not answer.
	Unknown bool `json:"unknown,omitzero"`
}

// Usage is what was used of one quota in its period. An amount of 0 is not limited.
type Usage struct {
	Calls         int64 `json:"calls,omitzero"`
	CallsUsed     int64 `json:"callsUsed"`
	Kilobytes     int64 `json:"kilobytes,omitzero"`
	KilobytesUsed int64 `json:"kilobytesUsed"`
	RenewalSecs   int64 `json:"renewalSeconds,omitzero"` // until the next period; 0: never
}

// Limit is a policy that limits calls.
type Limit struct {
	Scope  string `json:"scope"` // global, product, server, tool or api
	Policy string `json:"policy"`
	Text   string `json:"text"`
}

// Tool is what is said of a tool beyond its definition.
type Tool struct {
	Allow    []string `json:"allow,omitzero"`
	Approval bool     `json:"approval,omitzero"` // a person is asked before each call
	Limits   []Limit  `json:"limits,omitzero"`
}

// Portal serves the page. It does not change, and is safe for concurrent use.
type Portal struct {
	files    map[string]file
	security string // the content security policy
}

type file struct {
	content     []byte
	contentType string
	tag         string
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
}

// New makes the page. Origins are those, beyond the gateway's own, where people sign in.
func New(origins []string) (*Portal, error) {
	p := &Portal{files: map[string]file{}}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		p.files[Path+strings.TrimPrefix(name, "static")] = file{content, contentTypes[path.Ext(name)], `"` + hex.EncodeToString(sum[:16]) + `"`}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	p.files[Path+"/"] = p.files[Path+"/index.html"]
	p.security = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " +
		strings.Join(append([]string{"'self'"}, origins...), " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	return p, nil
}

// Serves tells whether a path is of the page.
func (p *Portal) Serves(path string) bool {
	_, ok := p.files[path]
	return ok || path == Path || path == contentPath
}

// Serve answers a request whose path [Portal.Serves]. It asks for the content where that
// is wanted.
func (p *Portal) Serve(w http.ResponseWriter, r *http.Request, content func() (*Content, error)) error {
	h := w.Header()
	h.Set("Content-Security-Policy", p.security)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil
	case r.URL.Path == Path:
		// Relative, since the gateway may be below a path of its host.
		h.Set("Location", strings.TrimPrefix(Path, "/")+"/")
		w.WriteHeader(http.StatusFound)
		return nil
	case r.URL.Path == contentPath:
		made, err := content()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return err
		}
		var body bytes.Buffer
		if err := json.MarshalWrite(&body, made, json.Deterministic(true)); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return fmt.Errorf("writing what the page shows: %w", err)
		}
		h.Set("Cache-Control", "no-store")
		send(w, r, file{content: body.Bytes(), contentType: "application/json"})
		return nil
	}
	f := p.files[r.URL.Path]
	h.Set("Cache-Control", "no-cache") // another deployment has other files
	h.Set("ETag", f.tag)
	if slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	send(w, r, f)
	return nil
}

func send(w http.ResponseWriter, r *http.Request, f file) {
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.content)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.content) // the browser has gone
	}
}
