package differential_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"
)

// normalization is a difference that is looked away from in every answer.
type normalization struct {
	what, why string
	apply     func(response map[string]any)
}

// result and failure are the members of a response; nil when absent, which is
// an object without members all the same.
func result(response map[string]any) map[string]any {
	m, _ := response["result"].(map[string]any)
	return m
}

func failure(response map[string]any) map[string]any {
	m, _ := response["error"].(map[string]any)
	return m
}

// answer is what is compared of an HTTP answer.
type answer struct {
	status int
	// outcome says in short what the answer is, for the table of differences.
	outcome string
	// body is the JSON with its members in order, after the normalizations; or
	// the body as it is when it is no JSON.
	body string
}

func (a answer) String() string { return fmt.Sprintf("%d %s: %s", a.status, a.outcome, a.body) }

// short is status and outcome.
func (a answer) short() string { return fmt.Sprintf("%d %s", a.status, a.outcome) }

// Outcomes that are neither an error code nor a batch.
const (
	isResult = "result"
	isError  = "isError"
	noJSON   = "no JSON"
	noBody   = "no body"
)

func normalize(t *testing.T, got *rpc.Answer, list []normalization) answer {
	t.Helper()
	a := answer{status: got.Status}
	raw := got.Response()
	if raw == nil {
		a.outcome, a.body = noJSON, string(got.Body)
		if len(got.Body) == 0 {
			a.outcome = noBody
		}
		return a
	}
	// Numbers keep their text, and members are sorted when written again.
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		t.Fatalf("reading %s: %v", raw, err)
	}
	if response, ok := tree.(map[string]any); ok {
		a.outcome = outcome(response)
		for _, n := range list {
			n.apply(response)
		}
	} else {
		a.outcome = "batch"
	}
	body, err := json.Marshal(tree)
	if err != nil {
		t.Fatalf("writing %s: %v", raw, err)
	}
	a.body = string(body)
	return a
}

func outcome(response map[string]any) string {
	switch {
	case failure(response) != nil:
		return fmt.Sprint(failure(response)["code"])
	case result(response)["isError"] == true:
		return isError
	}
	return isResult
}

// equal compares our answer with the SDK's. Where the SDK refuses a request in
// plain text, ours is a JSON-RPC error, and the status alone is compared: the
// protocol lets the body of such an answer be either.
func equal(ours, theirs answer) bool {
	refused := theirs.status >= 400 && theirs.outcome == noJSON
	if refused && strings.HasPrefix(ours.outcome, "-") {
		return ours.status == theirs.status
	}
	return ours == theirs
}

// difference is an answer of ours that is another than the SDK's, and shall be.
type difference struct {
	exchange string
	// versions are the revisions in which it is seen; nil: all in which the
	// exchange is made.
	versions []mcp.Version
	// ours and theirs are status and outcome; when they are equal, the bodies
	// differ.
	ours, theirs string
	why          string
}

func (d difference) concerns(exchange string, v mcp.Version) bool {
	return d.exchange == exchange && (d.versions == nil || slices.Contains(d.versions, v))
}

// exchange is one request that is made to both servers.
type exchange struct {
	name, method, params string
	// versions are the revisions it is made in; nil: all.
	versions []mcp.Version
	id       string // JSON; empty: 1; "none": a notification
	alter    func(rpc.Request) rpc.Request
}

var (
	modern = []mcp.Version{mcp.V20260728}
	legacy = []mcp.Version{mcp.V20251125, mcp.V20250618, mcp.V20250326}
	// named are the legacy revisions that a header names.
	named = []mcp.Version{mcp.V20251125, mcp.V20250618}
)

func (x exchange) request(v mcp.Version) rpc.Request {
	id := x.id
	switch id {
	case "":
		id = "1"
	case "none":
		id = ""
	}
	r := rpc.New(v, id, x.method, strings.ReplaceAll(x.params, "{version}", string(v)))
	if x.alter != nil {
		r = x.alter(r)
	}
	return r
}

// compare makes every exchange in every revision with both servers.
func compare(t *testing.T, ours, theirs string, exchanges []exchange, normalizations []normalization, differences []difference) {
	t.Helper()
	used := make([]bool, len(differences))
	for _, v := range mcp.Versions {
		for _, x := range exchanges {
			if x.versions != nil && !slices.Contains(x.versions, v) {
				continue
			}
			t.Run(string(v)+" "+x.name, func(t *testing.T) {
				a := normalize(t, rpc.Post(t, ours, x.request(v)), normalizations)
				b := normalize(t, rpc.Post(t, theirs, x.request(v)), normalizations)
				i := slices.IndexFunc(differences, func(d difference) bool { return d.concerns(x.name, v) })
				if i < 0 {
					if !equal(a, b) {
						t.Errorf("ours:   %s\n\t theirs: %s", a, b)
					}
					return
				}
				used[i] = true
				d := differences[i]
				if a.short() != d.ours || equal(a, b) {
					t.Errorf("ours:   %s\n\t theirs: %s\n\t want %s and another answer from the SDK (%s)", a, b, d.ours, d.why)
				}
				if b.short() != d.theirs {
					t.Errorf("theirs: %s\n\t want %s", b, d.theirs)
				}
			})
		}
	}
	for i, d := range differences {
		if !used[i] {
			t.Errorf("the difference in %q is not seen any more: remove its row", d.exchange)
		}
	}
}

func body(text string) func(rpc.Request) rpc.Request {
	return func(r rpc.Request) rpc.Request { return r.WithBody(text) }
}

func header(name, value string) func(rpc.Request) rpc.Request {
	return func(r rpc.Request) rpc.Request { return r.With(name, value) }
}

// method returns the status and the Allow header of a request without a body.
func method(t *testing.T, name, url string) (status int, allow string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), name, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", mcp.ContentSSE)
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header.Get("Allow")
}
