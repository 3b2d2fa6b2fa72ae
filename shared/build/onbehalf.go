package build

import (
	"slices"

	"toolgate/shared/config"
)

// callsOnBehalf tells whether a server's tools are called on behalf of callers.
func (b *builder) callsOnBehalf(s *config.Server) bool {
	if s.Upstream != nil {
		return s.Upstream.Credentials.PerCaller()
	}
	if s.API == nil {
		return false
	}
	i := slices.IndexFunc(b.cfg.APIs, func(a config.API) bool { return a.Name == s.API.API })
	return i >= 0 && b.backendOnBehalf(b.cfg.APIs[i].Backend)
}

func (b *builder) backendOnBehalf(name string) bool {
	return slices.ContainsFunc(b.cfg.Backends, func(k config.Backend) bool {
		return k.Name == name && (k.Credentials.OnBehalfOf != nil ||
			slices.ContainsFunc(k.Pool, func(m config.PoolMember) bool { return m.Backend != name && b.backendOnBehalf(m.Backend) }))
	})
}

// checkOnBehalf refuses to show one caller what the backend showed another.
func (b *builder) checkOnBehalf(s *config.Server) {
	if s.Cache != nil && s.Cache.Public && b.callsOnBehalf(s) {
		b.fault(s.Cache.At, `remove "scope: public"`, "server %q keeps results for everybody, and calls its backend on behalf of each caller", s.Name)
	}
}
