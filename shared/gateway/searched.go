package gateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/search"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// searchedCatalog are the tools of a REST API, whose index the snapshot has.
type searchedCatalog struct {
	catalog *catalog
	once    sync.Once
	found   *search.Index
	err     error
}

// load takes the index from the snapshot when it is first needed.
func (s *searchedCatalog) load() error {
	s.once.Do(func() {
		var content []byte
		if content, s.err = s.catalog.snapshot.SearchIndex(s.catalog.name); s.err == nil {
			s.found, s.err = search.Open(content)
		}
	})
	return s.err
}

func (s *searchedCatalog) index() *search.Index { return s.found }

// definition reads that of a tool from the page of the list that it is on.
func (s *searchedCatalog) definition(name string) (jsontext.Value, error) {
	if hit, ok := s.found.Find(name); ok {
		return s.catalog.snapshot.Definition(s.catalog.name, hit.Place.Page, hit.Place.Start, hit.Place.End)
	}
	return nil, nil
}

// searchedList are the tools of a server that lists them when it runs: for each caller
// those that the caller was told of, since servers may tell one more than another.
type searchedList struct {
	name     string
	server   mcp.Server
	lifetime time.Duration
	now      func() time.Time
	log      *slog.Logger

	mu    sync.Mutex
	known map[[32]byte]*listedTools // by caller
	told  map[string]bool           // tools of which the log was told that they are left out
}

// listedTools is one list, which callers who were told the same share.
type listedTools struct {
	*indexedTools
	until time.Time
}

type indexedTools struct {
	found       *search.Index
	definitions map[string]jsontext.Value
	hash        [32]byte
}

func (t *indexedTools) index() *search.Index { return t.found }

func (t *indexedTools) definition(name string) (jsontext.Value, error) {
	return t.definitions[name], nil
}

// maxListedCallers bounds the callers whose lists are kept.
const maxListedCallers = 256

func newSearchedList(name string, server mcp.Server, lifetime time.Duration, g *Gateway) *searchedList {
	return &searchedList{
		name: name, server: server, lifetime: lifetime, now: g.services.Time, log: g.log,
		known: map[[32]byte]*listedTools{}, told: map[string]bool{},
	}
}

// of are the tools for the caller of a request. The server is asked when it was not for
// a while.
func (s *searchedList) of(ctx context.Context, req *mcp.Request) (searched, error) {
	key := s.caller(ctx, req)
	s.mu.Lock()
	known := s.known[key]
	s.mu.Unlock()
	if known != nil && s.now().Before(known.until) {
		return known.indexedTools, nil
	}
	definitions, err := listDefinitions(ctx, s.server, req)
	if err != nil {
		if known != nil {
			s.log.Warn("a server does not list its tools, so those are searched that it listed before", "server", s.name, "error", err)
			return known.indexedTools, nil
		}
		return nil, err
	}
	return s.keep(key, definitions)
}

// caller tells callers apart by what came with the request, and by the headers that
// policies set.
func (s *searchedList) caller(ctx context.Context, req *mcp.Request) (key [32]byte) {
	f := newFields("search")
	f.add(string(req.Version))
	if id, ok := ctx.Value(identityKey{}).(*identity); ok {
		f.add(string(id.digest[:]))
	}
	f.policies(exchangeOf(ctx))
	f.sum(&key)
	return key
}

// keep indexes a list, unless another caller was told the same.
func (s *searchedList) keep(key [32]byte, definitions []jsontext.Value) (searched, error) {
	h := sha256.New()
	for _, d := range definitions {
		h.Write(d)
	}
	var hash [32]byte
	h.Sum(hash[:0])
	s.mu.Lock()
	defer s.mu.Unlock()
	var tools *indexedTools
	for known := range maps.Values(s.known) {
		if known.hash == hash {
			tools = known.indexedTools
			break
		}
	}
	if tools == nil {
		var err error
		if tools, err = s.indexed(definitions, hash); err != nil {
			return nil, err
		}
	}
	if len(s.known) >= maxListedCallers {
		for other := range s.known { // any: it is asked for again
			delete(s.known, other)
			break
		}
	}
	s.known[key] = &listedTools{indexedTools: tools, until: s.now().Add(s.lifetime)}
	return tools, nil
}

// indexed makes the index of a list. The caller holds mu.
func (s *searchedList) indexed(definitions []jsontext.Value, hash [32]byte) (*indexedTools, error) {
	tools := &indexedTools{definitions: make(map[string]jsontext.Value, len(definitions)), hash: hash}
	var b search.Builder
	for _, definition := range definitions {
		d, err := search.Read(definition)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the tools of server %q: %w", s.name, err)
		case search.Publishes(d.Name):
			if !s.told[d.Name] {
				s.told[d.Name] = true
				s.log.Warn("a tool cannot be called, since it has the name of one by which tools are found", "server", s.name, "tool", d.Name)
			}
			continue
		}
		b.Add(d)
		tools.definitions[d.Name] = definition
	}
	content, err := b.Bytes()
	if err == nil {
		tools.found, err = search.Open(content)
	}
	return tools, err
}

// maxListPages bounds the pages of a list of tools that are read.
const maxListPages = 50

// listDefinitions asks a server for its tools, on behalf of the caller of a request.
func listDefinitions(ctx context.Context, server mcp.Server, req *mcp.Request) ([]jsontext.Value, error) {
	var list []jsontext.Value
	var cursor jsontext.Value
	for range maxListPages {
		ask, err := listRequest(req, cursor)
		if err != nil {
			return nil, err
		}
		c := &collector{req: ask}
		if err := server.Serve(ctx, ask, c); err != nil {
			return nil, err
		}
		answer, err := mcp.Scan(c.answer, maxKeptDepth)
		if err != nil {
			return nil, err
		}
		if answer.Failure.Present() {
			return nil, mcp.Errorf(mcp.CodeInternalError, "the server did not list its tools")
		}
		var page struct {
			Tools      []jsontext.Value `json:"tools"`
			NextCursor jsontext.Value   `json:"nextCursor"`
		}
		if err := json.Unmarshal(answer.Bytes(answer.Result), &page); err != nil {
			return nil, fmt.Errorf("reading a list of tools: %w", err)
		}
		list = append(list, page.Tools...)
		if cursor = page.NextCursor; cursor.Kind() != '"' {
			break
		}
	}
	return list, nil
}
