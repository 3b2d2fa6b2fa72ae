package profile

import (
	"slices"
	"strings"
)

// None is the name of the profile that accepts everything.
const None = "none"

// known are the profiles that need no configuration. What is in them is stated where
// the comments say; what is not stated anywhere is not in them.
var known = []Profile{
	{Name: None},
	{
		// Names: the API's description, ChatCompletionFunctions, name ("Must be a-z, A-Z, 0-9,
		// or contain underscores and dashes, with a maximum length of 64"). Tools: the same of
		// a chat completion, tools ("A max of 128 functions are supported"). Description:
		// the API's error string_above_max_length, "maximum length 1024"
		// (github.com/getsentry/sentry-mcp/issues/106); later models take more. Top level:
		// the error invalid_function_parameters, "must have type 'object' and not have
		// 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level", and 'const'
		// (github.com/nspady/google-calendar-mcp/issues/39, goruck/home-generative-agent/pull/545).
		// Arrays: that they are refused without items is stated of the clients whose models
		// these are; see vscode.
		Name: "openai", NameLength: 64, NameCharacters: Word, Description: 1024, Flat: true, ItemsNeeded: true, Tools: 128,
	},
	{
		// Names: "String should have at most 64 characters"
		// (github.com/anthropics/claude-code/issues/2412). Top level: "input_schema does not
		// support oneOf, allOf, or anyOf at the top level" (issues/5973). Arguments: "Property
		// keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'" (issues/79418), of those at the
		// top alone (aws-solutions-library-samples/
		// accelerated-intelligent-document-processing-on-aws/issues/709).
		Name: "anthropic", NameLength: 64, NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted, Flat: true,
	},
	{
		// As anthropic; a tool is mcp__SERVER__TOOL to the model
		// (github.com/anthropics/claude-code/issues/20643).
		Name: "claude-code", NameLength: 64, NameWith: new(len("mcp____")), NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted, Flat: true,
	},
	{
		// Names and parameters: Vertex AI, REST reference, FunctionDeclaration ("Must start
		// with a letter or an underscore", "maximum length of 64"; parameters "must only
		// contain chars a-z, A-Z, 0-9, or underscores with a maximum length of 64").
		// Schemas: Gemini API reference, Schema ("a select subset of an OpenAPI 3.0 schema
		// object"); see subset.go.
		Name: "gemini", NameLength: 64, NameCharacters: Leading, ArgumentLength: 64, ArgumentCharacters: Plain, Flat: true, Subset: true,
	},
	{
		// Names: Amazon Bedrock API reference, ToolSpecification (1 to 64 of
		// [a-zA-Z0-9_-]). Arguments: the ValidationException of Converse (see anthropic).
		Name: "bedrock", NameLength: 64, NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted, Flat: true,
	},
	{
		// Names: src/vs/workbench/contrib/mcp/common/mcpServer.ts of microsoft/vscode: "Tools
		// names may only contain [a-z0-9_-]", of either case, and what comes after 64
		// characters of mcp_SERVER_TOOL is cut off, so that names can become the same.
		// Arrays: "tool parameters array type must have items"
		// (github.com/microsoft/vscode/issues/248810). Tools: "You may not include more than
		// 128 tools in your request" (Azure/azure-mcp/pull/372). The models behind it are
		// those of OpenAI and Anthropic, whose limits hold as well.
		Name: "vscode", NameLength: 64, NameWith: new(len("mcp__")), NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted,
		Flat: true, ItemsNeeded: true, Tools: 128,
	},
	{
		// Names: "Combined server and tool name length (60) exceeds 60 characters", which
		// filters the tool out (github.com/ComposioHQ/composio/issues/2788,
		// PostHog/posthog/pull/51483). Tools: "Cursor allows maximum total of 40 Tools from all
		// MCP Servers" (easymanage.com, MCP Server Advanced; others report the same). The
		// models behind it are those of OpenAI and Anthropic, whose limits hold as well.
		Name: "cursor", NameLength: 59, NameWith: new(0), NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted,
		Flat: true, ItemsNeeded: true, Tools: 40,
	},
	{
		// Names: SERVER-TOOL may have 64 characters (github.com/microsoft/mcp/issues/842) of
		// '^[a-zA-Z0-9_-]{1,128}$' (github/copilot-cli/issues/1879). The models behind it are
		// those of OpenAI and Anthropic, whose limits hold as well.
		Name: "copilot-cli", NameLength: 64, NameWith: new(len("-")), NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted,
		Flat: true, ItemsNeeded: true,
	},
	{
		// Tools: Windsurf documentation, Cascade, MCP ("a limit of 100 total tools that it
		// has access to at any given time"). The models behind it are those of OpenAI and
		// Anthropic, whose limits hold as well.
		Name: "windsurf", NameLength: 64, NameCharacters: Word, ArgumentLength: 64, ArgumentCharacters: Dotted, Flat: true, ItemsNeeded: true, Tools: 100,
	},
}

// clients are the profiles of clients by what they state as the name of their
// implementation (clientInfo.name), as github.com/apify/mcp-client-capabilities has
// collected them. "*" stands for anything that follows, such as "(via mcp-remote 0.1)".
var clients = []struct{ pattern, profile string }{
	{"claude-ai*", "anthropic"},
	{"claude-code*", "claude-code"},
	{"visual studio code*", "vscode"},
	{"visual-studio-code*", "vscode"},
	{"cursor*", "cursor"},
	{"windsurf*", "windsurf"},
	{"github-copilot-developer*", "copilot-cli"},
	{"chatgpt*", "openai"},
	{"codex*", "openai"},
	{"gemini-cli-mcp-client*", "gemini"},
	{"antigravity-client*", "gemini"},
}

// Known returns the profile of a name that needs no configuration; nil for no such name.
func Known(name string) *Profile {
	i := slices.IndexFunc(known, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	made := known[i]
	return &made
}

// KnownNames are the names of all of them.
func KnownNames() []string {
	names := make([]string, len(known))
	for i := range known {
		names[i] = known[i].Name
	}
	return names
}

// OfClient is the name of the profile of a known client; empty for others.
func OfClient(name string) string {
	for _, c := range clients {
		if Matches(c.pattern, name) {
			return c.profile
		}
	}
	return ""
}

// maxClientName bounds what is compared of the name that a client states.
const maxClientName = 200

// Matches tells whether the name that a client states is one of a pattern, in which "*"
// stands for any characters. Upper and lower case are alike.
func Matches(pattern, name string) bool {
	pattern, name = strings.ToLower(pattern), strings.ToLower(name[:min(len(name), maxClientName)])
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}
