// Package config reads the folder a user writes, gateway.yaml and what it
// names, into a checked [Config]. Every fault of every file is reported at
// once, with its place and the way to mend it.
package config

import (
	"time"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json/jsontext"
)

// Config is a gateway.yaml whose every value has been checked. Maps of the file
// are slices here, in the order of the file. Named values that are not secret
// have been replaced; a secret stays a reference until the gateway starts, so
// that no snapshot holds one.
type Config struct {
	// Dir is the folder of gateway.yaml; relative files were resolved against it.
	Dir string
	// Files are the paths of the gateway file and of the local files it names:
	// OpenAPI documents, policy documents, fragments and schemas, for reloading on
	// change. The folder of the fragments is one of them where the file does not
	// list the fragments, since a new one changes the gateway as well.
	Files []string

	Name        string
	Title       string
	Description string
	// Version is the version that servers report of themselves; "1.0.0" when
	// the file gives none.
	Version string
	// PublicURL is the absolute origin, with an optional path prefix, under which
	// clients reach the gateway, without a trailing slash. Empty means that the
	// gateway is reached on loopback only.
	PublicURL string
	// AllowedHosts and AllowedOrigins extend the Host and Origin values that are
	// accepted besides those of PublicURL and of loopback.
	AllowedHosts   []string
	AllowedOrigins []string
	// SealingKey is the secret from which the keys are derived that protect what
	// clients carry for the gateway. Zero: a key made at start, which no other
	// instance shares.
	SealingKey Text
	Limits     Limits
	// Policy is the path, joined to Dir, of the policy document of the global
	// scope; empty for none, as every Policy below.
	Policy string
	// Fragments are the policy fragments by their id: those that the file lists,
	// or else every fragments/*.xml of the folder.
	Fragments []File
	// Schemas are the JSON Schemas that validate-content names by schema-id.
	Schemas []File
	// NamedValues are all named values, for the policy documents.
	NamedValues []NamedValue
	// Certificates are the gateway's own, which it presents, and which policies name.
	Certificates []Certificate
	// ClientCertificates say which certificates of clients are trusted; nil: none.
	ClientCertificates *ClientCertificates
	// ClientAddress says how proxies tell the address of a client; nil: the platform
	// does, or else the connection.
	ClientAddress *ClientAddress
	// Connections are the providers of OAuth connections.
	Connections []Connection
	// AuthorizationServer makes the gateway one; nil: it is none.
	AuthorizationServer *AuthorizationServer
	// Telemetry says what calls leave behind; nil: what the environment says.
	Telemetry *Telemetry
	// Audit says what is recorded for the audit; nil: nothing.
	Audit *Audit
	// Registry makes the gateway a registry of servers; nil: it is none.
	Registry *Registry
	// Shadow is the candidate that is run beside this configuration; nil: none.
	Shadow *Shadow
	Egress Egress
	// ToolsLock is the path of tools.lock; empty: the folder has none.
	ToolsLock string
	Backends  []Backend
	APIs      []API
	Servers   []Server
	// Profiles are the file's own, beside those that are known.
	Profiles []Profile
	Products []Product
}

// File is a file that policies name by an id, which is a name of a file without
// its extension as well.
type File struct {
	ID   string
	Path string // joined to Dir
}

// NamedValue is text that stands for {{name}}.
type NamedValue struct {
	Name string `json:"name"`
	// Value is one literal, or one reference to a secret. It is zero for the empty
	// text.
	Value Text `json:"value,omitzero"`
	// Unknown says that the declaration has a fault, so that Value says nothing.
	Unknown bool `json:"-"`
}

// Limits bound one call.
type Limits struct {
	RequestBytes int           `json:"requestBytes"` // body of an MCP request; default 4 MiB
	Depth        int           `json:"depth"`        // nesting of its JSON; default 128
	ResultBytes  int           `json:"resultBytes"`  // text of a tool result before it is cut; default 256 KiB
	Timeout      time.Duration `json:"-"`            // one call, backend included; default 30 s; in JSON "30s"
	ListPage     int           `json:"listPage"`     // tools on one page of tools/list; default 250
	ListTTL      time.Duration `json:"-"`            // how long clients may keep a list (ttlMs); default 5 min
}

// Text is a string that may refer to secrets: literal parts alternate with
// references. The zero Text is empty.
type Text struct {
	Parts []Part `json:"parts,omitzero"`
}

// Part is a literal, or a reference to a secret such as "env:ORDERS_KEY".
type Part struct {
	Literal string `json:"literal,omitzero"`
	Secret  string `json:"secret,omitzero"`
}

// Backend is a destination, as API Management's backend entity: a single one, or
// a pool of single ones.
type Backend struct {
	Name  string `json:"name"`
	Title string `json:"title,omitzero"`
	// URL is an absolute http or https URL without a trailing slash; may be empty
	// for an API whose document names its servers, and is empty for a pool.
	URL            string          `json:"url,omitzero"`
	Credentials    Credentials     `json:"credentials,omitzero"`
	Timeout        time.Duration   `json:"-"` // zero: Limits.Timeout; in JSON "10s"
	CircuitBreaker *CircuitBreaker `json:"circuitBreaker,omitzero"`
	// Pool has the members of a pool, none of which is a pool. It is nil for a
	// single backend.
	Pool []PoolMember `json:"pool,omitzero"`
}

// PoolMember is one backend of a pool.
type PoolMember struct {
	Backend string `json:"backend"` // the name of a backend with a URL
	// Priority is the group that the member is in, from 0 to 100: a group serves
	// while no backend of a lower number can. Default 1.
	Priority int `json:"priority"`
	// Weight is the share of the calls of its group, from 1 to 100. Default 1.
	Weight int            `json:"weight"`
	At     fault.Position `json:"-"`
}

// CircuitBreaker keeps calls from a backend that fails.
type CircuitBreaker struct {
	// Failures is the number of failures within Interval that trip the breaker.
	// A backend that cannot be reached fails whatever StatusCodes are.
	Failures     int           `json:"failures"`
	Interval     time.Duration `json:"-"` // in JSON "1m0s"
	TripDuration time.Duration `json:"-"` // for how long nothing is sent; in JSON "30s"
	// StatusCodes are the responses that are failures; default 500 to 599.
	StatusCodes []StatusRange `json:"statusCodes"`
	// AcceptRetryAfter lets the Retry-After of a failure take the place of
	// TripDuration.
	AcceptRetryAfter bool `json:"acceptRetryAfter,omitzero"`
}

// StatusRange is a range of status codes, both ends included.
type StatusRange struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// Credentials are what the gateway presents to a backend.
type Credentials struct {
	Header        []Credential   `json:"header,omitzero"`
	Query         []Credential   `json:"query,omitzero"`
	Authorization *Authorization `json:"authorization,omitzero"`

	// At most one of Authorization and these is set.
	ManagedIdentity   *ManagedIdentity `json:"managedIdentity,omitzero"`
	ClientCredentials *TokenClient     `json:"clientCredentials,omitzero"`
	OnBehalfOf        *OnBehalfOf      `json:"onBehalfOf,omitzero"`
	SigV4             *SigV4           `json:"sigv4,omitzero"`
	OAuth             *OAuth           `json:"oauth,omitzero"` // of upstreams only

	// Certificate is the id of the client certificate to present; empty for none.
	Certificate string `json:"certificate,omitzero"`
}

// Credential is one header or query parameter.
type Credential struct {
	Name  string `json:"name"`
	Value Text   `json:"value"`
}

// Authorization is an Authorization header, for example scheme Bearer.
type Authorization struct {
	Scheme    string `json:"scheme"`
	Parameter Text   `json:"parameter"`
}

// API is a REST API, described by an OpenAPI document or by operations of its
// own.
type API struct {
	Name    string
	Title   string // for policies: context.Api.Name
	Version string // for policies: context.Api.Version
	OpenAPI string // path, joined to Dir, or URL of the document; empty: Operations are all there are
	Backend string // name of the backend; empty: the document's own servers
	Policy  string
	// HasPath says that plain HTTP clients reach the API, under Path; otherwise
	// only tools reach it.
	HasPath bool
	// Path has no slash at either end; empty is the root of the gateway.
	Path string
	// Operations say more of operations of the document, or are the operations
	// of an API that has none.
	Operations []Operation
	// SubscriptionKeys are those that plain HTTP clients need, or may have; nil: no
	// key is looked at.
	SubscriptionKeys *SubscriptionKeys
	At               fault.Position
}

// Operation is one operation of an API.
type Operation struct {
	// Name is the operationId, or "METHOD /path" of an operation of the document.
	Name string
	// Method is in capitals, and URLTemplate begins with a slash and may hold
	// {name}, {*name} and a query; both are empty where the API has a document.
	Method, URLTemplate string
	Policy              string
	At                  fault.Position
}

// Product is a set of APIs and servers: calls under it run its policy.
type Product struct {
	Name        string
	Title       string
	Description string
	// SubscriptionRequired says that a call is under the product when its key is
	// that of a subscription to it. Without it the product is an open one: calls
	// without a key are under it.
	SubscriptionRequired bool
	// APIs and Servers are names. None is in two open products.
	APIs    []string
	Servers []string
	Policy  string
	At      fault.Position
}

// SubscriptionKeys say which subscription keys an API or a server takes.
type SubscriptionKeys struct {
	// Required says that calls without a key are refused, unless the API or server
	// is in an open product. The default is whether it is in a product, and in no
	// open one.
	Required bool `json:"required,omitzero"`
	// Header and Query are the names under which a key is looked for, the header
	// first.
	Header string `json:"header"`
	Query  string `json:"query"`
}

// Server is one MCP endpoint, /{name}/mcp. Exactly one of API, Upstream and
// Federate is set.
type Server struct {
	Name         string
	Title        string
	Description  string
	Instructions string
	Policy       string
	// SubscriptionKeys are those that clients need, or may have; nil: no key is
	// looked at. As the member of a federation a server asks for none.
	SubscriptionKeys *SubscriptionKeys
	// LegacySSE lets clients use HTTP+SSE, the transport of 2024-11-05, beside
	// Streamable HTTP.
	LegacySSE bool
	// Authorization says which tokens the server takes; nil: it looks at none. As the
	// member of a federation it takes those that the federation took, if they are
	// of its issuers and clients and have its scopes.
	Authorization *ServerAuthorization
	// Allow says who may use the server; nil: everybody.
	Allow []Allow
	// Approval says whether a person is asked before a tool is called that does not
	// say so itself; nil: nobody is.
	Approval *Approval
	// Listing is what the registry says of the server; nil: the gateway is no registry.
	Listing *Listing
	// ClientProfiles say which clients are given definitions that their models accept;
	// nil: none.
	ClientProfiles *ClientProfiles
	// Search publishes three tools in the place of the server's own: by which these are
	// found, described and called.
	Search bool
	At     fault.Position

	API      *APIServer
	Upstream *Upstream
	Federate []Member
	// Cache keeps results of tools; nil keeps none, as of a federation, whose
	// members have caches of their own.
	Cache *Cache
}

// APIServer publishes operations of an API as tools.
type APIServer struct {
	API string
	// Tools selects operations; empty selects all.
	Tools []Selection
	// Exclude removes operations from the selection.
	Exclude []Selection
	// AcceptLossy publishes tools whose conversion loses something.
	AcceptLossy bool
	// NameLength bounds the tool names, 16 to 64; default 48.
	NameLength int
	// OutputSchema is "permissive", "exact" or "none"; default "permissive".
	OutputSchema string
	// OpenWorld is the openWorldHint of the tools; nil: not stated.
	OpenWorld *bool
	// LongRunning says that calls of tools that do not say so themselves may go on
	// after the backend's answer; nil: those of which the document says it.
	LongRunning *LongRunning
}

// Selection chooses operations by exactly one of Operation, Tag, Method and
// Path (Method and Path may stand together), or upstream tools by Tool, and
// overrides what the tools look like. Overrides other than Annotations need
// Operation or Tool.
type Selection struct {
	Operation string         `json:"operation,omitzero"` // operationId, or "METHOD /path"
	Tag       string         `json:"tag,omitzero"`
	Method    string         `json:"method,omitzero"` // in capitals
	Path      string         `json:"path,omitzero"`   // pattern: * is one segment, ** any number
	Tool      string         `json:"tool,omitzero"`   // an upstream's tool
	Override  Override       `json:"override,omitzero"`
	At        fault.Position `json:"at,omitzero"`
}

// Override changes how a tool is published. Zero fields change nothing.
type Override struct {
	Name        string      `json:"name,omitzero"`
	Title       string      `json:"title,omitzero"`
	Description string      `json:"description,omitzero"`
	Annotations Annotations `json:"annotations,omitzero"`
	// Policy is the path of the policy document of the tool. JSON leaves it out: a
	// snapshot knows no paths.
	Policy string `json:"-"`
	// Allow says who may see and call the tool; nil: whoever may use the server. JSON
	// leaves it out: a snapshot has it by the names of tools.
	Allow []Allow `json:"-"`
	// Approval says whether a person is asked before the tool is called; nil: as the
	// server says. JSON leaves it out: a snapshot has it by the names of tools.
	Approval *Approval `json:"-"`
	// Result says what of the tool's results a model is shown; nil: all. JSON leaves it
	// out: a snapshot has it by the names of tools.
	Result *Result `json:"-"`
	// LongRunning says whether calls of the tool of an operation may go on after the
	// backend's answer; nil: as the server or the document says. JSON leaves it out: a
	// snapshot has it in the tool's record.
	LongRunning *LongRunning `json:"-"`
	// Defaults are argument values used, and shown in the schema, when a call
	// gives none. Hidden are values always sent and never shown.
	Defaults []Value `json:"defaults,omitzero"`
	Hidden   []Value `json:"hidden,omitzero"`
}

// Annotations are MCP's tool annotations; nil fields keep what the method says.
type Annotations struct {
	ReadOnly    *bool `json:"readOnly,omitzero"`
	Destructive *bool `json:"destructive,omitzero"`
	Idempotent  *bool `json:"idempotent,omitzero"`
	OpenWorld   *bool `json:"openWorld,omitzero"`
}

// Value is one named JSON value.
type Value struct {
	Name string         `json:"name"`
	JSON jsontext.Value `json:"json"`
	At   fault.Position `json:"at,omitzero"`
}

// Transport is how an upstream speaks.
type Transport string

const (
	StreamableHTTP Transport = "streamable-http"
	SSE            Transport = "sse" // HTTP+SSE of 2024-11-05
)

// Upstream is an existing MCP server.
type Upstream struct {
	URL         string      `json:"url"`
	Transport   Transport   `json:"transport"` // default StreamableHTTP
	Credentials Credentials `json:"credentials,omitzero"`
	// ProtocolVersion pins the protocol revision spoken to the upstream; empty:
	// found by asking it.
	ProtocolVersion string `json:"protocolVersion,omitzero"`
	// Timeout is until the first byte of the answer; zero: Limits.Timeout; in
	// JSON "60s".
	Timeout time.Duration `json:"-"`
	// Tools selects and overrides tools; nil passes all.
	Tools []Selection `json:"tools,omitzero"`
	// Lock says what of tools.lock the server must have; nil: what the file has of
	// it is held to, if there is anything.
	Lock *Lock `json:"lock,omitzero"`
	// ToolLimits bound what models are given to read.
	ToolLimits ToolLimits `json:"toolLimits"`
	// Resources and Prompts say whether they are published; default true.
	Resources bool `json:"resources"`
	Prompts   bool `json:"prompts"`
	// ResourceRules and PromptRules say which of them are published, and for whom;
	// the first that matches decides. Nil publishes all, to whoever may use the
	// server.
	ResourceRules []Published `json:"resourceRules,omitzero"`
	PromptRules   []Published `json:"promptRules,omitzero"`
}

// Member is one server of a federation.
type Member struct {
	Server string
	// Prefix precedes the names of its tools and prompts, joined by "_".
	// Default: the server's name. Empty with Bare set: names stay as they are.
	Prefix string
	Bare   bool
	At     fault.Position
}
