package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/config"

	"github.com/go-json-experiment/json/jsontext"
)

// responseTimeout is how long a Logic App is waited for that has a Response
// action: Consumption takes 120 s at most.
const responseTimeout = "120s"

// logicApp imports a Logic App of either plan.
func (r *reader) logicApp(ctx context.Context) error {
	version := logicVersion
	if strings.EqualFold(r.resourceType, "Microsoft.Web/sites") {
		version = webVersion
	}
	app, err := ask[resource](ctx, r, get(version))
	if err != nil {
		return err
	}
	d := r.draft
	switch {
	case app.Name == "":
		return &ReplyError{"resource.json", errors.New("the resource has no name")}
	case app.is("Microsoft.Web/sites"):
		return r.standard(ctx, app)
	case !app.is("Microsoft.Logic/workflows"):
		return &ReplyError{"resource.json", fmt.Errorf("%q is no Logic App: give a Microsoft.Logic/workflows, or a Microsoft.Web/sites of the kind workflowapp", app.Type)}
	}
	d.name, d.title = slug(app.Name), app.Name
	place := fmt.Sprintf("workflow %q", app.Name)
	if strings.EqualFold(app.Properties.State, "Disabled") {
		d.remark(place, "it is disabled: its calls fail until it is enabled")
	}
	if c := app.Properties.AccessControl; c != nil && c.Triggers.OpenAuthenticationPolicies != nil {
		d.remark(place, "it has authorization policies: calls show the signature; to show a token, give the backend managedIdentity in its place")
	}
	if c := app.Properties.AccessControl; c != nil && c.Triggers.AllowedCallerIPAddresses != nil {
		d.remark(place, "it takes calls from some addresses only: the gateway's has to be one of them")
	}
	w := &workflows{reader: r, app: app.Name}
	if err := w.add(ctx, app.Name, "", &app.Properties.Definition); err != nil {
		return err
	}
	if len(w.calls) == 0 {
		return &ReplyError{"resource.json", errors.New("the workflow has no trigger of the type Request: nothing else can be called by HTTP")}
	}
	w.draftAPI("The workflow " + app.Name + ".")
	return nil
}

// managementPath is where the runtime of Logic Apps Standard answers.
const managementPath = "hostruntime/runtime/webhooks/workflow/api/management"

// standard imports an app of Logic Apps Standard.
func (r *reader) standard(ctx context.Context, app *resource) error {
	d := r.draft
	d.name, d.title = slug(app.Name), app.Name
	envelopes, err := list[workflowEnvelope](ctx, r, get(webVersion, "workflows"))
	if err != nil {
		return err
	}
	w := &workflows{reader: r, app: app.Name}
	for _, e := range envelopes {
		name := e.Name[strings.LastIndexByte(e.Name, '/')+1:]
		one, err := ask[workflowEnvelope](ctx, r, get(webVersion, "workflows", name))
		if err != nil {
			return err
		}
		if strings.EqualFold(one.Properties.FlowState, "Disabled") {
			d.remark(fmt.Sprintf("workflow %q", name), "it is disabled: its calls fail until it is enabled")
		}
		if err := w.add(ctx, name, managementPath+"/workflows/"+name, &one.Properties.Files.Workflow.Definition); err != nil {
			return err
		}
	}
	if len(w.calls) > 0 {
		w.draftAPI("The workflows of " + app.Name + ".")
	}
	if err := w.mcpServers(ctx); err != nil {
		return err
	}
	if len(d.servers) == 0 {
		return &ReplyError{"workflows.json", errors.New("the app has no workflow with a trigger of the type Request, and no MCP server")}
	}
	return nil
}

// mcpServers puts the gateway in front of the MCP servers of an app.
func (w *workflows) mcpServers(ctx context.Context) error {
	d := w.draft
	found, err := asides[mcpServers](ctx, w.reader, post(mcpServersVersion, managementPath, "listMcpServers"), placed("app", w.app), "whether it has MCP servers")
	if err != nil || found == nil {
		return err
	}
	for _, s := range slices.Concat(found.Values, found.Value) {
		place := fmt.Sprintf("MCP server %q", s.Name)
		if !config.ValidURL(s.URL, true) || config.ValueReference().MatchString(s.URL) {
			d.remark(place, "it is left out: its URL %q is none of an MCP server", s.URL)
			continue
		}
		key := d.secret(slug(w.app)+"-mcp-key", place, "the API key of the app's MCP servers, from the portal (Agents, MCP servers)")
		d.remark(place, "the gateway shows the API key; where host.json sets McpServerEndpoints.authentication.type to oauth2, write credentials: { oauth: {} }, and where it is anonymous, remove the credentials")
		d.servers = append(d.servers, field{d.server(cmp.Or(s.Name, w.app)), object{}.with("title", literal(s.Name)).with("description", literal(s.Description)).with("upstream",
			object{{"url", s.URL}, {"credentials", object{{"header", inline{{"X-API-Key", key}}}}}})})
	}
	return nil
}

// workflows collects what can be called of an app.
type workflows struct {
	*reader
	app   string
	calls []workflowCall
}

// workflowCall is a trigger that can be called.
type workflowCall struct {
	operation
	origin  string
	queries inline // of each call
	waits   bool   // for a Response action
}

// add adds the Request triggers of a workflow, which answer below a path.
func (w *workflows) add(ctx context.Context, name, below string, definition *workflow) error {
	var requests []string
	for _, t := range slices.Sorted(maps.Keys(definition.Triggers)) {
		if strings.EqualFold(definition.Triggers[t].Type, "Request") {
			requests = append(requests, t)
		}
	}
	if len(requests) == 0 {
		w.draft.remark(fmt.Sprintf("workflow %q", name), "it is left out: it has no trigger of the type Request, and cannot be called by HTTP")
	}
	for _, t := range requests {
		want := name
		if len(requests) > 1 {
			want += "_" + t
		}
		id := want
		for i := 2; slices.ContainsFunc(w.calls, func(c workflowCall) bool { return c.id == id }); i++ {
			id = want + "_" + strconv.Itoa(i) // "a" with the trigger "b", and "a_b"
		}
		at := strings.TrimPrefix(below+"/triggers/"+t, "/")
		callback, err := ask[callbackURL](ctx, w.reader, post(w.version(below), at, "listCallbackUrl"))
		if err != nil {
			return err
		}
		found, err := optional[triggerSchema](ctx, w.reader, get(w.version(below), at, "schemas/json"))
		if err != nil {
			return err
		}
		c, err := w.call(id, definition, t, callback, found)
		if err != nil {
			return &ReplyError{at + "/listCallbackUrl.json", err}
		}
		w.calls = append(w.calls, *c)
	}
	return nil
}

func (w *workflows) version(below string) string {
	if below == "" {
		return logicVersion
	}
	return webVersion
}

// call is the call of a trigger.
func (w *workflows) call(id string, definition *workflow, name string, callback *callbackURL, found *triggerSchema) (*workflowCall, error) {
	u, err := url.Parse(callback.Value)
	if err != nil || u.Scheme != "https" || !config.ValidURL("https://"+u.Host, false) {
		return nil, errors.New(`"value" is no https URL`)
	}
	t := definition.Triggers[name]
	place := fmt.Sprintf("workflow %q", id)
	path := strings.TrimRight(u.Path, "/")
	if relative := cmp.Or(callback.RelativePath, t.Inputs.RelativePath); relative != "" && !strings.HasSuffix(path, strings.TrimRight(relative, "/")) {
		path += "/" + strings.Trim(relative, "/")
	}
	c := &workflowCall{origin: "https://" + strings.TrimSuffix(u.Host, ":443"), operation: operation{
		id: id, method: strings.ToUpper(cmp.Or(callback.Method, t.Inputs.Method, "POST")), path: path,
		summary: id, description: cmp.Or(t.Description, "Runs the workflow "+id+"."),
	}}
	for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
		c.parameters = append(c.parameters, parameter{m[1], object{{"type", "string"}}})
	}
	c.queries = w.queries(id, place, u.Query(), callback.Queries)
	if c.method != "GET" && c.method != "HEAD" {
		c.body = w.bodySchema(place, &t, found)
		c.unknown = c.body == nil
		if c.unknown {
			c.body = anything()
		}
	}
	c.responses, c.waits = responsesOf(definition.Actions)
	if !c.waits {
		c.responses = []response{{status: "202", description: "The run has begun."}}
		w.draft.remark(place, "it has no Response action: the tool is answered at once, and its result is empty")
	}
	return c, nil
}

// queries are the parameters that each call has: the signature is a secret.
func (w *workflows) queries(id, place string, in url.Values, more map[string]string) (out inline) {
	for name, value := range more {
		if !in.Has(name) {
			in.Set(name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		value, why := in.Get(name), ""
		switch {
		case name == "sig":
			value = w.draft.secret(slug(id)+"-sig", place, "the parameter sig of the URL of the trigger (listCallbackUrl, or the portal)")
		case name == "":
			why = noName
		case value == "":
			why = noValue
		case config.ValueReference().MatchString(value):
			why = bracesOfItsOwn
		case name == "se":
			w.draft.remark(place, "its URL is good until %s", value)
		}
		if why != "" {
			w.draft.remark(place, "the parameter %q of its URL is left out: %s", name, why)
			continue
		}
		out = append(out, field{name, value})
	}
	return out
}

// bodySchema is the schema of what a trigger takes; nil where it is not known.
func (w *workflows) bodySchema(place string, t *trigger, found *triggerSchema) *schema {
	if found != nil && jsontext.Value(found.Content).IsValid() && jsontext.Value(found.Content).Kind() == '{' && strings.Trim(found.Content, "{} \r\n\t") != "" {
		return &schema{jsontext.Value(found.Content)}
	}
	if s := t.Inputs.Schema; s.Kind() == '{' && strings.Trim(string(s), "{} \r\n\t") != "" {
		return &schema{s}
	}
	w.draft.remark(place, "its trigger has no schema: the tool takes any JSON object, and models do not know which")
	return nil
}

// responsesOf are the responses of a workflow, one for each status; false for none.
func responsesOf(actions map[string]action) (list []response, any bool) {
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		a := actions[name]
		var more []response
		if strings.EqualFold(a.Type, "Response") {
			more = append(more, responseOf(a.Inputs))
		}
		blocks := []map[string]action{a.Actions}
		for _, b := range []*branch{a.Else, a.Default} {
			if b != nil {
				blocks = append(blocks, b.Actions)
			}
		}
		for _, c := range slices.Sorted(maps.Keys(a.Cases)) {
			blocks = append(blocks, a.Cases[c].Actions)
		}
		for _, b := range blocks {
			inside, _ := responsesOf(b)
			more = append(more, inside...)
		}
		for _, r := range more {
			if !slices.ContainsFunc(list, func(known response) bool { return known.status == r.status }) {
				list = append(list, r)
			}
		}
	}
	return list, len(list) > 0
}

func responseOf(in responseInputs) response {
	r := response{status: "default"}
	if n, err := strconv.Atoi(strings.Trim(string(in.StatusCode), `"`)); err == nil && n >= 100 && n < 600 {
		r.status = strconv.Itoa(n)
	}
	if in.Schema.Kind() == '{' && strings.Trim(string(in.Schema), "{} \r\n\t") != "" {
		r.schema = &schema{in.Schema}
	}
	return r
}

// draftAPI makes an API of the calls, and a server over it. Each call has a backend
// of its own, because each has a signature of its own; where there are several,
// policies of the operations choose.
func (w *workflows) draftAPI(description string) {
	d := w.draft
	var operations []operation
	var policies object
	first := ""
	for _, c := range w.calls {
		want := w.app
		if len(w.calls) > 1 {
			want += "-" + c.id
		}
		name := d.backendNames.take(want)
		first = cmp.Or(first, name)
		backend := object{{"url", c.origin}}
		if c.waits {
			backend = append(backend, field{"timeout", responseTimeout})
		}
		d.backends = append(d.backends, field{name, backend.with("credentials", object{}.with("query", c.queries))})
		operations = append(operations, c.operation)
		if len(w.calls) > 1 {
			content := "<policies>\n  <inbound>\n    <base />\n    <set-backend-service backend-id=\"" + name + "\" />\n  </inbound>\n" +
				"  <backend>\n    <base />\n  </backend>\n  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n"
			policies = append(policies, field{c.id, inline{{"policy", d.write([]byte(content), ".xml", "policies", name)}}})
		}
	}
	api := d.apiNames.take(w.app)
	file := d.write(document(w.app, description, operations), ".json", "apis", api)
	d.apis = append(d.apis, field{api, object{{"openapi", file}, {"backend", first}}.with("operations", policies)})
	d.servers = append(d.servers, field{d.server(w.app), object{{"title", literal(w.app)}, {"description", literal(description)}, {"api", api}}})
}
