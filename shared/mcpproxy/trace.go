package mcpproxy

import (
	"bytes"
	"context"

	"toolgate/shared/mcp"
)

// Tracer is told of the messages that go to a server.
type Tracer interface {
	// Begin is told of a message. It returns the context for the requests that carry
	// it, and what is told how it ended.
	Begin(ctx context.Context, req *mcp.Request) (context.Context, func(err error))
	// Context is the W3C Trace Context that a message with this context carries;
	// empty for none.
	Context(ctx context.Context) (traceparent, tracestate string)
}

// traced is the message with the context of its span in _meta (SEP-414), in place of
// that of the client: this may have come by another way than the HTTP request, so a
// server prefers it. A message without _meta is left as it is; the header will do.
func (p *Proxy) traced(ctx context.Context, req *mcp.Request) []byte {
	meta := req.Bytes(req.Meta.Span)
	if p.tracer == nil || len(meta) < 2 {
		return req.Raw
	}
	parent, state := p.tracer.Context(ctx)
	if parent == "" {
		return req.Raw
	}
	edits := make([]mcp.Edit, 0, 2)
	if req.Meta.TraceParent.Present() {
		edits = append(edits, mcp.Edit{Span: req.Meta.TraceParent, Text: mcp.AppendString(nil, parent)})
	} else {
		text := mcp.AppendString(append(make([]byte, 0, 80), `"traceparent":`...), parent)
		if len(bytes.TrimSpace(meta[1:len(meta)-1])) > 0 {
			text = append(text, ',')
		}
		at := req.Meta.Start + 1
		edits = append(edits, mcp.Edit{Span: mcp.Span{Start: at, End: at}, Text: text})
	}
	if req.Meta.TraceState.Present() {
		edits = append(edits, mcp.Edit{Span: req.Meta.TraceState, Text: mcp.AppendString(nil, state)})
	}
	return mcp.Splice(req.Raw, edits...)
}
