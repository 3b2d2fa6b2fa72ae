package policy

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"toolgate/shared/fault"
)

// Statement is one policy, compiled. It does not change and serves any number
// of calls at a time.
type Statement interface {
	// Apply does what the policy says. An error ends the section: an *Error
	// goes to on-error, and so does any other, as an internal one; Returned
	// ends the pipeline with the response there is, and Answered goes on with
	// outbound.
	Apply(ctx context.Context, x *Exchange) error
}

// Preparer is a Statement that has more to do before it serves, after its
// fields were decoded.
type Preparer interface {
	Prepare(c *Compilation)
}

// Registry has, for each policy by its name, how to make one that is not
// decoded yet: a pointer to a struct.
type Registry map[string]func() Statement

// CompileOptions are what policies are compiled with.
type CompileOptions struct {
	Policies Registry
	Services *Services // nil: none
}

// Reads says which bodies are read.
type Reads struct{ Request, Response bool }

// Compilation is the work on one pipeline.
type Compilation struct {
	// Services are those of the gateway, never nil.
	Services *Services
	// Element is the policy that is being prepared.
	Element *Element

	policies Registry
	faults   fault.Faults
	reads    Reads
	hold     bool
	pipeline *Pipeline
}

// Compile makes a pipeline of policies. It may only be used when Faults.Err is
// nil.
func Compile(e *Effective, o CompileOptions) (*Pipeline, fault.Faults) {
	c := &Compilation{Services: o.Services, policies: o.Policies, pipeline: &Pipeline{}}
	if c.Services == nil {
		c.Services = &Services{}
	}
	for _, s := range []Section{Inbound, Backend, Outbound, OnError} {
		c.reads = Reads{}
		p := c.pipeline.section(s)
		for _, element := range e.Section(s) {
			if made := c.statement(element); made != nil {
				p.statements = append(p.statements, statement{made, element})
			}
		}
		c.pipeline.reads[index(s)] = c.reads
	}
	c.pipeline.hold = c.hold || c.pipeline.reads[index(Outbound)].Request || c.pipeline.reads[index(OnError)].Request
	return c.pipeline, c.faults.Sorted()
}

// statement makes the policy of an element, nil when it cannot.
func (c *Compilation) statement(e *Element) Statement {
	made := c.policies[e.Name]
	known := Vocabulary().Policy(e.Name)
	if made == nil || known == nil {
		c.Fault(e.At, fault.Suggest(e.Name, slices.Sorted(maps.Keys(c.policies)), "remove it"), "%s is not run by this gateway", e.Name)
		return nil
	}
	s := made()
	d := decoder{Compilation: c, policy: e}
	d.decode(e, &known.ElementType, reflect.ValueOf(s).Elem())
	if p, ok := s.(Preparer); ok {
		outer := c.Element
		c.Element = e
		p.Prepare(c)
		c.Element = outer
	}
	return s
}

// ReadsBody notes that a policy reads the body of the message of its section,
// whatever its expressions read.
func (c *Compilation) ReadsBody() {
	if c.Element.Section == Inbound || c.Element.Section == Backend {
		c.reads.Request = true
	} else {
		c.reads.Response = true
	}
}

// ReadsRequest notes that a policy reads the body of the request, wherever it
// stands.
func (c *Compilation) ReadsRequest() { c.reads.Request = true }

// NeedsResponse notes that the policy looks at the response, wherever it stands:
// when it has come, or at the end.
func (c *Compilation) NeedsResponse() { c.pipeline.looks = true }

// HoldRequest has the request's body kept when it is sent, so that it can be
// sent again.
func (c *Compilation) HoldRequest() { c.hold = true }
