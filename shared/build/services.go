package build

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
	"toolgate/shared/services"
)

// services are those of a gateway as far as policies look at them when they are
// compiled: which backends and schemas there are, and that the gateway sends
// requests and takes reports.
func (b *builder) services() *policy.Services {
	s := services.New(services.Options{})
	known := backendIDs{}
	for _, k := range b.cfg.Backends {
		u, err := url.Parse(k.URL)
		if err != nil {
			continue // config has said so
		}
		known[k.Name] = &policy.BackendEntity{ID: k.Name, Pool: k.Pool != nil, URL: u}
	}
	s.Backends, s.Schemas, s.Operations = known, b.known, undescribed{}
	s.Sender, s.Sink = unsent{}, unsent{}
	if len(b.cfg.Certificates) > 0 {
		ids := certificateIDs{}
		for _, c := range b.cfg.Certificates {
			ids[c.ID] = true
		}
		s.Certificates = ids
	}
	if len(b.cfg.Connections) > 0 {
		s.Connections = unsent{}
	}
	return &s
}

// certificateIDs serves policy.Certificates while no secrets are known. Which
// thumbprints there are shows when the gateway starts.
type certificateIDs map[string]bool

func (c certificateIDs) Certificate(id, _ string) *policy.Certificate {
	if id != "" && !c[id] {
		return nil
	}
	return &policy.Certificate{}
}

// unsent serves policy.Sender, policy.Connections and policy.Sink while nothing
// runs.
type unsent struct{}

func (unsent) Send(context.Context, *policy.Outgoing) (*expr.Response, error) {
	return nil, &policy.SendError{Err: errors.New("a build sends no requests")}
}
func (unsent) Authorization(context.Context, policy.ConnectionRequest) (*expr.Authorization, error) {
	return nil, errors.New("a build has no connections")
}
func (unsent) Trace(*policy.Exchange, policy.TraceRecord) {}
func (unsent) Metric(*policy.Exchange, policy.Metric)     {}
func (unsent) Event(*policy.Exchange, policy.Event)       {}

// backendIDs serves policy.Backends.
type backendIDs map[string]*policy.BackendEntity

func (b backendIDs) Backend(id string) *policy.BackendEntity { return b[id] }

func (b backendIDs) IDs() []string { return slices.Sorted(maps.Keys(b)) }

// schemaIDs serves policy.Schemas while nothing is checked.
type schemaIDs map[string]bool

func (s schemaIDs) Schema(id string) policy.JSONSchema {
	if s[id] {
		return anything{}
	}
	return nil
}

// anything is a schema that lets every value pass.
type anything struct{}

func (anything) Violations([]byte) []policy.Violation { return nil }
