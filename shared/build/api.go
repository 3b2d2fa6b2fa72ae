package build

import (
	"cmp"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// sourceAPI is one API while it is compiled.
type sourceAPI struct {
	*builder
	api      config.API
	out      snapshot.SourceAPI
	products []int             // the numbers of the documents of its products
	doc      *openapi.Document // nil for an API without one, or with a fault
	backends backends
	// numbers are those of the documents of operations, of which byID has those
	// that are there.
	numbers map[*openapi.Operation]int
	byID    map[string]int
	// published are the operations that are tools of some server.
	published map[*openapi.Operation]bool
}

// apis compiles all APIs and returns those that can be reached.
func (b *builder) apis() []snapshot.SourceAPI {
	var list []snapshot.SourceAPI
	for _, api := range b.cfg.APIs {
		s := &sourceAPI{builder: b, api: api, numbers: map[*openapi.Operation]int{}, byID: map[string]int{}, published: map[*openapi.Operation]bool{}}
		b.sources[api.Name] = s
		s.products = b.policies.productsOf(api.Name, apisOf)
		s.out = snapshot.SourceAPI{
			Name: api.Name, Title: api.Title, Version: api.Version, HasPath: api.HasPath, Path: api.Path,
			Backend: api.Backend, Policy: b.policies.use(api.Policy, policy.ScopeAPI),
			SubscriptionKeys: api.SubscriptionKeys,
		}
		s.chain()
		if backend, ok := find(b.cfg.Backends, func(k config.Backend) bool { return k.Name == api.Backend }); ok {
			s.backends.named = &backend
		}
		used := slices.ContainsFunc(b.cfg.Servers, func(c config.Server) bool { return c.API != nil && c.API.API == api.Name })
		if api.OpenAPI != "" && (used || api.HasPath || len(api.Operations) > 0) {
			s.doc = b.document(api)
		}
		operations := s.operations()
		s.out.OperationPolicies = s.byID
		if api.HasPath {
			b.out.Operations(api.Name, operations)
			s.out.Backends = s.backends.list
		}
		if api.HasPath || used {
			list = append(list, s.out)
		}
	}
	return list
}

// chain composes the policies of the API, and of an operation of it, and returns
// what they ask of the document.
func (s *sourceAPI) chain(operation ...link) question {
	return s.policies.under(s.products, append([]link{{policy.ScopeAPI, s.out.Policy}}, operation...)...)
}

// operationPolicy reads the document of an operation.
func (s *sourceAPI) operationPolicy(path string) int {
	n := s.policies.use(path, policy.ScopeOperation)
	if n > 0 {
		s.chain(link{policy.ScopeOperation, n})
	}
	return n
}

// operations compiles what the configuration says of operations. It returns the
// operations of an API that has a path.
func (s *sourceAPI) operations() []snapshot.Operation {
	list := []snapshot.Operation{}
	for _, o := range s.api.Operations {
		n := s.operationPolicy(o.Policy)
		if s.api.OpenAPI != "" {
			s.assign(o, n)
			continue
		}
		if o.Method == "" || o.URLTemplate == "" {
			continue // its fault is known, or that of the document
		}
		r := snapshot.Operation{ID: o.Name, Method: o.Method, URLTemplate: o.URLTemplate, Policy: n, Backend: -1}
		if n > 0 {
			s.byID[o.Name] = n
		}
		if s.backends.configured() {
			r.Backend = s.backends.configure()
		} else if s.api.HasPath {
			s.unanswered(o.At, r, "the API has no backend")
		}
		list = append(list, r)
	}
	if s.doc == nil || !s.api.HasPath {
		return list
	}
	for _, o := range s.doc.Operations {
		r := s.record(o)
		var err error
		if r.Backend, err = s.backends.index(s.doc, o); err != nil {
			r.Backend = -1
			s.unanswered(s.api.At, r, err.Error())
		}
		list = append(list, r)
	}
	return list
}

// record is what the snapshot keeps of an operation of the document.
func (s *sourceAPI) record(o *openapi.Operation) snapshot.Operation {
	return snapshot.Operation{
		ID: o.Key(), Method: o.Method, URLTemplate: s.doc.URLTemplate(o), Title: o.Summary, Policy: s.numbers[o],
	}
}

// assign gives a policy to the operations of the document that have a name,
// which is one operation unless the document uses an operationId twice.
func (s *sourceAPI) assign(named config.Operation, n int) {
	if s.doc == nil {
		return // its fault is known
	}
	found := false
	var names []string
	for _, o := range s.doc.Operations {
		names = append(names, o.Key())
		if !selects(config.Selection{Operation: named.Name}, o) {
			continue
		}
		if _, twice := s.numbers[o]; twice {
			s.fault(named.At, "remove one", "operation %q of API %q stands under `operations` twice", o.Key(), s.api.Name)
		}
		s.numbers[o], found = n, true
		if n > 0 {
			s.byID[o.Key()] = n
		}
	}
	if !found {
		s.fault(named.At, fault.Suggest(named.Name, names, "the document has no operations"),
			"API %q has no operation %q", s.api.Name, named.Name)
	}
}

// unanswered reports an operation that has no destination, unless a policy may
// give it one, or answer itself.
func (s *sourceAPI) unanswered(at fault.Position, o snapshot.Operation, why string) {
	if cmp.Or(o.Policy, s.out.Policy, slices.Max(s.products), s.policies.global) > 0 {
		return
	}
	s.fault(at, "set `backend` on the API, or a policy that answers", "operation %q of API %q has no usable address: %s", o.ID, s.api.Name, why)
}
