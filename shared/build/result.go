package build

import (
	"errors"
	"fmt"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/projection"
	"toolgate/shared/snapshot"
)

// show notes what of the results of a tool a model is shown, where that is not
// everything.
func (p *serverPolicies) show(name string, r *config.Result) {
	if r == nil {
		return
	}
	if p.results == nil {
		p.results = map[string]*config.Result{}
	}
	p.results[name] = r
}

// show makes the definition of a tool that of one with such results.
func (c *conversion) show(t *tool, r *config.Result) {
	if r == nil {
		return
	}
	expression := c.selection(r)
	switch {
	case t.long != nil:
		c.fault(r.At, "remove `result`, or say `longRunning: false`", "calls of tool %q go on after the API's answer, and their results are given as they are", t.Name)
	case r.PageSize > 0 && !hintsOf(t).ReadOnly:
		c.fault(r.At, "remove `pageSize`; or, if it changes nothing, say `annotations: { readOnly: true }`", "tool %q changes something, and each page of its results is a call", t.Name)
	case r.PageSize > 0 && projection.HasCursor(t.InputSchema):
		c.fault(r.At, "remove `pageSize`, or give the argument a value by `hidden`", "tool %q has an argument %q of its own", t.Name, projection.CursorArgument)
	}
	s := projection.Shape{Select: expression, Paged: r.PageSize > 0, Wrapped: t.Binding.Structured == openapi.StructuredWrapped}
	defined, err := s.Define(t.Definition)
	if err != nil {
		c.fault(r.At, "remove `result`, or mend the schema of the response", "the definition of tool %q cannot be made: %v", t.Name, err)
		return
	}
	t.Definition = defined
	c.governed.show(t.Name, r)
}

// upstreamResult checks what a model is shown of the results of an upstream's tool.
func (b *builder) upstreamResult(t *config.Selection) *config.Result {
	r := t.Override.Result
	if r == nil {
		return nil
	}
	b.selection(r)
	if readOnly := t.Override.Annotations.ReadOnly; r.PageSize > 0 && readOnly != nil && !*readOnly {
		b.fault(r.At, "remove `pageSize`", "tool %q is not read-only, and each page of its results is a call", t.Tool)
	}
	return r
}

// selection compiles the expression; nil where there is none, or it is wrong.
func (b *builder) selection(r *config.Result) *projection.Expression {
	if r.Select == "" {
		return nil
	}
	if known, ok := b.expressions[r]; ok { // by a selection of several tools
		return known
	}
	compiled, err := projection.Compile(r.Select)
	if b.expressions == nil {
		b.expressions = map[*config.Result]*projection.Expression{}
	}
	b.expressions[r] = compiled
	if e, ok := errors.AsType[*projection.Error](err); ok {
		at, fix := r.SelectAt, "write it in JMESPath, as in items[].{id: id, name: name}; the document of the language is at https://jmespath.site"
		if !strings.Contains(r.Select, "\n") {
			at.Column += e.Column - 1
		}
		if e.Near != nil {
			fix = fault.Suggest(e.Name, e.Near, fix)
		}
		b.fault(at, fix, "`select` is wrong at character %d: %s", e.Column, e.Message)
		return nil
	}
	return compiled
}

// noteResults says in the report what pages need when the gateway runs.
func (b *builder) noteResults(s *snapshot.Server) {
	paged := 0
	for _, r := range s.ToolResults {
		if r.PageSize > 0 {
			paged++
		}
	}
	if paged == 0 || len(b.cfg.SealingKey.Parts) > 0 || b.cfg.PublicURL == "" {
		return
	}
	b.report.Notes = append(b.report.Notes, fmt.Sprintf("%s: the results of %d tools have pages; instances need one sealingKey to take each other's cursors", s.Name, paged))
}
