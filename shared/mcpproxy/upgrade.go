package mcpproxy

import (
	"strconv"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// A modern client of a legacy server: what the server says in the form of the
// client's era.

// upgradeResult adds what a modern result must have: resultType, the server's
// name, and where results are kept, that these are not to be. What the server
// says itself is left alone.
func upgradeResult(method string, result, serverInfo jsontext.Value) (jsontext.Value, error) {
	missing := [][2]string{{"resultType", `"complete"`}}
	if mcp.Cached(method) {
		missing = append(missing, [][2]string{{"ttlMs", "0"}, {"cacheScope", `"private"`}}...)
	}
	var add []string
	for _, m := range missing {
		if lookup(result, m[0]) == nil {
			add = append(add, `"`+m[0]+`":`+m[1])
		}
	}
	result, err := rebuild(result, keep, add...)
	if err != nil || lookup(lookup(result, "_meta"), mcp.MetaServerInfo) != nil {
		return result, err
	}
	return withMeta(result, `"`+mcp.MetaServerInfo+`":`+string(serverInfo))
}

// codeURLElicitation is the error of 2025-11-25 that asks the client to open a
// URL first (client/elicitation). The modern era has a result for it.
const codeURLElicitation mcp.Code = -32042

// upgradeError gives the client a legacy error: errors that its era has under
// another code, or not as an error.
func (x *ownExchange) upgradeError(e *mcp.Error) error {
	switch e.Code {
	case mcp.CodeResourceNotFound:
		e.Code = mcp.CodeInvalidParams
	case codeURLElicitation:
		return x.elicitURL(e)
	}
	return e
}

// elicitURL turns the request to open URLs into the input that a modern server
// would require; the client repeats its call afterwards in either era.
func (x *ownExchange) elicitURL(e *mcp.Error) error {
	switch x.req.Method {
	case mcp.MethodCallTool, mcp.MethodGetPrompt, mcp.MethodReadResource:
	default:
		e.Code = mcp.CodeInternalError // no other method may require input
		return e
	}
	declared := lookup(x.req.Bytes(x.req.Meta.ClientCapabilities), "elicitation")
	if lookup(declared, "url") == nil {
		m := missingCapability("elicitation")
		m.Data = jsontext.Value(`{"requiredCapabilities":{"elicitation":{"url":{}}}}`)
		return m
	}
	result, n := []byte(`{"resultType":"input_required","inputRequests":{`), 0
	err := mcp.EachElement(lookup(e.Data, "elicitations"), func(params jsontext.Value) error {
		n++
		result = append(separate(result), `"url`+strconv.Itoa(n)+`":{"method":"elicitation/create","params":`...)
		result = append(append(result, params...), '}')
		return nil
	})
	if err != nil {
		return &unreadable{err}
	}
	result = append(result, `},"_meta":{"`+mcp.MetaServerInfo+`":`...)
	result = append(append(result, x.session.discovery.ServerInfo...), `}}`...)
	return x.reply.Result(result)
}
