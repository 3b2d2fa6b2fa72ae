package build

import (
	"slices"
	"strconv"

	"toolgate/shared/config"
	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json/jsontext"
)

// longRunning says how calls of a tool are followed that go on; nil: they do not.
func (c *conversion) longRunning(o *openapi.Operation, own *config.LongRunning) *config.LongRunning {
	l := own.Over(c.server.API.LongRunning)
	if l == nil && !c.doc.LongRunning(o) || l != nil && l.Never {
		return nil
	}
	return l.Complete()
}

// pollTool is the name of the tool by which clients without tasks ask for results;
// empty where no tool needs it. It gives way to the tools of the document.
func (c *conversion) pollTool() string {
	needed := slices.ContainsFunc(c.tools, func(t tool) bool { return t.long != nil && !t.long.TasksOnly })
	if !needed {
		return ""
	}
	for n := 1; ; n++ {
		name := "poll"
		switch n {
		case 1:
		case 2:
			name = "poll_call"
		default:
			name = "poll_call_" + strconv.Itoa(n)
		}
		if _, taken := c.byName[name]; !taken {
			return name
		}
	}
}

// pollDefinition is the definition of that tool.
func pollDefinition(name string) jsontext.Value {
	return jsontext.Value(`{"name":"` + name + `","title":"Ask for the result of a call that goes on",` +
		`"description":"Asks whether a call has ended of which another tool of this server answered that it goes on, and returns its result then. Wait before asking again as long as the last answer says.",` +
		`"inputSchema":{"type":"object","properties":{"id":{"type":"string","description":"The id from the answer of the tool, exactly as it stands there."}},"required":["id"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}}`)
}

// noteLongRunning says in the report what calls that go on need when the gateway runs.
func (c *conversion) noteLongRunning() {
	long := slices.ContainsFunc(c.tools, func(t tool) bool { return t.long != nil })
	if long && len(c.cfg.SealingKey.Parts) == 0 && c.cfg.PublicURL != "" {
		c.builder.report.Notes = append(c.builder.report.Notes, c.server.Name+": calls of its tools may go on, and are asked for by what instances seal; they need one sealingKey for it")
	}
}
