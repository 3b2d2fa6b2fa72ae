package registry

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func day(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }

// sample has three versions of one server, a server elsewhere, and one whose name is
// before theirs.
func sample() *Registry {
	return New(Options{Path: "/workspaces/default", Cards: true, Entries: []Entry{
		{Server: "orders-v2", Name: "com.contoso/orders", Title: "Orders", Version: "2.0.0-beta.2", Published: day(10), Remotes: []Remote{{StreamableHTTP, "/orders-v2/mcp", nil}}},
		{Server: "orders", Name: "com.contoso/orders", Version: "1.10.0", Published: day(1), Updated: day(5)},
		{Server: "orders-v1", Name: "com.contoso/orders", Version: "1.9.0", Status: Deprecated, StatusMessage: "Use 1.10.0."},
		{Server: "gone", Name: "com.contoso/orders", Version: "9.0.0", Status: Deleted, Published: day(2)},
		{Name: "com.contoso/tickets", Title: "Help desk", Version: "1.0.0", Owner: "Support", Lifecycle: "production", Remotes: []Remote{{SSE, "https://tickets.contoso.com/sse", nil}}},
		{Server: "crm", Name: "com.contoso/crm", Version: "1.0.0", Description: strings.Repeat("word ", 40)},
	}})
}

// get asks the registry, and returns the names and versions that it answers with.
func get(t *testing.T, r *Registry, target string, v Viewer) (names []string, next string) {
	t.Helper()
	rec := serve(t, r, http.MethodGet, target, v, nil)
	var list serverList
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: got %d %s", target, rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	for _, s := range list.Servers {
		name := strings.TrimPrefix(s.Server.Name, "com.contoso/") + " " + s.Server.Version
		if s.Meta.Official.IsLatest {
			name += " latest"
		}
		names = append(names, name)
	}
	if list.Metadata.Count != len(names) {
		t.Errorf("%s: the count is %d, and there are %d", target, list.Metadata.Count, len(names))
	}
	return names, list.Metadata.NextCursor
}

func serve(t *testing.T, r *Registry, method, target string, v Viewer, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	maps.Copy(req.Header, header)
	if !r.Serves(req.URL.EscapedPath()) {
		t.Fatalf("%s is not served", target)
	}
	rec := httptest.NewRecorder()
	v.URL = "https://tools.contoso.com"
	r.Serve(rec, req, v)
	return rec
}

const api = "/workspaces/default/v0.1/servers"

func TestList(t *testing.T) {
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{"crm 1.0.0 latest", "orders 1.10.0", "orders 1.9.0", "orders 2.0.0-beta.2 latest", "tickets 1.0.0 latest"}},
		{"?version=latest", []string{"crm 1.0.0 latest", "orders 2.0.0-beta.2 latest", "tickets 1.0.0 latest"}},
		{"?version=1.9.0", []string{"orders 1.9.0"}},
		{"?search=ORDER", []string{"orders 1.10.0", "orders 1.9.0", "orders 2.0.0-beta.2 latest"}},
		{"?search=desk", []string{"tickets 1.0.0 latest"}},
		{"?search=none", nil},
		{"?include_deleted=true&search=orders", []string{"orders 1.10.0", "orders 1.9.0", "orders 2.0.0-beta.2 latest", "orders 9.0.0"}},
		// Who follows changes hears of deletions, and of entries without a time.
		{"?updated_since=2026-11-06T00:00:00Z", []string{"crm 1.0.0 latest", "orders 1.9.0", "orders 2.0.0-beta.2 latest", "tickets 1.0.0 latest"}},
		{"?updated_since=2026-11-02T00:00:00%2B00:00&search=orders", []string{"orders 1.10.0", "orders 1.9.0", "orders 2.0.0-beta.2 latest", "orders 9.0.0"}},
	}
	r := sample()
	for _, tt := range tests {
		if got, _ := get(t, r, api+tt.query, Viewer{}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.query, got, tt.want)
		}
		old := strings.Replace(api, "v0.1", "v0", 1)
		if got, _ := get(t, r, old+tt.query, Viewer{}); !slices.Equal(got, tt.want) {
			t.Errorf("v0 %s: got %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestPages(t *testing.T) {
	r := sample()
	var all []string
	cursor := ""
	for range 10 {
		page, next := get(t, r, api+"?limit=2&cursor="+cursor, Viewer{})
		if len(page) > 2 {
			t.Errorf("a page has %d entries, want 2 at most", len(page))
		}
		all = append(all, page...)
		if cursor = next; next == "" {
			break
		}
	}
	if want, _ := get(t, r, api, Viewer{}); !slices.Equal(all, want) {
		t.Errorf("all pages: got %q, want %q", all, want)
	}
}

func TestSeen(t *testing.T) {
	only := Viewer{Sees: func(server string) bool { return server == "orders" || server == "orders-v1" }}
	r := sample()
	if got, _ := get(t, r, api, only); !slices.Equal(got, []string{"orders 1.10.0 latest", "orders 1.9.0", "tickets 1.0.0 latest"}) {
		t.Errorf("got %q", got)
	}
	rec := serve(t, r, http.MethodGet, api+"/com.contoso%2Fcrm/versions/latest", only, nil)
	if rec.Code != http.StatusNotFound {
		t.Errorf("a server that is not shown: got %d", rec.Code)
	}
	rec = serve(t, r, http.MethodGet, api+"/com.contoso%2Forders/versions/latest", only, nil)
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"version":"1.10.0"`) || rec.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("the latest that is shown: got %d %s %v", rec.Code, rec.Body, rec.Header())
	}
}

func TestVersions(t *testing.T) {
	r := sample()
	for _, name := range []string{"com.contoso%2Forders", "com.contoso/orders"} {
		got, _ := get(t, r, api+"/"+name+"/versions", Viewer{})
		if want := []string{"orders 2.0.0-beta.2 latest", "orders 1.10.0", "orders 1.9.0"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	tests := []struct {
		path   string
		status int
		holds  string
	}{
		{"/com.contoso%2Forders/versions/latest", 200, `"version":"2.0.0-beta.2","remotes":[{"type":"streamable-http","url":"https://tools.contoso.com/orders-v2/mcp"}]`},
		{"/com.contoso%2Forders/versions/1.9.0", 200, `"status":"deprecated","statusMessage":"Use 1.10.0."`},
		{"/com.contoso%2Forders/versions/1.10.0", 200, `"status":"active","statusChangedAt":"2026-11-05T00:00:00Z","publishedAt":"2026-11-01T00:00:00Z","updatedAt":"2026-11-05T00:00:00Z","isLatest":false`},
		{"/com.contoso%2Forders/versions/9.0.0", 404, `{"error":"Server version not found"}`},
		{"/com.contoso%2Forders/versions/9.0.0?include_deleted=true", 200, `"status":"deleted"`},
		{"/com.contoso%2Fnone/versions", 404, `{"error":"Server not found"}`},
		{"/com.contoso%2Ftickets/versions/1.0.0", 200, `"_meta":{"io.modelcontextprotocol.registry/publisher-provided":{"owner":"Support","lifecycle":"production"}}`},
		{"?limit=0", 400, `limit is a number from 1 to 100`},
		{"?limit=many", 400, `limit is`},
		{"?cursor=!", 400, `cursor is not one of this registry`},
		{"?updated_since=yesterday", 400, `updated_since is a time`},
		{"?include_deleted=1", 400, `include_deleted is true or false`},
		{"?a=%zz", 400, `The query cannot be read`},
		{"/com.contoso%2Forders/versions?include_deleted=no", 400, `include_deleted is true or false`},
	}
	for _, tt := range tests {
		rec := serve(t, r, http.MethodGet, api+tt.path, Viewer{}, nil)
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.holds) {
			t.Errorf("%s: got %d %s, want %d %s", tt.path, rec.Code, rec.Body, tt.status, tt.holds)
		}
	}
}

func TestDescription(t *testing.T) {
	for in, want := range map[string]string{
		"a\n b":                        "a b",
		strings.Repeat("é", maxText):   strings.Repeat("é", maxText),
		strings.Repeat("é", maxText+1): strings.Repeat("é", maxText-1) + "…",
		strings.Repeat("word ", 40):    strings.TrimSpace(strings.Repeat("word ", 19)) + "…",
	} {
		if got := shorten(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMethods(t *testing.T) {
	r := sample()
	tests := []struct {
		method, path string
		status       int
	}{
		{http.MethodOptions, "", 204}, {http.MethodOptions, "/a%2Fb/versions/1", 204}, {http.MethodHead, "", 200},
		{http.MethodPut, "/a%2Fb/versions/1", 501}, {http.MethodDelete, "/a%2Fb/versions/1", 501},
		{http.MethodPatch, "/a%2Fb/versions/1/status", 501}, {http.MethodPatch, "/a%2Fb/status", 501},
		{http.MethodTrace, "", 405},
	}
	for _, tt := range tests {
		rec := serve(t, r, tt.method, api+tt.path, Viewer{}, nil)
		if rec.Code != tt.status || rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: got %d %v, want %d", tt.method, tt.path, rec.Code, rec.Header(), tt.status)
		}
		if tt.method == http.MethodOptions && (rec.Header().Get("Access-Control-Allow-Methods") != "GET, OPTIONS" || !strings.HasPrefix(rec.Header().Get("Access-Control-Allow-Headers"), "Authorization, Content-Type")) {
			t.Errorf("preflight: got %v", rec.Header())
		}
		if tt.method == http.MethodHead && rec.Body.Len() > 0 {
			t.Errorf("HEAD has a body")
		}
	}
	if rec := serve(t, r, http.MethodPost, "/workspaces/default/v0.1/publish", Viewer{}, nil); rec.Code != http.StatusNotImplemented {
		t.Errorf("publish: got %d", rec.Code)
	}
}

func TestNotServed(t *testing.T) {
	for _, path := range []string{"/", "/v0.1/servers", "/workspaces/default", "/workspaces/default/v0.1", api + "/a", api + "/a/b", api + "//versions", api + "/a%2Fb/versions/1/2", api + "/a%zz/versions", "/orders/mcp", "/a/b/mcp/server-card"} {
		if sample().Serves(path) {
			t.Errorf("%s is served", path)
		}
	}
}

func TestCards(t *testing.T) {
	r := sample()
	rec := serve(t, r, http.MethodGet, "/orders-v2/mcp/server-card", Viewer{}, nil)
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/mcp-server-card+json" || rec.Header().Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("card: got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	tag := rec.Header().Get("ETag")
	if rec = serve(t, r, http.MethodGet, "/orders-v2/mcp/server-card", Viewer{}, http.Header{"If-None-Match": {`"x", ` + tag}}); rec.Code != http.StatusNotModified || rec.Body.Len() > 0 {
		t.Errorf("a card that the client has: got %d", rec.Code)
	}
	rec = serve(t, r, http.MethodGet, CatalogPath, Viewer{}, nil)
	if want := `{"identifier":"urn:air:tools.contoso.com:mcp:crm","displayName":"com.contoso/crm","type":"application/mcp-server-card+json","url":"https://tools.contoso.com/crm/mcp/server-card"}`; !strings.Contains(rec.Body.String(), want) || strings.Contains(rec.Body.String(), "tickets") {
		t.Errorf("catalogue: got %s, want %s in it", rec.Body, want)
	}
	for _, gone := range []string{"/gone/mcp/server-card", "/none/mcp/server-card"} {
		if rec := serve(t, r, http.MethodGet, gone, Viewer{}, nil); rec.Code != http.StatusNotFound {
			t.Errorf("%s: got %d", gone, rec.Code)
		}
	}
	if New(Options{}).Serves(CatalogPath) {
		t.Error("the catalogue is served without being asked for")
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"2024", "nightly", "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "1.10.0+build", "v2.0.0", "10.0.0"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := compareVersions(a, b), sign(i-j); sign(got) != want {
				t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return max(-1, min(1, n)) }

// FuzzServe asks with any path and query.
func FuzzServe(f *testing.F) {
	f.Add(api+"/com.contoso%2Forders/versions/latest", "limit=1&cursor=YQ")
	f.Add(api, "cursor=YQBi&version=latest&updated_since=2026-11-06T00:00:00Z")
	f.Add("/orders/mcp/server-card", "")
	r := sample()
	f.Fuzz(func(t *testing.T, path, query string) {
		if !r.Serves(path) {
			return
		}
		plain, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		req := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: plain, RawPath: path, RawQuery: query}, Header: http.Header{}}
		rec := httptest.NewRecorder()
		r.Serve(rec, req, Viewer{URL: "https://tools.contoso.com"})
		var answer any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			t.Errorf("%d %s: %v", rec.Code, rec.Body, err)
		}
	})
}
