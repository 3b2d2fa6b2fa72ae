package build

import (
	"strings"

	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
)

// question is what the policies of a chain ask of the documents of APIs. The
// zero value asks nothing.
type question struct {
	asked bool // something, if only which parameters and responses there are
	openapi.DescriptionOptions
}

// questions are those of the policies that ask.
var questions = map[string]question{
	"mock-response":        {true, openapi.DescriptionOptions{Examples: true}},
	"validate-content":     {true, openapi.DescriptionOptions{Schemas: true}},
	"validate-headers":     {true, openapi.DescriptionOptions{Schemas: true}},
	"validate-parameters":  {true, openapi.DescriptionOptions{Schemas: true}},
	"validate-status-code": {asked: true},
}

// and is what both ask.
func (q question) and(also question) question {
	q.asked = q.asked || also.asked
	q.Schemas = q.Schemas || also.Schemas
	q.Examples = q.Examples || also.Examples
	return q
}

// questionOf is what an effective policy asks.
func questionOf(effective *policy.Effective) (q question) {
	var look func(elements []*policy.Element)
	look = func(elements []*policy.Element) {
		for _, e := range elements {
			q = q.and(questions[e.Name])
			look(e.Children)
		}
	}
	for _, s := range []policy.Section{policy.Inbound, policy.Backend, policy.Outbound, policy.OnError} {
		look(effective.Section(s))
	}
	return q
}

// describe stores what the documents say of the operations whose policies ask
// for it.
func (b *builder) describe() {
	for _, api := range b.cfg.APIs {
		if s := b.sources[api.Name]; s.doc != nil {
			s.describe()
		}
	}
}

func (s *sourceAPI) describe() {
	stored := map[string]bool{} // documents may use an operationId twice
	for _, o := range s.doc.Operations {
		if !s.api.HasPath && !s.published[o] || stored[o.Key()] {
			continue
		}
		var own []link
		if n := s.numbers[o]; n > 0 {
			own = []link{{policy.ScopeOperation, n}}
		}
		q := s.chain(own...)
		if !q.asked {
			continue
		}
		stored[o.Key()] = true
		d, verdict := s.doc.Describe(o, q.DescriptionOptions)
		s.builder.out.Description(s.api.Name, o.Key(), d)
		if verdict.Kind != openapi.Exact {
			s.faults.Warn(
				fault.Position{File: s.display(o.File), Line: o.Line, Column: o.Column},
				"policies know operation "+o.Key()+" in part only: "+strings.Join(verdict.Reasons, "; "), "",
			)
		}
	}
}

// undescribed serves policy.Operations while nothing is served.
type undescribed struct{}

func (undescribed) Example(string, string, int, string, int) (string, []byte, bool) {
	return "", nil, false
}

func (undescribed) Described(string, string) *policy.OperationDescription { return nil }
