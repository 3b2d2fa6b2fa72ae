package registry

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// The lengths of pages.
const (
	defaultLimit = 30
	maxLimit     = 100
)

// prefixes are the versions of the API: v0 is the one under development, which has the
// same reads.
var prefixes = []string{"/v0.1/", "/v0/"}

// place is what a path stands for.
type place struct {
	kind    kind
	name    string // of a server
	version string
	server  string // the gateway's, of a card
}

type kind uint8

const (
	listKind kind = iota + 1
	versionsKind
	versionKind
	writeKind // publishing, and changes of status
	cardKind
	catalogKind
)

// Serves tells whether a path, as it came, is one of the registry's.
func (r *Registry) Serves(escapedPath string) bool {
	_, ok := r.place(escapedPath)
	return ok
}

// place reads a path. A server's name has a slash, which clients escape and some
// platforms take back.
func (r *Registry) place(path string) (place, bool) {
	if r.cards {
		if path == CatalogPath {
			return place{kind: catalogKind}, true
		}
		if server, ok := strings.CutSuffix(path, cardSuffix); ok && len(server) > 1 && !strings.Contains(server[1:], "/") {
			return place{kind: cardKind, server: server[1:]}, true
		}
	}
	rest, ok := strings.CutPrefix(path, r.base)
	if !ok {
		return place{}, false
	}
	for _, prefix := range prefixes {
		if inner, ok := strings.CutPrefix(rest, prefix); ok {
			return apiPlace(strings.TrimSuffix(inner, "/"))
		}
	}
	return place{}, false
}

func apiPlace(path string) (place, bool) {
	switch path {
	case "servers":
		return place{kind: listKind}, true
	case "publish", "validate":
		return place{kind: writeKind}, true
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" {
			return place{}, false
		}
		segments[i] = plain
	}
	if segments[0] != "servers" || len(segments) < 2 {
		return place{}, false
	}
	if segments = segments[1:]; !strings.Contains(segments[0], "/") {
		if len(segments) < 2 {
			return place{}, false
		}
		segments = slices.Concat([]string{segments[0] + "/" + segments[1]}, segments[2:])
	}
	p := place{name: segments[0]}
	switch {
	case len(segments) == 2 && segments[1] == "versions":
		p.kind = versionsKind
	case len(segments) == 3 && segments[1] == "versions":
		p.kind, p.version = versionKind, segments[2]
	case len(segments) == 2 && segments[1] == "status", len(segments) == 4 && segments[1] == "versions" && segments[3] == "status":
		p.kind = writeKind
	default:
		return place{}, false
	}
	return p, true
}

// refusal is an answer that is none.
type refusal struct {
	status int
	text   string
}

// errorJSON is the body of a refusal.
type errorJSON struct {
	Error string `json:"error"`
}

// Serve answers a request whose path [Registry.Serves].
func (r *Registry) Serve(w http.ResponseWriter, req *http.Request, v Viewer) {
	p, ok := r.place(req.URL.EscapedPath())
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // clients in browsers and editors have origins of their own
	h.Set("Access-Control-Expose-Headers", "ETag")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !ok:
		writeError(w, refusal{http.StatusNotFound, "Not found"})
		return
	case req.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match")
		h.Set("Access-Control-Max-Age", "7200")
		w.WriteHeader(http.StatusNoContent)
		return
	case p.kind == writeKind || slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, req.Method):
		writeError(w, refusal{http.StatusNotImplemented, "This registry is read-only: its servers are those of the gateway's configuration"})
		return
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		writeError(w, refusal{http.StatusMethodNotAllowed, "The registry takes GET"})
		return
	}
	body, fault := r.answer(p, req.URL.RawQuery, &v)
	if fault != nil {
		writeError(w, *fault)
		return
	}
	send(w, req, p.kind, body, v.Sees != nil)
}

func (r *Registry) answer(p place, rawQuery string, v *Viewer) (any, *refusal) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "The query cannot be read"}
	}
	switch p.kind {
	case catalogKind:
		return r.catalog(v), nil
	case cardKind:
		return r.card(p.server, v)
	case listKind:
		return r.answerList(values, v)
	}
	deleted, fault := flag(values, "include_deleted")
	if fault != nil {
		return nil, fault
	}
	versions := r.versions(v, p.name, deleted)
	if len(versions) == 0 {
		return nil, &refusal{http.StatusNotFound, "Server not found"}
	}
	if p.kind == versionsKind {
		return render(versions, v.URL), nil
	}
	for _, l := range versions {
		if l.Version == p.version || p.version == latestVersion && l.latest {
			return l.response(v.URL), nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "Server version not found"}
}

func (r *Registry) answerList(values url.Values, v *Viewer) (any, *refusal) {
	q, fault := readQuery(values)
	if fault != nil {
		return nil, fault
	}
	page, more := r.list(v, q)
	out := render(page, v.URL)
	if more {
		last := page[len(page)-1]
		out.Metadata.NextCursor = position{last.Name, last.Version}.cursor()
	}
	return out, nil
}

func render(entries []listed, baseURL string) serverList {
	out := serverList{Servers: make([]serverResponse, 0, len(entries)), Metadata: listMetadata{Count: len(entries)}}
	for _, l := range entries {
		out.Servers = append(out.Servers, l.response(baseURL))
	}
	return out
}

// cursor writes a position so that clients take it for opaque.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.name + "\x00" + p.version))
}

func readCursor(text string) (position, bool) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	name, version, ok := strings.Cut(string(plain), "\x00")
	return position{name, version}, err == nil && ok
}

func readQuery(values url.Values) (*query, *refusal) {
	q := &query{limit: defaultLimit, search: values.Get("search"), version: values.Get("version")}
	if text := values.Get("cursor"); text != "" {
		var ok bool
		if q.after, ok = readCursor(text); !ok {
			return nil, &refusal{http.StatusBadRequest, "cursor is not one of this registry: leave it out to begin anew"}
		}
	}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("limit is a number from 1 to %d", maxLimit)}
		}
		q.limit = min(n, maxLimit)
	}
	if text := values.Get("updated_since"); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "updated_since is a time such as 2026-08-07T13:15:04Z (RFC 3339)"}
		}
		q.updatedSince = t
	}
	var fault *refusal
	q.includeDeleted, fault = flag(values, "include_deleted")
	return q, fault
}

func flag(values url.Values, name string) (bool, *refusal) {
	switch values.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, &refusal{http.StatusBadRequest, name + " is true or false"}
}

// contentTypes are those of answers that are not application/json.
var contentTypes = map[kind]string{cardKind: "application/mcp-server-card+json", catalogKind: "application/ai-catalog+json"}

// send writes an answer, or that the client has it. Private is one that is for this
// caller alone.
func send(w http.ResponseWriter, req *http.Request, k kind, content any, private bool) {
	var body bytes.Buffer
	if err := json.MarshalWrite(&body, content); err != nil {
		writeError(w, refusal{http.StatusInternalServerError, "The answer cannot be written"})
		return
	}
	digest := sha256.Sum256(body.Bytes())
	tag := `"` + hex.EncodeToString(digest[:16]) + `"`
	h := w.Header()
	h.Set("Content-Type", cmp.Or(contentTypes[k], "application/json"))
	h.Set("ETag", tag)
	switch {
	case private:
		h.Set("Cache-Control", "private, no-cache")
		h.Set("Vary", "Authorization")
	case contentTypes[k] != "":
		h.Set("Cache-Control", "public, max-age=3600")
	default:
		h.Set("Cache-Control", "public, max-age=60")
	}
	if slices.Contains(strings.Split(strings.ReplaceAll(req.Header.Get("If-None-Match"), " ", ""), ","), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	if req.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // the client has gone
	}
}

func writeError(w http.ResponseWriter, f refusal) {
	body, _ := json.Marshal(errorJSON{f.text}) // a text can be written
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client has gone
}
