package gateway

import (
	"bytes"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// overheard looks for failures in what passes from another server to the client, so
// that telemetry knows of them: a result with isError, or an error of JSON-RPC. What
// could be one is told by its text first; only then is a message read.
type overheard struct {
	pieces int
	failed bool
	code   string // of an error of JSON-RPC
}

var (
	isErrorText = []byte(`"isError"`)
	errorText   = []byte(`"error"`)
	dataField   = []byte("data:")
)

// look looks at a piece of a body, whole in most cases. Of a longer one, pieces are
// only searched for isError as servers write it.
func (o *overheard) look(piece []byte, stream bool) {
	o.pieces++
	if o.failed || !bytes.Contains(piece, isErrorText) && !bytes.Contains(piece, errorText) {
		return
	}
	if stream {
		for line := range bytes.Lines(piece) {
			if text, ok := bytes.CutPrefix(line, dataField); ok {
				o.message(bytes.TrimSpace(text))
			}
		}
		return
	}
	if o.pieces > 1 || !o.message(piece) {
		o.failed = o.failed || bytes.Contains(piece, []byte(`"isError":true`)) || bytes.Contains(piece, []byte(`"isError": true`))
	}
}

// message reads a message, and reports whether it is one.
func (o *overheard) message(raw []byte) bool {
	m, err := mcp.Scan(raw, 0)
	switch {
	case err != nil:
		return false
	case m.Kind != mcp.KindResponse:
		return true
	case m.Failure.Present():
		o.failed = true
		failure := m.Bytes(m.Failure)
		if span, ok := mcp.Lookup(failure, "code"); ok {
			o.code = string(failure[span.Start:span.End])
		}
	case m.Result.Present():
		o.result(m.Bytes(m.Result))
	}
	return true
}

// result looks at a result alone.
func (o *overheard) result(raw jsontext.Value) {
	if span, ok := mcp.Lookup(raw, "isError"); ok && string(raw[span.Start:span.End]) == "true" {
		o.failed = true
	}
}
