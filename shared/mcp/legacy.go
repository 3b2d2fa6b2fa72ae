package mcp

import (
	"net/http"
)

// Detect finds the revision a message is to be answered in, and checks the
// message and its headers against it. The error is an *[Error].
//
// A request is modern when its header or its _meta names a revision from
// 2026-07-28 on. initialize opens the legacy era and names its revision itself;
// any other legacy request names it in a header, and without one is taken for
// 2025-03-26, which had none.
func Detect(m *Message, h http.Header) (Version, error) {
	header := Version(h.Get(HeaderProtocolVersion))
	if header.Modern() || m.Meta.ProtocolVersion.Present() {
		return Latest, checkModern(m, h)
	}
	switch {
	case m.Kind == KindRequest && m.Method == MethodInitialize:
		return negotiate(m), nil
	case header == "":
		return V20250326, nil
	case header == "2024-11-05":
		// Named by clients that keep the header through a downgrade.
		return V20250326, nil
	case !header.Supported():
		return LatestLegacy, unsupportedVersion(string(header))
	}
	return header, nil
}

// negotiate chooses the revision of a legacy connection: the one asked for when
// it is served, else the latest that a client of initialize can speak
// (2025-11-25, basic/lifecycle).
func negotiate(m *Message) Version {
	asked := Version(m.Text(m.InitializeVersion))
	if asked.Supported() && !asked.Modern() {
		return asked
	}
	return LatestLegacy
}

// AppendInitialize appends the result of initialize for revision v.
func (d *Discovery) AppendInitialize(dst []byte, v Version) []byte {
	dst = append(dst, `{"protocolVersion":"`...)
	dst = append(dst, v...)
	dst = append(dst, `","capabilities":`...)
	dst = append(dst, d.Capabilities...)
	dst = append(dst, `,"serverInfo":`...)
	dst = append(dst, d.ServerInfo...)
	dst = d.appendInstructions(dst)
	return append(dst, '}')
}

// Answer answers the methods that every server answers alike: discovery in
// either era, ping, log levels, and notifications that need no action. It
// reports whether the request was one of them.
func (d *Discovery) Answer(req *Request, reply Reply) (done bool, err error) {
	if req.Kind != KindRequest {
		return true, nil
	}
	switch req.Method {
	case MethodDiscover:
		return true, reply.Result(d.AppendDiscover(nil))
	case MethodInitialize:
		return true, reply.Result(d.AppendInitialize(nil, req.Version))
	case MethodListen:
		return true, AcknowledgeListen(req, reply, d.ServerInfo)
	case MethodPing, MethodSetLevel:
		// Without a session a log level cannot be remembered; revisions of the
		// legacy era know no way to say so, and clients set one unasked.
		return true, reply.Result([]byte("{}"))
	}
	return false, nil
}

// MethodNotFound is the error for a method that a server does not implement.
func MethodNotFound(method string) *Error {
	return Errorf(CodeMethodNotFound, "method %q is not implemented", method)
}
