package authserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	documentTimeout = 5 * time.Second
	maxDocument     = 16 << 10 // bytes
	// maxDocuments is how many documents are kept, and maxFetches how many are
	// fetched at the same time: anybody can name any URL.
	maxDocuments = 256
	maxFetches   = 8
	// How long a document is kept, within what its Cache-Control says.
	minDocumentAge     = 5 * time.Minute
	maxDocumentAge     = 24 * time.Hour
	defaultDocumentAge = time.Hour
	// failureAge is how long a document is not fetched again after a failure.
	failureAge = time.Minute
)

// clientDocument is what we heed of a client ID metadata document.
type clientDocument struct {
	ClientID     string   `json:"client_id"`
	Name         string   `json:"client_name"`
	RedirectURIs []string `json:"redirect_uris"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	Secret       string   `json:"client_secret"`
}

// documents fetches and keeps client ID metadata documents.
type documents struct {
	client  http.Client
	allowed []string // hosts; nil: all
	now     func() time.Time
	slots   chan struct{}

	mu   sync.Mutex
	kept map[string]*keptDocument // by URL
}

// keptDocument is a document that was fetched, or is being.
type keptDocument struct {
	done     chan struct{} // closed at the end; what follows is read after it
	document *clientDocument
	err      error
	until    time.Time // guarded by mu; zero while it is being fetched
}

func newDocuments(rt http.RoundTripper, allowed []string, now func() time.Time) *documents {
	return &documents{
		client: http.Client{
			Transport: rt, Timeout: documentTimeout,
			// The document is at its URL, and not where that leads to.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		allowed: allowed, now: now, slots: make(chan struct{}, maxFetches), kept: map[string]*keptDocument{},
	}
}

// check says what is wrong with a client id that is a URL; it is empty when
// nothing is (draft-ietf-oauth-client-id-metadata-document, 3).
func (d *documents) check(id string) (u *url.URL, wrong string) {
	u, err := url.Parse(id)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return nil, "is no https URL"
	case u.User != nil:
		return nil, "has a user"
	case strings.Contains(id, "#"):
		return nil, "has a fragment"
	case u.Path == "" || u.Path == "/":
		return nil, "has no path"
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return nil, "has a path with dots"
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, "has a character that no URL has"
	case d.allowed != nil && !slices.ContainsFunc(d.allowed, func(pattern string) bool { return hostMatches(pattern, u.Hostname()) }):
		return nil, "is of a host that is not allowed here"
	}
	return u, ""
}

// hostMatches compares a host with a pattern: a host, or *.host for all below it.
func hostMatches(pattern, host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if below, ok := strings.CutPrefix(strings.ToLower(pattern), "*."); ok {
		return strings.HasSuffix(host, "."+below)
	}
	return strings.EqualFold(pattern, host)
}

// get returns the document at a URL that was checked.
func (d *documents) get(ctx context.Context, id string) (*clientDocument, error) {
	k, mine := d.find(id)
	if mine {
		go d.run(k, id)
	}
	select {
	case <-k.done:
		return k.document, k.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// find returns what is kept, or makes room for what has to be fetched by the
// caller.
func (d *documents) find(id string) (k *keptDocument, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if k = d.kept[id]; k != nil && (k.until.IsZero() || now.Before(k.until)) {
		return k, false
	}
	if len(d.kept) >= maxDocuments {
		d.makeRoom(now)
	}
	k = &keptDocument{done: make(chan struct{})}
	d.kept[id] = k
	return k, true
}

// makeRoom forgets what is out of date, or else what is first to be. What is being
// fetched stays; there are not many of them.
func (d *documents) makeRoom(now time.Time) {
	first := ""
	for id, k := range d.kept {
		switch {
		case k.until.IsZero():
		case !now.Before(k.until):
			delete(d.kept, id)
		case first == "" || k.until.Before(d.kept[first].until):
			first = id
		}
	}
	if len(d.kept) >= maxDocuments {
		delete(d.kept, first)
	}
}

// errManyFetches is refused at once: a queue would be one more thing to fill.
var errManyFetches = errors.New("too many metadata documents are being fetched")

// run fetches. It has no part in the context of a request, since others wait too.
func (d *documents) run(k *keptDocument, id string) {
	age := failureAge
	select {
	case d.slots <- struct{}{}:
		ctx, cancel := context.WithTimeout(context.Background(), documentTimeout)
		var good time.Duration
		if k.document, good, k.err = d.fetch(ctx, id); k.err == nil {
			age = good
		}
		cancel()
		<-d.slots
	default:
		k.err, age = errManyFetches, 0
	}
	d.mu.Lock()
	k.until = d.now().Add(age)
	d.mu.Unlock()
	close(k.done)
}

// fetch fetches a document and checks it.
func (d *documents) fetch(ctx context.Context, id string) (*clientDocument, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := d.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("fetching the metadata document of a client: %w", err)
	}
	defer res.Body.Close()
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("%s answered status %d", id, res.StatusCode)
	case err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json"):
		return nil, 0, fmt.Errorf("%s is not JSON, but %.80q", id, res.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = fmt.Errorf("it is longer than %d bytes", maxDocument)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", id, err)
	}
	document, err := readDocument(id, body)
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", id, err)
	}
	return document, documentAge(res.Header.Get("Cache-Control")), nil
}

// readDocument checks a document. Its client_id is its URL, character by
// character, so that nobody can publish that of somebody else as one's own.
func readDocument(id string, body []byte) (*clientDocument, error) {
	var d clientDocument
	switch err := json.Unmarshal(body, &d); {
	case err != nil:
		return nil, errors.New("it is not the JSON of a client's metadata")
	case d.ClientID != id:
		return nil, errors.New("its client_id is not its URL")
	case len(d.RedirectURIs) == 0 || len(d.RedirectURIs) > maxRedirectURIs*5:
		return nil, fmt.Errorf("it has %d redirect_uris", len(d.RedirectURIs))
	case d.Secret != "" || d.AuthMethod != "" && d.AuthMethod != "none":
		// To let a client in by less than it asks for would let others in as well.
		return nil, errors.New("its token_endpoint_auth_method is not none, the only one here")
	}
	return &d, nil
}

// documentAge is how long a document is kept.
func documentAge(cacheControl string) time.Duration {
	for part := range strings.SplitSeq(cacheControl, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if part == "no-store" || part == "no-cache" {
			return minDocumentAge
		}
		if seconds, ok := strings.CutPrefix(part, "max-age="); ok {
			if n, err := strconv.ParseInt(seconds, 10, 32); err == nil {
				return min(max(time.Duration(n)*time.Second, minDocumentAge), maxDocumentAge)
			}
		}
	}
	return defaultDocumentAge
}
