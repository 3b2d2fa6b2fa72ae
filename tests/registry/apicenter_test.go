package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// The answers of Azure API Center, as its documentation describes them: a member that
// is there is always there, with a value of this type. Of a list each item is like the
// one that is given.
const (
	apiCenterEntry = `{"server":{"$schema":"","name":"","description":"","version":"","remotes":[{"type":"","url":""}]},"_meta":{}}`
	apiCenterList  = `{"servers":[` + apiCenterEntry + `],"metadata":{}}`
)

// TestAPICenter compares what a client of API Center reads, at the paths where it
// looks for it and with the headers that it needs.
func TestAPICenter(t *testing.T) {
	gate := start(t, "public", "/workspaces/default")
	for path, shape := range map[string]string{
		"/v0.1/servers": apiCenterList,
		"/v0.1/servers/com.contoso%2Fshop/versions/latest":      apiCenterEntry,
		"/v0.1/servers/com.contoso%2Ftickets/versions/1.0.0":    apiCenterEntry,
		"/v0.1/servers?limit=2&version=latest":                  apiCenterList,
		"/v0/servers":                                           apiCenterList, // of its first previews
		"/v0.1/servers/com.contoso%2Forders/versions/3.0.0-rc1": `{"error":""}`,
	} {
		res, body := get(t, gate+"/workspaces/default"+path, "Origin", "https://portal.contoso.com")
		if (res.StatusCode == http.StatusOK) == strings.Contains(shape, "error") || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: got %d %v", path, res.StatusCode, res.Header)
		}
		var got, want any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := json.Unmarshal([]byte(shape), &want); err != nil {
			t.Fatal(err)
		}
		for _, difference := range unlike(want, got, "") {
			t.Errorf("%s: %s\n%s", path, difference, body)
		}
	}
}

// unlike lists where a value is not of a shape; what the shape does not have may be
// there too.
func unlike(shape, value any, at string) []string {
	switch shape := shape.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T, want an object", at, value)}
		}
		var list []string
		for name, member := range shape {
			list = append(list, unlike(member, object[name], at+"/"+name)...)
		}
		return list
	case []any:
		items, ok := value.([]any)
		if !ok || len(items) == 0 {
			return []string{fmt.Sprintf("%s is %v, want a list of some", at, value)}
		}
		var list []string
		for i, item := range items {
			list = append(list, unlike(shape[0], item, fmt.Sprintf("%s/%d", at, i))...)
		}
		return list
	}
	if text, ok := value.(string); !ok || text == "" {
		return []string{fmt.Sprintf("%s is %v, want a text", at, value)}
	}
	return nil
}
