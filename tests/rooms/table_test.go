package rooms_test

// room is what one package of the product may import of the others.
type room struct {
	knows   string // what the package knows, in a few words
	imports []door
}

// door is an allowed import and the reason for it.
type door struct {
	to  string // import path without the module
	why string
}

// rooms is the table of allowed imports. Arrows go from the corridor to a room,
// never back; a package that is not here is a fault, and so is a row that no
// import needs any more.
var rooms = map[string]room{
	"shared/mcp":   {knows: "the protocol on the wire"},
	"shared/fault": {knows: "what is wrong in what a user wrote"},
	"shared/config": {knows: "the folder a user writes", imports: []door{
		{"shared/profile", "names of profiles and keywords are checked where they are written"},
		{"shared/fault", "what is wrong in gateway.yaml is reported as everywhere"},
		{"shared/secret", "the form of references"},
		{"shared/longrunning", "a poll template is checked where it is written"},
		{"shared/pattern", "functions read checked settings, not the file"},
	}},
	"shared/pattern": {knows: "that a regular expression costs nothing until it is used"},
	"shared/seal":    {knows: "what clients carry for the gateway"},
	"shared/host":    {knows: "how a platform runs a handler"},
	"shared/host/lambda": {knows: "the Lambda runtime, which the other hosts should not carry", imports: []door{
		{"shared/host", "the wall in front of a handler"},
	}},
	"shared/backend": {knows: "connections to destinations"},
	"shared/openapi": {knows: "OpenAPI documents and their operations", imports: []door{
		{"shared/fault", "a misspelt argument is answered with the nearest name"},
		{"shared/pattern", "few calls look at descriptions"},
		{"shared/toolslock", "what is hidden in texts is the same everywhere"},
	}},
	"shared/snapshot": {knows: "the compiled form of a gateway", imports: []door{
		{"shared/config", "the manifest keeps the checked settings that serving needs"},
		{"shared/openapi", "a tool's record holds its binding"},
	}},
	"shared/expr": {knows: "C#", imports: []door{
		{"shared/fault", "a misspelt member is answered with the nearest name"},
	}},
	"shared/policy": {knows: "the language of policy documents", imports: []door{
		{"shared/expr", "expressions in documents are compiled"},
		{"shared/fault", "what is wrong in a document is reported as everywhere"},
	}},
	"shared/policy/policytest": {knows: "tests of policies, written as text", imports: []door{
		{"shared/expr", "it makes the context of a call"},
		{"shared/policy", "it composes, compiles and runs documents"},
	}},
	"shared/xmljson": {knows: "XML as JSON, and JSON as XML", imports: []door{
		{"shared/pattern", "few gateways convert"},
	}},
	"shared/liquid": {knows: "Liquid templates of set-body", imports: []door{
		{"shared/fault", "an unknown tag or filter is answered with the nearest name"},
		{"shared/pattern", "few gateways have templates"},
		{"shared/xmljson", "XML bodies and dates in JSON are read in one way"},
	}},
	"shared/policies": {knows: "what each policy does", imports: []door{
		{"shared/expr", "policies make and keep values that expressions see"},
		{"shared/fault", "a misspelt backend is answered with the nearest name"},
		{"shared/liquid", "set-body renders templates"},
		{"shared/policy", "the engine decodes and runs them"},
		{"shared/xmljson", "xml-to-json and json-to-xml convert bodies"},
	}},
	"shared/state": {knows: "what a store of rows promises"},
	"shared/state/statetest": {knows: "the contract of stores, as tests", imports: []door{
		{"shared/state", "the contract"},
	}},
	"shared/state/remote": {knows: "what stores behind HTTP share", imports: []door{
		{"shared/state", "a store that does not answer is busy"},
	}},
	"shared/state/embedded": {knows: "rows in one file", imports: []door{
		{"shared/state", "the contract"},
	}},
	"shared/state/aztables": {knows: "rows in Azure Tables and Cosmos DB for Table", imports: []door{
		{"shared/state", "the contract"},
		{"shared/state/remote", "time limits and busy answers"},
	}},
	"shared/state/dynamodb": {knows: "rows in DynamoDB", imports: []door{
		{"shared/state", "the contract"},
		{"shared/state/remote", "time limits and busy answers"},
	}},
	"shared/limit": {knows: "limits and quotas of all instances, by leases over a store", imports: []door{
		{"shared/policy", "the services that it is"},
		{"shared/state", "the rows of counters"},
	}},
	"shared/cache": {knows: "how a value is kept, found again, and computed once", imports: []door{
		{"shared/policy", "the service that it is"},
		{"shared/state", "the second level"},
	}},
	"shared/mailbox": {knows: "messages for the instance that holds a stream", imports: []door{
		{"shared/state", "the rows by which instances hand them over"},
	}},
	"shared/sweep": {knows: "when expired rows are removed, and how many at once", imports: []door{
		{"shared/state", "the rows"},
	}},
	"shared/state/index": {knows: "how to list what is in a store", imports: []door{
		{"shared/state", "the rows of lists"},
	}},
	"shared/ledger": {knows: "what was spent of budgets", imports: []door{
		{"shared/policy", "the service that it is"},
		{"shared/state", "the rows of accounts"},
		{"shared/state/index", "accounts are listed"},
	}},
	"shared/authserver": {knows: "the sign-in of MCP clients at an OpenID provider", imports: []door{
		{"shared/auth", "it validates ID tokens and signs the gateway's own"},
		{"shared/pattern", "few calls sign in"},
		{"shared/seal", "what clients and browsers carry"},
		{"shared/state", "rows of sign-ins"},
	}},
	"shared/credential": {knows: "token endpoints, and how long a token is kept"},
	"shared/sigv4":      {knows: "signatures of AWS"},
	"shared/connection": {knows: "OAuth connections that users consent to", imports: []door{
		{"shared/credential", "it renews tokens"},
		{"shared/expr", "the Authorization that policies see"},
		{"shared/policy", "the service that it is"},
		{"shared/seal", "rows and tickets"},
		{"shared/state", "the rows"},
		{"shared/state/index", "connections are listed"},
		{"shared/pattern", "few calls name a connection"},
	}},
	"shared/access": {knows: "who has a subscription, and which keys", imports: []door{
		{"shared/policy", "the service that it is"},
		{"shared/state", "rows of subscriptions and keys"},
		{"shared/state/index", "subscriptions are listed"},
	}},
	"shared/memory": {knows: "counters of one instance", imports: []door{
		{"shared/policy", "the services that it is"},
	}},
	"shared/auth": {knows: "which tokens are valid, the keys of their issuers, the tokens of the gateway's own identity, and those it signs"},
	"shared/services": {knows: "what policies reach beyond their call", imports: []door{
		{"shared/auth", "it validates tokens"},
		{"shared/memory", "it counts and keeps values"},
		{"shared/policy", "the services that it puts together"},
		{"shared/cache", "it keeps values"},
		{"shared/limit", "it counts over a store"},
		{"shared/state", "the store that instances share"},
		{"shared/ledger", "it records what budgets spend"},
	}},
	"shared/gatewaytest": {knows: "tests of a whole gateway, written as text", imports: []door{
		{"shared/build", "it compiles the folder of a test"},
		{"shared/config", "it loads the folder of a test"},
		{"shared/fault", "faults are what such a test may want"},
		{"shared/gateway", "requests go through the gateway itself"},
		{"shared/mcp", "it writes calls and reads results"},
		{"shared/policies", "a test may be of documents alone"},
		{"shared/policy", "a test may be of documents alone"},
		{"shared/policy/policytest", "the language of tests"},
		{"shared/services", "what policies reach, as a host gives it"},
		{"shared/snapshot", "what was compiled is served"},
		{"shared/trace", "what it explains and replays"},
	}},
	"shared/build": {knows: "how a configuration becomes a snapshot", imports: []door{
		{"shared/profile", "it reports what becomes of tools"},
		{"shared/expr", "the services it compiles policies against speak of its values"},
		{"shared/policies", "policies are compiled for the faults that show then only"},
		{"shared/policy", "documents are validated and put together at build"},
		{"shared/services", "which policies this version runs in part is said at build"},
		{"shared/config", "it compiles a checked configuration and reports faults as one"},
		{"shared/fault", "faults of documents join those of the configuration"},
		{"shared/openapi", "operations become tools"},
		{"shared/snapshot", "the snapshot is what it writes"},
		{"shared/approval", "placeholders of a message are arguments of the tool"},
		{"shared/toolslock", "it reads tools.lock, and cleans the tools of documents"},
		{"shared/search", "the index of a server's tools stands in the snapshot"},
		{"shared/projection", "expressions are checked, and definitions are those of what is shown"},
	}},
	"shared/mcpproxy": {knows: "MCP servers behind the gateway", imports: []door{
		{"shared/mcp", "it relays and bridges messages of the protocol"},
		{"shared/backend", "an upstream is reached as any destination is"},
		{"shared/seal", "the upstream's session id travels sealed with the client"},
		{"shared/toolslock", "definitions are compared with the lock, and cleaned"},
	}},
	"shared/approval": {knows: "calls of tools that wait for a person", imports: []door{
		{"shared/seal", "questions and links that clients carry"},
		{"shared/state", "which approvals were used, and decisions"},
	}},
	"shared/toolslock": {knows: "definitions of tools: what is the same, what has changed, what is hidden"},
	"shared/secret": {knows: "where secrets are, and how vaults are asked", imports: []door{
		{"shared/pattern", "few gateways have all kinds of references"},
	}},
	"shared/federation": {knows: "tokens of Microsoft Entra for workloads of other platforms", imports: []door{
		{"shared/credential", "token endpoints, and how long a token is kept"},
	}},
	"shared/oauthclient": {knows: "where an MCP server's tokens come from", imports: []door{
		{"shared/connection", "it keeps what people consented to"},
		{"shared/credential", "token endpoints"},
		{"shared/seal", "rows of registrations"},
		{"shared/state", "the rows"},
	}},
	"shared/trace": {knows: "what happened to one request", imports: []door{
		{"shared/backend", "it is told of requests"},
		{"shared/expr", "values are shown as text"},
		{"shared/pattern", "few requests are traced"},
		{"shared/policy", "it is told what policies do"},
		{"shared/seal", "debug tokens, and traces that are kept"},
		{"shared/state", "a trace is kept for an hour"},
	}},
	"shared/explain": {knows: "how a trace is shown to a person", imports: []door{
		{"shared/trace", "what is shown"},
	}},
	"shared/telemetry": {knows: "OpenTelemetry: spans, metrics and logs, and OTLP over HTTP"},
	"shared/audit": {knows: "what is recorded of calls for those who ask later", imports: []door{
		{"shared/state", "the rows"},
		{"shared/state/index", "chains and days are listed"},
	}},
	"shared/shadow": {knows: "a candidate that is run beside the live configuration without effect", imports: []door{
		{"shared/trace", "decisions are compared"},
		{"shared/policy", "services that the candidate has instead"},
		{"shared/expr", "the stand-in for an authorization"},
		{"shared/mcp", "ids and methods of replayed messages"},
	}},
	"shared/plan": {knows: "what would change between two snapshots", imports: []door{
		{"shared/profile", "the names that clients know are compared"},
		{"shared/config", "settings are of its types"},
		{"shared/policy", "documents are compared by their elements"},
		{"shared/snapshot", "what is compared"},
		{"shared/toolslock", "definitions, renames, and text made visible"},
	}},
	"shared/edge": {knows: "what can be refused before the gateway", imports: []door{
		{"shared/policy", "which policies are in effect"},
		{"shared/snapshot", "what is restricted"},
	}},
	"shared/cost": {knows: "what a month of calls costs"},
	"shared/importer": {knows: "Logic Apps, Function Apps and API Management, and how each becomes a folder", imports: []door{
		{"shared/config", "names and URLs that a gateway can have"},
		{"shared/openapi", "operations of imported documents are matched"},
		{"shared/policy", "secrets and names in policy documents"},
		{"shared/secret", "references that a gateway can read"},
	}},
	"shared/longrunning": {knows: "what a REST API says of operations that go on"},
	"shared/registry": {knows: "the registry of MCP servers, and server.json", imports: []door{
		{"shared/pattern", "few gateways are registries"},
	}},
	"shared/portal":  {knows: "the page on which people find servers"},
	"shared/search":  {knows: "which tools fit a request in plain words"},
	"shared/profile": {knows: "what clients and models accept of the definition of a tool"},
	"shared/projection": {knows: "what a model is shown of a JSON answer", imports: []door{
		{"shared/mcp", "members and elements are taken from JSON as it lies"},
	}},
	"shared/gateway": {knows: "what comes after what", imports: []door{
		{"shared/profile", "lists and calls are adapted to clients"},
		{"shared/snapshot", "it serves what was built"},
		{"shared/config", "the snapshot's settings are of these types"},
		{"shared/mcp", "requests are scanned and answered in the protocol's terms"},
		{"shared/openapi", "a REST-backed call is bound and its response becomes a result"},
		{"shared/backend", "it makes the client of each destination"},
		{"shared/mcpproxy", "it makes the servers that have an upstream, and federations"},
		{"shared/seal", "it makes the sealer that upstreams' sessions share"},
		{"shared/expr", "it fills the context of expressions"},
		{"shared/fault", "faults of documents that show only with their secrets"},
		{"shared/policies", "the policies that pipelines are made of"},
		{"shared/policy", "pipelines run around messages and requests"},
		{"shared/mailbox", "streams that other instances hold"},
		{"shared/state", "the store of such streams"},
		{"shared/authserver", "it mounts it and verifies its tokens"},
		{"shared/connection", "it mounts the pages of connections"},
		{"shared/credential", "the tokens of backends"},
		{"shared/approval", "a tool may wait for a person"},
		{"shared/toolslock", "the limits of an upstream's tools"},
		{"shared/oauthclient", "the access of upstreams"},
		{"shared/auth", "the key by which the gateway shows who it is at an authorization server"},
		{"shared/trace", "it records and keeps traces"},
		{"shared/telemetry", "each call is recorded, and kept or dropped at its end"},
		{"shared/audit", "calls are recorded"},
		{"shared/shadow", "it keeps live calls and runs the candidate"},
		{"shared/longrunning", "calls that go on are followed"},
		{"shared/registry", "clients find servers"},
		{"shared/portal", "people find servers"},
		{"shared/search", "it answers search_tools"},
		{"shared/projection", "results are made to fit"},
	}},
	"functions/azure": {knows: "the assembly for Azure Functions", imports: []door{
		{"shared/gateway", "the handler it serves"},
		{"shared/host", "the platform that runs it"},
		{"shared/snapshot", "what the handler is made of"},
		{"shared/services", "the counters, the cache and the token validation that policies reach"},
		{"shared/auth", "tokens of the function app's managed identity"},
		{"shared/policy", "the service that these tokens are for"},
		{"shared/access", "it finds the subscriptions of keys"},
		{"shared/state", "the store that TOOLGATE_STORE names"},
		{"shared/state/aztables", "the table"},
		{"shared/sweep", "the timer removes expired rows"},
		{"shared/secret", "Key Vault"},
		{"shared/federation", "workload identity of a cluster"},
	}},
	"functions/lambda": {knows: "the assembly for AWS Lambda", imports: []door{
		{"shared/gateway", "the handler it serves"},
		{"shared/host/lambda", "the platform that runs it"},
		{"shared/snapshot", "what the handler is made of"},
		{"shared/services", "the counters, the cache and the token validation that policies reach"},
		{"shared/access", "it finds the subscriptions of keys"},
		{"shared/policy", "the service that access is"},
		{"shared/state", "the store that TOOLGATE_STORE names"},
		{"shared/state/dynamodb", "the table"},
		{"shared/sigv4", "requests are signed with the function's role"},
		{"shared/secret", "vaults of AWS and Azure"},
		{"shared/federation", "the function's role at Microsoft Entra"},
		{"shared/audit", "it is flushed before the freeze"},
		{"shared/telemetry", "it is flushed before the freeze"},
		{"shared/host", "headers of another platform's sign-in are taken out"},
	}},
	"local": {knows: "one machine", imports: []door{
		{"shared/profile", "it shows what clients get"},
		{"shared/build", "it compiles folders"},
		{"shared/config", "it loads folders"},
		{"shared/fault", "it prints faults, and suggests commands"},
		{"shared/gateway", "it serves a folder"},
		{"shared/host", "it listens on this machine"},
		{"shared/mcp", "it writes names and texts as JSON"},
		{"shared/openapi", "import reads a document to begin a folder from"},
		{"shared/policy", "assess reports on policy documents"},
		{"shared/seal", "the sealing key outlives a reload"},
		{"shared/snapshot", "what was compiled is loaded again to be served"},
		{"local/examples/notes", "the example's MCP server"},
		{"local/examples/petstore", "the example's REST backend"},
		{"shared/services", "the counters, the cache and the token validation that policies reach"},
		{"shared/gatewaytest", "the command test runs what users write"},
		{"shared/policy/policytest", "the command test shows what differs"},
		{"shared/access", "keys manages subscriptions"},
		{"shared/state", "keys and serve open a store"},
		{"shared/state/aztables", "keys manages the store of a deployment"},
		{"shared/state/dynamodb", "keys manages the store of a deployment"},
		{"shared/state/embedded", "serve keeps its own"},
		{"shared/sweep", "its store is swept as well"},
		{"shared/ledger", "budget report reads what was spent"},
		{"shared/connection", "the command manages connections"},
		{"shared/sigv4", "requests are signed with the user's credentials"},
		{"shared/toolslock", "the command lock writes the file; serve watches it"},
		{"shared/secret", "vaults as the developer who is signed in"},
		{"shared/explain", "the command explain shows a trace"},
		{"shared/trace", "debug tokens and records"},
		{"shared/telemetry", "serve closes the recorder of a reloaded configuration"},
		{"shared/audit", "verify, list, and closing it"},
		{"shared/shadow", "the command shadow report"},
		{"shared/plan", "the command plan"},
		{"shared/edge", "the command edge-rules"},
		{"shared/cost", "the command cost"},
		{"shared/importer", "import begins a folder from a resource of Azure"},
	}},
	"local/examples/notes":    {knows: "a notebook, as somebody else's MCP server"},
	"local/examples/petstore": {knows: "pets, as somebody else's REST API"},
}

// restricted are packages of the standard library and of others that only some
// rooms may import.
var restricted = []struct {
	path  string // a package, or a prefix that ends in a slash
	rooms []string
	why   string
}{
	{"os", []string{"shared/config", "shared/build", "shared/snapshot", "shared/host", "shared/host/lambda", "shared/policy/policytest", "shared/gatewaytest", "functions/azure", "functions/lambda", "local"},
		"files and the environment are read where a configuration or a snapshot comes in, and nowhere else"},
	{"net", []string{"shared/backend", "shared/host", "shared/host/lambda", "shared/gateway", "local"},
		"connections are opened by backend and accepted by host; gateway and local take addresses apart"},
	{"archive/zip", []string{"shared/snapshot", "local"}, "the form of the file is the snapshot's own affair"},
	{"encoding/json", []string{"shared/openapi"},
		"it takes the last of two equal names and any case of a name, and the wire must be read in one way only; the validator in openapi is given numbers as json.Number"},
	{"math/rand", nil, "nothing here needs numbers that can be guessed"},
	{"go.yaml.in/yaml/", []string{"shared/config", "shared/openapi"}, "YAML is what users write: gateway.yaml and OpenAPI documents"},
	{"github.com/modelcontextprotocol/go-sdk/", []string{"local/examples/notes"},
		"the SDK decodes and alters what passes through it; it serves as somebody else's server"},
	{"github.com/jmespath-community/", []string{"shared/projection"}, "one room knows JMESPath"},
	{"github.com/osteele/liquid", []string{"shared/liquid"}, "one room knows Liquid"},
	{"github.com/golang-jwt/jwt/", []string{"shared/auth"}, "one room knows tokens"},
	{"github.com/go-jose/go-jose/", []string{"shared/auth"}, "one room knows keys"},
	{"go.etcd.io/bbolt", []string{"shared/state/embedded"}, "one room knows the form of the file"},
	{"github.com/Azure/", []string{"shared/state/aztables", "local"}, "one room knows Azure Tables; local signs its user in"},
	{"github.com/aws/aws-sdk-go-v2", []string{"shared/state/dynamodb", "shared/sigv4", "functions/lambda", "local"}, "one room knows DynamoDB; hosts bring the credentials"},
	{"github.com/aws/aws-lambda-go/", []string{"shared/host/lambda"}, "one room knows AWS Lambda"},
}

// forbiddenCalls are functions and variables that product code must not use.
var forbiddenCalls = []struct {
	path  string
	names []string
	rooms []string // where they are allowed all the same
	why   string
}{
	{"net/http", []string{"DefaultClient", "Get", "Head", "Post", "PostForm", "DefaultTransport", "DefaultServeMux", "Handle", "HandleFunc"}, nil,
		"they have no time limits and follow redirects, or are global"},
	{"os", []string{"Getenv", "LookupEnv", "Environ", "Setenv"}, []string{"functions/azure", "functions/lambda", "shared/host", "shared/config", "local"},
		"the environment comes in at the edge and is handed on"},
	{"log", []string{"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"}, nil,
		"logs go to the *slog.Logger that the host gives"},
}

// vagueWords say nothing of what a thing is or does. No exported identifier has
// one, nor a word that GLOSSARY.md says to avoid.
var vagueWords = []string{
	"Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Common", "Base", "Impl", "Data", "Info", "Misc", "Stuff",
	"Process", "Processor", "Handle", "Downstream",
}

// excusedNames are exported identifiers that have such a word all the same.
var excusedNames = map[string]string{
	"Handle":         "slog.Handler",
	"MaxData":        "the limit of state.Record.Data",
	"ServerInfo":     "MCP: InitializeResult.serverInfo",
	"ClientInfo":     "MCP: _meta io.modelcontextprotocol/clientInfo",
	"MetaServerInfo": "MCP: the key of _meta",
	"MetaClientInfo": "MCP: the key of _meta",
	"Data":           "JSON-RPC: error.data; server-sent events: the field data",
	"Chain":          "the term of hash chains",
	"ChainReport":    "the term of hash chains",
	"UnknownChain":   "the term of hash chains",
}

// maxDependencies is the number of modules that the repository may require of
// its own.
const maxDependencies = 23

// Sizes that a function and a file may have, in lines.
const (
	maxFunction = 80
	maxFile     = 500
)
