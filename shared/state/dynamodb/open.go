package dynamodb

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"toolgate/shared/state"
)

const form = "dynamodb://REGION/TABLE"

// What the service takes for names.
var (
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	tableName  = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// isTable reports whether the service takes a name for a table. Its length is
// counted here: a pattern that repeats 255 times is as many times as large, and
// every start compiles it.
func isTable(name string) bool {
	return len(name) >= 3 && len(name) <= 255 && tableName.MatchString(name)
}

// Opener opens dynamodb: URLs. Without a region, dynamodb:///TABLE, it is the one
// of the configuration; ?endpoint= is the URL of a server that stands in for the
// service.
func Opener(o Options) state.Opener {
	return state.Opener{Scheme: "dynamodb", Form: form, Open: func(_ context.Context, u *url.URL) (state.Store, error) {
		table := strings.TrimPrefix(u.Path, "/")
		if u.Opaque != "" || !isTable(table) {
			return nil, fmt.Errorf("after the region it has the name of a table, of 3 to 255 letters, digits, _, . and -; write %s: %w", form, state.ErrURL)
		}
		if u.Host != "" && !regionName.MatchString(u.Host) {
			return nil, fmt.Errorf("the host is not a region, such as eu-west-1; write %s: %w", form, state.ErrURL)
		}
		endpoint, err := endpointOf(u)
		if err != nil {
			return nil, err
		}
		s, err := New(u.Host, table, endpoint, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}

// endpointOf is the endpoint that a URL names; empty for none.
func endpointOf(u *url.URL) (string, error) {
	if u.RawQuery == "" {
		return "", nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err == nil && len(query) == 1 && len(query["endpoint"]) == 1 {
		endpoint, err := url.Parse(query.Get("endpoint"))
		if err == nil && (endpoint.Scheme == "http" || endpoint.Scheme == "https") && endpoint.Host != "" {
			return endpoint.String(), nil
		}
	}
	return "", fmt.Errorf("after the question mark it has endpoint= with an http or https URL, once, and nothing else; write %s?endpoint=http://127.0.0.1:8000: %w", form, state.ErrURL)
}
