package gateway

import (
	"slices"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// ruling has the pipelines of a server or of an API for calls under one product, or
// under none.
type ruling struct {
	pipeline *policy.Pipeline            // nil: no policies, but perhaps of parts
	parts    map[string]*policy.Pipeline // of tools or operations with policies of their own
}

// of is the pipeline for a tool or an operation; nil when no policy governs it.
func (r *ruling) of(part string) *policy.Pipeline {
	if own := r.parts[part]; own != nil {
		return own
	}
	return r.pipeline
}

// rulings are those of a server or of an API by the ids of the products that it is
// in; "" has the calls under no product.
type rulings map[string]*ruling

// under is the ruling for calls under a product; nil, or one that the server or API
// is not in, is none.
func (r rulings) under(p *expr.Product) *ruling {
	if p != nil {
		if found := r[p.ID]; found != nil {
			return found
		}
	}
	if found := r[""]; found != nil {
		return found
	}
	return &ruling{}
}

// governs tells whether there is any policy.
func (r rulings) governs() bool {
	for _, one := range r {
		if one.pipeline != nil || len(one.parts) > 0 {
			return true
		}
	}
	return false
}

// serverRulings are those of a server. As the member of a federation it runs under
// its own documents and those of its tools; the wider scopes are the federation's.
func (g *governance) serverRulings(s *snapshot.Server, member bool) (rulings, error) {
	if g == nil {
		return nil, nil
	}
	global, products := g.snapshot.GlobalPolicy, productsOf(g.snapshot, s.Name, serversOf)
	if member {
		global, products = 0, nil
	}
	return g.rulings(products, s.ToolPolicies, func(product, tool int) [4]layer {
		return [4]layer{{policy.ScopeGlobal, global}, {policy.ScopeProduct, product}, {policy.ScopeServer, s.Policy}, {policy.ScopeTool, tool}}
	})
}

// apiRulings are those of a REST API.
func (g *governance) apiRulings(a *snapshot.SourceAPI) (rulings, error) {
	if g == nil {
		return nil, nil
	}
	return g.rulings(productsOf(g.snapshot, a.Name, apisOf), a.OperationPolicies, func(product, operation int) [4]layer {
		return [4]layer{{policy.ScopeGlobal, g.snapshot.GlobalPolicy}, {policy.ScopeProduct, product}, {policy.ScopeAPI, a.Policy}, {policy.ScopeOperation, operation}}
	})
}

// rulings makes the pipelines under no product and under each product, for parts
// with documents of their own as well.
func (g *governance) rulings(products []*snapshot.Product, parts map[string]int, chain func(product, part int) [4]layer) (rulings, error) {
	made := make(rulings, len(products)+1)
	for _, p := range append([]*snapshot.Product{{}}, products...) {
		r := &ruling{parts: make(map[string]*policy.Pipeline, len(parts))}
		var err error
		if r.pipeline, err = g.pipeline(chain(p.Policy, 0)); err != nil {
			return nil, err
		}
		for name, n := range parts {
			if r.parts[name], err = g.pipeline(chain(p.Policy, n)); err != nil {
				return nil, err
			}
		}
		made[p.Name] = r
	}
	return made, nil
}

// productsOf are the products that have a name among their servers or APIs, as list
// tells.
func productsOf(s *snapshot.Snapshot, name string, list func(*snapshot.Product) []string) []*snapshot.Product {
	var found []*snapshot.Product
	for i := range s.Products {
		if slices.Contains(list(&s.Products[i]), name) {
			found = append(found, &s.Products[i])
		}
	}
	return found
}

func serversOf(p *snapshot.Product) []string { return p.Servers }
func apisOf(p *snapshot.Product) []string    { return p.APIs }
