package mcp

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// checkModern applies what 2026-07-28 asks of a message and of the headers that
// repeat parts of it. An intermediary that reads the body must compare the two:
// whoever decides on the header and whoever acts on the body would otherwise
// see different requests.
func checkModern(m *Message, h http.Header) error {
	version, err := single(h, HeaderProtocolVersion)
	if err != nil {
		return err
	}
	if m.Kind == KindResponse {
		return Errorf(CodeInvalidRequest, "clients of %s send no JSON-RPC responses", version)
	}
	if err := checkMetaVersion(m, version); err != nil {
		return err
	}
	if v := Version(version); !v.Supported() || !v.Modern() {
		return unsupportedVersion(version)
	}
	if err := checkCapabilities(m); err != nil {
		return err
	}
	return checkMirrors(m, h)
}

// checkMetaVersion compares the header with the body's version. Notifications
// need no _meta of their own.
func checkMetaVersion(m *Message, header string) error {
	raw := m.Bytes(m.Meta.ProtocolVersion)
	switch {
	case raw == nil && m.Kind == KindNotification:
		return nil
	case header == "":
		return Errorf(CodeHeaderMismatch, "the header %s is missing; it must repeat params._meta[%q]", "MCP-Protocol-Version", MetaProtocolVersion)
	case raw == nil || raw.Kind() != '"':
		return Errorf(CodeInvalidParams, "params._meta[%q] is missing or no string", MetaProtocolVersion)
	case m.Text(m.Meta.ProtocolVersion) != header:
		return Errorf(CodeHeaderMismatch, "the header MCP-Protocol-Version is %q, params._meta says %s", header, raw)
	}
	return nil
}

func checkCapabilities(m *Message) error {
	if m.Kind != KindRequest {
		return nil
	}
	if raw := m.Bytes(m.Meta.ClientCapabilities); raw == nil || raw.Kind() != '{' {
		return Errorf(CodeInvalidParams, "params._meta[%q] is missing or no object", MetaClientCapabilities)
	}
	return nil
}

// checkMirrors compares Mcp-Method and Mcp-Name with the body.
func checkMirrors(m *Message, h http.Header) error {
	method, err := single(h, HeaderMethod)
	switch {
	case err != nil:
		return err
	case method == "" && m.Kind == KindNotification:
		return nil
	case method != m.Method:
		return mismatch(HeaderMethod, method, m.Method)
	}
	name, err := single(h, HeaderName)
	if err != nil {
		return err
	}
	if raw := m.Bytes(m.Name); raw != nil && raw.Kind() != '"' {
		return Errorf(CodeInvalidParams, "%s must be a string", methods[m.Method].named)
	}
	decoded, ok := DecodeHeader(name)
	if !ok {
		return Errorf(CodeHeaderMismatch, "the header %s is not valid base64", HeaderName)
	}
	if want := m.Text(m.Name); decoded != want {
		return mismatch(HeaderName, decoded, want)
	}
	return nil
}

func mismatch(header, got, want string) *Error {
	if got == "" {
		return Errorf(CodeHeaderMismatch, "the header %s is missing; the body says %q", header, want)
	}
	return Errorf(CodeHeaderMismatch, "the header %s is %q, the body says %q", header, got, want)
}

// single returns the value of a header that may stand once only: two values
// could be read differently by two readers.
func single(h http.Header, name string) (string, error) {
	switch values := h[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", Errorf(CodeHeaderMismatch, "the header %s stands more than once", name)
}

// Discovery is what a server says of itself, in either era.
type Discovery struct {
	// Capabilities is the ServerCapabilities object, without extensions.
	Capabilities jsontext.Value
	// Extensions is what modern clients see as its member of that name; nil for none.
	Extensions jsontext.Value
	// ServerInfo is the Implementation object.
	ServerInfo   jsontext.Value
	Instructions string
	Hint         CacheHint
}

// AppendDiscover appends the result of server/discover.
func (d *Discovery) AppendDiscover(dst []byte) []byte {
	dst = append(dst, `{"supportedVersions":`...)
	dst = appendVersions(dst)
	dst = append(dst, `,"capabilities":`...)
	dst = append(dst, d.Capabilities...)
	if d.Extensions != nil {
		dst = append(append(dst[:len(dst)-1], `,"extensions":`...), d.Extensions...)
		dst = append(dst, '}')
	}
	dst = d.appendInstructions(dst)
	dst = AppendCacheHint(dst, V20260728, d.Hint)
	dst = AppendResultMembers(dst, V20260728, d.ServerInfo)
	return append(dst, '}')
}

func (d *Discovery) appendInstructions(dst []byte) []byte {
	if d.Instructions == "" {
		return dst
	}
	dst = append(dst, `,"instructions":`...)
	return AppendString(dst, d.Instructions)
}

// AcknowledgeListen answers subscriptions/listen where nothing can change while
// the client listens: the acknowledgement names no notification, and the result
// ends the stream at once. The client's own cache hints tell it when to ask
// again.
func AcknowledgeListen(req *Request, reply Reply, serverInfo jsontext.Value) error {
	id := req.Bytes(req.ID)
	note := []byte(`{"jsonrpc":"2.0","method":"` + NotificationAcknowledged + `","params":{"notifications":{},"_meta":{"` + MetaSubscriptionID + `":`)
	note = append(append(note, id...), `}}}`...)
	if err := reply.Notify(note); err != nil {
		return err
	}
	result := []byte(`{"resultType":"complete","_meta":{"` + MetaSubscriptionID + `":`)
	result = append(append(result, id...), `,"`+MetaServerInfo+`":`...)
	result = append(append(result, serverInfo...), `}}`...)
	return reply.Result(result)
}
