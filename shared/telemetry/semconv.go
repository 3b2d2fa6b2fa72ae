package telemetry

// Names of attributes: those of the semantic conventions of OpenTelemetry, as far
// as they are used.
const (
	ErrorType              = "error.type"
	ClientAddress          = "client.address"
	EndUserID              = "enduser.id"
	GenAIConversationID    = "gen_ai.conversation.id"
	GenAIOperationName     = "gen_ai.operation.name"
	GenAIPromptName        = "gen_ai.prompt.name"
	GenAITokenType         = "gen_ai.token.type" //nolint:gosec // the name of an attribute
	GenAIToolArguments     = "gen_ai.tool.call.arguments"
	GenAIToolName          = "gen_ai.tool.name"
	GenAIToolResult        = "gen_ai.tool.call.result"
	GenAIToolType          = "gen_ai.tool.type"
	HTTPRequestMethod      = "http.request.method"
	HTTPRequestBodySize    = "http.request.body.size"
	HTTPRequestResendCount = "http.request.resend_count"
	HTTPResponseBodySize   = "http.response.body.size"
	HTTPResponseStatusCode = "http.response.status_code"
	HTTPRoute              = "http.route"
	JSONRPCRequestID       = "jsonrpc.request.id"
	MCPMethodName          = "mcp.method.name"
	MCPProtocolVersion     = "mcp.protocol.version"
	MCPResourceURI         = "mcp.resource.uri"
	MCPSessionID           = "mcp.session.id"
	NetworkProtocolName    = "network.protocol.name"
	NetworkProtocolVersion = "network.protocol.version"
	NetworkTransport       = "network.transport"
	RPCResponseStatusCode  = "rpc.response.status_code"
	ServerAddress          = "server.address"
	ServerPort             = "server.port"
	ServiceInstanceID      = "service.instance.id"
	ServiceName            = "service.name"
	ServiceVersion         = "service.version"
	URLFull                = "url.full"
	URLPath                = "url.path"
	URLScheme              = "url.scheme"
	UserAgentName          = "user_agent.name"
	UserAgentOriginal      = "user_agent.original"
	UserAgentVersion       = "user_agent.version"
)

// Headers are attributes by their prefix and the name of the header in small
// letters.
const (
	HTTPRequestHeader  = "http.request.header."
	HTTPResponseHeader = "http.response.header."
)

// durations are the bounds of durations in seconds that the conventions ask for:
// those of HTTP and, which go further, those of MCP.
var (
	httpDurations = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	mcpDurations  = []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300}
	tokenCounts   = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
)

// The instruments. Those with the prefix toolgate are ours.
var (
	MCPServerDuration  = &Instrument{Name: "mcp.server.operation.duration", Unit: "s", Bounds: mcpDurations}
	HTTPServerDuration = &Instrument{Name: "http.server.request.duration", Unit: "s", Bounds: httpDurations}
	HTTPClientDuration = &Instrument{Name: "http.client.request.duration", Unit: "s", Bounds: httpDurations}
	TokenUsage         = &Instrument{Name: "gen_ai.client.token.usage", Unit: "{token}", Bounds: tokenCounts}
	PolicyRefusals     = &Instrument{Name: "toolgate.policy.refusals", Unit: "{call}", Kind: Counter, Description: "Calls that a policy refused, by the policy and the reason."}
	StoreDuration      = &Instrument{Name: "toolgate.store.operation.duration", Unit: "s", Bounds: httpDurations, Description: "Operations at the shared store."}
	ShadowCalls        = &Instrument{Name: "toolgate.shadow.calls", Unit: "{call}", Kind: Counter, Description: "Calls that a candidate configuration was to be compared for, by the outcome."}
	CacheHits          = &Instrument{Name: "toolgate.cache.hits", Unit: "{call}", Kind: Counter, Description: "Calls that were answered with a kept result."}
)

// Names that no convention has. Those of API Management's own telemetry are written
// as it writes them, so that queries over it run over this.
const (
	Server        = "toolgate.server"
	RequestID     = "toolgate.request.id"
	CacheHit      = "toolgate.cache.hit"
	PolicySource  = "toolgate.policy.source"
	PolicyReason  = "toolgate.policy.reason"
	PolicyID      = "toolgate.policy.id"
	PolicySection = "toolgate.policy.section"
	PolicyScope   = "toolgate.policy.scope"
	PolicyPath    = "toolgate.policy.path"
	Subscription  = "toolgate.subscription.id"
	Product       = "toolgate.product.id"
	StoreCount    = "toolgate.store.operations"
	StoreTime     = "toolgate.store.duration"
	StoreFailures = "toolgate.store.failures"
	ToolCount     = "ToolCount"
	APIType       = "api.type"
	APITypeSpaced = "API Type"
	AuthType      = "auth.type"
	ErrorMessage  = "error.message"
)

// Bodies, which are only written down where a configuration asks for it.
const (
	RequestBody  = "toolgate.request.body"
	ResponseBody = "toolgate.response.body"
)

// Of the store's operations, and of records of calls.
const (
	StoreOperation = "toolgate.store.operation"
	StoreSpace     = "toolgate.store.space"
	Duration       = "toolgate.duration"
)

// Snapshot is the hash of the configuration that runs.
const Snapshot = "toolgate.snapshot"
