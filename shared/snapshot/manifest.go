package snapshot

import (
	"toolgate/shared/config"
	"toolgate/shared/openapi"
)

// Format is the version of the file's layout. A gateway refuses another one.
const Format = 5

// Manifest is what a gateway needs to know at start. Values that hold secrets
// hold references to them.
//
// A field Policy of what is in it is the number of a policy document, from 1, which
// [Snapshot.Policy] reads; 0 is none.
type Manifest struct {
	Format         int           `json:"format"`
	Name           string        `json:"name"`
	Title          string        `json:"title,omitzero"`
	Version        string        `json:"version"`
	PublicURL      string        `json:"publicUrl,omitzero"`
	AllowedHosts   []string      `json:"allowedHosts,omitzero"`
	AllowedOrigins []string      `json:"allowedOrigins,omitzero"`
	SealingKey     config.Text   `json:"sealingKey,omitzero"`
	Limits         config.Limits `json:"limits"`
	Servers        []Server      `json:"servers"`

	// Policies are the policy documents; number n is at n-1.
	Policies []PolicyDocument `json:"policies,omitzero"`
	// GlobalPolicy is the number of that of the global scope.
	GlobalPolicy int        `json:"globalPolicy,omitzero"`
	Fragments    []Fragment `json:"fragments,omitzero"`
	// Schemas are the ids of the JSON Schemas.
	Schemas     []string            `json:"schemas,omitzero"`
	NamedValues []config.NamedValue `json:"namedValues,omitzero"`
	// Certificates are the gateway's own; their keys are references.
	Certificates       []config.Certificate       `json:"certificates,omitzero"`
	ClientCertificates *config.ClientCertificates `json:"clientCertificates,omitzero"`
	ClientAddress      *config.ClientAddress      `json:"clientAddress,omitzero"`
	Connections        []config.Connection        `json:"connections,omitzero"`
	Egress             config.Egress              `json:"egress,omitzero"`
	// Backends are all named backends, pools among them.
	Backends []config.Backend `json:"backends,omitzero"`
	// APIs are those that have a path or are used by a server.
	APIs []SourceAPI `json:"apis,omitzero"`
	// AuthorizationServer makes the gateway one; nil: it is none.
	AuthorizationServer *config.AuthorizationServer `json:"authorizationServer,omitzero"`
	// Telemetry says what calls leave behind; nil: what the environment says.
	Telemetry *config.Telemetry `json:"telemetry,omitzero"`
	// Audit says what is recorded for the audit; nil: nothing.
	Audit *config.Audit `json:"audit,omitzero"`
	// Registry makes the gateway a registry of servers; nil: it is none.
	Registry *config.Registry `json:"registry,omitzero"`
	// Shadow says how the candidate is run that the snapshot has; nil: it has none.
	Shadow   *Shadow   `json:"shadow,omitzero"`
	Products []Product `json:"products,omitzero"`
	// Profiles are those of the configuration's own that servers name.
	Profiles []config.Profile `json:"profiles,omitzero"`
}

// Shadow is how the candidate of a snapshot is run beside it.
type Shadow struct {
	Sample float64 `json:"sample"` // the share of calls, from 0 to 1
}

// PolicyDocument is a policy document of the snapshot.
type PolicyDocument struct {
	File string `json:"file"` // for messages: the path within the folder
}

// Fragment is a policy fragment of the snapshot.
type Fragment struct {
	ID   string `json:"id"`
	File string `json:"file"` // for messages: the path within the folder
}

// Product is a product. No API and no server is in two that are open.
type Product struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitzero"`
	Description string `json:"description,omitzero"`
	// Open says that calls without a subscription key are under the product.
	Open    bool     `json:"open,omitzero"`
	APIs    []string `json:"apis,omitzero"`
	Servers []string `json:"servers,omitzero"`
	Policy  int      `json:"policy,omitzero"`
}

// SourceAPI is a REST API, whichever way its operations are reached.
type SourceAPI struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitzero"`
	Version string `json:"version,omitzero"`
	// HasPath says that plain HTTP clients reach the API, under Path, which has no
	// slash at either end and is empty for the root.
	HasPath bool   `json:"hasPath,omitzero"`
	Path    string `json:"path,omitzero"`
	// Backend is the name of its backend; empty where the servers of its document
	// are called, or where policies have to answer.
	Backend string `json:"backend,omitzero"`
	// Backends are the destinations of the operations of an API with a path; each
	// operation names one by its index.
	Backends []config.Backend `json:"backends,omitzero"`
	Policy   int              `json:"policy,omitzero"`
	// OperationPolicies are the policies of operations, by their ids; the other
	// operations have none.
	OperationPolicies map[string]int `json:"operationPolicies,omitzero"`
	// SubscriptionKeys are those of plain HTTP clients; nil: none are looked at.
	SubscriptionKeys *config.SubscriptionKeys `json:"subscriptionKeys,omitzero"`
}

// Operation is one operation of an API.
type Operation struct {
	ID     string `json:"id"` // operationId, or "METHOD /path" where the document has none
	Method string `json:"method"`
	// URLTemplate begins with a slash and is below the path of the API. It may end
	// in a query, such as ?state={state}.
	URLTemplate string `json:"urlTemplate"`
	Title       string `json:"title,omitzero"` // the summary; may be empty
	Policy      int    `json:"policy,omitzero"`
	// Backend indexes [SourceAPI.Backends]; -1 where the operation has no
	// destination unless a policy sets one. It means nothing in the record of a
	// tool, which has a Backend of its own.
	Backend int `json:"backend,omitzero"`
}

// Server is one MCP endpoint. Exactly one of API, Upstream and Federate is set.
type Server struct {
	Name         string           `json:"name"`
	Title        string           `json:"title,omitzero"`
	Description  string           `json:"description,omitzero"`
	Instructions string           `json:"instructions,omitzero"`
	API          *API             `json:"api,omitzero"`
	Upstream     *config.Upstream `json:"upstream,omitzero"`
	Federate     []config.Member  `json:"federate,omitzero"`
	// Lock has the hashes of the reviewed tools of an upstream, by the names that it
	// gives them; nil: none were reviewed, and all pass.
	Lock   map[string]string `json:"lock,omitzero"`
	Policy int               `json:"policy,omitzero"`
	// Cache keeps results of tools; nil keeps none. Of a server over an API it names
	// all tools whose results are kept.
	Cache *config.Cache `json:"cache,omitzero"`
	// ToolPolicies are the policies of tools, by the names under which the tools
	// are published; the other tools have none.
	ToolPolicies map[string]int `json:"toolPolicies,omitzero"`
	// SubscriptionKeys are those that the server takes; nil: none are looked at.
	SubscriptionKeys *config.SubscriptionKeys `json:"subscriptionKeys,omitzero"`
	// LegacySSE lets clients use HTTP+SSE, the transport of 2024-11-05.
	LegacySSE bool `json:"legacySSE,omitzero"`
	// Authorization says which tokens the server takes; nil: it looks at none.
	Authorization *config.ServerAuthorization `json:"authorization,omitzero"`
	// Allow says who may use the server; nil: everybody.
	Allow []config.Allow `json:"allow,omitzero"`
	// ToolAllow says who may see and call a tool, by the names under which tools are
	// published; the other tools are for whoever may use the server.
	ToolAllow map[string][]config.Allow `json:"toolAllow,omitzero"`
	// Approval says that a person is asked before a tool is called that is not among
	// ToolApproval; nil: nobody is.
	Approval *config.Approval `json:"approval,omitzero"`
	// ToolApproval says it of tools that differ from the server, by the names under
	// which they are published; nil values are tools that are called without asking.
	ToolApproval map[string]*config.Approval `json:"toolApproval,omitzero"`
	// ToolResults says what of the results of tools a model is shown, by the names under
	// which they are published; of the other tools it is shown everything.
	ToolResults map[string]*config.Result `json:"toolResults,omitzero"`
	// Listing is what the registry says of the server; nil: the gateway is no registry.
	Listing *config.Listing `json:"listing,omitzero"`
	// Search publishes the tools by which those of the server are found, described and
	// called. Of a server over an API the snapshot then has an index.
	Search bool `json:"search,omitzero"`
	// ClientProfiles say which clients are given definitions that their models accept;
	// nil: none.
	ClientProfiles *config.ClientProfiles `json:"clientProfiles,omitzero"`
}

// API is a REST API published as tools.
type API struct {
	// Name is the name of the API among [Manifest.APIs].
	Name string `json:"name"`
	// Backends are the destinations of the tools; a tool's record names one by
	// its index. There is more than one only where a document gives operations
	// servers of their own. One may be a pool.
	Backends []config.Backend `json:"backends"`
	// Pages is the number of pages of tools/list, at least 1.
	Pages int `json:"pages"`
	// Tools is the number of tools.
	Tools int `json:"tools"`
	// LongRunning says that calls of some tool may go on after the backend's answer.
	LongRunning bool `json:"longRunning,omitzero"`
	// PollTool is the name of the tool by which clients without tasks ask for the results
	// of such calls; empty: there is none. It is in the lists and has no record.
	PollTool string `json:"pollTool,omitzero"`
}

// Tool is the record of one tool.
type Tool struct {
	openapi.Tool `json:",inline"`
	// Backend indexes [API.Backends].
	Backend int `json:"backend,omitzero"`
	// Operation is the operation of the API that the tool stands for.
	Operation Operation `json:"operation"`
	// LongRunning says how calls are followed that go on after the backend's answer; nil:
	// the answer is the result.
	LongRunning *config.LongRunning `json:"longRunning,omitzero"`
}
