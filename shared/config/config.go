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
	// Files are the paths of the gateway file and of the local OpenAPI documents
	// it names, for reloading on change.
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
	Backends   []Backend
	APIs       []API
	Servers    []Server
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

// Backend is a destination, as API Management's backend entity.
type Backend struct {
	Name string `json:"name"`
	// URL is an absolute http or https URL without a trailing slash; may be empty
	// for an API whose document names its servers.
	URL         string        `json:"url,omitzero"`
	Credentials Credentials   `json:"credentials,omitzero"`
	Timeout     time.Duration `json:"-"` // zero: Limits.Timeout; in JSON "10s"
}

// Credentials are what the gateway presents to a backend.
type Credentials struct {
	Header        []Credential   `json:"header,omitzero"`
	Query         []Credential   `json:"query,omitzero"`
	Authorization *Authorization `json:"authorization,omitzero"`
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

// API is a REST API described by an OpenAPI document.
type API struct {
	Name    string
	OpenAPI string // path, joined to Dir, or URL of the document
	Backend string // name of the backend; empty: the document's own servers
	At      fault.Position
}

// Server is one MCP endpoint, /{name}/mcp. Exactly one of API, Upstream and
// Federate is set.
type Server struct {
	Name         string
	Title        string
	Description  string
	Instructions string
	At           fault.Position

	API      *APIServer
	Upstream *Upstream
	Federate []Member
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
	// Resources and Prompts say whether they are published; default true.
	Resources bool `json:"resources"`
	Prompts   bool `json:"prompts"`
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
