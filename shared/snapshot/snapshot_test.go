package snapshot

import (
	"bytes"
	"os"
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
			{Name: "orders", API: &API{Backends: []config.Backend{{URL: "https://orders.contoso.com", Timeout: time.Second}}, Pages: 1, Tools: 2}},
			{Name: "helpdesk", Upstream: &config.Upstream{URL: "https://helpdesk.contoso.com/mcp", Timeout: time.Minute}},
			{Name: "all", Federate: []config.Member{{Server: "orders", Prefix: "orders"}, {Server: "helpdesk", Bare: true}}},
		},
	}
}

func written(t *testing.T) []byte {
	t.Helper()
	w := NewWriter()
	w.Page("orders", 0, []byte(`[{"name":"b"},{"name":"a"}]`))
	for _, name := range []string{"b", "a"} {
		w.Tool("orders", Tool{Tool: openapi.Tool{Name: name, InputSchema: []byte(`{"type":"object"}`), Binding: openapi.Binding{Method: "GET", Path: "/" + name, Accept: "*/*"}}, Backend: 1})
	}
	content, err := w.Close(manifest(), []string{"verdict"})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRoundTrip(t *testing.T) {
	content := written(t)
	path := filepath.Join(t.TempDir(), "gateway.snapshot")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
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
	report, err := s.Report()
	if err != nil || string(report) != `["verdict"]` {
		t.Errorf("got %s, %v", report, err)
	}
	if _, err := s.Tool("orders", "c"); err == nil {
		t.Error("a tool that is not there was read")
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
	if hash(a) == hash(c) || len(hash(a)) != 32 {
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
		{"another format", bytes.Replace(good, []byte(`"format":1`), []byte(`"format":9`), 1), "has format 9, this gateway reads 1"},
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
