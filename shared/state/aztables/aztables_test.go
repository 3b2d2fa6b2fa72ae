package aztables_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
)

var key = state.Key{Space: "rate", ID: "0a-0"}

// identity is an Identity that is a function.
type identity func(ctx context.Context, resource string) (string, error)

func (f identity) Token(ctx context.Context, resource, _ string) (string, error) {
	return f(ctx, resource)
}

func theToken(context.Context, string) (string, error) { return "the-token", nil }

// account serves the tables of a storage account.
func account(t *testing.T, h http.HandlerFunc, i identity) *aztables.Store {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	s, err := aztables.New(server.URL+"/counters", aztables.Options{
		Credential: aztables.IdentityCredential(i), Transport: server.Client().Transport, Timeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// recorded is what a server was asked.
type recorded struct {
	mu    sync.Mutex
	lines []string
}

// record notes a request: the method, the path, the metadata that it asks for,
// conditions and the body.
func (l *recorded) record(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.Method + " " + r.URL.Path
	if _, metadata, ok := strings.Cut(r.URL.Query().Get("$format"), "odata="); ok {
		line += " " + metadata
	}
	for _, name := range []string{"If-Match", "Prefer"} {
		if v := r.Header.Get(name); v != "" {
			line += " " + name + "=" + v
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, strings.TrimSpace(line+" "+string(body)))
}

// TestRequests holds what goes over the wire: one request for each operation, with
// the condition, and without an echo or metadata.
func TestRequests(t *testing.T) {
	var log recorded
	s := account(t, func(w http.ResponseWriter, r *http.Request) {
		log.record(r)
		w.Header().Set("ETag", `W/"any thing"`)
		switch r.Method {
		case http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"PartitionKey":"rate-0a-0","RowKey":"0","Timestamp":"2026-01-01T00:00:00Z","D":"AP8=","X":"2030-01-02T03:04:05.6780000Z"}`)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}, theToken)
	at := time.Date(2030, time.January, 2, 3, 4, 5, 678_000_000, time.UTC)
	r, err := s.Get(t.Context(), key)
	if err != nil || string(r.Data) != "\x00\xff" || r.Version != `W/"any thing"` || !r.Expires.Equal(at) {
		t.Errorf("reading: got %+v and error %v", r, err)
	}
	for _, condition := range []string{state.MustNotExist, state.AnyVersion, `W/"it"`} {
		version, err := s.Put(t.Context(), key, state.Record{Data: r.Data, Version: condition, Expires: at})
		if err != nil || version != `W/"any thing"` {
			t.Errorf("writing on %q: got version %q and error %v", condition, version, err)
		}
	}
	for _, condition := range []string{state.AnyVersion, `W/"it"`} {
		if err := s.Delete(t.Context(), key, condition); err != nil {
			t.Errorf("deleting on %q: %v", condition, err)
		}
	}
	const body = `{"D":"AP8=","D@odata.type":"Edm.Binary","PartitionKey":"rate-0a-0","RowKey":"0","X":"2030-01-02T03:04:05.678Z","X@odata.type":"Edm.DateTime"}`
	const row = `/counters(PartitionKey='rate-0a-0',RowKey='0')`
	want := []string{
		"GET " + row + " nometadata",
		"POST /counters Prefer=return-no-content " + body,
		"PUT " + row + " " + body,
		"PUT " + row + ` If-Match=W/"it" ` + body,
		"DELETE " + row + " If-Match=*",
		"DELETE " + row + ` If-Match=W/"it"`,
	}
	if got := strings.Join(log.lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("requests: got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestStatus: the status decides, whatever code and body come with it.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		status                                   int
		get, create, replace, anyVersion, delete error // nil: an error that is none of package state
	}{
		{404, state.ErrNotFound, nil, state.ErrConflict, nil, errNone},
		{409, nil, state.ErrConflict, state.ErrConflict, state.ErrConflict, nil},
		{412, nil, state.ErrConflict, state.ErrConflict, state.ErrConflict, state.ErrConflict},
		{400, nil, nil, nil, nil, nil},
		{401, nil, nil, nil, nil, nil},
		{403, nil, nil, nil, nil, nil},
		{413, nil, nil, nil, nil, nil},
		{408, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy},
		{429, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy},
		{500, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy},
		{503, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy, state.ErrBusy},
	} {
		s := account(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, "<html>")
		}, theToken)
		put := func(version string) error {
			_, err := s.Put(t.Context(), key, state.Record{Version: version})
			return err
		}
		_, err := s.Get(t.Context(), key)
		for name, o := range map[string]struct{ got, want error }{
			"Get": {err, c.get}, "create": {put(state.MustNotExist), c.create}, "replace": {put("v"), c.replace},
			"write": {put(state.AnyVersion), c.anyVersion}, "Delete": {s.Delete(t.Context(), key, "v"), c.delete},
		} {
			if !is(o.got, o.want) {
				t.Errorf("status %d, %s: got %v, want %v", c.status, name, o.got, o.want)
			}
		}
	}
}

// errNone stands for no error in a table where nil stands for any other one.
var errNone = errors.New("no error")

func is(got, want error) bool {
	switch {
	case errors.Is(want, errNone):
		return got == nil
	case want == nil:
		return got != nil && !errors.Is(got, state.ErrNotFound) && !errors.Is(got, state.ErrConflict) && !errors.Is(got, state.ErrBusy)
	}
	return errors.Is(got, want)
}

// TestMakeTable: a write that finds no table makes it and is sent again; a table
// that is being deleted is one to wait for.
func TestMakeTable(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"made":           {http.StatusNoContent, "", errNone},
		"made meanwhile": {http.StatusConflict, `{"odata.error":{"code":"TableAlreadyExists"}}`, errNone},
		"being deleted":  {http.StatusConflict, `{"odata.error":{"code":"TableBeingDeleted"}}`, state.ErrBusy},
		"not allowed":    {http.StatusForbidden, "", nil},
		"cannot be made": {http.StatusServiceUnavailable, "", state.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			made, asked := false, 0
			s := account(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				switch {
				case r.URL.Path == "/Tables":
					asked++
					made = c.status < 500
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(c.status)
					if c.body != "" {
						_, _ = io.WriteString(w, c.body)
					}
				case !made:
					w.WriteHeader(http.StatusNotFound)
				default:
					w.Header().Set("ETag", "v")
					w.WriteHeader(http.StatusNoContent)
				}
			}, theToken)
			for _, condition := range []string{state.MustNotExist, state.AnyVersion} {
				made, asked = false, 0
				if _, err := s.Put(t.Context(), key, state.Record{Version: condition}); !is(err, c.want) {
					t.Errorf("writing on %q: got %v, want %v", condition, err, c.want)
				}
				if asked != 1 {
					t.Errorf("writing on %q: the table was made %d times, want once", condition, asked)
				}
			}
		})
	}
}

// TestSweepPages: a page may be empty and have another one after it.
func TestSweepPages(t *testing.T) {
	pages := []string{`{"value":[]}`, list("a", "b"), `{"value":[]}`, list("c", "d"), list("e")}
	var log recorded
	served := 0
	s := account(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			log.record(r)
			switch {
			case strings.Contains(r.URL.Path, "rate-b"):
				w.WriteHeader(http.StatusPreconditionFailed) // written meanwhile
			case strings.Contains(r.URL.Path, "rate-c"):
				w.WriteHeader(http.StatusNotFound) // another sweep was sooner
			default:
				w.WriteHeader(http.StatusNoContent)
			}
			return
		}
		if got, want := r.URL.Query().Get("$filter"), "X lt datetime'2026-03-01T12:00:00.000Z'"; got != want {
			t.Errorf("filter: got %q, want %q", got, want)
		}
		w.Header().Set("Content-Type", "application/json")
		if served < len(pages)-1 {
			w.Header().Set("X-Ms-Continuation-Nextpartitionkey", "next")
			w.Header().Set("X-Ms-Continuation-Nextrowkey", "0")
		}
		_, _ = io.WriteString(w, pages[served])
		served++
	}, theToken)
	got, err := s.Sweep(t.Context(), time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC), 100)
	if got != 3 || err != nil {
		t.Errorf("got %d and error %v, want 3", got, err)
	}
	if served != len(pages) || len(log.lines) != 5 {
		t.Errorf("got %d pages and %d deletions, want %d and 5", served, len(log.lines), len(pages))
	}
	for _, line := range log.lines {
		if !strings.Contains(line, "If-Match=v-") {
			t.Errorf("deletion %q has no condition", line)
		}
	}
}

// TestSweepFailure: a service that is busy ends a sweep, which says how far it got.
func TestSweepFailure(t *testing.T) {
	var deletions atomic.Int64
	s := account(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Ms-Continuation-Nextpartitionkey", "next")
			w.Header().Set("X-Ms-Continuation-Nextrowkey", "0")
			_, _ = io.WriteString(w, list(strings.Split(strings.Repeat("a ", 99)+"a", " ")...))
		case deletions.Add(1) > 10:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}, theToken)
	got, err := s.Sweep(t.Context(), time.Now(), 1000)
	if got != 10 || !errors.Is(err, state.ErrBusy) {
		t.Errorf("got %d and error %v, want 10 and %v", got, err, state.ErrBusy)
	}
	if n := deletions.Load(); n > 30 {
		t.Errorf("%d deletions were begun, want few after the first failure", n)
	}
}

// list is a page of entities with their versions.
func list(ids ...string) string {
	var entities []string
	for _, id := range ids {
		entities = append(entities, `{"odata.etag":"v-`+id+`","PartitionKey":"rate-`+id+`","RowKey":"0"}`)
	}
	return `{"value":[` + strings.Join(entities, ",") + `]}`
}

// TestForeignEntity: what somebody else put there is an error and no row.
func TestForeignEntity(t *testing.T) {
	for _, body := range []string{`{"D":1}`, `{"D":"?"}`, `{"X":"soon"}`, `{"X":1}`} {
		s := account(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}, theToken)
		if r, err := s.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), "none of this store") {
			t.Errorf("%s: got %+v and error %v, want an error that says whose it is not", body, r, err)
		}
	}
}
