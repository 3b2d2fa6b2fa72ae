package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/shadow"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/trace"
)

// standInSecret is what the candidate has in place of a secret that the live
// configuration does not have: for the candidate nothing is read from vaults, and
// nothing that it makes of a secret is sent.
const standInSecret = "stand-in-for-a-secret-of-the-candidate" //nolint:gosec // it protects nothing

// opened is the candidate, which the first call has made; nil where it cannot be.
func (s *shadowing) opened() *Gateway {
	s.once.Do(func() {
		var err error
		if s.candidate, err = s.open(s.live.snapshot); err != nil {
			s.failed.Store(true)
			s.live.log.Error("the candidate is not run beside this configuration", "error", err)
		}
	})
	return s.candidate
}

// open makes the candidate: the gateway of the second configuration, whose every way
// to the world ends in the live call.
func (s *shadowing) open(live *snapshot.Snapshot) (*Gateway, error) {
	found, err := live.Candidate()
	if err != nil {
		return nil, err
	}
	m := &found.Manifest
	s.transport = replaying(&live.Manifest, m)
	withoutEffect(m)
	o := s.options
	var missing []string
	secrets := o.Secrets
	o.Secrets = func(ref string) (string, error) {
		if secrets != nil {
			if value, err := secrets(ref); err == nil {
				return value, nil
			}
		}
		missing = append(missing, ref)
		return standInSecret, nil
	}
	o.Transport, o.Log = s.transport, slog.New(slog.DiscardHandler)
	o.Services = o.Shadow.Services
	o.Services.Tokens, o.Services.Identity, o.Services.Connections = shadow.NewGivenTokens(o.Services.Tokens), shadow.Identity{}, shadow.Connections{}
	o.Services.Sink = shadow.Silence{}
	o.Services.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	o.Subscriptions = shadow.GivenSubscriptions{}
	o.Connections, o.Streams, o.SignIns, o.Approvals, o.Traces = &state.Memory{}, nil, nil, &state.Memory{}, nil
	o.ShareTokens, o.AWS, o.Telemetry, o.Observe, o.Audit, o.Shadow = false, nil, nil, nil, nil, nil
	o.Trace, o.TraceBodies = func(*trace.Trace) {}, 0
	g, err := New(found, o)
	if err != nil {
		return nil, fmt.Errorf("making the gateway of the candidate: %w", err)
	}
	g.candidate = true
	if len(missing) > 0 {
		slices.Sort(missing)
		s.live.log.Warn("the candidate has stand-ins for secrets that the live configuration does not have", "secrets", slices.Compact(missing))
	}
	return g, nil
}

// connected are the servers over HTTP+SSE, which are spoken to by a connection of
// their own, and the federations of such: no call tells what is answered there.
func connected(m *snapshot.Manifest) map[string]bool {
	made := map[string]bool{}
	for i := range m.Servers {
		if u := m.Servers[i].Upstream; u != nil && u.Transport == config.SSE {
			made[m.Servers[i].Name] = true
		}
	}
	for i := range m.Servers {
		s := &m.Servers[i]
		if slices.ContainsFunc(s.Federate, func(member config.Member) bool { return made[member.Server] }) {
			made[s.Name] = true
		}
	}
	return made
}

// bound are the servers whose sessions are of one caller each: the candidate, which
// has no tokens for callers, cannot open them.
func bound(m *snapshot.Manifest) map[string]bool {
	made := map[string]bool{}
	for i := range m.Servers {
		if u := m.Servers[i].Upstream; u != nil && u.Credentials.PerCaller() {
			made[m.Servers[i].Name] = true
		}
	}
	return made
}

// shut closes the candidate, if one was made.
func (s *shadowing) shut() error {
	s.once.Do(func() {}) // none is made any more
	if s.candidate == nil {
		return nil
	}
	return s.candidate.Close()
}

// replaying is the transport of a candidate.
func replaying(live, candidate *snapshot.Manifest) *shadow.Transport {
	var upstreams []string
	var pools [][]string
	for _, m := range []*snapshot.Manifest{live, candidate} {
		for i := range m.Servers {
			if u := m.Servers[i].Upstream; u != nil {
				upstreams = append(upstreams, u.URL)
			}
		}
		addresses := map[string]string{}
		for i := range m.Backends {
			addresses[m.Backends[i].Name] = m.Backends[i].URL
		}
		for i := range m.Backends {
			var pool []string
			for _, member := range m.Backends[i].Pool {
				pool = append(pool, addresses[member.Backend])
			}
			if len(pool) > 0 {
				pools = append(pools, pool)
			}
		}
	}
	return shadow.NewTransport(upstreams, pools)
}

// withoutEffect takes out of a manifest what acts beyond a call: records, exports and
// sign-ins. Credentials that would have to be fetched or signed are replaced, and no
// circuit is broken by answers that were never given.
func withoutEffect(m *snapshot.Manifest) {
	m.Audit, m.Telemetry, m.AuthorizationServer, m.Connections = nil, nil, nil, nil
	for i := range m.Backends {
		m.Backends[i].CircuitBreaker = nil
		m.Backends[i].Credentials = given(m.Backends[i].Credentials)
	}
	for i := range m.APIs {
		backendsWithoutEffect(m.APIs[i].Backends)
	}
	for i := range m.Servers {
		s := &m.Servers[i]
		if s.API != nil {
			backendsWithoutEffect(s.API.Backends)
		}
		if s.Upstream != nil {
			s.Upstream.Credentials = given(s.Upstream.Credentials)
		}
	}
}

func backendsWithoutEffect(list []config.Backend) {
	for i := range list {
		list[i].CircuitBreaker, list[i].Credentials = nil, given(list[i].Credentials)
	}
}

// given are credentials of which nothing has to be fetched.
func given(c config.Credentials) config.Credentials {
	if c.ManagedIdentity == nil && c.ClientCredentials == nil && c.OnBehalfOf == nil && c.SigV4 == nil && c.OAuth == nil {
		return c
	}
	c.ManagedIdentity, c.ClientCredentials, c.OnBehalfOf, c.SigV4, c.OAuth = nil, nil, nil, nil, nil
	c.Authorization = &config.Authorization{Scheme: "Bearer", Parameter: config.Text{Parts: []config.Part{{Literal: "shadow"}}}}
	return c
}
