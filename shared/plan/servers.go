package plan

import (
	"fmt"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/snapshot"
)

// serverAreas are the members of a server that have areas or comparisons of their own.
var serverAreas = []string{
	"name", "api", "upstream", "federate", "lock", "policy", "toolPolicies", "subscriptionKeys", "authorization", "allow", "toolAllow",
	"approval", "toolApproval",
}

func (c *comparison) servers() error {
	return paired(c.before.Servers, c.after.Servers, func(s *snapshot.Server) string { return s.Name }, func(name string, a, b *snapshot.Server) error {
		switch {
		case a == nil:
			c.add(Change{Area: AreaServer, Subject: name, Kind: Added, Details: []string{"made of " + kindOf(b)}})
			return nil
		case b == nil:
			c.add(Change{Area: AreaServer, Subject: name, Kind: Removed, Breaking: []string{"/" + name + "/mcp is not there any more"}})
			return nil
		}
		c.server(a, b)
		c.access(a, b)
		if err := c.tools(a, b); err != nil {
			return err
		}
		return c.clientProfiles(a, b)
	})
}

// kindOf says what a server is made of.
func kindOf(s *snapshot.Server) string {
	switch {
	case s.API != nil:
		return fmt.Sprintf("the API %s, with %d tools", s.API.Name, s.API.Tools)
	case s.Upstream != nil:
		return "the MCP server " + withoutSecrets(s.Upstream.URL)
	}
	return "other servers"
}

// server compares what a server is.
func (c *comparison) server(a, b *snapshot.Server) {
	var breaking []string
	details := differences(flat(a, serverAreas...), flat(b, serverAreas...))
	if a.LegacySSE && !b.LegacySSE {
		breaking = append(breaking, "clients of HTTP+SSE are not served any more")
	}
	if a.Search != b.Search {
		breaking = append(breaking, "its list has other tools: they are found by a search "+map[bool]string{true: "now", false: "no more"}[b.Search])
	}
	for _, name := range unionOf(a.ToolResults, b.ToolResults) {
		if written(a.ToolResults[name]) != written(b.ToolResults[name]) {
			breaking = append(breaking, "the results of "+name+" are shown in another way")
		}
	}
	if kindOf(a) != kindOf(b) && (a.API == nil || b.API == nil || a.API.Name != b.API.Name) && (a.Federate == nil || b.Federate == nil) {
		details = append(details, "it is made of "+kindOf(b)+", was of "+kindOf(a))
	}
	if a.API != nil && b.API != nil {
		details = append(details, differences(flat(a.API, "pages", "tools", "name"), flat(b.API, "pages", "tools", "name"))...)
	}
	if a.Upstream != nil && b.Upstream != nil {
		details = append(details, differences(flat(a.Upstream, "tools", "url"), flat(b.Upstream, "tools", "url"))...)
		if a.Upstream.Resources && !b.Upstream.Resources {
			breaking = append(breaking, "its resources are not published any more")
		}
		if a.Upstream.Prompts && !b.Upstream.Prompts {
			breaking = append(breaking, "its prompts are not published any more")
		}
		if narrowed(a.Upstream.ResourceRules, b.Upstream.ResourceRules) {
			breaking = append(breaking, "which of its resources are published, or for whom, is said in another way")
		}
		if narrowed(a.Upstream.PromptRules, b.Upstream.PromptRules) {
			breaking = append(breaking, "which of its prompts are published, or for whom, is said in another way")
		}
	}
	c.changed(AreaServer, a.Name, breaking, details)
}

// narrowed tells whether something that was published may not be: what follows was
// not all that there is, and is another list.
func narrowed(a, b []config.Published) bool { return b != nil && written(a) != written(b) }

// access compares who may use a server and its tools.
func (c *comparison) access(a, b *snapshot.Server) {
	breaking := subscriptionKeys(a.SubscriptionKeys, b.SubscriptionKeys)
	breaking = append(breaking, authorization(a.Authorization, b.Authorization)...)
	breaking = append(breaking, allowed("the server", a.Allow, b.Allow)...)
	breaking = append(breaking, approved("its tools", a.Approval, b.Approval)...)
	type access struct {
		SubscriptionKeys *config.SubscriptionKeys    `json:"subscriptionKeys,omitzero"`
		Authorization    *config.ServerAuthorization `json:"authorization,omitzero"`
		Allow            []config.Allow              `json:"allow,omitzero"`
		Approval         *config.Approval            `json:"approval,omitzero"`
	}
	c.changed(AreaAuthorization, "server "+a.Name, breaking, differences(
		flat(access{a.SubscriptionKeys, a.Authorization, a.Allow, a.Approval}), flat(access{b.SubscriptionKeys, b.Authorization, b.Allow, b.Approval})))
	for _, name := range unionOf(a.ToolAllow, b.ToolAllow) {
		before, after := a.ToolAllow[name], b.ToolAllow[name]
		c.changed(AreaAuthorization, a.Name+"/"+name, allowed("the tool", before, after), differences(flat(before), flat(after)))
	}
	for _, name := range unionOf(a.ToolApproval, b.ToolApproval) {
		before, after := effectiveApproval(a, name), effectiveApproval(b, name)
		c.changed(AreaAuthorization, a.Name+"/"+name, approved("the tool", before, after), differences(flat(before), flat(after)))
	}
}

// effectiveApproval is that of a tool, which may be the server's.
func effectiveApproval(s *snapshot.Server, tool string) *config.Approval {
	if own, ok := s.ToolApproval[tool]; ok {
		return own
	}
	return s.Approval
}

func approved(what string, a, b *config.Approval) []string {
	if b != nil && a == nil {
		return []string{"calls of " + what + " wait for a person, and clients that cannot ask one are refused"}
	}
	return nil
}

// authorization judges which tokens are asked for.
func authorization(a, b *config.ServerAuthorization) (breaking []string) {
	switch {
	case b == nil:
		return nil
	case a == nil:
		return []string{"calls without a token are refused"}
	}
	if gone := missing(a.Issuers, b.Issuers); len(gone) > 0 {
		breaking = append(breaking, fmt.Sprintf("tokens of %v are refused", gone))
	}
	if more := missing(b.Scopes, a.Scopes); len(more) > 0 {
		breaking = append(breaking, fmt.Sprintf("tokens need the scopes %v as well", more))
	}
	if !slices.Equal(a.Audiences, b.Audiences) && (a.Audiences == nil || b.Audiences == nil || len(missing(a.Audiences, b.Audiences)) > 0) {
		breaking = append(breaking, "tokens for the audiences that were taken may be refused")
	}
	if b.ClientIDs != nil && (a.ClientIDs == nil || len(missing(a.ClientIDs, b.ClientIDs)) > 0) {
		breaking = append(breaking, "tokens of client applications that were taken are refused")
	}
	return breaking
}

// allowed judges who may use something: of what it took before, each alternative must
// still be one.
func allowed(what string, a, b []config.Allow) []string {
	if len(b) == 0 {
		return nil
	}
	if len(a) == 0 {
		return []string{what + " was for everybody who may reach it, and is not any more"}
	}
	for _, before := range a {
		if !slices.ContainsFunc(b, func(after config.Allow) bool { return written(before) == written(after) }) {
			return []string{what + " may be refused to callers whom it was for"}
		}
	}
	return nil
}
