package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// door is what a server asks of who calls it, beside a subscription key: a token,
// and to be somebody whom the server is for. But for what it remembers of tokens it
// does not change.
type door struct {
	authorization *config.ServerAuthorization // nil: no tokens are looked at
	allow         *rule                       // nil: everybody
	validates     policy.Tokens
	rules         policy.TokenRules // but for Audiences
	// announced are the scopes that metadata names: all that the server may ask for.
	announced  []string
	principals principals
}

// clockSkew is how far the clock of an issuer may be off.
const clockSkew = 30 * time.Second

// door makes that of a server; nil where it is open to everybody.
func (a *assembly) door(s *snapshot.Server, all *rules) (*door, error) {
	if s.Authorization == nil && s.Allow == nil {
		return nil, nil
	}
	d := &door{authorization: s.Authorization}
	var err error
	if d.allow, err = all.rule(s.Allow); err != nil || s.Authorization == nil {
		return d, err
	}
	d.validates = a.options.Services.Tokens
	switch {
	case d.validates == nil:
		return nil, fmt.Errorf("server %q takes tokens, and this gateway was given nothing that validates them", s.Name)
	case a.gateway.admission.anyHost:
		return nil, fmt.Errorf(`server %q takes tokens, and the URL for which clients ask for them is not known: give gateway.yaml a "publicUrl"`, s.Name)
	}
	d.rules = policy.TokenRules{Authorities: s.Authorization.Issuers, RequireExpiration: true, RequireSigned: true, ClockSkew: clockSkew}
	d.announced = a.announced(s)
	return d, nil
}

// announced are the scopes that a server, or a member of a federation, may ask for.
func (a *assembly) announced(s *snapshot.Server) []string {
	var all []string
	add := func(scopes []string) {
		for _, scope := range scopes {
			if scope != "offline_access" { // between a client and its authorization server
				all = append(all, scope)
			}
		}
	}
	every := func(list []config.Allow) {
		for _, one := range list {
			add(one.Scopes)
		}
	}
	if s.Authorization != nil {
		add(s.Authorization.Scopes)
	}
	every(s.Allow)
	for _, list := range s.ToolAllow {
		every(list)
	}
	if u := s.Upstream; u != nil {
		for _, p := range slices.Concat(u.ResourceRules, u.PromptRules) {
			every(p.Allow)
		}
	}
	for _, m := range s.Federate {
		i := slices.IndexFunc(a.snapshot.Servers, func(other snapshot.Server) bool { return other.Name == m.Server })
		if i >= 0 {
			add(a.announced(&a.snapshot.Servers[i]))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// outcome is what the door says of a visitor whose token, if it has one, is valid:
// at this server, or at the federation that the server is a member of. The caller
// holds the visitor's mu.
func (d *door) outcome(v *visitor) outcome {
	if d == nil {
		return outcome{verdict: allowed}
	}
	return v.recall(d, func() outcome {
		o := v.judge(d.allow)
		a := d.authorization
		if a == nil {
			return o
		}
		p := v.caller.principal
		if p == nil || !slices.Contains(a.Issuers, p.issuer) || !d.admits(p.client) {
			return outcome{}
		}
		own := outcome{allowed, a.Scopes}
		if !p.hasScopes(a.Scopes) {
			own.verdict = lacksScopes
		}
		return own.and(o)
	})
}

// admits tells whether tokens of a client application are taken.
func (d *door) admits(client string) bool {
	return d.authorization.ClientIDs == nil || slices.Contains(d.authorization.ClientIDs, client)
}

// authorize finds out for whom the token of a request speaks, and whether the
// server is for them. It returns why the call is refused; nil when it is not.
func (x *exchange) authorize(s endpoint) *policy.Error {
	switch {
	case s.door == nil:
		return nil
	case x.record != nil:
		return x.tracedAuthorize(s)
	}
	return x.pass(s)
}

// pass is authorize, for a server with a door.
func (x *exchange) pass(s endpoint) *policy.Error {
	d := s.door
	if d.authorization != nil {
		if refusal := x.validate(d); refusal != nil {
			return refusal
		}
		p := x.caller.principal
		x.caller.user = p.user
		x.r = x.r.WithContext(mcpproxy.WithUser(x.r.Context(), p.issuer+"\x00"+p.user.ID))
	}
	v := x.visitor()
	v.mu.Lock()
	o := d.outcome(v)
	v.mu.Unlock()
	switch {
	case o.verdict == allowed:
		return nil
	case o.verdict == lacksScopes:
		e := &scopeError{exchange: x, scopes: o.scopes}
		x.challenge = e.challenge()
		return e.refusal()
	case d.authorization != nil && !d.admits(x.caller.principal.client):
		return refused("ClientNotAllowed", "Access denied: this server takes no tokens of the client application.")
	}
	return refused("CallerNotAllowed", "Access denied: this server is not for the caller.")
}

func refused(reason policy.Reason, message string) *policy.Error {
	return &policy.Error{Source: "authorization", Reason: reason, Status: http.StatusForbidden, Message: message}
}

// validate validates the token of a request and reads who it speaks for.
func (x *exchange) validate(d *door) *policy.Error {
	token, failure := bearer(x.r.Header["Authorization"])
	audiences := d.authorization.Audiences
	if audiences == nil {
		audiences = []string{x.resource()}
	}
	if failure == nil {
		rules := d.rules
		rules.Audiences = audiences
		failure = d.validates.Validate(x.r.Context(), token, &rules)
	}
	if failure == nil {
		err := x.speakFor(d, token, audiences)
		if err == nil {
			return nil
		}
		failure = &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Err: err}
	}
	if failure.Unavailable {
		return &policy.Error{
			Source: "authorization", Reason: "TokenUnverified", Status: http.StatusServiceUnavailable, Public: true,
			Message: "The token could not be verified. Try again later.", Cause: failure.Err,
		}
	}
	refusal := &policy.Error{Source: "authorization", Reason: failure.Reason, Status: http.StatusUnauthorized, Cause: failure.Err}
	if failure.Reason == policy.ReasonTokenNotPresent {
		refusal.Message = "Access denied due to missing bearer token. The protected resource metadata of this server says where to get one."
		x.challenge = x.bearerChallenge("", "", d.authorization.Scopes)
		return refusal
	}
	wrong := cmp.Or(tokenFaults[failure.Reason], "The token is not valid.")
	refusal.Message = "Access denied due to invalid bearer token. " + wrong
	x.challenge = x.bearerChallenge("invalid_token", wrong, d.authorization.Scopes)
	return refusal
}

// speakFor makes the one for whom a valid token speaks the caller.
func (x *exchange) speakFor(d *door, token string, audiences []string) (err error) {
	key := principalKey{token, audiences[0]}
	if x.caller.principal = d.principals.find(key); x.caller.principal != nil {
		return nil
	}
	if x.caller.principal, err = newPrincipal(token, audiences, len(d.authorization.Issuers) > 1); err == nil {
		d.principals.add(key, x.caller.principal)
	}
	return err
}

// tokenFaults are what is wrong with a token, in words for whoever sent it.
var tokenFaults = map[policy.Reason]string{
	policy.ReasonTokenExpired:              "The token has expired.",
	policy.ReasonTokenAudienceNotAllowed:   "The token is for another audience.",
	policy.ReasonTokenIssuerNotAllowed:     "The token is of another issuer.",
	policy.ReasonTokenSignatureInvalid:     "The signature of the token is not valid.",
	policy.ReasonTokenSignatureKeyNotFound: "The issuer has no key that signed the token.",
}

// bearer is the token of a request, which stands in one header Authorization
// (RFC 6750, section 2.1). Another scheme is somebody else's.
func bearer(values []string) (string, *policy.TokenFailure) {
	if len(values) > 1 {
		return "", &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Err: errors.New("there is more than one header Authorization")}
	}
	if len(values) == 1 {
		scheme, token, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			return token, nil
		}
	}
	return "", &policy.TokenFailure{Reason: policy.ReasonTokenNotPresent}
}
