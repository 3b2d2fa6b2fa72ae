package build

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	registry "toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"

	"golang.org/x/text/encoding/unicode"
)

// policies are the policy documents of a folder, each read once however often it
// is used.
type policies struct {
	*builder
	values    map[string]string // what is put in for {{name}}
	secrets   []string          // the {{name}} that are left in the text
	documents []*policyDocument // in the order of their first use
	byPath    map[string]int    // numbers of documents, from 1
	fragments map[string]*policy.Document
	stored    []snapshot.Fragment
	composed  map[string]question // by chain
	noted     map[fault.Position]bool
	services  *policy.Services // as a gateway's, for compiling
	global    int              // the number of the document of the global scope
}

// policyDocument is one document and how it was found to be.
type policyDocument struct {
	source   policySource
	document *policy.Document // nil when it has a fault
	scopes   policy.Scope     // in which it has been validated
}

// policySource is a file with XML.
type policySource struct {
	file    string // for messages
	content []byte // in UTF-8, with its references to named values
	// secret says that references to secrets are left in what is read, so that
	// values cannot all be held against their types.
	secret bool
}

// readPolicies reads what every document needs: the named values and the
// fragments.
func (b *builder) readPolicies() {
	p := &policies{
		builder: b, values: map[string]string{}, byPath: map[string]int{},
		fragments: map[string]*policy.Document{}, composed: map[string]question{}, noted: map[fault.Position]bool{}, services: b.services(),
	}
	b.policies = p
	for _, v := range b.cfg.NamedValues {
		reference := "{{" + v.Name + "}}"
		text := ""
		for _, part := range v.Value.Parts {
			text += part.Literal
			if part.Secret != "" {
				text = reference
			}
		}
		if v.Unknown {
			text = reference
		}
		if text == reference {
			p.secrets = append(p.secrets, reference)
		}
		p.values[v.Name] = text
	}
	for _, f := range b.cfg.Fragments {
		p.fragment(f)
	}
	p.global = p.use(b.cfg.Policy, policy.ScopeGlobal)
	p.chain()
}

// use returns the number of a document, from 1, that applies to a scope; 0 where
// there is none.
func (p *policies) use(path string, scope policy.Scope) int {
	if path == "" {
		return 0
	}
	n, ok := p.byPath[path]
	if !ok {
		d := &policyDocument{}
		if source, ok := p.source(path); ok {
			d.source = source
			d.document = p.parse(source)
		}
		p.documents = append(p.documents, d)
		n = len(p.documents)
		p.byPath[path] = n
	}
	d := p.documents[n-1]
	if d.document != nil && d.scopes&scope == 0 {
		d.scopes |= scope
		p.validate(d.source, d.document, scope)
	}
	return n
}

// source reads a file with XML. It reports false after a fault.
func (p *policies) source(path string) (policySource, bool) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return policySource{}, false // config has said so
	}
	s := policySource{file: p.display(path)}
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		content, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(content)
	}
	if err != nil {
		p.fault(fault.Position{File: s.file}, "make it a readable file", "the file cannot be read: %v", err)
		return policySource{}, false
	}
	s.content = content
	s.secret = slices.ContainsFunc(p.secrets, func(reference string) bool { return bytes.Contains(content, []byte(reference)) })
	return s, true
}

// parse returns a document, or nil when it has a fault.
func (p *policies) parse(s policySource) *policy.Document {
	d, faults := policy.Parse(s.file, s.content, policy.ParseOptions{NamedValues: p.values})
	p.faults = append(p.faults, faults...)
	if faults.Err() != nil {
		return nil
	}
	return d
}

func (p *policies) validate(s policySource, d *policy.Document, scope policy.Scope) {
	p.faults = append(p.faults, policy.Validate(d, policy.ValidateOptions{
		Scope: scope, Compiler: policy.CSharp{}, Placeholders: s.secret,
	})...)
}

// fragment reads a fragment and stores it. One that has a fault stands as an
// empty one, so that including it is no further fault.
func (p *policies) fragment(f config.File) {
	p.fragments[f.ID] = &policy.Document{Root: policy.RootFragment, Elements: []*policy.Element{{Name: string(policy.RootFragment)}}}
	source, ok := p.source(f.Path)
	if !ok {
		return
	}
	d := p.parse(source)
	if d == nil {
		return
	}
	if d.Root != policy.RootFragment {
		p.fault(d.Elements[0].At, "write <fragment> around its policies", "the fragment %s has no <fragment>", f.ID)
		return
	}
	p.validate(source, d, 0)
	p.fragments[f.ID] = d
	p.out.Fragment(f.ID, source.content)
	p.stored = append(p.stored, snapshot.Fragment{ID: f.ID, File: source.file})
}

// link is one scope of a chain and the number of its document.
type link struct {
	scope    policy.Scope
	document int
}

// chain puts the documents of the scopes of a call together, the widest first,
// once for each combination. What comes out is not stored: a gateway composes
// again, with its secrets put in. It returns what the policies ask of documents.
func (p *policies) chain(links ...link) question {
	links = slices.Insert(links, 0, link{policy.ScopeGlobal, p.global})
	key := fmt.Sprint(links)
	if known, ok := p.composed[key]; ok {
		return known
	}
	p.composed[key] = question{}
	layers := make([]policy.Layer, 0, len(links))
	for _, l := range links {
		layer := policy.Layer{Scope: l.scope}
		if l.document > 0 {
			if layer.Document = p.documents[l.document-1].document; layer.Document == nil {
				return question{} // it has a fault
			}
		}
		layers = append(layers, layer)
	}
	effective, faults := policy.Compose(layers, p.fragments)
	p.faults = append(p.faults, faults...)
	if faults.Err() != nil {
		return question{}
	}
	p.composed[key] = questionOf(effective)
	if p.faults.Err() == nil {
		p.compile(effective)
	}
	return p.composed[key]
}

// compile makes the policies of a chain as a gateway will, for the faults that
// only show then. What refers to secrets waits for their values.
func (p *policies) compile(effective *policy.Effective) {
	for _, s := range []policy.Section{policy.Inbound, policy.Backend, policy.Outbound, policy.OnError} {
		p.note(effective.Section(s))
	}
	if len(p.secrets) > 0 {
		return
	}
	_, faults := policy.Compile(effective, policy.CompileOptions{Policies: registry.Registry(), Services: p.services})
	for _, f := range faults {
		if !slices.Contains(p.faults, f) { // of a document that stands in several chains
			p.faults = append(p.faults, f)
		}
	}
}

// note warns, once for each place, of policies that this version runs in part.
func (p *policies) note(elements []*policy.Element) {
	for _, e := range elements {
		if text := p.partly(e.Name); text != "" && !p.noted[e.At] {
			p.noted[e.At] = true
			p.faults.Warn(e.At, e.Name+" "+text, "")
		}
		p.note(e.Children)
	}
}

// partly says what this version, or this gateway, does not do of a policy; empty
// where it does all.
func (p *policies) partly(name string) string {
	if c := p.cfg.ClientCertificates; name == "validate-client-certificate" && (c == nil || len(c.Trust) == 0) {
		return "trusts no certificate: with validate-trust it refuses every one, until clientCertificates in gateway.yaml names whom to trust"
	}
	return services.Notes[name]
}

// write stores the documents.
func (p *policies) write(m *snapshot.Manifest) {
	m.GlobalPolicy, m.Fragments = p.global, p.stored
	m.NamedValues = p.cfg.NamedValues
	for i, d := range p.documents {
		p.out.Policy(i+1, d.source.content)
		m.Policies = append(m.Policies, snapshot.PolicyDocument{File: d.source.file})
	}
}

// productsOf finds the products among whose APIs or servers, as list tells, a name
// is, and returns the numbers of their documents, each once. The first is 0: calls
// are under no product as well, such as those whose key opens a single API.
func (p *policies) productsOf(name string, list func(config.Product) []string) []int {
	numbers := []int{0}
	for _, c := range p.cfg.Products {
		if !slices.Contains(list(c), name) {
			continue
		}
		if n := p.use(c.Policy, policy.ScopeProduct); !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// under puts the documents of the scopes of a call together under each product,
// and returns what the policies ask of documents.
func (p *policies) under(products []int, links ...link) (q question) {
	for _, n := range products {
		q = q.and(p.chain(append([]link{{policy.ScopeProduct, n}}, links...)...))
	}
	return q
}

func apisOf(p config.Product) []string    { return p.APIs }
func serversOf(p config.Product) []string { return p.Servers }

// products reads the documents of all products, those that have no member as
// well.
func (b *builder) products() []snapshot.Product {
	var list []snapshot.Product
	for _, p := range b.cfg.Products {
		n := b.policies.use(p.Policy, policy.ScopeProduct)
		b.policies.chain(link{policy.ScopeProduct, n})
		list = append(list, snapshot.Product{
			Name: p.Name, Title: p.Title, Description: p.Description, Open: !p.SubscriptionRequired, APIs: p.APIs, Servers: p.Servers, Policy: n,
		})
	}
	return list
}
