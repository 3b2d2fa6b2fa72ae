package importer

import (
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Versions of the interfaces of Azure Resource Manager.
const (
	logicVersion         = "2019-05-01"
	webVersion           = "2023-12-01"
	mcpServersVersion    = "2021-02-01"
	apiManagementVersion = "2024-06-01-preview"
	mcpToolsVersion      = "2025-09-01-preview" // of tools that are entities of their own
)

// removed stands in recordings where a secret was.
const removed = "removed"

// resource is a Logic App, a site or an API Management service.
type resource struct {
	ID         string             `json:"id,omitzero"`
	Name       string             `json:"name"`
	Type       string             `json:"type"`
	Kind       string             `json:"kind,omitzero"`
	Properties resourceProperties `json:"properties"`
}

type resourceProperties struct {
	State           string         `json:"state,omitzero"` // Enabled, Disabled; of sites Running, Stopped
	DefaultHostName string         `json:"defaultHostName,omitzero"`
	GatewayURL      string         `json:"gatewayUrl,omitzero"`
	Definition      workflow       `json:"definition,omitzero"`
	AccessControl   *accessControl `json:"accessControl,omitzero"`
}

// accessControl is what a Logic App asks of callers besides the signature.
type accessControl struct {
	Triggers struct {
		AllowedCallerIPAddresses   []struct{} `json:"allowedCallerIpAddresses,omitzero"`
		OpenAuthenticationPolicies *struct{}  `json:"openAuthenticationPolicies,omitzero"`
	} `json:"triggers"`
}

// is tells whether a resource is of a type; the case of letters does not count.
func (r *resource) is(kind string) bool { return strings.EqualFold(r.Type, kind) }

// workflow is a definition in the workflow definition language: what calls and
// responses look like, and nothing of what the workflow does.
type workflow struct {
	Triggers map[string]trigger `json:"triggers,omitzero"`
	Actions  map[string]action  `json:"actions,omitzero"`
}

type trigger struct {
	Type        string        `json:"type"`
	Kind        string        `json:"kind,omitzero"`
	Description string        `json:"description,omitzero"`
	Inputs      triggerInputs `json:"inputs,omitzero"`
}

type triggerInputs struct {
	Schema       jsontext.Value `json:"schema,omitzero"`
	Method       string         `json:"method,omitzero"`
	RelativePath string         `json:"relativePath,omitzero"`
}

// action is an action, or a block of actions.
type action struct {
	Type    string            `json:"type"`
	Inputs  responseInputs    `json:"inputs,omitzero"`
	Actions map[string]action `json:"actions,omitzero"`
	Else    *branch           `json:"else,omitzero"`
	Cases   map[string]branch `json:"cases,omitzero"`
	Default *branch           `json:"default,omitzero"`
}

type branch struct {
	Actions map[string]action `json:"actions,omitzero"`
}

// responseInputs are the inputs of a Response action. Those of others, which are
// anything, are not read.
type responseInputs struct {
	StatusCode jsontext.Value `json:"statusCode,omitzero"` // a number, or an expression as text
	Schema     jsontext.Value `json:"schema,omitzero"`
}

// UnmarshalJSONFrom serves json.UnmarshalerFrom.
func (r *responseInputs) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() != '{' {
		return err
	}
	type members responseInputs
	return json.Unmarshal(v, (*members)(r))
}

// UnmarshalJSONFrom serves json.UnmarshalerFrom: inputs of triggers of other types
// are not read where they are no object.
func (i *triggerInputs) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() != '{' {
		return err
	}
	var given struct {
		Schema       jsontext.Value `json:"schema"`
		Method       jsontext.Value `json:"method"`
		RelativePath jsontext.Value `json:"relativePath"`
	}
	if err := json.Unmarshal(v, &given); err != nil {
		return err
	}
	i.Schema, i.Method, i.RelativePath = given.Schema, textOf(given.Method), textOf(given.RelativePath)
	return nil
}

// textOf is a JSON string; empty for anything else.
func textOf(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// triggerSchema is the reply to triggers/NAME/schemas/json.
type triggerSchema struct {
	Title   string `json:"title,omitzero"`
	Content string `json:"content,omitzero"` // JSON
}

// callbackURL is the reply to triggers/NAME/listCallbackUrl.
type callbackURL struct {
	Value        string            `json:"value"`
	Method       string            `json:"method,omitzero"`
	RelativePath string            `json:"relativePath,omitzero"`
	Queries      map[string]string `json:"queries,omitzero"`
}

// clean takes the signature out.
func (c *callbackURL) clean(*draft, string) {
	if _, ok := c.Queries["sig"]; ok {
		c.Queries["sig"] = removed
	}
	u, err := url.Parse(c.Value)
	if err != nil {
		c.Value = "" // nothing of what cannot be read is kept
		return
	}
	q := u.Query()
	if q.Has("sig") {
		q.Set("sig", removed)
	}
	u.RawQuery, u.User, u.Fragment = q.Encode(), nil, ""
	// Braces of path parameters stay readable.
	c.Value = strings.NewReplacer("%7B", "{", "%7D", "}").Replace(u.String())
}

// workflowEnvelope is a workflow of Logic Apps Standard.
type workflowEnvelope struct {
	Name       string `json:"name"` // APP/WORKFLOW
	Kind       string `json:"kind,omitzero"`
	Properties struct {
		FlowState string `json:"flowState,omitzero"`
		Files     struct {
			Workflow struct {
				Definition workflow `json:"definition,omitzero"`
			} `json:"workflow.json,omitzero"`
		} `json:"files,omitzero"`
	} `json:"properties"`
}

// mcpServers is the reply to listMcpServers.
type mcpServers struct {
	Values []mcpServer `json:"values,omitzero"`
	Value  []mcpServer `json:"value,omitzero"`
}

type mcpServer struct {
	Name        string `json:"name"`
	Description string `json:"description,omitzero"`
	URL         string `json:"url"`
}

// clean takes what a URL may show as a key out.
func (s *mcpServers) clean(*draft, string) {
	for _, list := range [][]mcpServer{s.Values, s.Value} {
		for i := range list {
			list[i].URL, _, _ = strings.Cut(list[i].URL, "?")
		}
	}
}
