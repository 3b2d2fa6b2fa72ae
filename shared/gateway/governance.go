package gateway

import (
	"errors"
	"fmt"
	"slices"

	"toolgate/shared/fault"
	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// governance makes the pipelines of a snapshot: each chain of documents is
// composed and compiled once.
type governance struct {
	snapshot  *snapshot.Snapshot
	services  *policy.Services
	values    map[string]string // of {{name}}, secrets resolved
	documents map[int]*policy.Document
	fragments map[string]*policy.Document
	pipelines map[[4]layer]*policy.Pipeline
}

// layer is one scope of a chain and the number of its document; 0 is none.
type layer struct {
	scope  policy.Scope
	number int
}

// newGovernance reads the fragments. It is nil for a snapshot without policies.
func newGovernance(s *snapshot.Snapshot, o Options, services *policy.Services) (*governance, error) {
	if len(s.Policies) == 0 {
		return nil, nil
	}
	g := &governance{
		snapshot: s, services: services, values: make(map[string]string, len(s.NamedValues)),
		documents: map[int]*policy.Document{}, fragments: map[string]*policy.Document{}, pipelines: map[[4]layer]*policy.Pipeline{},
	}
	var errs []error
	for _, v := range s.NamedValues {
		text, err := resolve(v.Value, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("named value %q: %w", v.Name, err))
		}
		g.values[v.Name] = text
	}
	for _, f := range s.Fragments {
		content, err := s.Fragment(f.ID)
		errs = append(errs, err)
		d, faults := g.parse(f.File, content)
		g.fragments[f.ID] = d
		errs = append(errs, faults.Err())
	}
	return g, errors.Join(errs...)
}

func (g *governance) parse(file string, content []byte) (*policy.Document, fault.Faults) {
	return policy.Parse(file, content, policy.ParseOptions{NamedValues: g.values})
}

// document reads a document, once.
func (g *governance) document(n int) (*policy.Document, error) {
	if d := g.documents[n]; d != nil || n == 0 {
		return d, nil
	}
	content, err := g.snapshot.Policy(n)
	if err != nil {
		return nil, err
	}
	d, faults := g.parse(g.snapshot.Policies[n-1].File, content)
	g.documents[n] = d
	return d, faults.Err()
}

// pipeline makes the pipeline of a chain of scopes, the widest first. It is nil
// where none of them has a document.
func (g *governance) pipeline(chain [4]layer) (*policy.Pipeline, error) {
	if g == nil || !slices.ContainsFunc(chain[:], func(l layer) bool { return l.number > 0 }) {
		return nil, nil
	}
	if p, ok := g.pipelines[chain]; ok {
		return p, nil
	}
	var layers []policy.Layer
	for _, l := range chain {
		d, err := g.document(l.number)
		if err != nil {
			return nil, err
		}
		if d != nil {
			layers = append(layers, policy.Layer{Scope: l.scope, Document: d})
		}
	}
	effective, faults := policy.Compose(layers, g.fragments)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	p, faults := policy.Compile(effective, policy.CompileOptions{Policies: policies.Registry(), Services: g.services})
	g.pipelines[chain] = p
	return p, faults.Err()
}
