package expr

import (
	"cmp"
	"net/url"
	"time"
)

// get makes a property of a Go type.
func get[T any](read func(x T) any) func(*frame, []any) any {
	return func(_ *frame, a []any) any { return read(a[0].(T)) }
}

func objects[T any](list []T, elem string) any {
	items := make([]any, len(list))
	for i := range list {
		items[i] = &list[i]
	}
	return &List{items, types(elem), "List"}
}

func address(u *url.URL) any {
	if u == nil {
		return nil
	}
	return &iURL{u}
}

// iURL is an IUrl.
type iURL struct{ *url.URL }

func (*iURL) typeName() string { return "IUrl" }

func (u *iURL) String() string {
	return u.Scheme + "://" + u.Host + pathOf(u) + queryString(u)
}

func pathOf(u *iURL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

func queryString(u *iURL) string {
	if u.RawQuery == "" {
		return ""
	}
	return "?" + u.RawQuery
}

// dateOrNull is null for no time.
func dateOrNull(t *time.Time) any {
	if t == nil {
		return nil
	}
	return DateTimeOf(*t)
}

func countOrNull(n *int32) any {
	if n == nil {
		return nil
	}
	return *n
}

// variablesOf is context.Variables, empty where there are none.
func variablesOf(f *frame) any {
	if f.x.Variables == nil {
		return variableSet{noVariables{}}
	}
	return variableSet{f.x.Variables}
}

func trace(f *frame, a []any) any {
	if f.x.Trace != nil {
		f.x.Trace(toText(a[1]))
	}
	return nil
}

var contextMembers = []memberTable{
	{"IContext", []row{
		{"IApi Api", get(func(x *Context) any { return orNull(x.Api) }), "", ""},
		{"IBackend Backend", get(func(x *Context) any { return orNull(x.Backend) }), "", ""},
		{"IDeployment Deployment", get(func(x *Context) any { return orNull(x.Deployment) }), "", ""},
		{"TimeSpan Elapsed", func(f *frame, _ []any) any { return f.elapsed() }, "", ""},
		{"IGraphQLDataContext GraphQL", get(func(x *Context) any { return orNull(x.GraphQL) }), "", ""},
		{"ILastError LastError", get(func(x *Context) any { return orNull(x.LastError) }), "", ""},
		{"IOperation Operation", get(func(x *Context) any { return orNull(x.Operation) }), "", ""},
		{"IProduct Product", get(func(x *Context) any { return orNull(x.Product) }), "", ""},
		{"IRequest Request", get(func(x *Context) any { return orNull(x.Request) }), "", ""},
		{"Guid RequestId", get(func(x *Context) any { return x.RequestID }), "", ""},
		{"IResponse Response", get(func(x *Context) any { return orNull(cmp.Or(x.Response, x.Pending)) }), "", ""},
		{"ISubscription Subscription", get(func(x *Context) any { return orNull(x.Subscription) }), "", ""},
		{"DateTime Timestamp", get(func(x *Context) any { return DateTimeOf(x.Timestamp) }), "", ""},
		{"bool Tracing", get(func(x *Context) any { return x.Tracing }), "", ""},
		{"IUser User", get(func(x *Context) any { return orNull(x.User) }), "", ""},
		{"IVariables Variables", func(f *frame, _ []any) any { return variablesOf(f) }, "", ""},
		{"IWorkspace Workspace", get(func(x *Context) any { return orNull(x.Workspace) }), "", ""},
		{"IMcp Mcp", get(func(x *Context) any { return orNull(x.Mcp) }), "", ""},
		{"void Trace(object message)", trace, "", ""},
	}},
	{"IApi", []row{
		{"string Id", get(func(x *Api) any { return x.ID }), "", ""},
		{"bool IsCurrentRevision", get(func(x *Api) any { return x.IsCurrentRevision }), "", ""},
		{"string Name", get(func(x *Api) any { return x.Name }), "", ""},
		{"string Path", get(func(x *Api) any { return x.Path }), "", ""},
		{"string Revision", get(func(x *Api) any { return x.Revision }), "", ""},
		{"IUrl ServiceUrl", get(func(x *Api) any { return address(x.ServiceURL) }), "", ""},
		{"string Version", get(func(x *Api) any { return textOrNull(x.Version) }), "", ""},
		{"IEnumerable<string> Protocols", get(func(x *Api) any { return stringArray(x.Protocols) }), "", ""},
		{"ISubscriptionKeyParameterNames SubscriptionKeyParameterNames", get(func(x *Api) any { return &keyNames{x} }), "", ""},
	}},
	{"ISubscriptionKeyParameterNames", []row{
		{"string Header", get(func(x *keyNames) any { return x.KeyHeader }), "", ""},
		{"string Query", get(func(x *keyNames) any { return x.KeyQuery }), "", ""},
	}},
	{"IBackend", []row{
		{"string Id", get(func(x *Backend) any { return x.ID }), "", ""},
		{"string Type", get(func(x *Backend) any { return x.Type }), "", ""},
		{"string AzureRegion", get(func(x *Backend) any { return textOrNull(x.AzureRegion) }), "", ""},
	}},
	{"IDeployment", []row{
		{"IGateway Gateway", get(func(x *Deployment) any { return &gatewayOf{x} }), "", ""},
		{"string GatewayId", get(func(x *Deployment) any { return x.GatewayID }), "", ""},
		{"string Region", get(func(x *Deployment) any { return x.Region }), "", ""},
		{"string ServiceId", get(func(x *Deployment) any { return x.ServiceID }), "", ""},
		{"string ServiceName", get(func(x *Deployment) any { return x.ServiceName }), "", ""},
		{"ISustainabilityInfo SustainabilityInfo", get(func(x *Deployment) any { return &sustainability{x} }), "", ""},
		{"IReadOnlyDictionary<string, X509Certificate2> Certificates", get(func(x *Deployment) any {
			d := newDictionary(types("string"), types("X509Certificate2"))
			d.readOnly = true
			for _, k := range sortedKeys(x.Certificates) {
				d.put(k, orNull(x.Certificates[k]))
			}
			return d
		}), "", ""},
	}},
	{"IGateway", []row{
		{"string Id", get(func(x *gatewayOf) any { return x.GatewayID }), "", ""},
		{"string InstanceId", get(func(x *gatewayOf) any { return x.InstanceID }), "", ""},
		{"bool IsManaged", get(func(x *gatewayOf) any { return x.IsManaged }), "", ""},
	}},
	{"ISustainabilityInfo", []row{{"string CurrentCarbonIntensity", get(func(x *sustainability) any { return x.CarbonIntensity }), "", ""}}},
	{"IGraphQLDataContext", []row{
		{"JObject Arguments", get(func(x *GraphQL) any { return orNull(x.Arguments) }), "", ""},
		{"JToken Parent", get(func(x *GraphQL) any { return tokenOrNull(x.Parent) }), "", ""},
	}},
	{"ILastError", []row{
		{"string Source", get(func(x *LastError) any { return x.Source }), "", ""},
		{"string Reason", get(func(x *LastError) any { return x.Reason }), "", ""},
		{"string Message", get(func(x *LastError) any { return x.Message }), "", ""},
		{"string Scope", get(func(x *LastError) any { return x.Scope }), "", ""},
		{"string Section", get(func(x *LastError) any { return x.Section }), "", ""},
		{"string Path", get(func(x *LastError) any { return x.Path }), "", ""},
		{"string PolicyId", get(func(x *LastError) any { return textOrNull(x.PolicyID) }), "", ""},
	}},
}

// Views of a part of another object.
type (
	keyNames       struct{ *Api }
	gatewayOf      struct{ *Deployment }
	sustainability struct{ *Deployment }
	foundryOf      struct{ *Request }
)

func (*keyNames) typeName() string       { return "ISubscriptionKeyParameterNames" }
func (*gatewayOf) typeName() string      { return "IGateway" }
func (*sustainability) typeName() string { return "ISustainabilityInfo" }
func (*foundryOf) typeName() string      { return "IFoundry" }

var gatewayMembers = []memberTable{
	{"IOperation", []row{
		{"string Id", get(func(x *Operation) any { return x.ID }), "", ""},
		{"string Method", get(func(x *Operation) any { return x.Method }), "", ""},
		{"string Name", get(func(x *Operation) any { return x.Name }), "", ""},
		{"string UrlTemplate", get(func(x *Operation) any { return x.URLTemplate }), "", ""},
	}},
	{"IProduct", []row{
		{"bool ApprovalRequired", get(func(x *Product) any { return x.ApprovalRequired }), "", ""},
		{"IEnumerable<IGroup> Groups", get(func(x *Product) any { return objects(x.Groups, "IGroup") }), "", ""},
		{"IEnumerable<IApi> Apis", get(func(x *Product) any { return objects(x.Apis, "IApi") }), "", ""},
		{"string Id", get(func(x *Product) any { return x.ID }), "", ""},
		{"string Name", get(func(x *Product) any { return x.Name }), "", ""},
		{"string State", get(func(x *Product) any { return x.State }), "", ""},
		{"int? SubscriptionsLimit", get(func(x *Product) any { return countOrNull(x.SubscriptionsLimit) }), "", ""},
		{"bool SubscriptionRequired", get(func(x *Product) any { return x.SubscriptionRequired }), "", ""},
	}},
	{"IGroup", []row{
		{"string Id", get(func(x *Group) any { return x.ID }), "", ""},
		{"string Name", get(func(x *Group) any { return x.Name }), "", ""},
	}},
	{"ISubscription", []row{
		{"DateTime CreatedDate", get(func(x *Subscription) any { return DateTimeOf(x.CreatedDate) }), "", ""},
		{"DateTime? EndDate", get(func(x *Subscription) any { return dateOrNull(x.EndDate) }), "", ""},
		{"DateTime? StartDate", get(func(x *Subscription) any { return dateOrNull(x.StartDate) }), "", ""},
		{"string Id", get(func(x *Subscription) any { return x.ID }), "", ""},
		{"string Key", get(func(x *Subscription) any { return x.Key }), "", ""},
		{"string Name", get(func(x *Subscription) any { return x.Name }), "", ""},
		{"string PrimaryKey", get(func(x *Subscription) any { return x.PrimaryKey }), "", ""},
		{"string SecondaryKey", get(func(x *Subscription) any { return x.SecondaryKey }), "", ""},
	}},
	{"IUser", []row{
		{"string Email", get(func(x *User) any { return x.Email }), "", ""},
		{"string FirstName", get(func(x *User) any { return x.FirstName }), "", ""},
		{"IEnumerable<IGroup> Groups", get(func(x *User) any { return objects(x.Groups, "IGroup") }), "", ""},
		{"string Id", get(func(x *User) any { return x.ID }), "", ""},
		{"IEnumerable<IUserIdentity> Identities", get(func(x *User) any { return objects(x.Identities, "IUserIdentity") }), "", ""},
		{"string LastName", get(func(x *User) any { return x.LastName }), "", ""},
		{"string Note", get(func(x *User) any { return x.Note }), "", ""},
		{"DateTime RegistrationDate", get(func(x *User) any { return DateTimeOf(x.RegistrationDate) }), "", ""},
	}},
	{"IUserIdentity", []row{
		{"string Id", get(func(x *UserIdentity) any { return x.ID }), "", ""},
		{"string Provider", get(func(x *UserIdentity) any { return x.Provider }), "", ""},
	}},
	{"IWorkspace", []row{
		{"string Id", get(func(x *Workspace) any { return x.ID }), "", ""},
		{"string Name", get(func(x *Workspace) any { return x.Name }), "", ""},
	}},
	{"IMcp", []row{
		{"string Method", get(func(x *Mcp) any { return x.Method }), "", ""},
		{"string ToolName", get(func(x *Mcp) any { return textOrNull(x.ToolName) }), "", ""},
		{"JObject Arguments", get((*Mcp).arguments), "", ""},
		{"string ProtocolVersion", get(func(x *Mcp) any { return textOrNull(x.ProtocolVersion) }), "", ""},
		{"string ClientName", get((*Mcp).clientName), "", ""},
		{"string ServerName", get(func(x *Mcp) any { return x.ServerName }), "", ""},
	}},
	{"Authorization", []row{
		{"string AccessToken", get(func(x *Authorization) any { return x.AccessToken }), "", ""},
		{"IStrings Claims", get(func(x *Authorization) any { return stringMap(x.Claims) }), "", ""},
	}},
}
