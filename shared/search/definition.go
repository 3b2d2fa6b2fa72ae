package search

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Read makes a document of a tool's definition, as tools/list has it.
func Read(definition jsontext.Value) (*Document, error) {
	var tool struct {
		Name        string `json:"name"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Annotations struct {
			Title    string `json:"title"`
			ReadOnly bool   `json:"readOnlyHint"`
		} `json:"annotations"`
		InputSchema jsontext.Value `json:"inputSchema"`
	}
	if err := json.Unmarshal(definition, &tool); err != nil {
		return nil, fmt.Errorf("indexing the definition of a tool: %w", err)
	}
	d := &Document{Name: tool.Name, Title: tool.Title, Description: tool.Description, ReadOnly: tool.Annotations.ReadOnly}
	if d.Title == "" {
		d.Title = tool.Annotations.Title
	}
	d.Parameters = parameters(tool.InputSchema)
	return d, nil
}

// parameters are those of a schema, in its order. What is no schema of an object has
// none.
func parameters(schema jsontext.Value) []Parameter {
	var input struct {
		Properties jsontext.Value `json:"properties"`
		Required   []string       `json:"required"`
	}
	if json.Unmarshal(schema, &input) != nil || input.Properties.Kind() != '{' {
		return nil
	}
	var list []Parameter
	dec := jsontext.NewDecoder(bytes.NewReader(input.Properties))
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil
		}
		name := token.String()
		list = append(list, Parameter{Name: name, Required: slices.Contains(input.Required, name)})
		if dec.SkipValue() != nil {
			return nil
		}
	}
	return list
}
