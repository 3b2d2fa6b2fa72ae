package snapshot

import (
	"archive/zip"
	"bytes"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/openapi"
)

func manifest() Manifest {
	return Manifest{
		Name: "contoso", Version: "1", PublicURL: "https://tools.contoso.com",
		SealingKey: config.Text{Parts: []config.Part{{Secret: "env:KEY"}}},
		Limits:     config.Limits{RequestBytes: 1, Depth: 2, ResultBytes: 3, Timeout: time.Minute, ListPage: 4, ListTTL: time.Hour},
		Servers: []Server{
			{Name: "orders", API: &API{
				Name: "orders", Backends: []config.Backend{{URL: "https://orders.contoso.com", Timeout: time.Second}}, Pages: 1, Tools: 2,
			}, Policy: 2, ToolPolicies: map[string]int{"a": 1, "b": 2},
				Authorization: &config.ServerAuthorization{Issuers: []string{"https://login.contoso.com"}, Audiences: []string{"api://tools"}, Scopes: []string{"read"}, AuthorizationServers: []string{"https://sign-in.contoso.com"}, ClientIDs: []string{"cli"}},
				Allow:         []config.Allow{{Groups: []string{"staff"}}, {Products: []string{"starter"}}},
				ToolAllow:     map[string][]config.Allow{"a": {{Scopes: []string{"write"}, Roles: []string{"buyer"}, Claims: []config.AllowedClaim{{Name: "level", Values: []string{"2", "3"}}}, Expression: "@(true)"}}}},
			{Name: "helpdesk", Upstream: &config.Upstream{
				URL: "https://helpdesk.contoso.com/mcp", Timeout: time.Minute, ResourceRules: []config.Published{{Pattern: "docs://**", Allow: []config.Allow{{Roles: []string{"editor"}}}}},
			}},
			{Name: "all", Federate: []config.Member{{Server: "orders", Prefix: "orders"}, {Server: "helpdesk", Bare: true}}},
		},
		Policies: []PolicyDocument{{File: "policies/a.xml"}, {File: "policies/b.xml"}}, GlobalPolicy: 1,
		Fragments: []Fragment{{ID: "sign-in", File: "fragments/sign-in.xml"}}, Schemas: []string{"order"},
		NamedValues: []config.NamedValue{
			{Name: "empty"}, {Name: "limit", Value: config.Text{Parts: []config.Part{{Literal: "5"}}}},
			{Name: "key", Value: config.Text{Parts: []config.Part{{Secret: "env:KEY"}}}},
		},
		Backends: []config.Backend{
			{Name: "east", Title: "East", URL: "https://east.contoso.com", CircuitBreaker: &config.CircuitBreaker{
				Failures: 5, Interval: time.Minute, TripDuration: time.Second, StatusCodes: []config.StatusRange{{Low: 500, High: 599}},
			}},
			{Name: "both", Pool: []config.PoolMember{{Backend: "east", Priority: 1, Weight: 2}}},
		},
		APIs: []SourceAPI{
			{Name: "orders", Title: "Orders", Version: "v1", HasPath: true, Path: "orders/v1", Backend: "both", Backends: []config.Backend{{Name: "both"}}, Policy: 2},
			{Name: "stock"},
		},
		Products: []Product{{Name: "starter", Title: "Starter", Description: "For all", APIs: []string{"orders"}, Servers: []string{"all"}, Policy: 1}},
	}
}

func operations() []Operation {
	return []Operation{
		{ID: "getOrder", Method: "GET", URLTemplate: "/orders/{id}", Title: "Gets an order", Policy: 2},
		{ID: "PUT /", Method: "PUT", URLTemplate: "/", Backend: -1},
	}
}

// described are ids of operations, some of which are no names of files.
func described() []string {
	return []string{"getOrder", "PUT /", "GET /tool/{id}", "..", "../../etc", `a\b:c*?"<>|`, "ä", strings.Repeat("/", 200), strings.Repeat("/", 201)}
}

func written(t *testing.T) []byte {
	t.Helper()
	w := NewWriter()
	w.Page("orders", 0, []byte(`[{"name":"b"},{"name":"a"}]`))
	for _, name := range []string{"b", "a"} {
		w.Tool("orders", Tool{Tool: openapi.Tool{Name: name, InputSchema: []byte(`{"type":"object"}`), Binding: openapi.Binding{Method: "GET", Path: "/" + name, Accept: "*/*"}}, Backend: 1, Operation: operations()[0]})
	}
	w.Operations("orders", operations())
	for _, id := range described() {
		w.Description("orders", id, &openapi.Description{Responses: []openapi.ResponseDescription{{Status: "200", Content: []openapi.ContentDescription{{Type: "text/plain", Examples: []string{id}}}}}})
	}
	w.Policy(1, []byte("<policies>{{key}}</policies>"))
	w.Policy(2, []byte("<policies />"))
	w.Fragment("sign-in", []byte("<fragment />"))
	w.Schema("order", []byte(`{"type":"object"}`))
	content, err := w.Close(manifest(), []string{"verdict"})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRoundTrip(t *testing.T) {
	content := written(t)
	file := filepath.Join(t.TempDir(), "gateway.snapshot")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := manifest()
	want.Format = Format
	if !reflect.DeepEqual(s.Manifest, want) {
		t.Errorf("got %+v, want %+v", s.Manifest, want)
	}
	if got := s.Tools("orders"); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("got tools %v", got)
	}
	page, err := s.Page("orders", 0)
	if err != nil || string(page) != `[{"name":"b"},{"name":"a"}]` {
		t.Errorf("got %s, %v", page, err)
	}
	tool, err := s.Tool("orders", "a")
	if err != nil || tool.Name != "a" || tool.Binding.Path != "/a" || tool.Backend != 1 || string(tool.InputSchema) != `{"type":"object"}` {
		t.Errorf("got %+v, %v", tool, err)
	}
	if tool.Operation != operations()[0] {
		t.Errorf("got the operation %+v, want %+v", tool.Operation, operations()[0])
	}
	list, err := s.Operations("orders")
	if err != nil || !slices.Equal(list, operations()) {
		t.Errorf("got %+v, %v, want %+v", list, err, operations())
	}
	report, err := s.Report()
	if err != nil || string(report) != `["verdict"]` {
		t.Errorf("got %s, %v", report, err)
	}
	if _, err := s.Tool("orders", "c"); err == nil {
		t.Error("a tool that is not there was read")
	}
}

func TestDocuments(t *testing.T) {
	content := written(t)
	s, err := Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	policy := func(n int) func() ([]byte, error) { return func() ([]byte, error) { return s.Policy(n) } }
	for _, c := range []struct {
		name string
		read func() ([]byte, error)
		want string // empty: there is none
	}{
		{"policy 1", policy(1), "<policies>{{key}}</policies>"},
		{"policy 2", policy(2), "<policies />"},
		{"no policy", policy(0), ""},
		{"policy 3", policy(3), ""},
		{"fragment", func() ([]byte, error) { return s.Fragment("sign-in") }, "<fragment />"},
		{"no fragment", func() ([]byte, error) { return s.Fragment("sign-out") }, ""},
		{"schema", func() ([]byte, error) { return s.Schema("order") }, `{"type":"object"}`},
		{"no schema", func() ([]byte, error) { return s.Schema("orders") }, ""},
	} {
		got, err := c.read()
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if _, err := s.Operations("stock"); err == nil {
		t.Error("the operations of an API without a path were read")
	}
}

func TestDescription(t *testing.T) {
	content := written(t)
	s, err := Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range described() {
		d, err := s.Description("orders", id)
		if err != nil || d == nil {
			t.Errorf("%q: got %v, %v", id, d, err)
			continue
		}
		if _, body, _ := d.Example(200, "", 0); body != id {
			t.Errorf("got the description of %q, want that of %q", body, id)
		}
	}
	for _, c := range [][2]string{{"orders", "listOrders"}, {"stock", "getOrder"}, {"orders", "/tool/"}} {
		if d, err := s.Description(c[0], c[1]); d != nil || err != nil {
			t.Errorf("%q: got %v, %v, want none", c, d, err)
		}
	}
	for name := range s.files {
		file := path.Base(name)
		if len(file) > 255 || strings.ContainsAny(name, "\\:*?\"<>| ") || strings.Contains(name, "/../") || path.Clean(name) != name {
			t.Errorf("%q is not the name of a file on any system", name)
		}
	}
	if len(s.tools) != 1 {
		t.Errorf("got tools of %v, want those of one server", s.tools)
	}
}

// An operation's name is no tool's, whatever the API is called.
func TestToolsAreOfServers(t *testing.T) {
	w := NewWriter()
	w.Description("tool", "x", &openapi.Description{})
	content, err := w.Close(manifest(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(bytes.NewReader(content), int64(len(content)))
	if err != nil || len(s.tools) > 0 {
		t.Errorf("got tools %v, %v, want none", s.tools, err)
	}
}

// The same content gives the same bytes, and other content another hash.
func TestBytesAreReproducible(t *testing.T) {
	a, b := written(t), written(t)
	if !bytes.Equal(a, b) {
		t.Error("two builds of the same content differ")
	}
	w := NewWriter()
	c, err := w.Close(manifest(), nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(content []byte) string {
		s, err := Load(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash
	}
	if hash(a) == hash(c) || len(hash(a)) != 64 {
		t.Errorf("got hashes %q and %q", hash(a), hash(c))
	}
}

func TestLoadRefuses(t *testing.T) {
	good := written(t)
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"no zip", []byte("hello"), "reading the snapshot"},
		{"cut", good[:len(good)/2], "reading the snapshot"},
		{"another format", bytes.Replace(good, []byte(`"format":5`), []byte(`"format":9`), 1), "has format 9, this gateway reads 5"},
		{"damaged manifest", bytes.Replace(good, []byte(`{"format"`), []byte(`["format"`), 1), "manifest"},
	} {
		if _, err := Load(bytes.NewReader(c.content), int64(len(c.content))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); err == nil || !strings.Contains(err.Error(), "go run ./local build") {
		t.Errorf("got %v", err)
	}
}

// A file that was changed does not have its hash any more, and a package has the hash
// of its snapshot.
func TestVerify(t *testing.T) {
	good := written(t)
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, content := range map[string][]byte{"app": []byte("a program"), FileName: good} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	plain, err := LoadPackage(good)
	if err != nil || plain.Verify() != nil {
		t.Fatalf("got %v, %v", err, plain.Verify())
	}
	if s, err := LoadPackage(packed.Bytes()); err != nil || s.Verify() != nil || s.Hash != plain.Hash {
		t.Errorf("got %v, want the snapshot in the package", err)
	}
	changed, err := LoadPackage(bytes.Replace(good, []byte("https://orders.contoso.com"), []byte("https://orders.contoso.net"), 1))
	if err != nil || changed.Verify() == nil {
		t.Errorf("got %v, want a hash that is not the file's", err)
	}
	if _, err := LoadPackage([]byte("hello")); err == nil || !strings.Contains(err.Error(), "a snapshot or a package") {
		t.Errorf("got %v", err)
	}
}
