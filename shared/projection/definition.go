package projection

import (
	"fmt"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// CursorArgument is the argument by which the next page of a result is asked for.
const CursorArgument = "pageCursor"

// Members of the structuredContent of a result that was made to fit.
const (
	ResultMember = "result"
	MoreMember   = "more"
)

// cursorSchema is the schema of [CursorArgument].
const cursorSchema = `{"type":"string","description":"Asks for the next page: the pageCursor of the result before, with all other arguments as they were."}`

// moreSchema is the schema of [MoreMember], which [AppendMore] writes.
const moreSchema = `{"type":"object","description":"What the result leaves out; absent where that is nothing.","properties":{` +
	`"total":{"type":"integer","description":"The items that there are."},` +
	`"left":{"type":"integer","description":"The items after the last one here."},` +
	`"pageCursor":{"type":"string","description":"Asks for them: call again with the same arguments and this one."},` +
	`"omitted":{"type":"integer","description":"The items left out here because each alone is too large."},` +
	`"omittedMembers":{"type":"array","items":{"type":"string"},"description":"The members left out because the result would be too large."}}}`

// AppendMore appends what a page leaves out. An empty cursor says that the rest
// cannot be asked for.
func AppendMore(dst []byte, p *Page, cursor string) []byte {
	start := len(dst)
	count := func(name string, n int) {
		dst = fmt.Appendf(dst, `,%q:%d`, name, n)
	}
	if p.Total > 0 {
		count("total", p.Total)
		count("left", p.Left())
	}
	if cursor != "" {
		dst = mcp.AppendString(append(dst, `,"pageCursor":`...), cursor)
	}
	if p.Omitted > 0 {
		count("omitted", p.Omitted)
	}
	for i, name := range p.Members {
		separator := ","
		if i == 0 {
			separator = `,"omittedMembers":[`
		}
		dst = mcp.AppendString(append(dst, separator...), name)
	}
	if len(p.Members) > 0 {
		dst = append(dst, ']')
	}
	if len(dst) == start {
		dst = append(dst, ',')
	}
	dst[start] = '{'
	return append(dst, '}')
}

// Shape is what becomes of the results of a tool.
type Shape struct {
	// Select is what is selected; nil: everything.
	Select *Expression
	// Paged says that the next page can be asked for.
	Paged bool
	// Wrapped says that the tool's outputSchema has the value under "result".
	Wrapped bool
}

// Define makes the definition of the tool, an object of tools/list, that of one with
// such results: the input schema has [CursorArgument], and the output schema, where
// there is one, describes them.
func (s *Shape) Define(definition jsontext.Value) (jsontext.Value, error) {
	var edits []mcp.Edit
	if input, ok := mcp.Lookup(definition, "inputSchema"); ok && s.Paged {
		edits = append(edits, withCursor(definition[input.Start:input.End], input.Start))
	}
	if output, ok := mcp.Lookup(definition, "outputSchema"); ok {
		schema, err := s.outputSchema(definition[output.Start:output.End])
		if err != nil {
			return nil, fmt.Errorf("reading the output schema: %w", err)
		}
		edits = append(edits, mcp.Edit{Span: output, Text: schema})
	}
	return mcp.Splice(definition, edits...), nil
}

// HasCursor tells whether an input schema has an argument of that name already.
func HasCursor(inputSchema jsontext.Value) bool {
	properties, ok := mcp.Lookup(inputSchema, "properties")
	if !ok {
		return false
	}
	_, ok = mcp.Lookup(inputSchema[properties.Start:properties.End], CursorArgument)
	return ok
}

// withCursor puts the argument into an input schema that begins at a byte.
func withCursor(schema jsontext.Value, at int) mcp.Edit {
	argument := `"` + CursorArgument + `":` + cursorSchema
	where := func(end int) mcp.Span { return mcp.Span{Start: at + end - 1, End: at + end - 1} }
	if properties, ok := mcp.Lookup(schema, "properties"); ok && schema[properties.Start] == '{' {
		object := schema[properties.Start:properties.End]
		if own, ok := mcp.Lookup(object, CursorArgument); ok {
			start := at + properties.Start
			return mcp.Edit{Span: mcp.Span{Start: start + own.Start, End: start + own.End}, Text: []byte(cursorSchema)}
		}
		return mcp.Edit{Span: where(properties.End), Text: []byte(comma(object) + argument)}
	}
	return mcp.Edit{Span: where(len(schema)), Text: []byte(comma(schema) + `"properties":{` + argument + `}`)}
}

// comma separates a new member from those of an object.
func comma(object jsontext.Value) string {
	if members, err := mcp.Members(object); err != nil || len(members) == 0 {
		return ""
	}
	return ","
}

func (s *Shape) outputSchema(schema jsontext.Value) ([]byte, error) {
	if s.Wrapped {
		var err error
		if schema, err = unwrapped(schema); err != nil {
			return nil, err
		}
	}
	result, definitions, err := s.Select.Schema(schema)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"type":"object","properties":{"`+ResultMember+`":`), result...)
	out = append(out, `,"`+MoreMember+`":`+moreSchema+`}`...)
	if definitions != nil {
		out = append(append(out, `,"$defs":`...), definitions...)
	}
	return append(out, '}'), nil
}

// unwrapped is the schema of the member "result", with the definitions of the whole.
func unwrapped(schema jsontext.Value) (jsontext.Value, error) {
	var whole struct {
		Properties  map[string]map[string]any `json:"properties"`
		Definitions map[string]any            `json:"$defs"`
	}
	if err := json.Unmarshal(schema, &whole); err != nil {
		return nil, err
	}
	inner := whole.Properties[ResultMember]
	if inner == nil {
		inner = map[string]any{}
	}
	if len(whole.Definitions) > 0 {
		inner["$defs"] = whole.Definitions
	}
	return json.Marshal(inner, json.Deterministic(true))
}
