package governance_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json/jsontext"
)

// speaking is an MCP server of the legacy era whose tool logs one text, and has
// another as its result.
func speaking(t *testing.T, logged, result string) string {
	t.Helper()
	return legacyServer(t, func(w http.ResponseWriter, _ *http.Request, id jsontext.Value) {
		_, _ = w.Write(mcp.AppendEvent(nil, "", fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%q}}`, logged)))
		_, _ = w.Write(mcp.AppendEvent(nil, "", mcp.AppendResult(nil, id, fmt.Appendf(nil, `{"content":[{"type":"text","text":%q}]}`, result))))
	})
}

// contentSafety is Azure AI Content Safety, to which text with the word hate is
// hateful; or a service that fails.
func contentSafety(t *testing.T, fails bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/contentsafety/text:analyze" || r.Header.Get("Ocp-Apim-Subscription-Key") != "key" {
			t.Errorf("the service got %s %v, %v", r.URL.Path, r.Header, err)
		}
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		severity := 0
		if strings.Contains(string(body), "hate") {
			severity = 6
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"blocklistsMatch":[],"categoriesAnalysis":[{"category":"Hate","severity":%d}]}`, severity)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What a tool says as a stream is judged before it is sent on: a refusal that comes
// before the first event is a 403, and after it the stream ends with an error.
func TestStreamsAreJudged(t *testing.T) {
	for _, c := range []struct {
		name, logged, result, argument, attribute string
		fails                                     bool
		status                                    int
		want                                      []string // in the answer, in this order
	}{
		{"all well", "all well", "done", "x", "", false, 200, []string{"all well", "done"}},
		{"arguments", "all well", "done", "hate", "", false, 403, []string{"Request failed content safety check."}},
		{"notification", "I hate", "done", "x", "", false, 403, []string{"Response failed content safety check."}},
		{"result after a notification", "all well", "I hate", "x", "", false, 200, []string{"all well", `"id":7`, `"error"`, "Response failed content safety check."}},
		{"closed on failure", "all well", "done", "x", "", true, 500, []string{"Internal server error"}},
		{"open on failure", "all well", "done", "x", ` on-service-failure="allow"`, true, 200, []string{"all well", "done"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := `<llm-content-safety backend-id="safety"` + c.attribute + `><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>`
			dir := folder.Write(t, map[string]string{
				"gateway.yaml": "name: contoso\nbackends: { safety: { url: \"" + contentSafety(t, c.fails) + "\", credentials: { header: { Ocp-Apim-Subscription-Key: \"{{key}}\" } } } }\n" +
					"servers: { slow: { upstream: { url: \"" + speaking(t, c.logged, c.result) + "\" }, policy: policy.xml } }\nnamedValues: { key: { secret: env:KEY } }\n",
				"policy.xml": "<policies><inbound><base />" + policy + "</inbound><backend><base /></backend><outbound>" + policy + "<base /></outbound></policies>",
			})
			base := folder.Serve(t, dir, map[string]string{"KEY": "key"}, gateway.Options{Services: services.New(services.Options{})})
			res := postMessage(t, base+"/slow/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"any","arguments":{"text":"`+c.argument+`"}}}`)
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			text := string(body)
			if res.StatusCode != c.status || strings.Contains(text, "I hate") {
				t.Errorf("got %d %s, want %d", res.StatusCode, text, c.status)
			}
			for _, want := range c.want {
				_, after, found := strings.Cut(text, want)
				if !found {
					t.Fatalf("got %s, want %q in it", body, want)
				}
				text = after
			}
		})
	}
}
