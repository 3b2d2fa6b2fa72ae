package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// toolHints are the annotations of an upstream's tools. They are facts of the
// server, so what one caller is told serves all. Nobody waits while another caller
// asks.
type toolHints struct {
	lifetime time.Duration
	known    atomic.Pointer[knownHints]
	asking   atomic.Bool
}

type knownHints struct {
	tools map[string]toolHint
	until time.Time
}

// toolHint is what tells whether results of a tool may be kept.
type toolHint struct {
	ReadOnly    bool  `json:"readOnlyHint"`
	Destructive *bool `json:"destructiveHint"` // nil: not stated
}

// hintsAgain is how long the server is not asked again after it did not tell.
const hintsAgain = 30 * time.Second

// of is the annotation of a tool. It asks the server, on behalf of the caller of a
// request, when it has not for a while.
func (h *toolHints) of(ctx context.Context, s *cached, req *mcp.Request, tool string) (toolHint, bool) {
	known := h.known.Load()
	if (known == nil || s.clock().After(known.until)) && h.asking.CompareAndSwap(false, true) {
		defer h.asking.Store(false)
		asked := &knownHints{until: s.clock().Add(h.lifetime)}
		var err error
		if asked.tools, err = askHints(ctx, s.inner, req); err != nil {
			asked.until = s.clock().Add(hintsAgain)
			if known != nil {
				asked.tools = known.tools
			}
			s.log.Warn("a server does not list its tools, so it is not known whose results may be kept", "server", s.name, "error", err)
		}
		if ctx.Err() == nil { // otherwise it was the caller who went
			h.known.Store(asked)
		}
		known = asked
	}
	if known == nil {
		return toolHint{}, false
	}
	hint, ok := known.tools[tool]
	return hint, ok
}

// askHints reads the list of tools.
func askHints(ctx context.Context, server mcp.Server, req *mcp.Request) (map[string]toolHint, error) {
	definitions, err := listDefinitions(ctx, server, req)
	if err != nil {
		return nil, err
	}
	tools := make(map[string]toolHint, len(definitions))
	for _, definition := range definitions {
		var t struct {
			Name        string   `json:"name"`
			Annotations toolHint `json:"annotations"`
		}
		if err := json.Unmarshal(definition, &t); err != nil {
			return nil, fmt.Errorf("reading a list of tools: %w", err)
		}
		tools[t.Name] = t.Annotations
	}
	return tools, nil
}

// listRequest makes a request for a list of tools as the client of another request
// would send it.
func listRequest(like *mcp.Request, cursor jsontext.Value) (*mcp.Request, error) {
	raw := []byte(`{"jsonrpc":"2.0","id":"toolgate-annotations","method":"tools/list","params":{`)
	if cursor != nil {
		raw = append(append(append(raw, `"cursor":`...), cursor...), ',')
	}
	raw = append(raw, `"_meta":{`...)
	meta := like.Bytes(like.Meta.Span)
	separate := false
	if meta != nil {
		err := mcp.EachMember(meta, func(m mcp.Member) error {
			if m.Name == mcp.MetaProgressToken {
				return nil
			}
			if separate {
				raw = append(raw, ',')
			}
			separate = true
			raw = append(raw, meta[m.Whole.Start:m.Whole.End]...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	req := &mcp.Request{Version: like.Version, Header: make(http.Header, len(like.Header))}
	for name, values := range like.Header {
		if name != mcp.HeaderName && !strings.HasPrefix(name, mcp.HeaderParamPrefix) {
			req.Header[name] = values
		}
	}
	if req.Header[mcp.HeaderMethod] != nil {
		req.Header[mcp.HeaderMethod] = []string{mcp.MethodListTools}
	}
	var err error
	req.Message, err = mcp.Scan(append(raw, `}}}`...), maxKeptDepth)
	return req, err
}
