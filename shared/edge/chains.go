package edge

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// chains puts the policy documents of servers together, as the gateway does.
type chains struct {
	snapshot  *snapshot.Snapshot
	values    map[string]string // of named values; a secret stands for itself
	documents []*policy.Document
	fragments map[string]*policy.Document
}

func newChains(s *snapshot.Snapshot) (*chains, error) {
	c := &chains{snapshot: s, values: map[string]string{}, fragments: map[string]*policy.Document{}}
	for _, v := range s.NamedValues {
		text := ""
		for _, part := range v.Value.Parts {
			text += part.Literal
			if part.Secret != "" {
				text = "{{" + v.Name + "}}"
				break
			}
		}
		c.values[v.Name] = text
	}
	for i, p := range s.Policies {
		content, err := s.Policy(i + 1)
		if err != nil {
			return nil, err
		}
		d, err := c.parse(p.File, content)
		if err != nil {
			return nil, err
		}
		c.documents = append(c.documents, d)
	}
	for _, f := range s.Fragments {
		content, err := s.Fragment(f.ID)
		if err != nil {
			return nil, err
		}
		if c.fragments[f.ID], err = c.parse(f.File, content); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *chains) parse(file string, content []byte) (*policy.Document, error) {
	d, faults := policy.Parse(file, content, policy.ParseOptions{NamedValues: c.values})
	return d, faults.Err()
}

// server finds out which addresses are refused whatever a message to a server says,
// and whether its policies can do nothing but pass a message on or refuse it.
func (c *chains) server(s *snapshot.Server) (refused ranges, simple bool, left []string) {
	products := []int{0}
	for _, p := range c.snapshot.Products {
		if slices.Contains(p.Servers, s.Name) {
			products = append(products, p.Policy)
		}
	}
	tools := []int{0}
	for _, n := range s.ToolPolicies {
		tools = append(tools, n)
	}
	refused, simple = everything, true
	for _, product := range products {
		for _, tool := range tools {
			effective, faults := policy.Compose([]policy.Layer{
				c.layer(policy.ScopeGlobal, c.snapshot.GlobalPolicy), c.layer(policy.ScopeProduct, product),
				c.layer(policy.ScopeServer, s.Policy), c.layer(policy.ScopeTool, tool),
			}, c.fragments)
			if faults.Err() != nil {
				return nil, false, append(left, "its policies cannot be put together")
			}
			r, plain, why := read(effective)
			refused, simple = refused.intersection(r), simple && plain
			for _, sentence := range why {
				if !slices.Contains(left, sentence) {
					left = append(left, sentence)
				}
			}
		}
	}
	return refused, simple, left
}

func (c *chains) layer(scope policy.Scope, n int) policy.Layer {
	l := policy.Layer{Scope: scope}
	if n > 0 && n <= len(c.documents) {
		l.Document = c.documents[n-1]
	}
	return l
}

// passing are the policies that pass a POST on or refuse it, and never answer it
// themselves. cors answers preflight requests and GET alone.
var passing = map[string]bool{
	"ip-filter": true, "check-header": true, "cors": true,
	"rate-limit": true, "rate-limit-by-key": true, "quota": true, "quota-by-key": true, "budget": true, "llm-token-limit": true, "azure-openai-token-limit": true,
	"validate-jwt": true, "validate-azure-ad-token": true, "validate-client-certificate": true, "validate-content": true,
	"validate-parameters": true, "validate-headers": true,
	"set-header": true, "set-query-parameter": true, "set-variable": true, "set-backend-service": true, "set-method": true, "rewrite-uri": true,
	"authentication-managed-identity": true, "authentication-basic": true, "authentication-certificate": true, "get-authorization-context": true,
	"trace": true, "emit-metric": true, "llm-emit-token-metric": true, "azure-openai-emit-token-metric": true, "log-to-eventhub": true,
	"cache-lookup-value": true, "cache-store-value": true, "cache-remove-value": true,
}

// read finds the addresses that the policies of a message refuse before anything else
// may answer it.
func read(effective *policy.Effective) (refused ranges, simple bool, left []string) {
	for _, e := range effective.OnError {
		if !passing[e.Name] {
			return nil, false, []string{fmt.Sprintf("addresses and sizes: on-error has %s, which may answer a refused message", e.Name)}
		}
	}
	for _, e := range effective.Inbound {
		if !passing[e.Name] {
			return refused, false, append(left, fmt.Sprintf("sizes, and addresses of an ip-filter behind it: %s may answer a message", e.Name))
		}
		if e.Name != "ip-filter" {
			continue
		}
		r, why := filtered(e)
		refused = refused.union(r)
		if why != "" {
			left = append(left, "addresses: "+why)
		}
	}
	return refused, true, left
}

// filtered are the addresses that an ip-filter refuses, as far as they stand in it.
func filtered(e *policy.Element) (refused ranges, why string) {
	action, _ := e.Attribute("action")
	var listed ranges
	unknown := 0
	add := func(s span, ok bool) {
		if ok {
			listed = listed.union(ranges{s})
		} else {
			unknown++
		}
	}
	for _, child := range e.Children {
		switch child.Name {
		case "address":
			s, ok := spanOf(child.Text.Source)
			add(s, ok && child.Text.Kind == policy.Literal)
		case "address-range":
			from, okFrom := attributeSpan(child, "from")
			to, okTo := attributeSpan(child, "to")
			add(span{from.from, to.from}, okFrom && okTo && from.from.BitLen() == to.from.BitLen() && from.from.Compare(to.from) <= 0)
		}
	}
	at := fmt.Sprintf("%s:%d", e.At.File, e.At.Line)
	switch {
	case action.Value.Kind != policy.Literal || strings.Contains(action.Value.Source, "{{"):
		return nil, "the action of ip-filter at " + at + " is computed"
	case action.Value.Source == "forbid" && unknown > 0:
		return listed, fmt.Sprintf("%d addresses of ip-filter at %s are computed, or secrets", unknown, at)
	case action.Value.Source == "forbid":
		return listed, ""
	case unknown > 0:
		return nil, fmt.Sprintf("ip-filter at %s lets addresses through that are computed, or secrets", at)
	case action.Value.Source == "allow":
		return listed.complement(), ""
	}
	return nil, "the action of ip-filter at " + at + " is not known"
}

func attributeSpan(e *policy.Element, name string) (span, bool) {
	a, ok := e.Attribute(name)
	if !ok || a.Value.Kind != policy.Literal {
		return span{}, false
	}
	return spanOf(a.Value.Source)
}
