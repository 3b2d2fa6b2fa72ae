package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json/jsontext"
)

// function is one function of a Function App.
type function struct {
	Name       string `json:"name"` // APP/FUNCTION
	Properties struct {
		Name              string `json:"name,omitzero"`
		InvokeURLTemplate string `json:"invoke_url_template,omitzero"`
		IsDisabled        bool   `json:"isDisabled,omitzero"`
		Config            struct {
			Bindings []binding `json:"bindings,omitzero"`
		} `json:"config,omitzero"`
	} `json:"properties"`
}

// clean leaves nothing of a URL that may show a key.
func (f *function) clean(*draft, string) {
	f.Properties.InvokeURLTemplate, _, _ = strings.Cut(f.Properties.InvokeURLTemplate, "?code=")
}

// binding is a trigger, or what a function reads and writes.
type binding struct {
	Type      string    `json:"type"`
	AuthLevel looseText `json:"authLevel,omitzero"`
	Methods   []string  `json:"methods,omitzero"`
	Route     *string   `json:"route,omitzero"` // nil: the name of the function
}

// looseText is text, and empty where something else stands in its place.
type looseText string

// UnmarshalJSONFrom serves json.UnmarshalerFrom.
func (t *looseText) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	*t = looseText(textOf(v))
	return err
}

// webConfig is the reply to config/web.
type webConfig struct {
	Properties struct {
		APIDefinition *struct {
			URL string `json:"url"`
		} `json:"apiDefinition,omitzero"`
	} `json:"properties"`
}

// clean leaves nothing of a URL that may show a key.
func (c *webConfig) clean(*draft, string) {
	if c.Properties.APIDefinition != nil {
		c.Properties.APIDefinition.URL, _, _ = strings.Cut(c.Properties.APIDefinition.URL, "?")
	}
}

// authSettings is the reply to config/authsettingsV2.
type authSettings struct {
	Properties struct {
		Platform struct {
			Enabled bool `json:"enabled,omitzero"`
		} `json:"platform,omitzero"`
		GlobalValidation struct {
			RequireAuthentication bool `json:"requireAuthentication,omitzero"`
		} `json:"globalValidation,omitzero"`
		IdentityProviders struct {
			AzureActiveDirectory struct {
				Registration struct {
					ClientID string `json:"clientId,omitzero"`
				} `json:"registration,omitzero"`
				Validation struct {
					AllowedAudiences []string `json:"allowedAudiences,omitzero"`
				} `json:"validation,omitzero"`
			} `json:"azureActiveDirectory,omitzero"`
		} `json:"identityProviders,omitzero"`
	} `json:"properties"`
}

// functionApp is a Function App while it is imported.
type functionApp struct {
	*reader
	name, origin string
	functions    []function
	operations   []operation
	optional     []operation // those of routes without a parameter that may be left out
	keyed        bool        // some function needs a key
	tools        bool        // the app is an MCP server
	// described is where a function renders an OpenAPI document; empty: none does.
	described string
	// unclear is what is lost where there is no OpenAPI document.
	unclear  []Remark
	audience string // that App Service asks of tokens; empty: it asks for none
}

// functionApp imports a Function App.
func (r *reader) functionApp(ctx context.Context) error {
	site, err := ask[resource](ctx, r, get(webVersion))
	if err != nil {
		return err
	}
	if !site.is("Microsoft.Web/sites") || site.Name == "" {
		return &ReplyError{"resource.json", fmt.Errorf("%q is no Function App: give a Microsoft.Web/sites", site.Type)}
	}
	a := &functionApp{reader: r, name: site.Name, origin: "https://" + cmp.Or(site.Properties.DefaultHostName, site.Name+".azurewebsites.net")}
	if !config.ValidURL(a.origin, false) {
		return &ReplyError{"resource.json", fmt.Errorf("%q is not where an app can answer: its host is none", a.origin)}
	}
	r.draft.name, r.draft.title = slug(site.Name), site.Name
	if a.functions, err = list[function](ctx, r, get(webVersion, "functions")); err != nil {
		return err
	}
	for i := range a.functions {
		a.function(&a.functions[i])
	}
	a.distinct()
	if err := a.authentication(ctx); err != nil {
		return err
	}
	content, err := a.openAPI(ctx)
	if err != nil {
		return err
	}
	if content == nil && len(a.operations) == 0 && !a.tools {
		return &ReplyError{"functions.json", errors.New("no function of the app can be called: there is none with an httpTrigger or an mcpToolTrigger that takes a key of its own")}
	}
	a.draftFolder(content)
	return nil
}

// function adds what can be called of a function.
func (a *functionApp) function(f *function) {
	name := cmp.Or(f.Properties.Name, f.Name[strings.LastIndexByte(f.Name, '/')+1:])
	place := fmt.Sprintf("function %q", name)
	if f.Properties.IsDisabled {
		a.draft.remark(place, "it is left out: it is disabled")
		return
	}
	for _, b := range f.Properties.Config.Bindings {
		switch strings.ToLower(b.Type) {
		case "httptrigger":
			a.httpTrigger(name, place, f.Properties.InvokeURLTemplate, &b)
			return
		case "mcptooltrigger", "mcpresourcetrigger", "mcpprompttrigger":
			a.tools = true
			return
		}
		if strings.HasSuffix(strings.ToLower(b.Type), "trigger") {
			a.draft.remark(place, "it is left out: it has a %s, and cannot be called by HTTP", b.Type)
			return
		}
	}
	a.draft.remark(place, "it is left out: it has no trigger that is known here")
}

// httpTrigger adds the operations of a function that takes HTTP.
func (a *functionApp) httpTrigger(name, place, template string, b *binding) {
	d := a.draft
	switch strings.ToLower(string(b.AuthLevel)) {
	case "admin":
		d.remark(place, "it is left out: its authLevel is admin, and the master key opens everything")
		return
	case "anonymous":
	default:
		a.keyed = true
	}
	path := a.path(name, template, b)
	if isOpenAPIExtension(name, path) {
		if name == "RenderOpenApiDocument" {
			a.described = strings.NewReplacer("{version}", "v3", "{extension}", "json").Replace(path)
		}
		return
	}
	found, err := routes(path)
	if err != nil {
		d.remark(place, "it is left out: %v", err)
		return
	}
	methods := b.Methods
	if len(methods) == 0 {
		methods = []string{"get", "post"}
		a.unclear = append(a.unclear, Remark{place, "it takes every method: there are tools for GET and POST"})
	}
	for _, method := range methods {
		for _, r := range found {
			id := name
			if len(methods) > 1 {
				id += "_" + strings.ToLower(method)
			}
			if r.without != "" {
				id += "_without_" + r.without
			}
			if o := a.operation(name, id, method, &r); r.without != "" {
				a.optional = append(a.optional, o)
			} else {
				a.operations = append(a.operations, o)
			}
		}
	}
	for _, lost := range found[len(found)-1].lost {
		a.unclear = append(a.unclear, Remark{place, lost})
	}
	a.unclear = append(a.unclear, Remark{place, "Azure Functions says nothing of parameters of the query and of bodies: the tool has those of the route alone, and takes any JSON object as the body"})
}

// distinct leaves no two operations with the same method and path. Those of a
// route without a parameter give way.
func (a *functionApp) distinct() {
	seen := map[string]bool{}
	var kept []operation
	for i, o := range slices.Concat(a.operations, a.optional) {
		same := strings.ToUpper(o.method) + " " + requestsOf(o.path)
		switch {
		case !seen[same]:
			kept = append(kept, o)
		case i < len(a.operations):
			a.draft.remark(fmt.Sprintf("function %q", o.summary), "%s %s is left out: another function has the same route", strings.ToUpper(o.method), o.path)
		}
		seen[same] = true
	}
	a.operations = kept
}

func (a *functionApp) operation(name, id, method string, r *routed) operation {
	o := operation{
		id: id, method: method, path: r.path, parameters: r.parameters, summary: name,
		description: "Calls the function " + name + ".",
		responses:   []response{{status: "default"}},
	}
	if m := strings.ToUpper(method); m == "POST" || m == "PUT" || m == "PATCH" {
		o.body, o.unknown = anything(), true
	}
	return o
}

// path is the path of a function, with the parameters of its route as the binding
// has them.
func (a *functionApp) path(name, template string, b *binding) string {
	route := name
	if b.Route != nil && *b.Route != "" {
		route = *b.Route
	}
	// Only the template knows the prefix, which is api unless host.json has another.
	prefix := "/api/"
	if rest, ok := strings.CutPrefix(template, a.origin); ok {
		if before, found := strings.CutSuffix(strings.ToLower(strings.Trim(rest, "/")), strings.ToLower(strings.Trim(route, "/"))); found {
			prefix = "/" + strings.Trim(rest, "/")[:len(before)]
		}
	}
	return prefix + strings.TrimLeft(route, "/")
}

// isOpenAPIExtension tells of the functions that the OpenAPI extension adds.
func isOpenAPIExtension(name, path string) bool {
	switch name {
	case "RenderOpenApiDocument", "RenderSwaggerDocument", "RenderSwaggerUI", "RenderOAuth2Redirect":
		return strings.Contains(path, "swagger") || strings.Contains(path, "openapi") || strings.Contains(path, "oauth2")
	}
	return false
}

// authentication asks what App Service wants of callers.
func (a *functionApp) authentication(ctx context.Context) error {
	place := placed("app", a.name)
	s, err := asides[authSettings](ctx, a.reader, get(webVersion, "config/authsettingsV2"), place, "whether App Service asks for sign-in")
	if err != nil || s == nil || !s.Properties.Platform.Enabled || !s.Properties.GlobalValidation.RequireAuthentication {
		return err
	}
	entra := &s.Properties.IdentityProviders.AzureActiveDirectory
	for _, audience := range entra.Validation.AllowedAudiences {
		a.audience = cmp.Or(a.audience, literal(audience))
	}
	if id := entra.Registration.ClientID; id != "" {
		a.audience = cmp.Or(a.audience, "api://"+literal(id))
	}
	if a.audience == "" {
		a.draft.remark(place, "App Service asks for sign-in at a provider other than Microsoft Entra: give the backend credentials for it")
		return nil
	}
	a.draft.remark(place, "App Service asks for a token for %s: let it take those of the gateway's managed identity", a.audience)
	return nil
}

// openAPI is the document that the app has of itself; nil for none.
func (a *functionApp) openAPI(ctx context.Context) ([]byte, error) {
	location := ""
	place := placed("app", a.name)
	settings, err := asides[webConfig](ctx, a.reader, get(webVersion, "config/web"), place, "whether it names an OpenAPI document")
	if err != nil {
		return nil, err
	}
	if settings != nil && settings.Properties.APIDefinition != nil {
		location = settings.Properties.APIDefinition.URL
	}
	if location == "" && a.described != "" {
		location = a.origin + a.described
	}
	if location == "" {
		return nil, nil
	}
	content, err := a.document(ctx, "openapi.json", location)
	if err != nil || content == nil {
		a.draft.remark(place, "its OpenAPI document at %s cannot be read: tools are made of the routes", location)
		return nil, nil //nolint:nilerr // the remark says it
	}
	if _, err := openapi.Parse("openapi.json", content, noFiles); err != nil {
		a.draft.remark(place, "its OpenAPI document at %s is not taken: %v", location, err)
		return nil, nil
	}
	return content, nil
}

// noFiles is the loader of documents that stand alone.
func noFiles(location string) ([]byte, error) {
	return nil, fmt.Errorf("%s is not part of the document", location)
}

// draftFolder makes the folder: an API with a server, and a server in front of the
// MCP extension.
func (a *functionApp) draftFolder(content []byte) {
	d := a.draft
	base := a.origin
	if content != nil {
		base = a.serverURL(content)
		if len(a.operations) > 0 {
			d.remark(fmt.Sprintf("app %q", a.name), "tools are made of its OpenAPI document; functions that the document does not have are left out")
		}
	} else if len(a.operations) > 0 {
		content = document(a.name, "The functions of "+a.name+".", a.operations)
		d.remarks = append(d.remarks, a.unclear...)
	}
	if content != nil {
		name := d.backendNames.take(a.name)
		d.backends = append(d.backends, field{name, object{{"url", base}}.with("credentials", a.credentials(
			a.keyed, slug(a.name)+"-key", "a host key: az functionapp keys list, or one of its own (az functionapp keys set)"))})
		api := d.apiNames.take(a.name)
		d.apis = append(d.apis, field{api, object{{"openapi", d.write(withoutShown(content), ".json", "apis", api)}, {"backend", name}}})
		d.servers = append(d.servers, field{d.server(a.name), object{{"title", literal(a.name)}, {"api", api}}})
	}
	if a.tools {
		d.servers = append(d.servers, field{d.server(a.name + "-mcp"), object{{"title", literal(a.name)}, {"upstream", object{
			{"url", a.origin + "/runtime/webhooks/mcp"},
			{"credentials", a.credentials(true, slug(a.name)+"-mcp-key", "the system key mcp_extension: az functionapp keys list")},
		}}}})
	}
}

// credentials are a key in a header, and a token where App Service asks for one.
func (a *functionApp) credentials(keyed bool, name, how string) object {
	var out object
	if keyed {
		out = out.with("header", inline{{"x-functions-key", a.draft.secret(name, fmt.Sprintf("app %q", a.name), how)}})
	}
	if a.audience != "" {
		out = out.with("managedIdentity", inline{{"resource", a.audience}})
	}
	return out
}

// serverURL is where the document says that the app answers, on the app's own host.
func (a *functionApp) serverURL(content []byte) string {
	doc, err := openapi.Parse("openapi.json", content, noFiles)
	if err != nil || len(doc.Operations) == 0 {
		return a.origin + "/api"
	}
	base, err := doc.ServerURL(doc.Operations[0])
	if err != nil {
		return a.origin + "/api"
	}
	u, err := url.Parse(base)
	if err != nil || !slices.Contains([]string{"", "http", "https"}, u.Scheme) {
		return a.origin + "/api"
	}
	there := a.origin + strings.TrimRight(u.EscapedPath(), "/")
	if !config.ValidURL(there, false) {
		return a.origin + "/api"
	}
	return there
}
