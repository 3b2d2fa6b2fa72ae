package differential_test

import (
	"cmp"
	"slices"
)

var upstreamNormalizations = []normalization{
	{"the text of errors", "it is for people, and each has its own words", func(response map[string]any) {
		delete(failure(response), "message")
	}},
	{"2024-11-05 among the versions", "the SDK negotiates it over Streamable HTTP, where it never was; the gateway does not", func(response map[string]any) {
		data, _ := failure(response)["data"].(map[string]any)
		for _, list := range []struct {
			object map[string]any
			member string
		}{{result(response), "supportedVersions"}, {data, "supported"}} {
			if versions, ok := list.object[list.member].([]any); ok {
				list.object[list.member] = slices.DeleteFunc(versions, func(v any) bool { return v == "2024-11-05" })
			}
		}
	}},
}

var restNormalizations = append(slices.Clone(upstreamNormalizations),
	normalization{"the order of tools", "the SDK sorts them by name, the gateway keeps the order of the document", func(response map[string]any) {
		tools, _ := result(response)["tools"].([]any)
		name := func(tool any) string {
			object, _ := tool.(map[string]any)
			text, _ := object["name"].(string)
			return text
		}
		slices.SortFunc(tools, func(a, b any) int { return cmp.Compare(name(a), name(b)) })
	}},
	normalization{"cache hints for legacy clients", "the SDK sends them, though the legacy revisions do not have them", func(response map[string]any) {
		if r := result(response); r["resultType"] == nil {
			delete(r, "ttlMs")
			delete(r, "cacheScope")
		}
	}},
	normalization{"the text of results with isError", "the SDK's server was given other words", func(response map[string]any) {
		if r := result(response); r["isError"] == true {
			delete(r, "content")
		}
	}},
)

// commonDifferences are seen whatever the server is.
var commonDifferences = []difference{
	{"two values", nil, "400 -32700", "200 result",
		"a body of two messages is one message to some readers and two to others"},
	{"two names alike", nil, "400 -32700", "200 result",
		"with two ids or two names, whoever decides may see another request than whoever acts"},
	{"no method", nil, "400 -32600", "202 no body",
		"a message with an id and no method is no response either; the sender waits for an answer"},
	{"params that are no object", modern, "400 -32600", "400 -32602",
		"it is refused as no MCP message, before its method is looked at"},
	{"params that are no object", legacy, "400 -32600", "200 -32602",
		"it is refused as no MCP message, before its method is looked at"},
	{"response", modern, "400 -32600", "202 no body",
		"in 2026-07-28 servers send no requests, so that there is nothing to respond to"},
	{"accepting JSON alone", nil, "200 result", "400 no JSON",
		"the answer is JSON, which this client takes"},
}

var upstreamDifferences = append(slices.Clone(commonDifferences),
	difference{"unknown method", legacy, "200 -32603", "400 no JSON",
		"the SDK refuses it in plain text, which the gateway does not pass on; in the legacy era errors have status 200"},
)

var restDifferences = append(slices.Clone(commonDifferences),
	difference{"unknown method", legacy, "200 -32601", "400 no JSON", "in the legacy era errors have status 200"},
	difference{"unknown notification", nil, "202 no body", "400 no JSON", "a notification of an extension that is not known here does no harm"},
	difference{"fractional id", nil, "200 result", "200 result", "the SDK cuts the fraction; the id of a response is that of its request"},
	difference{"large id", nil, "200 result", "200 result", "the SDK rounds it; the id of a response is that of its request"},
	difference{"resources", modern, "404 -32601", "200 result", noSuchMethod},
	difference{"resources", legacy, "200 -32601", "200 result", noSuchMethod},
	difference{"templates", modern, "404 -32601", "200 result", noSuchMethod},
	difference{"templates", legacy, "200 -32601", "200 result", noSuchMethod},
	difference{"read a resource", modern, "404 -32601", "400 -32602", noSuchMethod},
	difference{"read a resource", legacy, "200 -32601", "200 -32602", noSuchMethod},
	difference{"prompts", modern, "404 -32601", "200 result", noSuchMethod},
	difference{"prompts", legacy, "200 -32601", "200 result", noSuchMethod},
	difference{"get a prompt", modern, "404 -32601", "400 -32602", noSuchMethod},
	difference{"get a prompt", legacy, "200 -32601", "200 -32602", noSuchMethod},
)

const noSuchMethod = "the server does not declare this capability, and so does not implement the method; the SDK answers all the same"
