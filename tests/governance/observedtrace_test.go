package governance_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/shared/trace"
	"toolgate/tests/internal/folder"
)

// A host that is told of every trace finds that of a call by its id, and policies do
// not see that somebody looks on.
func TestTraceOfObservedCall(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Tracing"))
	}))
	defer backend.Close()
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": `name: contoso
backends: { echo: { url: "` + backend.URL + `" } }
apis:
  echo: { path: echo, backend: echo, policy: echo.xml, operations: { get: { method: GET, urlTemplate: "/{id}" } } }
`,
		"echo.xml": `<policies><inbound><set-header name="Tracing" exists-action="override"><value>@(context.Tracing.ToString())</value></set-header></inbound><backend><forward-request /></backend></policies>`,
	})
	for _, looksOn := range []bool{false, true} {
		var ids, traces []string
		o := gateway.Options{Services: services.New(services.Options{}), Observe: func(c gateway.Call) { ids = append(ids, c.TraceID) }}
		if looksOn {
			o.Trace = func(one *trace.Trace) { traces = append(traces, one.ID) }
		}
		g := folder.Open(t, dir, nil, o)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/echo/1", http.NoBody))
		if got := w.Body.String(); w.Code != http.StatusOK || got != "False" {
			t.Errorf("looks on %v: got %d %q", looksOn, w.Code, got)
		}
		want := slices.Clone(traces)
		if !looksOn {
			want = []string{""}
		}
		if !slices.Equal(ids, want) || looksOn && strings.Join(ids, "") == "" {
			t.Errorf("looks on %v: got the ids %q, want %q", looksOn, ids, want)
		}
	}
}
