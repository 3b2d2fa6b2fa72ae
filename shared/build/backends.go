package build

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/openapi"
)

// backends collects the destinations of a server's tools, or of an API's operations.
type backends struct {
	named *config.Backend // of the configuration; nil: the document's servers
	list  []config.Backend
}

// configured reports whether the configuration says where all operations go.
func (s *backends) configured() bool {
	return s.named != nil && (s.named.URL != "" || s.named.Pool != nil)
}

// configure returns the place in the list of the configured backend.
func (s *backends) configure() int {
	if len(s.list) == 0 {
		s.list = append(s.list, *s.named)
	}
	return 0
}

// index returns the place in the list of the destination of an operation.
func (s *backends) index(d *openapi.Document, o *openapi.Operation) (int, error) {
	if s.configured() {
		return s.configure(), nil
	}
	base, err := d.ServerURL(o)
	if err != nil {
		return 0, err
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, fmt.Errorf("its server %q is no absolute http or https URL", base)
	}
	dest := config.Backend{URL: strings.TrimSuffix(base, "/")}
	if s.named != nil {
		dest = *s.named
		dest.URL = strings.TrimSuffix(base, "/")
	}
	if i := slices.IndexFunc(s.list, func(b config.Backend) bool { return b.URL == dest.URL }); i >= 0 {
		return i, nil
	}
	s.list = append(s.list, dest)
	return len(s.list) - 1, nil
}
