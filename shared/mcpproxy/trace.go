package mcpproxy

import (
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
	var edits []mcp.Edit
	missing, members := true, 0
	err := mcp.EachMember(meta, func(m mcp.Member) error {
		members++
		value := mcp.Span{Start: req.Meta.Start + m.Value.Start, End: req.Meta.Start + m.Value.End}
		switch m.Name {
		case "traceparent":
			missing = false
			edits = append(edits, mcp.Edit{Span: value, Text: mcp.AppendString(nil, parent)})
		case "tracestate":
			edits = append(edits, mcp.Edit{Span: value, Text: mcp.AppendString(nil, state)})
		}
		return nil
	})
	if err != nil {
		return req.Raw // it was scanned once, so this does not happen
	}
	if missing {
		text := mcp.AppendString([]byte(`"traceparent":`), parent)
		if members > 0 {
			text = append(text, ',')
		}
		at := req.Meta.Start + 1
		edits = append(edits, mcp.Edit{Span: mcp.Span{Start: at, End: at}, Text: text})
	}
	return mcp.Splice(req.Raw, edits...)
}
