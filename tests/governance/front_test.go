package governance_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// front is a gateway before an API and an MCP server, which its configuration knows
// as {{backend}} and {{desk}}.
type front struct {
	t    *testing.T
	base string

	mu   sync.Mutex
	last gateway.Call
}

// open starts them, until the test ends.
func (f *front) open(t *testing.T, files map[string]string, api http.Handler, server *mcp.Server) {
	t.Helper()
	f.t = t
	started := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	backend := started(api)
	desk := started(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true}))
	f.base = started(folder.Open(t, folder.Write(t, files), map[string]string{"BACKEND": backend, "DESK": desk}, gateway.Options{
		Services: services.New(services.Options{}),
		Observe: func(c gateway.Call) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.last = c
		},
	}))
}
