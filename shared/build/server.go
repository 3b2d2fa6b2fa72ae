package build

import (
	"cmp"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// maxPage bounds one page of tools/list, in bytes, below what a serverless
// platform can answer (6 MB on AWS Lambda).
const maxPage = 2 << 20

// apiServer converts the selected operations of an API.
func (b *builder) apiServer(s config.Server, p *serverPolicies) (*snapshot.API, *config.Cache) {
	source := b.sources[s.API.API]
	if source == nil || source.doc == nil {
		return nil, nil // the unknown name, or the document, has been reported
	}
	c := &conversion{
		builder: b, server: s, source: source, api: source.api, doc: source.doc, governed: p,
		names: source.doc.Names(s.API.NameLength), byName: map[string]string{},
		backends: backends{named: source.backends.named},
	}
	selected := c.selectOperations()
	for _, o := range c.doc.Operations {
		c.operation(o, selected[o])
	}
	b.report.Servers = append(b.report.Servers, c.report())
	c.noteLongRunning()
	c.surveyProfiles()
	return c.write(), c.cache()
}

func find[T any](list []T, is func(T) bool) (T, bool) {
	i := slices.IndexFunc(list, is)
	if i < 0 {
		var zero T
		return zero, false
	}
	return list[i], true
}

// conversion is the work on one server.
type conversion struct {
	*builder
	server   config.Server
	source   *sourceAPI
	api      config.API
	doc      *openapi.Document
	governed *serverPolicies
	names    map[*openapi.Operation]string
	backends backends
	byName   map[string]string // published tool → operation
	tools    []tool
	verdicts []Verdict
}

type tool struct {
	*openapi.Tool
	operation *openapi.Operation
	backend   int
	long      *config.LongRunning // nil: calls end with the backend's answer
}

// choice is what the configuration says of one operation.
type choice struct {
	published bool
	override  config.Override
	at        fault.Position
}

// selectOperations applies the selections in their order; later overrides win
// member by member.
func (c *conversion) selectOperations() map[*openapi.Operation]choice {
	chosen := map[*openapi.Operation]choice{}
	all := len(c.server.API.Tools) == 0
	for _, o := range c.doc.Operations {
		chosen[o] = choice{published: all && !o.Disabled, at: c.server.At}
	}
	for _, sel := range c.server.API.Tools {
		for _, o := range c.matching(sel) {
			if o.Disabled && sel.Operation == "" {
				continue // a group does not undo the document's own exclusion
			}
			ch := chosen[o]
			ch.published, ch.at = true, sel.At
			ch.override = merge(ch.override, sel.Override)
			chosen[o] = ch
		}
	}
	for _, sel := range c.server.API.Exclude {
		for _, o := range c.matching(sel) {
			chosen[o] = choice{at: sel.At}
		}
	}
	return chosen
}

// matching returns the operations of a selection; one that matches none is a
// fault, since a misspelt exclusion would publish what was to be kept back.
func (c *conversion) matching(sel config.Selection) []*openapi.Operation {
	var found []*openapi.Operation
	for _, o := range c.doc.Operations {
		if selects(sel, o) {
			found = append(found, o)
		}
	}
	if found == nil {
		c.fault(sel.At, c.suggestion(sel), "no operation of API %q matches %s", c.api.Name, describe(sel))
	}
	return found
}

func (c *conversion) suggestion(sel config.Selection) string {
	var names []string
	for _, o := range c.doc.Operations {
		if sel.Tag != "" {
			names = append(names, o.Tags...)
		} else {
			names = append(names, o.Key())
		}
	}
	if near := fault.Nearest(sel.Operation+sel.Tag, names); near != "" && sel.Operation+sel.Tag != "" {
		return "did you mean \"" + near + "\"?"
	}
	return "`go run ./local build` without a selection lists all operations"
}

// merge lays b over a.
func merge(a, b config.Override) config.Override {
	a.Name = cmp.Or(b.Name, a.Name)
	a.Title = cmp.Or(b.Title, a.Title)
	a.Description = cmp.Or(b.Description, a.Description)
	a.Policy = cmp.Or(b.Policy, a.Policy)
	if b.Allow != nil {
		a.Allow = b.Allow
	}
	a.Approval = cmp.Or(b.Approval, a.Approval)
	a.Result = cmp.Or(b.Result, a.Result)
	a.LongRunning = cmp.Or(b.LongRunning, a.LongRunning)
	a.Annotations = config.Annotations{
		ReadOnly:    cmp.Or(b.Annotations.ReadOnly, a.Annotations.ReadOnly),
		Destructive: cmp.Or(b.Annotations.Destructive, a.Annotations.Destructive),
		Idempotent:  cmp.Or(b.Annotations.Idempotent, a.Annotations.Idempotent),
		OpenWorld:   cmp.Or(b.Annotations.OpenWorld, a.Annotations.OpenWorld),
	}
	a.Defaults = append(slices.Clip(a.Defaults), b.Defaults...)
	a.Hidden = append(slices.Clip(a.Hidden), b.Hidden...)
	return a
}

// operation converts one operation and records the verdict.
func (c *conversion) operation(o *openapi.Operation, ch choice) {
	v := Verdict{Operation: o.Key(), Method: o.Method, Path: o.Path, Line: o.Line}
	if !ch.published {
		v.Kind = "not selected"
		c.verdicts = append(c.verdicts, v)
		return
	}
	t, verdict := c.doc.Tool(o, cmp.Or(ch.override.Name, c.names[o]), c.options(ch.override))
	v.Kind, v.Reasons = string(verdict.Kind), verdict.Reasons
	if verdict.Kind != openapi.Refused {
		c.publish(o, ch, tool{Tool: t, operation: o}, &v)
	} else if len(c.server.API.Tools) > 0 && named(c.server.API.Tools, o) {
		c.fault(ch.at, "leave it out, or mend the document", "operation %q cannot be a tool: %s", o.Key(), strings.Join(verdict.Reasons, "; "))
	}
	c.verdicts = append(c.verdicts, v)
}

// publish adds a converted tool unless the configuration keeps it back.
func (c *conversion) publish(o *openapi.Operation, ch choice, t tool, v *Verdict) {
	v.Tool = t.Name
	if v.Kind == string(openapi.Lossy) && !c.server.API.AcceptLossy {
		v.Reasons = append(v.Reasons, "not published: the server does not set acceptLossy")
		return
	}
	backend, err := c.backends.index(c.doc, o)
	if err != nil {
		c.fault(c.api.At, "set `backend` on the API, with the `url` of the service", "operation %q of API %q has no usable address: %v", o.Key(), c.api.Name, err)
		return
	}
	if other, taken := c.byName[t.Name]; taken {
		c.fault(ch.at, "give one of them another `name`", "operations %q and %q would both be the tool %q", other, o.Key(), t.Name)
		return
	}
	c.byName[t.Name] = o.Key()
	t.backend, t.long = backend, c.longRunning(o, ch.override.LongRunning)
	t.Definition = c.clean(o, t.Definition)
	c.show(&t, ch.override.Result)
	c.governed.tool(t.Name, ch.override.Policy)
	c.governed.allow(t.Name, ch.override.Allow)
	c.governed.approve(&c.server, t.Name, ch.override.Approval)
	c.checkApproval(ch.override.Approval, t.Tool)
	c.source.published[o] = true
	v.Published = true
	c.tools = append(c.tools, t)
}

func (c *conversion) options(o config.Override) openapi.ToolOptions {
	opt := openapi.ToolOptions{
		Title: o.Title, Description: o.Description,
		Annotations: openapi.Annotations{
			ReadOnly: o.Annotations.ReadOnly, Destructive: o.Annotations.Destructive,
			Idempotent: o.Annotations.Idempotent, OpenWorld: o.Annotations.OpenWorld,
		},
		Defaults: values(o.Defaults), Hidden: values(o.Hidden),
		Output: openapi.OutputMode(c.server.API.OutputSchema),
	}
	if opt.Annotations.OpenWorld == nil {
		opt.Annotations.OpenWorld = c.server.API.OpenWorld
	}
	return opt
}

func values(list []config.Value) map[string]jsontext.Value {
	m := make(map[string]jsontext.Value, len(list))
	for _, v := range list {
		m[v.Name] = v.JSON
	}
	return m
}

// write stores the tools and their list in pages.
func (c *conversion) write() *snapshot.API {
	out := &snapshot.API{Name: c.api.Name, Backends: c.backends.list, Tools: len(c.tools), PollTool: c.pollTool()}
	index := c.searchIndex()
	page := []byte{'['}
	count := 0
	flush := func() {
		c.out.Page(c.server.Name, out.Pages, append(page, ']'))
		out.Pages++
		page, count = []byte{'['}, 0
	}
	for _, t := range c.tools {
		if count > 0 && (count >= c.cfg.Limits.ListPage || len(page)+len(t.Definition) > maxPage) {
			flush()
		}
		if count > 0 {
			page = append(page, ',')
		}
		index.add(t.Definition, t.operation, out.Pages, len(page))
		page = append(page, t.Definition...)
		count++
		c.out.Tool(c.server.Name, snapshot.Tool{Tool: *t.Tool, Backend: t.backend, Operation: c.source.record(t.operation), LongRunning: t.long})
		out.LongRunning = out.LongRunning || t.long != nil
	}
	if out.PollTool != "" { // there is a tool before it
		definition := pollDefinition(out.PollTool)
		index.add(definition, nil, out.Pages, len(page)+1)
		page = append(append(page, ','), definition...)
		c.governed.waive(&c.server, out.PollTool)
	}
	if count > 0 || out.Pages == 0 {
		flush()
	}
	c.writeSearch(index)
	return out
}
