package authserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// refreshTokens exchanges a refresh token for new tokens.
func (s *Server) refreshTokens(ctx context.Context, p parameters) (*tokenAnswer, error) {
	old, err := s.openRefreshToken(p, grantRefresh)
	if err != nil {
		return nil, err
	}
	if old.ID != "" {
		return s.refreshRow(ctx, p, old)
	}
	if s.expired(old.Session.Ends) {
		return nil, invalidGrant(errGone)
	}
	targets, scopes, err := s.narrow(old.Grant, p)
	if err != nil {
		return nil, err
	}
	next := *old
	if old.Session.Refresh != "" {
		if next.Session, err = s.provider.renew(ctx, old.Session); err != nil {
			return nil, notRenewed(err)
		}
	}
	return s.answer(next.Session, targets, scopes, p.get("client_id"), &next)
}

// openRefreshToken opens the refresh token in a parameter.
func (s *Server) openRefreshToken(p parameters, parameter string) (*refreshToken, error) {
	var t refreshToken
	switch {
	case !s.unseal(s.seals.refresh, p.get(parameter), s.issuer, &t), !equal(t.Client, digest(p.get("client_id"))):
	case t.ID != "" && s.sessions != nil, t.ID == "" && t.Session != nil && t.Grant != nil:
		return &t, nil
	}
	return nil, refuse("invalid_grant", "the refresh token is not good, or not of this client")
}

// notRenewed is what the client is told when the provider does not renew a
// session. What the provider has ended is over here too.
func notRenewed(err error) error {
	if refused, ok := errors.AsType[*providerError](err); ok && refused.code != "invalid_grant" {
		// Also where the gateway's own secret is refused: that is for the operator to
		// mend, and users should not have to sign in again for it.
		return unavailable(err)
	}
	return &oauthError{status: http.StatusBadRequest, code: "invalid_grant", description: "the provider has ended the sign-in", cause: err}
}

// refreshRow refreshes a sign-in in the store.
func (s *Server) refreshRow(ctx context.Context, p parameters, old *refreshToken) (*tokenAnswer, error) {
	t, err := s.sessions.advance(ctx, old.ID, old.Generation)
	if err != nil {
		return nil, invalidGrant(err)
	}
	if !equal(t.row.Grant.Client, old.Client) {
		return nil, invalidGrant(errGone)
	}
	// A request that asks for too much has used the token up; its answer says what
	// for, and the token is good for another attempt a few seconds longer.
	targets, scopes, err := s.narrow(&t.row.Grant, p)
	if err != nil {
		return nil, err
	}
	if t.ask {
		if err := s.renewRow(ctx, old.ID, t); err != nil {
			return nil, err
		}
	}
	next := refreshToken{Client: old.Client, ID: old.ID, Generation: t.row.Generation}
	return s.answer(&t.row.Session, targets, scopes, p.get("client_id"), &next)
}

// renewRow asks the provider about the user of a row and keeps what it says.
func (s *Server) renewRow(ctx context.Context, id string, t *turn) error {
	if t.row.Session.Refresh == "" {
		return nil
	}
	renewed, err := s.provider.renew(ctx, &t.row.Session)
	if err != nil {
		err = notRenewed(err)
		if e, ok := errors.AsType[*oauthError](err); ok && e.code == "invalid_grant" {
			return errors.Join(err, s.sessions.end(ctx, id))
		}
		return err
	}
	t.row.Session, t.row.Asked = *renewed, t.row.Generation
	// Not undone when the client goes away: the provider's old token is used up.
	if _, err := s.sessions.save(context.WithoutCancel(ctx), id, t.row, t.version); err != nil {
		return invalidGrant(err)
	}
	return nil
}

// serveRevoke ends a sign-in by its refresh token (RFC 7009). An access token is
// good until it expires, within minutes: who checks one asks nobody.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	p, err := s.clientForm(w, r)
	if err != nil {
		s.sendError(w, r, err)
		return
	}
	token := p.get("token")
	switch {
	case token == "":
		s.sendError(w, r, refuse("invalid_request", "there is no token"))
		return
	case strings.Count(token, ".") == 2:
		s.sendError(w, r, refuse("unsupported_token_type", "access tokens cannot be revoked; revoke the refresh token"))
		return
	}
	if err := s.revoke(r.Context(), p); err != nil {
		s.sendError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// revoke ends a sign-in, here and at the provider. A token that is not good needs
// no revocation.
func (s *Server) revoke(ctx context.Context, p parameters) error {
	t, err := s.openRefreshToken(p, "token")
	if err != nil {
		return nil //nolint:nilerr // RFC 7009, 2.2
	}
	if t.ID == "" {
		if !s.provider.revoke(ctx, t.Session.Refresh) {
			return refuse("unsupported_token_type", "this server keeps no sign-ins, and cannot end one")
		}
		return nil
	}
	row, _, err := s.sessions.read(ctx, t.ID)
	if errors.Is(err, errGone) {
		return nil
	}
	if err == nil {
		err = s.sessions.end(ctx, t.ID)
	}
	if err != nil {
		return unavailable(err)
	}
	s.provider.revoke(ctx, row.Session.Refresh)
	return nil
}
