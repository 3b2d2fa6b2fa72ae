package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// fetchProvider fetches the configuration of a provider and its keys. That of an
// authority is looked for where its identifier says.
func (v *Validator) fetchProvider(ctx context.Context, p *provider) (*keySet, error) {
	if !p.authority {
		return v.fetchKeySet(ctx, p.url)
	}
	places, err := metadataOf(p.url)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, place := range places {
		set, err := v.fetchKeySet(ctx, place)
		switch {
		case err != nil:
			errs = append(errs, err)
		case set.issuer != p.url:
			errs = append(errs, fmt.Errorf("the configuration at %s is that of %q", place, set.issuer))
		default:
			return set, nil
		}
	}
	return nil, fmt.Errorf("finding the keys of issuer %s: %w", p.url, errors.Join(errs...))
}

// metadataOf are the places of the metadata of an issuer, the most usual first: the
// OpenID configuration below its identifier (OpenID Connect Discovery 1.0, 4), and
// the forms that insert the well-known path between host and path (RFC 8414, 3.1
// and 5).
func metadataOf(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("the identifier of an issuer: %w", err)
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	origin := u.Scheme + "://" + u.Host
	places := []string{origin + path + "/.well-known/openid-configuration", origin + "/.well-known/oauth-authorization-server" + path}
	if path != "" {
		places = append(places, origin+"/.well-known/openid-configuration"+path)
	}
	return places, nil
}
