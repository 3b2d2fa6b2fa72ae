package gateway

import (
	"net/http"
	"testing"

	"toolgate/shared/snapshot"
)

// A path that a backend might take for one above the API's matches nothing.
func TestFindRefusesDotSegments(t *testing.T) {
	list := newOperations([]snapshot.Operation{
		{ID: "one", Method: http.MethodGet, URLTemplate: "/{id}"},
		{ID: "all", Method: http.MethodGet, URLTemplate: "/files/{*rest}"},
	})
	for path, want := range map[string]string{
		"/1": "one", "/v1.2": "one", "/..a": "one", "/a%20b": "one", "/a%2Fb": "one", "/...": "one", "/files/a/b.txt": "all",
		"/..": "", "/.": "", "/%2e%2E": "", "/.%2e": "", "/..%2f..%2fadmin": "", "/a%2F..": "", "/..%5Cadmin": "",
		"/files/../admin": "", "/files/a/%2e%2e/%2e%2e/admin": "", "/files/./a": "",
	} {
		got := ""
		if o, _ := list.find(http.MethodGet, path, nil); o != nil {
			got = o.ID
		}
		if got != want {
			t.Errorf("%s: got operation %q, want %q", path, got, want)
		}
	}
}
