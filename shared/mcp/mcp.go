// Package mcp knows the Model Context Protocol on the wire: JSON-RPC envelopes
// as raw bytes, the protocol revisions and what each asks of a request, the
// headers that mirror a body, and the event stream. It performs no I/O and
// decodes no more of a message than a gateway must read to decide.
//
// A message is scanned once ([Scan]) into spans over its own bytes. What passes
// through is spliced, never re-marshalled, so unknown fields, large ids and the
// text of numbers survive.
//
// One endpoint serves two eras. The modern revision, 2026-07-28, is stateless:
// every request names its version and capabilities in _meta. The legacy
// revisions, 2025-03-26 to 2025-11-25, open with initialize; they are served
// without a session wherever that is possible. The files modern.go and
// legacy.go hold what is special to each.
package mcp

import (
	"context"
	"io"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// A Server answers the requests of one MCP endpoint.
type Server interface {
	// Serve answers one request or takes one notification. It calls at most one
	// of reply's Result and Relay, and returns an error instead when there is no
	// result: an *[Error] reaches the client as it is, any other as an internal
	// error whose cause is only logged. Serve may be called concurrently.
	Serve(ctx context.Context, req *Request, reply Reply) error
}

// Request is one message of a client, with the revision it is to be answered
// in. It is owned by the call and must not be kept after Serve returns.
type Request struct {
	Message
	// Version is the revision of the request; it decides the form of the reply.
	Version Version
	// Header is the header of the HTTP request that carried the message.
	Header http.Header
}

// Reply takes what a server says to one request. Its methods must not be
// called concurrently.
type Reply interface {
	// Notify sends a notification, a whole JSON-RPC message, ahead of the result.
	Notify(message jsontext.Value) error
	// Result sends the result, a JSON object in the form of the request's
	// Version, and ends the reply. The bytes are not kept.
	Result(result jsontext.Value) error
	// Relay passes on the whole HTTP answer of another MCP server to this very
	// request, which has the same id, and ends the reply. Of header it takes
	// Content-Type and Mcp-Session-Id.
	Relay(status int, header http.Header, body io.Reader) error
}

// Names of HTTP headers, in their canonical form.
const (
	HeaderProtocolVersion = "Mcp-Protocol-Version"
	HeaderMethod          = "Mcp-Method"
	HeaderName            = "Mcp-Name"
	HeaderParamPrefix     = "Mcp-Param-"
	HeaderSessionID       = "Mcp-Session-Id"
	HeaderLastEventID     = "Last-Event-Id"
)

// Content types of the Streamable HTTP transport.
const (
	ContentJSON = "application/json"
	ContentSSE  = "text/event-stream"
)

// Keys of _meta reserved by the protocol.
const (
	MetaProtocolVersion    = "io.modelcontextprotocol/protocolVersion"
	MetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities"
	MetaClientInfo         = "io.modelcontextprotocol/clientInfo"
	MetaLogLevel           = "io.modelcontextprotocol/logLevel"
	MetaServerInfo         = "io.modelcontextprotocol/serverInfo"
	MetaSubscriptionID     = "io.modelcontextprotocol/subscriptionId"
	MetaProgressToken      = "progressToken"
	MetaTraceParent        = "traceparent"
	MetaTraceState         = "tracestate"
	MetaBaggage            = "baggage"
)
