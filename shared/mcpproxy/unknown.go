package mcpproxy

import (
	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// What is not there and what a caller may not see are answered alike, wherever that
// is found out.

// UnknownTool is the error for a tool that is not published.
func UnknownTool(name string) *mcp.Error {
	return mcp.Errorf(mcp.CodeInvalidParams, "unknown tool %q", name)
}

// UnknownPrompt is the error for a prompt that is not published.
func UnknownPrompt(name string) *mcp.Error {
	return mcp.Errorf(mcp.CodeInvalidParams, "unknown prompt %q", name)
}

// UnknownResource is the error for a resource that is not published, to a client of
// a revision.
func UnknownResource(v mcp.Version, uri string) *mcp.Error {
	e := mcp.Errorf(mcp.CodeInvalidParams, "unknown resource %q", uri)
	e.Data = append(append(jsontext.Value(`{"uri":`), quote(uri)...), '}')
	if !v.Modern() {
		e.Code = mcp.CodeResourceNotFound
	}
	return e
}
