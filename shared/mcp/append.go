package mcp

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil { // invalid UTF-8: the quoted string is complete all the same
		return dst
	}
	return dst
}

// AppendResult appends a JSON-RPC response that carries result.
func AppendResult(dst []byte, id, result jsontext.Value) []byte {
	return append(append(AppendResultHead(dst, id), result...), '}')
}

// AppendResultHead appends such a response up to the result, which a closing
// brace must follow.
func AppendResultHead(dst []byte, id jsontext.Value) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	return append(dst, `,"result":`...)
}

// AppendError appends a JSON-RPC response that carries e. Where the id could not
// be read, nil, it is left out: MCP has no null for it, as JSON-RPC has.
func AppendError(dst []byte, id jsontext.Value, e *Error) []byte {
	dst = append(dst, `{"jsonrpc":"2.0",`...)
	if id != nil {
		dst = append(append(append(dst, `"id":`...), id...), ',')
	}
	dst = append(dst, `"error":`...)
	dst = AppendErrorObject(dst, e)
	return append(dst, '}')
}

// AppendErrorObject appends the value of the member "error".
func AppendErrorObject(dst []byte, e *Error) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, e.Message)
	if e.Data != nil {
		dst = append(dst, `,"data":`...)
		dst = append(dst, e.Data...)
	}
	return append(dst, '}')
}

// CacheHint says how long, and for whom, a result may be kept (2026-07-28,
// server/utilities/caching). The zero CacheHint is private and already stale.
type CacheHint struct {
	TTL    time.Duration
	Public bool
}

// AppendResultMembers appends the members that results of version v carry
// besides their own, each preceded by a comma: nothing in the legacy era, and
// resultType and _meta in the modern one. serverInfo is the Implementation
// object of the server.
func AppendResultMembers(dst []byte, v Version, serverInfo jsontext.Value) []byte {
	if !v.Modern() {
		return dst
	}
	dst = append(dst, `,"resultType":"complete","_meta":{"`+MetaServerInfo+`":`...)
	dst = append(dst, serverInfo...)
	return append(dst, '}')
}

// AppendCacheHint appends ttlMs and cacheScope, each preceded by a comma; the
// legacy era knows neither.
func AppendCacheHint(dst []byte, v Version, hint CacheHint) []byte {
	if !v.Modern() {
		return dst
	}
	dst = append(dst, `,"ttlMs":`...)
	dst = strconv.AppendInt(dst, max(0, hint.TTL.Milliseconds()), 10)
	if hint.Public {
		return append(dst, `,"cacheScope":"public"`...)
	}
	return append(dst, `,"cacheScope":"private"`...)
}

// Implementation identifies a server or a client.
type Implementation struct {
	Name, Title, Version string
}

// AppendImplementation appends the Implementation object.
func AppendImplementation(dst []byte, i Implementation) []byte {
	dst = append(dst, `{"name":`...)
	dst = AppendString(dst, i.Name)
	if i.Title != "" {
		dst = append(dst, `,"title":`...)
		dst = AppendString(dst, i.Title)
	}
	dst = append(dst, `,"version":`...)
	dst = AppendString(dst, i.Version)
	return append(dst, '}')
}
