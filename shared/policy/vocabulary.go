package policy

import (
	"slices"
	"strings"
	"sync"
)

// Schema is the vocabulary: every policy that a document may use.
type Schema struct {
	Policies []PolicyType // in order of their names
	names    []string
	byName   map[string]*PolicyType
}

// Vocabulary returns the schema of the policies of API Management. It is the
// same one for all callers and must not be changed.
var Vocabulary = sync.OnceValue(func() *Schema {
	s := &Schema{Policies: slices.Concat(controlPolicies, accessPolicies, transformPolicies, trafficPolicies, authenticationPolicies,
		observePolicies, cachingPolicies, validationPolicies, aiPolicies, otherPolicies)}
	slices.SortFunc(s.Policies, func(a, b PolicyType) int { return strings.Compare(a.Name, b.Name) })
	s.byName = make(map[string]*PolicyType, len(s.Policies))
	for i := range s.Policies {
		p := &s.Policies[i]
		s.byName[p.Name] = p
		s.names = append(s.names, p.Name)
	}
	return s
})

// Policy returns the type of a policy, or nil when there is none of the name.
func (s *Schema) Policy(name string) *PolicyType { return s.byName[name] }

// What rows of the tables have in common.
var (
	anyText      = Domain{Expression: true}
	anyBool      = Domain{Type: Bool, Expression: true}
	anyInt       = Domain{Type: Int, Expression: true}
	anySeconds   = Domain{Type: Seconds, Expression: true}
	literalBool  = Domain{Type: Bool}
	literalInt   = Domain{Type: Int}
	status       = Domain{Type: Int, Expression: true, Min: 100, Max: 999}
	existsAction = Domain{Type: Enum, Expression: true, Enum: []string{"override", "skip", "append", "delete"}}
	textOrCode   = Content{Kind: ContentText, Domain: anyText}
	anyPolicies  = Content{Kind: ContentPolicies}
	cachingType  = AttributeType{Name: "caching-type", Domain: Domain{Type: Enum, Enum: []string{"prefer-external", "external", "internal"}}, Default: "prefer-external", Differs: "makes no difference: there is one cache"}
)

// list is an element that holds one or more of one text element.
func list(name, item string) ElementType {
	return ElementType{Name: name, Max: 1, Children: []ElementType{
		{Name: item, Min: 1, Content: Content{Kind: ContentText, Domain: anyText, Required: true}},
	}}
}

// reply are the policies from which return-response and the requests of
// policies are put together.
func reply(names ...string) []ElementType {
	var list []ElementType
	for _, name := range names {
		e := ElementType{Name: name, Max: 1, Policy: true}
		if name == "set-header" || name == "set-query-parameter" {
			e.Max = 0
		}
		list = append(list, e)
	}
	return list
}
