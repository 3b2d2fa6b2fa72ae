package main

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

type object = map[string]any

// document makes an OpenAPI document with this many operations, each about as
// large as those of large public APIs: a few described parameters, and a body
// whose schema refers to others.
func document(operations int) ([]byte, error) {
	paths, schemas := object{}, object{"owner": resourceSchema("owner", "")}
	for i := 0; i < operations; i += 5 {
		name := fmt.Sprintf("resource%d", i/5)
		schemas[name] = resourceSchema(name, "owner")
		item := []operation{
			{"get", "get", "Get a " + name}, {"put", "replace", "Replace a " + name}, {"delete", "remove", "Remove a " + name},
		}
		collection := []operation{{"get", "list", "List every " + name}, {"post", "create", "Create a " + name}}
		left := operations - i
		paths["/organizations/{organization}/"+name+"/{id}"] = pathItem(item[:min(left, len(item))], name, true)
		if left -= len(item); left > 0 {
			paths["/organizations/{organization}/"+name] = pathItem(collection[:min(left, len(collection))], name, false)
		}
	}
	return json.Marshal(object{
		"openapi":    "3.0.3",
		"info":       object{"title": "Synthetic", "version": "1.0.0"},
		"paths":      paths,
		"components": object{"schemas": schemas},
	}, json.Deterministic(true))
}

type operation struct{ method, verb, summary string }

const sentence = "It follows the conventions of the organization, and is checked against them before anything is written. "

func pathItem(operations []operation, name string, item bool) object {
	out := object{}
	for _, o := range operations {
		parameters := []object{parameter("organization", "path", object{"type": "string", "pattern": "^[a-z0-9-]+$"})}
		if item {
			parameters = append(parameters, parameter("id", "path", object{"type": "integer", "format": "int64"}))
		} else if o.method == "get" {
			parameters = append(parameters,
				parameter("sort", "query", object{"type": "string", "enum": []string{"created", "updated", "name"}, "default": "created"}),
				parameter("labels", "query", object{"type": "array", "items": object{"type": "string"}}),
				parameter("per_page", "query", object{"type": "integer", "minimum": 1, "maximum": 100, "default": 30}),
				parameter("page", "query", object{"type": "integer", "minimum": 1, "default": 1}))
		}
		op := object{
			"operationId": o.verb + "-" + name, "tags": []string{name}, "summary": o.summary, "parameters": parameters,
			"description": o.summary + " of an organization. " + sentence + sentence,
			"responses":   object{"200": object{"description": "The " + name + ".", "content": jsonContent(name)}},
		}
		if o.method == "put" || o.method == "post" {
			op["requestBody"] = object{"required": true, "content": jsonContent(name)}
		}
		out[o.method] = op
	}
	return out
}

func parameter(name, in string, schema object) object {
	return object{
		"name": name, "in": in, "required": in == "path", "schema": schema,
		"description": "The " + name + " that is meant. " + sentence,
	}
}

func jsonContent(name string) object {
	return object{"application/json": object{"schema": object{"$ref": "#/components/schemas/" + name}}}
}

// resourceSchema is an object of eleven properties, and one more of another
// schema unless other is empty.
func resourceSchema(name, other string) object {
	properties := object{
		"id":     object{"type": "integer", "format": "int64", "readOnly": true},
		"state":  object{"type": "string", "enum": []string{"open", "closed", "archived"}, "description": "The state. " + sentence},
		"labels": object{"type": "array", "items": object{"type": "string", "maxLength": 64}, "maxItems": 50},
	}
	for i := range 8 {
		properties[fmt.Sprintf("%s_field_%d", name, i)] = object{"type": "string", "nullable": i%2 == 0, "description": "A field. " + sentence}
	}
	if other != "" {
		properties[other] = object{"$ref": "#/components/schemas/" + other}
	}
	return object{"type": "object", "required": []string{"state"}, "properties": properties}
}
