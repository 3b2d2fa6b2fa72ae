package policy

import "strings"

// Section is one section of a document, or several of them.
type Section uint8

// The sections of a document.
const (
	Inbound Section = 1 << iota
	Backend
	Outbound
	OnError

	AllSections = Inbound | Backend | Outbound | OnError
)

var sectionNames = []string{"inbound", "backend", "outbound", "on-error"}

// String names the sections as documents do.
func (s Section) String() string { return strings.Join(names(uint(s), sectionNames), ", ") }

// sectionNamed is the section of an element's name, or 0.
func sectionNamed(name string) Section {
	for i, known := range sectionNames {
		if name == known {
			return 1 << i
		}
	}
	return 0
}

// Scope is what a document applies to, or several of these.
type Scope uint8

// The scopes of documents. Server and tool are ours: an MCP server and one of
// its tools.
const (
	ScopeGlobal Scope = 1 << iota
	ScopeWorkspace
	ScopeProduct
	ScopeAPI
	ScopeOperation
	ScopeServer
	ScopeTool

	AllScopes = ScopeGlobal | ScopeWorkspace | ScopeProduct | ScopeAPI | ScopeOperation | ScopeServer | ScopeTool
)

var scopeNames = []string{"global", "workspace", "product", "api", "operation", "server", "tool"}

// String names the scopes as context.LastError does.
func (s Scope) String() string { return strings.Join(names(uint(s), scopeNames), ", ") }

// names are the names of the bits of a set.
func names(set uint, of []string) []string {
	var list []string
	for i, name := range of {
		if set&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// Group is the chapter of the reference that a policy stands in.
type Group string

// The groups of policies.
const (
	GroupControl        Group = "control flow"
	GroupAccess         Group = "access control"
	GroupTransform      Group = "transformation"
	GroupTraffic        Group = "traffic"
	GroupAuthentication Group = "authentication"
	GroupObserve        Group = "observation"
	GroupCaching        Group = "caching"
	GroupValidation     Group = "validation"
	GroupAI             Group = "AI"
	GroupOther          Group = "other"
)

// PolicyType is what a document may say with one policy.
type PolicyType struct {
	ElementType
	Group    Group
	Summary  string  // one sentence: what the policy does
	Sections Section // where it may stand; inside another policy, where that one may
	Scopes   Scope
	// Once marks a policy that stands at most once in a section.
	Once bool
	// NotInFragment marks a policy that must not stand in a fragment.
	NotInFragment bool
	// NotRun says why the gateway does not run the policy; empty for those it
	// runs. What stands inside such a policy is not checked.
	NotRun string
	Ours   bool // API Management has no such policy
	// Differs says in one sentence what differs from API Management; empty
	// when nothing is known to.
	Differs string
}

// ElementType is what may be written of one element.
type ElementType struct {
	Name       string
	Min, Max   int // how often it stands in its parent; a Max of 0 sets no limit
	Attributes []AttributeType
	// Any has sets of attributes of which at least one is needed, and One has
	// sets of which at most one may be written.
	Any, One [][]string
	Children []ElementType
	// Policy marks a child that is the policy of its name: all but Name, Min
	// and Max stand in the policy's own row.
	Policy  bool
	Content Content
}

// Content is what may stand between the tags of an element, besides Children.
type Content struct {
	Kind ContentKind
	// Of text:
	Domain
	Required bool
	// Of policies: the names of those that may stand here, or of those that
	// may not. With neither, all may.
	Only, Except []string
}

// ContentKind tells text from policies.
type ContentKind uint8

// The kinds of content.
const (
	ContentNone ContentKind = iota
	ContentText
	ContentPolicies
)

// AttributeType is what may be written of one attribute.
type AttributeType struct {
	Name string
	Domain
	Required bool
	Default  string // as it would be written; empty when there is none
	NotRun   string // why the gateway does not run a policy with it; empty as a rule
	Ours     bool   // API Management has no such attribute
	Differs  string // as that of a PolicyType; an attribute that nothing reads says so
}

// Domain is what the value of an attribute or a text may be.
type Domain struct {
	Type ValueType
	// Expression marks what may be an expression instead of a literal.
	Expression bool
	// Enum has the values of an Enum, and of a List when only these may stand
	// in it. Letter case does not count.
	Enum []string
	// Min and Max bound an Int, a Seconds or a Decimal; a Max of 0 sets no
	// upper limit.
	Min, Max int
}

// ValueType is the type of a literal, and that which an expression returns.
type ValueType uint8

// The types of values.
const (
	String    ValueType = iota
	Int                 // a whole number
	Bool                // true or false
	Seconds             // a whole number of seconds
	Decimal             // a number, with a dot
	Enum                // one of a few words
	List                // values between semicolons or commas
	Timestamp           // a date with a time, as RFC 3339 has it
	Object              // what only an expression can return, such as bytes
)

// String names the type for messages and for the reference.
func (t ValueType) String() string {
	return [...]string{"text", "whole number", "true or false", "whole number of seconds", "number", "word", "list", "time", "object"}[t]
}
