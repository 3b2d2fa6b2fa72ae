// Package differential_test serves the same tools with the MCP SDK's handler
// and with the gateway, and compares their answers to every method: status and
// JSON must be equal. What is not compared, and where the gateway shall answer
// otherwise, stands in tables with the reasons.
package differential_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"toolgate/local/examples/petstore"
	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/tests/internal/fixture"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestMain(m *testing.M) { peer.Main(m) }

// TestUpstream compares the SDK's handler with the gateway in front of it.
func TestUpstream(t *testing.T) {
	theirs := fixture.Listen(t, fixture.Options{JSON: true})
	ours := folder.Serve(t, folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nservers:\n  fixture: { upstream: { url: \"" + theirs + "\" } }\n",
	}), nil, gateway.Options{})
	compare(t, ours+"/fixture/mcp", theirs, append(commonExchanges(), fixtureExchanges...), upstreamNormalizations, upstreamDifferences)
}

// TestREST compares the gateway that makes tools of a REST API with the SDK's
// handler serving tools of the same definitions and contents.
func TestREST(t *testing.T) {
	store := httptest.NewServer(petstore.New())
	t.Cleanup(store.Close)
	base := folder.Serve(t, filepath.Join(peer.Root(t), "local", "examples", "gateway"),
		map[string]string{"PETSTORE_URL": store.URL, "NOTES_URL": "http://127.0.0.1:1"}, gateway.Options{})
	ours := base + "/petstore/mcp"
	compare(t, ours, sdkPetstore(t, ours), append(commonExchanges(), petExchanges...), restNormalizations, restDifferences)
}

// sdkPetstore serves the tools that the gateway lists with the SDK, which
// answers the calls of petExchanges from contents.
func sdkPetstore(t *testing.T, gatewayURL string) string {
	t.Helper()
	var list struct {
		Result struct {
			Tools []*sdk.Tool
		}
	}
	answer := rpc.Post(t, gatewayURL, rpc.New(mcp.Latest, "1", mcp.MethodListTools, ""))
	if err := json.Unmarshal(answer.Response(), &list); err != nil || len(list.Result.Tools) == 0 {
		t.Fatalf("listing the tools: got %s, %v", answer.Body, err)
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "petstore", Title: "Pet store", Version: "1.0.0"}, &sdk.ServerOptions{
		Instructions: "Look a pet up before you change or remove it.",
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
		SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.TTLMs, c.CacheScope = 300000, "public" },
	})
	photo := petPhoto(t)
	for _, tool := range list.Result.Tools {
		s.AddTool(tool, func(_ context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return contents(t, r.Params.Name+string(r.Params.Arguments), photo), nil
		})
	}
	server := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	t.Cleanup(server.Close)
	return server.URL
}

// petPhoto is the photo that the example's backend has of every pet.
func petPhoto(t *testing.T) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	petstore.New().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/pets/1/photo", nil))
	return w.Body.Bytes()
}

// TestHTTPMethods compares what is said to GET and DELETE where there are no
// sessions.
func TestHTTPMethods(t *testing.T) {
	theirs := fixture.Listen(t, fixture.Options{JSON: true})
	base := folder.Serve(t, filepath.Join(peer.Root(t), "local", "examples", "gateway"),
		map[string]string{"PETSTORE_URL": "http://127.0.0.1:1", "NOTES_URL": theirs}, gateway.Options{})
	for _, name := range []string{http.MethodGet, http.MethodDelete, http.MethodPut} {
		want, wantAllow := method(t, name, theirs)
		for _, server := range []string{"petstore", "notes"} {
			if got, allow := method(t, name, base+"/"+server+"/mcp"); got != want || allow != wantAllow {
				t.Errorf("%s of %s: got %d, Allow %q; the SDK answers %d, %q", name, server, got, allow, want, wantAllow)
			}
		}
	}
}
