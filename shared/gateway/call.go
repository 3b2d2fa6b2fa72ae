package gateway

import (
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/telemetry"
)

// Call is what Observe is told.
type Call struct {
	Time     time.Time
	Duration time.Duration
	Server   string
	Method   string // JSON-RPC method, or the HTTP method where there is none
	Name     string // tool, prompt or resource
	Version  mcp.Version
	// Subscription is the id of the subscription whose key came with the request.
	Subscription string
	// Client is the address of the client.
	Client string
	Status int // HTTP status
	// Via is "call_tool" where the tool was called by it, on a server whose tools are
	// found by a search; otherwise empty.
	Via string
	// Profile is the profile of the client, by which it was given definitions of tools;
	// empty where it is given those of the server.
	Profile string
	// Cached is true for a tool result that was kept from an earlier call.
	Cached bool
	// Approval is what became of the approval that the tool needs: "asked", "approved",
	// "refused" by the person, "invalid" for one that cannot be used, or "unavailable"
	// where the client cannot ask; empty for a tool that needs none.
	Approval string
	// ApprovedBy is who approved or refused, as far as that is known: the user of the
	// client by the id that the token has, "client" where there is none, or "link" for
	// whoever opened the link to the page.
	ApprovedBy string
	// Left is how many items, or members, of a tool's answer its result leaves out.
	Left int
	// Task is how far a call that goes on has come, as a status of the extension for
	// tasks, where the request began one or asked for one; empty for others.
	Task string
	// Failed is true for a tool result with isError, as far as the gateway made
	// the result itself.
	Failed bool
	// Span is the span of the call, and RequestID its id; both are empty without
	// telemetry.
	Span      telemetry.Context
	RequestID string
	// TraceID is the id of what [Options].Trace was told of the request, or of what is
	// kept for the holder of a debug token; empty where it was not recorded.
	TraceID string
	// Err is the cause of an error answer, or of a result with isError; it may
	// hold details that no client was told.
	Err error
}
