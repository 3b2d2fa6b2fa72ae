package mcp

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestDetect(t *testing.T) {
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a",` + modernMeta + `}}`
	accent := strings.Replace(call, `"a"`, `"é"`, 1)
	list := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`
	initialize := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}`
	for _, c := range []struct {
		name, raw string
		header    http.Header
		version   Version
		code      Code // 0: accepted
	}{
		{"modern", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, 0},
		{"modern, encoded name", accent, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?w6k=?="), V20260728, 0},
		{"modern, name no base64", accent, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?w6k?="), V20260728, CodeHeaderMismatch},
		{"no version header", call, header("Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"version header twice", call, header("MCP-Protocol-Version", "2026-07-28", "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"versions differ", call, header("MCP-Protocol-Version", "2027-01-01", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"legacy header over modern body", call, header("MCP-Protocol-Version", "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"unknown version", strings.Replace(call, "2026-07-28", "2027-01-01", 1), header("MCP-Protocol-Version", "2027-01-01", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeUnsupportedProtocolVersion},
		{"legacy version in _meta", strings.Replace(call, "2026-07-28", "2025-11-25", 1), header("MCP-Protocol-Version", "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeUnsupportedProtocolVersion},
		{"no _meta", list, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list"), V20260728, CodeInvalidParams},
		{"no capabilities", strings.Replace(call, `,"io.modelcontextprotocol/clientCapabilities":{}`, "", 1), header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "a"), V20260728, CodeInvalidParams},
		{"no method header", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"another method", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"method in capitals", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "TOOLS/CALL", "Mcp-Name", "a"), V20260728, CodeHeaderMismatch},
		{"no name header", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call"), V20260728, CodeHeaderMismatch},
		{"two names", call, header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "a", "Mcp-Name", "b"), V20260728, CodeHeaderMismatch},
		{"name is a number", strings.Replace(call, `"a"`, `5`, 1), header("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "5"), V20260728, CodeInvalidParams},
		{"modern notification", `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, header("MCP-Protocol-Version", "2026-07-28"), V20260728, 0},
		{"modern response", `{"jsonrpc":"2.0","id":1,"result":{}}`, header("MCP-Protocol-Version", "2026-07-28"), V20260728, CodeInvalidRequest},
		{"legacy", list, header("MCP-Protocol-Version", "2025-11-25"), V20251125, 0},
		{"legacy without header", list, header(), V20250326, 0},
		{"unknown legacy version", list, header("MCP-Protocol-Version", "2025-01-01"), V20251125, CodeUnsupportedProtocolVersion},
		{"initialize", initialize, header(), V20250618, 0},
		{"initialize with an unknown version", strings.Replace(initialize, "2025-06-18", "1999-01-01", 1), header(), V20251125, 0},
		{"initialize with a modern version", strings.Replace(initialize, "2025-06-18", "2026-07-28", 1), header(), V20251125, 0},
	} {
		m, err := Scan([]byte(c.raw), 0)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		v, err := Detect(&m, c.header)
		if v != c.version || (c.code == 0) != (err == nil) || c.code != 0 && !errors.Is(err, &Error{Code: c.code}) {
			t.Errorf("%s: got %s, %v, want %s and code %d", c.name, v, err, c.version, c.code)
		}
	}
}

func TestUnsupportedVersionNamesTheSupported(t *testing.T) {
	want := `{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"requested":"v\"9"}`
	if got := string(unsupportedVersion(`v"9`).Data); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHTTPStatus(t *testing.T) {
	for _, c := range []struct {
		code           Code
		modern, legacy int
	}{
		{CodeParseError, 400, 400},
		{CodeInvalidRequest, 400, 400},
		{CodeHeaderMismatch, 400, 400},
		{CodeUnsupportedProtocolVersion, 400, 400},
		{CodeMissingClientCapability, 400, 200},
		{CodeInvalidParams, 400, 200},
		{CodeMethodNotFound, 404, 200},
		{CodeInternalError, 200, 200},
	} {
		e := &Error{Code: c.code}
		if got := e.HTTPStatus(V20260728); got != c.modern {
			t.Errorf("%d in 2026-07-28: got %d, want %d", c.code, got, c.modern)
		}
		if got := e.HTTPStatus(V20251125); got != c.legacy {
			t.Errorf("%d in 2025-11-25: got %d, want %d", c.code, got, c.legacy)
		}
	}
}

func TestServed(t *testing.T) {
	for _, c := range []struct {
		method         string
		modern, legacy bool
	}{
		{"initialize", false, true}, {"ping", false, true}, {"logging/setLevel", false, true},
		{"resources/subscribe", false, true}, {"server/discover", true, false},
		{"subscriptions/listen", true, false}, {"tools/call", true, true}, {"vendor/x", true, true},
	} {
		if Served(c.method, Latest) != c.modern || Served(c.method, LatestLegacy) != c.legacy {
			t.Errorf("%s: got %v, %v, want %v, %v", c.method, Served(c.method, Latest), Served(c.method, LatestLegacy), c.modern, c.legacy)
		}
	}
}

func TestHeaderValues(t *testing.T) {
	for _, c := range []struct{ value, header string }{
		{"plain", "plain"},
		{"two words", "two words"},
		{"", ""},
		{" edge ", "=?base64?IGVkZ2Ug?="},
		{"é", "=?base64?w6k=?="},
		{"a\nb", "=?base64?YQpi?="},
		{"=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="},
		{"=?base64?open", "=?base64?open"},
	} {
		if got := EncodeHeader(c.value); got != c.header {
			t.Errorf("EncodeHeader(%q): got %q, want %q", c.value, got, c.header)
		}
		if got, ok := DecodeHeader(c.header); !ok || got != c.value {
			t.Errorf("DecodeHeader(%q): got %q, %v, want %q", c.header, got, ok, c.value)
		}
	}
	for _, bad := range []string{"=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?="} {
		if got, ok := DecodeHeader(bad); ok {
			t.Errorf("DecodeHeader(%q): got %q, want a refusal", bad, got)
		}
	}
}
