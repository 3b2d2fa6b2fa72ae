package importer

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/openapi"
)

// api drafts an API. Those that are MCP servers are drafted later: they are over
// others.
func (g *drafting) api(e *apiEntity) {
	p := &e.Properties
	place := placed("api", e.Name)
	switch kind := p.kind(); {
	case e.old():
		g.remark(place, "it is left out: it is not the current revision")
		return
	case kind == "mcp":
		return
	case kind != "http":
		g.remark(place, "it is left out: its type is %s, and tools are made of HTTP APIs", kind)
		return
	}
	name := g.apiNames.take(e.Name)
	out, operations := g.described(place, name, e)
	if out == nil {
		return
	}
	g.apiOf[e.Name] = name
	g.renamed(place, e.Name, name, "context.Api.Id")
	out = out.with("title", literal(p.DisplayName)).with("version", literal(p.APIVersion)).with("path", g.path(place, e)).with("backend", g.destination(place, name, e))
	out = append(out, g.subscriptionKeys(e)...)
	out = out.with("policy", g.document(place, e.policy, "apis", name))
	g.apis = append(g.apis, field{name, out.with("operations", operations)})
	if !slices.Contains(p.Protocols, "https") && len(p.Protocols) > 0 {
		g.remark(place, "it is reached by %s there; here the platform says whether by https", strings.Join(p.Protocols, " and "))
	}
}

// described is what says which operations an API has: a document, or operations
// that are declared. It is nil where there is neither.
func (g *drafting) described(place, name string, e *apiEntity) (out, operations object) {
	if e.document != nil {
		var err error
		if e.parsed, err = openapi.Parse("specification"+e.extension, e.document, noFiles); err != nil {
			g.remark(place, "its OpenAPI document is not taken: %v", err)
		}
	}
	doc := e.parsed
	switch {
	case doc != nil && (g.hasTools(e.Name) || !hasWildcards(doc)):
		if hasWildcards(doc) {
			g.remark(place, `its document has paths with "*", which stand for themselves: such an operation is no tool`)
		}
		out = object{{"openapi", g.write(withoutShown(e.document), e.extension, "apis", name)}}
		return out, g.operationPolicies(place, name, e)
	case doc != nil && len(e.operations) == 0:
		for _, o := range doc.Operations {
			e.operations = append(e.operations, contract[operationProperties]{Name: o.Key(), Properties: operationProperties{Method: o.Method, URLTemplate: doc.URLTemplate(o)}})
		}
	}
	if operations = g.declared(place, name, e); len(operations) == 0 {
		g.remark(place, "it is left out: there is no OpenAPI document and there are no operations")
		return nil, nil
	}
	return object{}, operations
}

// hasTools tells whether operations of an API are tools of some MCP server.
func (g *drafting) hasTools(name string) bool {
	return slices.ContainsFunc(g.from.apis, func(e apiEntity) bool {
		return slices.ContainsFunc(e.Properties.MCPTools, func(t mcpTool) bool { return segmentAfter(t.OperationID, "apis") == name })
	})
}

func hasWildcards(doc *openapi.Document) bool {
	return slices.ContainsFunc(doc.Operations, func(o *openapi.Operation) bool { return strings.Contains(o.Path, "*") })
}

// operationPolicies are the policies of the operations of a document.
func (g *drafting) operationPolicies(place, name string, e *apiEntity) (out object) {
	for id, text := range sorted(e.operationPolicies) {
		key := operationKey(e, id)
		if key == "" || slices.ContainsFunc(out, func(f field) bool { return f.key == key }) {
			g.remark(place, "the policies of the operation %q are left out: the document has no such operation, or one of this name has policies already", id)
			continue
		}
		out = append(out, field{key, inline{{"policy", g.document(placed("operation", id), text, "apis", name, id)}}})
	}
	return out
}

// operationKey is what the document of an API calls an operation: its operationId,
// or its method and path. Empty: it has no such operation.
func operationKey(e *apiEntity, id string) string {
	for _, o := range e.parsed.Operations {
		if o.ID != "" && strings.EqualFold(o.ID, id) {
			return o.Key()
		}
	}
	i := slices.IndexFunc(e.operations, func(c contract[operationProperties]) bool { return strings.EqualFold(c.Name, id) })
	if i < 0 {
		return ""
	}
	path, _, _ := strings.Cut(e.operations[i].Properties.URLTemplate, "?")
	for _, o := range e.parsed.Operations {
		if strings.EqualFold(o.Method, e.operations[i].Properties.Method) && o.Path == path {
			return o.Key()
		}
	}
	return ""
}

var (
	validMethod = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`)
	// wildcard is a * at the end of a path.
	wildcard = regexp.MustCompile(`/\*$`)
)

// declared are the operations of an API without a document.
func (g *drafting) declared(place, name string, e *apiEntity) (out object) {
	answered, policies := map[string]bool{}, maps.Clone(e.operationPolicies)
	for _, o := range e.operations {
		method, template := strings.ToUpper(o.Properties.Method), urlTemplate(o.Properties.URLTemplate)
		same := method + " " + requestsOf(template)
		why := ""
		switch {
		case slices.ContainsFunc(out, func(f field) bool { return f.key == o.Name }):
			why = "another one has its name"
		case !validMethod.MatchString(method), !config.ValidURLTemplate(template):
			why = "it cannot be written as a URL template"
		case answered[same]:
			why = "another one answers the same requests"
		}
		if why != "" {
			g.remark(place, "the operation %q, %s %s, is left out: %s", o.Name, method, o.Properties.URLTemplate, why)
			continue
		}
		answered[same] = true
		one := object{{"method", method}, {"urlTemplate", template}}
		for id, text := range sorted(policies) {
			if strings.EqualFold(id, o.Name) {
				one = one.with("policy", g.document(placed("operation", id), text, "apis", name, id))
				delete(policies, id)
				break
			}
		}
		out = append(out, field{o.Name, inline(one)})
	}
	for id := range sorted(policies) {
		g.remark(place, "the policies of the operation %q are left out: there is no such operation here", id)
	}
	return out
}

// urlTemplate is a URL template with {*rest} in the place of a * at the end of its
// path.
func urlTemplate(text string) string {
	path, query, hasQuery := strings.Cut(text, "?")
	path = wildcard.ReplaceAllString("/"+strings.TrimLeft(path, "/"), "/{*rest}")
	if hasQuery {
		path += "?" + query
	}
	return path
}

// placeholder is a parameter of a URL template.
var placeholder = regexp.MustCompile(`\{([^{}/]+)\}`)

// requestsOf is a URL template without the names of its parameters, which is equal
// for those that answer the same requests.
func requestsOf(template string) string {
	return placeholder.ReplaceAllStringFunc(strings.ToLower(template), func(p string) string {
		if strings.HasPrefix(p, "{*") {
			return "{*}"
		}
		return "{}"
	})
}

// destination is the name of the backend of an API.
func (g *drafting) destination(place, name string, e *apiEntity) string {
	if id := last(e.Properties.BackendID); g.backendOf[id] != "" {
		return g.backendOf[id]
	}
	base, queries := nowhere, inline(nil)
	if e.Properties.ServiceURL == "" {
		g.remark(place, "it has no service URL: a request goes where policies send it, and else to %s", nowhere)
	} else {
		base, queries = g.address(place, e.Properties.ServiceURL)
	}
	backend := g.backendNames.take(name)
	g.backends = append(g.backends, field{backend, object{{"url", base}}.with("credentials", object{}.with("query", queries))})
	return backend
}

var apiPath = regexp.MustCompile(`^(/|[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)$`)

// path is where plain HTTP clients reach an API; empty where they cannot.
func (g *drafting) path(place string, e *apiEntity) string {
	p := &e.Properties
	path := strings.Trim(p.Path, "/")
	if p.APIVersion != "" {
		switch set := g.versionSet(p.APIVersionSetID); strings.ToLower(set.VersioningScheme) {
		case "header", "query":
			g.remark(place, "its version is told by %q in the %s there; here each version has a path of its own", cmp.Or(set.VersionHeaderName, set.VersionQueryName), strings.ToLower(set.VersioningScheme))
		}
		if !strings.HasSuffix(path, "/"+p.APIVersion) && path != p.APIVersion {
			path = strings.TrimLeft(path+"/"+p.APIVersion, "/")
		}
	}
	path = cmp.Or(path, "/")
	second := strings.Split(path+"/", "/")[1]
	switch {
	case !apiPath.MatchString(path), config.ReservedAPIPath(path), strings.EqualFold(second, "mcp"), strings.Contains("/"+path+"/", "/./"), strings.Contains("/"+path+"/", "/../"):
		g.remark(place, "plain HTTP clients do not reach it: its path %q cannot be one here", path)
		return ""
	case g.taken["path "+strings.ToLower(path)]:
		g.remark(place, "plain HTTP clients do not reach it: another API has the path %q", path)
		return ""
	}
	g.taken["path "+strings.ToLower(path)] = true
	return path
}

func (g *drafting) versionSet(id string) versionSetProperties {
	for _, s := range g.from.versionSets {
		if s.Name == last(id) {
			return s.Properties
		}
	}
	return versionSetProperties{}
}

// subscriptionKeys are the members of an API or a server that say which keys it
// takes.
func (g *drafting) subscriptionKeys(e *apiEntity) (out object) {
	p := &e.Properties
	required := p.SubscriptionRequired == nil || *p.SubscriptionRequired
	if !required || !g.open[e.Name] { // in an open product nothing is required
		out = append(out, field{"subscriptionRequired", required})
	}
	n := p.SubscriptionKeyParameterNames
	if !required || n == nil {
		return out
	}
	var names inline
	if n.Header != "" && !config.KeyHeader(n.Header) {
		g.remark(placed("api", e.Name), "its subscription keys are in Ocp-Apim-Subscription-Key: %q cannot be a header for them", n.Header)
	} else if n.Header != "" && !strings.EqualFold(n.Header, "Ocp-Apim-Subscription-Key") {
		names = append(names, field{"header", n.Header})
	}
	if config.ValueReference().MatchString(n.Query) {
		g.remark(placed("api", e.Name), "its subscription keys are in the parameter subscription-key: %q cannot be one for them", n.Query)
	} else if n.Query != "" && n.Query != "subscription-key" {
		names = append(names, field{"query", n.Query})
	}
	return out.with("subscriptionKeyNames", names)
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
var notToolName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// mcpAPI drafts the server, or the servers, of an MCP API.
func (g *drafting) mcpAPI(e *apiEntity) {
	p := &e.Properties
	place := placed("MCP server", e.Name)
	name := g.draft.server(cmp.Or(strings.TrimSuffix(strings.Trim(p.Path, "/"), "/mcp"), e.Name))
	if name != strings.Trim(p.Path, "/") {
		g.remark(place, "clients reach it at /%s/mcp, and no longer at /%s/mcp", name, strings.Trim(p.Path, "/"))
	}
	top := object{}.with("title", literal(p.DisplayName)).with("description", literal(p.Description))
	policy := g.document(place, e.policy, "servers", name)
	if len(p.MCPTools) == 0 {
		if upstream := g.upstream(place, e); upstream != nil {
			g.servers = append(g.servers, field{name, append(top.with("upstream", upstream), g.subscriptionKeys(e)...).with("policy", policy)})
			g.serverOf[e.Name] = []string{name}
		}
		return
	}
	tools := g.tools(place, p.MCPTools)
	switch len(tools) {
	case 0:
		g.remark(place, "it is left out: none of its tools is an operation that was imported")
	case 1:
		out := append(append(top, tools[0].value.(object)...), g.subscriptionKeys(e)...) //nolint:forcetypeassert // tools makes objects
		g.servers = append(g.servers, field{name, out.with("policy", policy)})
		g.serverOf[e.Name] = []string{name}
	default:
		g.federation(place, name, top, tools, policy, e)
	}
}

// federation drafts a server for each API that has tools of an MCP API, and one
// over them under its name.
func (g *drafting) federation(place, name string, top, tools object, policy string, e *apiEntity) {
	var members []any
	for _, t := range tools {
		member := g.draft.server(name + "-" + t.key)
		out, _ := t.value.(object)
		g.servers = append(g.servers, field{member, append(out, g.subscriptionKeys(e)...).with("policy", policy)})
		members = append(members, inline{{"server", member}, {"prefix", ""}})
		g.serverOf[e.Name] = append(g.serverOf[e.Name], member)
	}
	g.servers = append(g.servers, field{name, append(top.with("federate", members), g.subscriptionKeys(e)...)})
	g.serverOf[e.Name] = append([]string{name}, g.serverOf[e.Name]...)
	g.remark(place, "its tools are operations of %d APIs: it is a federation of as many servers here, and its policies are theirs", len(tools))
}

// tools are the selections of tools by the API that they are operations of.
func (g *drafting) tools(place string, list []mcpTool) (out object) {
	selected := map[string][]any{}
	var order []string
	for _, t := range list {
		api := g.apiOf[segmentAfter(t.OperationID, "apis")]
		key := g.operation(segmentAfter(t.OperationID, "apis"), last(t.OperationID))
		switch {
		case api == "" || key == "":
			g.remark(place, "the tool %q is left out: its operation %q was not imported, or is in no OpenAPI document", t.Name, last(t.OperationID))
			continue
		case !config.ValidOperation(key) || config.ValueReference().MatchString(key):
			g.remark(place, "the tool %q is left out: its operation cannot be named by the operationId %q", t.Name, key)
			continue
		}
		name := cmp.Or(t.Name, key)
		if !toolName.MatchString(name) {
			name = notToolName.ReplaceAllString(name, "_")
			name = name[:min(len(name), 64)]
			g.remark(place, "the tool %q has the name %s here", t.Name, name)
		}
		if g.taken["tool "+place+" "+name] || g.taken["operation "+place+" "+api+" "+key] {
			g.remark(place, "the tool %q is left out: another one has its name, or its operation", t.Name)
			continue
		}
		g.taken["tool "+place+" "+name], g.taken["operation "+place+" "+api+" "+key] = true, true
		if selected[api] == nil {
			order = append(order, api)
		}
		selected[api] = append(selected[api], inline(object{{"operation", key}}.with("name", name).with("description", literal(t.Description))))
	}
	for _, api := range order {
		out = append(out, field{api, object{{"api", api}, {"acceptLossy", true}, {"tools", selected[api]}}})
	}
	return out
}

// operation is what gateway.yaml calls an operation of an API that has a document;
// empty where there is none.
func (g *drafting) operation(api, id string) string {
	i := slices.IndexFunc(g.from.apis, func(e apiEntity) bool { return e.Name == api })
	if i < 0 || g.from.apis[i].parsed == nil {
		return ""
	}
	return operationKey(&g.from.apis[i], id)
}

// upstream is the MCP server that an MCP API stands in front of; nil where it
// cannot be told.
func (g *drafting) upstream(place string, e *apiEntity) object {
	p := &e.Properties
	m := p.MCPProperties
	if m.TransportType == "" && m.Endpoints == nil {
		m = p.MCPPropertiesMisspelt
	}
	address, credentials := p.ServiceURL, object(nil)
	if id := last(p.BackendID); id != "" {
		i := slices.IndexFunc(g.from.backends, func(b contract[backendProperties]) bool { return b.Name == id })
		if i < 0 || g.from.backends[i].Properties.Pool != nil {
			g.remark(place, "it is left out: its backend %q is not there, or is a pool", id)
			return nil
		}
		b := &g.from.backends[i].Properties
		base, queries := g.address(place, b.URL)
		address, credentials = base, g.credentials(place, b.Credentials, queries)
	} else if address != "" {
		var queries inline
		address, queries = g.address(place, address)
		credentials = object{}.with("query", queries)
	}
	if address == "" {
		g.remark(place, "it is left out: it has neither tools nor a backend")
		return nil
	}
	sse := strings.EqualFold(m.TransportType, "sse")
	template := map[bool]string{true: "/sse", false: "/mcp"}[sse]
	for _, x := range m.Endpoints {
		if x.URITemplate != "" && (x.Name == "message" || sse && x.Name == "sse") {
			template = x.URITemplate
		}
	}
	address = strings.TrimRight(address, "/")
	if template = strings.Trim(template, "/"); template != "" {
		address += "/" + template
	}
	if whole, secret := g.resolved(address); secret != "" || !config.ValidURL(whole, true) {
		g.remark(place, "it is left out: %q is no URL of an MCP server", address)
		return nil
	}
	out := object{{"url", address}}
	if sse {
		out = append(out, field{"transport", "sse"})
	}
	return out.with("credentials", credentials)
}
