package search

// The tools that stand for all others where tools are found by a search.
const (
	SearchTools  = "search_tools"
	DescribeTool = "describe_tool"
	CallTool     = "call_tool"
)

// Publishes tells whether a name is that of one of these tools.
func Publishes(name string) bool {
	return name == SearchTools || name == DescribeTool || name == CallTool
}

// Bounds of the results of a search.
const (
	DefaultLimit = 5
	MaxLimit     = 20
)

// Definitions is the array of these tools, as tools/list has it. It costs a model few
// tokens, so it says no more than what is needed to use them.
const Definitions = `[` +
	`{"name":"search_tools","title":"Find tools","description":"Finds the tools of this server for what is to be done. Answers with names, descriptions and arguments (? marks optional ones), the best first. Begin here.",` +
	`"inputSchema":{"type":"object","properties":{` +
	`"query":{"type":"string","description":"What is to be done, in a few words, such as: close a ticket."},` +
	`"limit":{"type":"integer","minimum":1,"maximum":20,"default":5,"description":"The most tools to answer with."}` +
	`},"required":["query"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}},` +
	`{"name":"describe_tool","title":"Describe a tool","description":"Answers with the full definition of a tool: its description and the JSON Schema of its arguments.",` +
	`"inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"The name of the tool, from search_tools."}},"required":["name"],"additionalProperties":false},` +
	`"annotations":{"readOnlyHint":true,"openWorldHint":false}},` +
	`{"name":"call_tool","title":"Call a tool","description":"Calls a tool and answers with its result.",` +
	`"inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"The name of the tool, from search_tools."},` +
	`"arguments":{"type":"object","description":"The arguments of the tool; none without."}},"required":["name"],"additionalProperties":false}}]`
