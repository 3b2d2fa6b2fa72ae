package mcp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrNoResponse reports an HTTP answer that ended without a JSON-RPC response.
var ErrNoResponse = errors.New("the answer holds no JSON-RPC response")

// ReadResponse reads the HTTP answer to a JSON-RPC request, of either content
// type, and returns the response message. Messages that come ahead of it on a
// stream go to other, unless that is nil. An answer larger than limit bytes, or
// with a larger event, is an error.
func ReadResponse(header http.Header, body io.Reader, limit int, other func(jsontext.Value) error) (jsontext.Value, error) {
	if !strings.HasPrefix(header.Get("Content-Type"), ContentSSE) {
		raw, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
		switch {
		case err != nil:
			return nil, err
		case len(raw) > limit:
			return nil, fmt.Errorf("the answer is larger than %d bytes", limit)
		case !isResponse(raw):
			return nil, ErrNoResponse
		}
		return raw, nil
	}
	events := NewEventReader(body, limit)
	for {
		e, err := events.Next()
		switch {
		case err == io.EOF:
			return nil, ErrNoResponse
		case err != nil:
			return nil, err
		case len(e.Data) == 0:
		case isResponse(e.Data):
			return e.Data, nil
		case other != nil:
			if err := other(e.Data); err != nil {
				return nil, err
			}
		}
	}
}

func isResponse(raw []byte) bool {
	m, err := Scan(raw, maxUpstreamDepth)
	return err == nil && m.Kind == KindResponse
}

// maxUpstreamDepth bounds the nesting of what a server behind the gateway sends:
// the decoder's own limit, since a result is none of our business.
const maxUpstreamDepth = 10_000
