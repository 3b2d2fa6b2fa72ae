package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

func TestFailuresHaveAPublicSide(t *testing.T) {
	cause := errors.New("secret")
	tests := []struct {
		err    error
		public string
		log    string
	}{
		{&refusal{status: 503}, "The MCP server behind this gateway failed (HTTP 503).", "the MCP server answered HTTP 503"},
		{&refusal{status: 401, rpc: mcp.Errorf(-1, "secret")}, "The MCP server behind this gateway refused the gateway's credentials (HTTP 401).", "the MCP server answered HTTP 401: secret (-1)"},
		{&refusal{status: 404}, "The MCP server behind this gateway does not answer at its configured URL (HTTP 404).", "the MCP server answered HTTP 404"},
		{&tooLargeError{5}, "The MCP server behind this gateway sent an answer larger than 5 bytes.", "the MCP server's answer is larger than 5 bytes"},
		{&unreadable{cause}, "The MCP server behind this gateway sent an answer that cannot be read.", "reading the MCP server's answer: secret"},
		{&unreadable{mcp.Errorf(mcp.CodeParseError, "secret")}, "The MCP server behind this gateway sent an answer that cannot be read.", "reading the MCP server's answer: secret (-32700)"},
		{&broken{cause}, "The MCP server behind this gateway broke off its answer.", "the MCP server broke off its answer: secret"},
		{mcp.ErrNoResponse, "The MCP server behind this gateway broke off its answer.", mcp.ErrNoResponse.Error()},
		{&backend.Error{Reason: backend.Timeout, Err: cause}, "The MCP server behind this gateway did not answer in time.", "backend timeout: secret"},
		{&backend.Error{Reason: backend.Refused, Err: cause}, "The request is not allowed to leave the gateway.", "backend refused: secret"},
		{&backend.Error{Reason: backend.Cancelled, Err: context.Canceled}, "The call was cancelled.", "backend cancelled: context canceled"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "The MCP server behind this gateway did not answer in time.", "x: context deadline exceeded"},
		{context.Canceled, "The call was cancelled.", "context canceled"},
		{cause, "The MCP server behind this gateway could not be reached.", "secret"},
	}
	for _, tt := range tests {
		err := fail(tt.err)
		public, ok := errors.AsType[*mcp.Error](err)
		if !ok || public.Message != tt.public || public.Code != mcp.CodeInternalError {
			t.Errorf("%v: the client is told %v, want %s", tt.err, public, tt.public)
		}
		if err.Error() != tt.log || !errors.Is(err, tt.err) {
			t.Errorf("%v: the log is told %v, want %s", tt.err, err, tt.log)
		}
	}
	own := mcp.Errorf(mcp.CodeInvalidParams, "its own word")
	if got := fail(own); !errors.Is(got, own) || got.Error() != own.Error() {
		t.Errorf("got %v, want an error with a public side left alone", got)
	}
	if got := fail(nil); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}

func TestErrorThatCannotBeRead(t *testing.T) {
	for raw, want := range map[string]string{
		`{"code":-5,"message":"m","data":1.0}`: "m (-5)",
		`{"code":1.5,"message":"m"}`:           "The MCP server behind this gateway sent an error that cannot be read. (-32603)",
		`"m"`:                                  "The MCP server behind this gateway sent an error that cannot be read. (-32603)",
		`{}`:                                   " (0)",
	} {
		if got := rpcError(jsontext.Value(raw)).Error(); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}

// TestAnswerThatBreaksOff is a server that goes away in the middle.
func TestAnswerThatBreaksOff(t *testing.T) {
	cut := func(w http.ResponseWriter, text string) {
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	for _, era := range []mcp.Version{mcp.V20260728, mcp.V20251125} {
		for _, contentType := range []string{"application/json", "text/event-stream"} {
			s := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, _ received) {
				w.Header().Set("Content-Type", contentType)
				cut(w, `data: {"jsonrpc"`)
			})
			p := newProxy(t, s.URL, func(o *Options) { o.ProtocolVersion, o.Tools = era, []ToolSelection{{Tool: "get"}} })
			c := newClient(t, serve(t, p).URL)
			if _, _, got := c.modern("1", "tools/list", "", ""); !strings.Contains(got, "broke off its answer.") {
				t.Errorf("%s %s: got %s", era, contentType, got)
			}
			req := &mcp.Request{Version: era, Header: http.Header{}}
			var err error
			if req.Message, err = mcp.Scan([]byte(`{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{`+modernMeta()+`}}`), 0); err != nil {
				t.Fatal(err)
			}
			if err := p.Serve(t.Context(), req, new(collector)); err == nil || publicMessage(err) != "The MCP server behind this gateway broke off its answer." {
				t.Errorf("%s %s: relayed: got %v", era, contentType, err)
			}
		}
	}
}

func TestUserAgent(t *testing.T) {
	for name, want := range map[string]string{"contoso": "contoso", "Größe (1)/2": "Gr----e--1--2", "": "toolgate"} {
		if got := userAgent(mcp.Implementation{Name: name}); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
