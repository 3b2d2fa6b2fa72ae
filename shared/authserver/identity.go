package authserver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"toolgate/shared/auth"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// identity is who has signed in.
type identity struct {
	subject string
	claims  map[string]jsontext.Value // those to pass on
	refresh string                    // the provider's refresh token; empty for none
}

// identify validates an ID token (OpenID Connect Core 1.0, 3.1.3.7) and reads it.
func (p *provider) identify(ctx context.Context, token string, claims ...auth.Claim) (*identity, error) {
	if token == "" {
		return nil, errors.New("the provider gave no ID token: is it an OpenID provider, and is openid among the scopes?")
	}
	valid, err := p.validator.Validate(ctx, token, &auth.Rules{
		OpenIDConfigs: []string{p.configuration()}, Audiences: []string{p.clientID}, RequireExpiration: true, RequireSigned: true,
		ClockSkew: providerSkew, Claims: claims,
	})
	if err != nil {
		return nil, fmt.Errorf("validating the ID token of the provider: %w", err)
	}
	parts := strings.Split(valid.Raw, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	var all map[string]jsontext.Value
	if err == nil {
		err = json.Unmarshal(payload, &all)
	}
	var subject, party string
	if err == nil {
		err = json.Unmarshal(all["sub"], &subject)
	}
	if azp, ok := all["azp"]; ok && err == nil {
		if err = json.Unmarshal(azp, &party); err == nil && party != p.clientID {
			err = errors.New("its azp is another client")
		}
	}
	if err != nil || subject == "" {
		return nil, fmt.Errorf("reading the ID token of the provider: its sub, or the whole of it, cannot be read: %w", err)
	}
	who := &identity{subject: subject, claims: map[string]jsontext.Value{}}
	for _, name := range p.claims {
		if v, ok := all[name]; ok {
			who.claims[name] = v
		}
	}
	return who, nil
}

// session is a sign-in: who it is, and until when.
type session struct {
	Subject string                    `json:"u"`
	Claims  map[string]jsontext.Value `json:"c,omitzero"`
	// Refresh is the refresh token of the provider; empty: it is not asked again.
	Refresh string `json:"r,omitzero"`
	Ends    int64  `json:"e"` // seconds since 1970
}

func (s *Server) newSession(who *identity) *session {
	return &session{Subject: who.subject, Claims: who.claims, Refresh: who.refresh, Ends: s.in(s.refresh)}
}

// left is how long the session lasts.
func (s *session) left(now time.Time) time.Duration { return time.Unix(s.Ends, 0).Sub(now) }
