package gateway

import "toolgate/shared/mcp"

// failureObserver is a reply that tells the log why a result has isError set.
type failureObserver interface{ Failed(cause error) }

// noteFailed tells the log that the result of a reply has isError set. The cause is
// nil where the result says everything.
func noteFailed(reply mcp.Reply, cause error) {
	if o, ok := reply.(failureObserver); ok {
		o.Failed(cause)
	}
}

// cacheObserver is a reply that tells the log whose result was kept.
type cacheObserver interface{ Cached() }

// noteCached tells the log that the result of a reply is that of an earlier call.
func noteCached(reply mcp.Reply) {
	if o, ok := reply.(cacheObserver); ok {
		o.Cached()
	}
}
