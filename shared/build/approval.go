package build

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"toolgate/shared/approval"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// approve notes whether a person is asked before a tool is called, where the tool
// says something of it.
func (p *serverPolicies) approve(s *config.Server, name string, own *config.Approval) {
	if own == nil {
		return
	}
	if p.approvals == nil {
		p.approvals = map[string]*config.Approval{}
	}
	p.approvals[name] = own.Over(s.Approval)
}

// waive notes of a tool that nobody is asked before it is called, whatever the server
// says of its tools.
func (p *serverPolicies) waive(s *config.Server, name string) {
	if s.Approval != nil {
		p.approve(s, name, &config.Approval{Waived: true})
	}
}

// checkApproval checks that a message names arguments that the tool has.
func (c *conversion) checkApproval(own *config.Approval, t *openapi.Tool) {
	if own == nil {
		return
	}
	var schema struct {
		Properties map[string]jsontext.Value `json:"properties"`
	}
	_ = json.Unmarshal(t.InputSchema, &schema) // it was rendered a moment ago
	names := slices.Sorted(maps.Keys(schema.Properties))
	for _, wanted := range approval.Placeholders(own.Message) {
		if !slices.Contains(names, wanted) {
			c.fault(own.At, fault.Suggest(wanted, names, "the tool has no arguments"), "the message shows {%s}, and the tool %q has no such argument", wanted, t.Name)
		}
	}
}

// noteApprovals says in the report what approvals need when the gateway runs.
func (b *builder) noteApprovals(s *snapshot.Server) {
	var waiting []string
	for name, a := range s.ToolApproval {
		if a != nil {
			waiting = append(waiting, name)
		}
	}
	slices.Sort(waiting)
	what := strings.Join(waiting, ", ")
	switch {
	case s.Approval != nil:
		what = "its tools"
	case len(waiting) == 0:
		return
	case len(waiting) > 3:
		what = fmt.Sprintf("%d tools", len(waiting))
	}
	note := s.Name + ": a person is asked before " + what + " may be called; which approvals were used is known to the instances that share a store (TOOLGATE_STORE), and without one to each instance alone"
	if len(b.cfg.SealingKey.Parts) == 0 && b.cfg.PublicURL != "" {
		note += "; instances need one sealingKey for it"
	}
	b.report.Notes = append(b.report.Notes, note)
}
