package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/openapi"
)

// service is what an API Management service has. Nothing of it is secret.
type service struct {
	name         string
	policy       string // of the global scope; empty for none, as all below
	namedValues  []contract[namedValueProperties]
	fragments    []contract[policyProperties]
	backends     []contract[backendProperties]
	certificates []contract[certificateProperties]
	schemas      []contract[schemaProperties]
	versionSets  []contract[versionSetProperties]
	apis         []apiEntity
	products     []productEntity
	// subscriptions have no keys.
	subscriptions []contract[subscriptionProperties]
}

type apiEntity struct {
	contract[apiProperties]
	policy            string
	document          []byte            // nil for none
	extension         string            // of the document
	parsed            *openapi.Document // once it was; nil where there is none that can be read
	operations        []contract[operationProperties]
	operationPolicies map[string]string // by the names of operations
}

type productEntity struct {
	contract[productProperties]
	policy string
	apis   []string
}

// without are the entities that have no counterpart, and what is to be said of
// each. Extracts of APIOps call some of them otherwise.
var without = map[string]string{
	"loggers":                "loggers are named otherwise here: endpoints and eventHubs under telemetry",
	"diagnostics":            "what is logged is set under telemetry",
	"gateways":               "there are no self-hosted gateways: each deployment is one",
	"authorizationProviders": "make the provider again under connections, and let people connect by go run ./local connections add",
	"authorizationServers":   "it only describes an API in the developer portal",
	"openidConnectProviders": "it only describes an API in the developer portal",
	"caches":                 "the cache is in the store of the gateway",
	"tags":                   "there are no tags",
	"workspaces":             "there are no workspaces: import what is in one by itself",
	"policyRestrictions":     "there are no restrictions of policies",
	"documentations":         "there is no developer portal",
}

// service reads a service: from an extract of APIOps, where the source is one, or
// from replies.
func (r *reader) service(ctx context.Context) (*service, error) {
	if s, ok := r.source.(saved); ok && isExtract(s.folder) {
		return r.extract(s.folder)
	}
	self, err := ask[resource](ctx, r, get(apiManagementVersion))
	if err != nil {
		return nil, err
	}
	if !self.is("Microsoft.ApiManagement/service") || self.Name == "" {
		return nil, &ReplyError{"resource.json", fmt.Errorf("%q is no API Management service: give a Microsoft.ApiManagement/service", self.Type)}
	}
	s := &service{name: self.Name}
	read := reading{reader: r, ctx: ctx}
	s.namedValues = r.draft.reserve(entities[namedValueProperties](&read, "namedValues"))
	s.policy = read.policy()
	for _, f := range entities[nothing](&read, "policyFragments") {
		if one := asked[contract[policyProperties]](&read, rawXML("policyFragments", f.Name)); one != nil {
			one.Name = f.Name
			s.fragments = append(s.fragments, *one)
		}
	}
	s.backends = entities[backendProperties](&read, "backends")
	s.certificates = entities[certificateProperties](&read, "certificates")
	s.schemas = entities[schemaProperties](&read, "schemas")
	s.versionSets = entities[versionSetProperties](&read, "apiVersionSets")
	for _, a := range entities[apiProperties](&read, "apis") {
		s.apis = append(s.apis, read.api(a))
	}
	for _, p := range entities[productProperties](&read, "products") {
		s.products = append(s.products, read.product(p))
	}
	s.subscriptions = entities[subscriptionProperties](&read, "subscriptions")
	for _, g := range entities[groupProperties](&read, "groups") {
		if g.Properties.Type != "system" && !g.Properties.BuiltIn {
			r.draft.group(g.Name)
		}
	}
	read.others()
	return s, read.err
}

// group says that a group has no counterpart.
func (d *draft) group(name string) {
	d.remark(placed("group", name), "there are no groups of people: say who may come in by authorization and allow")
}

// reading reads until something fails.
type reading struct {
	*reader
	ctx context.Context
	err error
}

// entities reads a list of entities.
func entities[P any](r *reading, path ...string) []contract[P] {
	if r.err != nil {
		return nil
	}
	all, err := list[contract[P]](r.ctx, r.reader, get(apiManagementVersion, path...))
	if refused, ok := errors.AsType[*ReplyError](err); ok && slices.Contains(asideLists, path[0]) {
		r.draft.remark(path[0], "they cannot be listed: %v", refused)
		return nil
	}
	r.err = err
	return distinct(r, strings.Join(path, "/"), all)
}

// distinct are the entities with a name, each once: an entity may stand on two pages
// of a list that is changed while it is read. Letter case tells no names apart.
func distinct[P any](r *reading, kind string, all []contract[P]) (kept []contract[P]) {
	seen := map[string]bool{}
	for _, one := range all {
		switch name := strings.ToLower(one.Name); {
		case name == "":
			r.draft.remark(kind, "one that has no name is left out")
		case seen[name]:
			r.draft.remark(kind, "%q is listed twice: the first is taken", one.Name)
		default:
			seen[name] = true
			kept = append(kept, one)
		}
	}
	return kept
}

// asideLists are entities without which a gateway can be drafted. Some tiers have
// none of them, and refuse the question.
var asideLists = []string{"certificates", "schemas", "apiVersionSets", "subscriptions", "groups"}

// asked reads one reply; nil where there is none.
func asked[T any](r *reading, q Request) *T {
	if r.err != nil {
		return nil
	}
	var reply *T
	reply, r.err = optional[T](r.ctx, r.reader, q)
	return reply
}

// rawXML is the request for a policy document as people write it.
func rawXML(path ...string) Request {
	q := get(apiManagementVersion, path...)
	q.Query.Set("format", "rawxml")
	return q
}

// policy reads the policy document of a scope.
func (r *reading) policy(scope ...string) string {
	p := asked[contract[policyProperties]](r, rawXML(append(scope, "policies/policy")...))
	if p == nil {
		return ""
	}
	return p.Properties.Value
}

func (r *reading) api(a contract[apiProperties]) apiEntity {
	e := apiEntity{contract: a, operationPolicies: map[string]string{}}
	if !e.wanted() {
		return e
	}
	e.policy = r.policy("apis", a.Name)
	if a.Properties.kind() == "mcp" {
		r.tools(&e)
		return e
	}
	e.operations = entities[operationProperties](r, "apis", a.Name, "operations")
	for _, o := range e.operations {
		if p := r.policy("apis", a.Name, "operations", o.Name); p != "" {
			e.operationPolicies[o.Name] = p
		}
	}
	e.document, e.extension = r.export(a.Name), ".json"
	for _, g := range entities[nothing](r, "apis", a.Name, "diagnostics") {
		r.draft.remark(placed("api", a.Name), "diagnostic %q: %s", g.Name, without["diagnostics"])
	}
	return e
}

// tools reads the tools of an MCP API that are entities of their own.
func (r *reading) tools(e *apiEntity) {
	if r.err != nil || len(e.Properties.MCPTools) > 0 || e.Properties.BackendID != "" {
		return
	}
	all, err := list[contract[mcpToolProperties]](r.ctx, r.reader, get(mcpToolsVersion, "apis", e.Name, "tools"))
	if refused, ok := errors.AsType[*ReplyError](err); ok {
		r.draft.remark(placed("MCP server", e.Name), "its tools cannot be listed: %v", refused)
		return
	}
	r.err = err
	for _, t := range all {
		e.addTool(t)
	}
}

// wanted tells whether there is more to read of an API.
func (e *apiEntity) wanted() bool {
	k := e.Properties.kind()
	return (k == "http" || k == "mcp") && !e.old()
}

// old tells whether an API is a revision that clients do not get by themselves.
func (e *apiEntity) old() bool {
	return e.Properties.IsCurrent != nil && !*e.Properties.IsCurrent || strings.Contains(e.Name, ";rev=")
}

func (e *apiEntity) addTool(t contract[mcpToolProperties]) {
	name := t.Properties.DisplayName
	if name == "" {
		name = t.Name
	}
	e.Properties.MCPTools = append(e.Properties.MCPTools, mcpTool{name, t.Properties.OperationID, t.Properties.Description})
}

// export reads the OpenAPI document of an API; nil where there is none.
func (r *reading) export(api string) []byte {
	q := get(apiManagementVersion, "apis", api)
	q.As = q.Path + "/export"
	q.Query.Set("format", "openapi+json-link")
	q.Query.Set("export", "true")
	reply := asked[exportReply](r, q)
	if reply == nil || r.err != nil {
		return nil
	}
	content, err := r.document(r.ctx, "apis/"+api+"/openapi.json", reply.link)
	r.err = err
	return content
}

func (r *reading) product(p contract[productProperties]) productEntity {
	e := productEntity{contract: p, policy: r.policy("products", p.Name)}
	for _, a := range entities[nothing](r, "products", p.Name, "apis") {
		e.apis = append(e.apis, a.Name)
	}
	return e
}

// others says of entities without a counterpart that there are some. A tier that
// has no such entities refuses the question.
func (r *reading) others() {
	for kind, text := range sorted(without) {
		if r.err != nil {
			return
		}
		found, err := list[contract[nothing]](r.ctx, r.reader, get(apiManagementVersion, kind))
		if refused, ok := errors.AsType[*ReplyError](err); ok {
			r.draft.remark(kind, "they cannot be listed: %v", refused.Err)
			continue
		}
		r.err = err
		for _, f := range found {
			r.draft.remark(placed(strings.TrimSuffix(kind, "s"), f.Name), "%s", text)
		}
	}
}

// sorted yields a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// placeholderOnly is a text that is nothing but a reference to a named value,
// with a scheme before it at most.
var placeholderOnly = regexp.MustCompile(`^([A-Za-z]+ )?\{\{[A-Za-z0-9._-]+\}\}$`)
