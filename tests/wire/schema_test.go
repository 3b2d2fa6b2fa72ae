package wire_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is the published schema of one protocol revision.
type schema struct {
	url      string
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
	// passed holds the definitions that something was found to match.
	passed map[string]int
}

// schemas are the published schemas of both eras. Revisions before 2025-11-25
// are read with that one's, whose additions to them are all optional.
type schemas struct{ legacy, modern *schema }

const schemasVariable = "TOOLGATE_SCHEMAS"

// loadSchemas reads the schemas. They are not ours to ship; without them the
// test is skipped.
func loadSchemas(t *testing.T) schemas {
	t.Helper()
	dir := os.Getenv(schemasVariable)
	if dir == "" {
		t.Skipf("%s does not name a folder with the protocol's published schemas, mcp-2025-11-25.schema.json and mcp-2026-07-28.schema.json", schemasVariable)
	}
	return schemas{
		legacy: loadSchema(t, filepath.Join(dir, "mcp-2025-11-25.schema.json")),
		modern: loadSchema(t, filepath.Join(dir, "mcp-2026-07-28.schema.json")),
	}
}

func loadSchema(t *testing.T, file string) *schema {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading a schema: %v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	s := &schema{
		url: "https://example.com/" + filepath.Base(file), compiler: jsonschema.NewCompiler(),
		compiled: map[string]*jsonschema.Schema{}, passed: map[string]int{},
	}
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource(s.url, doc); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	return s
}

// of is the schema that a message of version v must match.
func (s schemas) of(v mcp.Version) *schema {
	if v.Modern() {
		return s.modern
	}
	return s.legacy
}

// check compares a value with a definition.
func (s *schema) check(definition string, value jsontext.Value) error {
	compiled := s.compiled[definition]
	if compiled == nil {
		var err error
		if compiled, err = s.compiler.Compile(s.url + "#/$defs/" + definition); err != nil {
			return fmt.Errorf("reading the definition of %s: %w", definition, err)
		}
		s.compiled[definition] = compiled
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return fmt.Errorf("%s is no JSON: %w", value, err)
	}
	if err := compiled.Validate(decoded); err != nil {
		return fmt.Errorf("%s is no %s: %w", value, definition, err)
	}
	s.passed[definition]++
	return nil
}

// results are the definitions of results by method; the modern schema has one
// of the whole response, too, whose name ends in "Response".
var results = map[string]string{
	mcp.MethodInitialize:            "InitializeResult",
	mcp.MethodPing:                  "EmptyResult",
	mcp.MethodSetLevel:              "EmptyResult",
	mcp.MethodSubscribe:             "EmptyResult",
	mcp.MethodUnsubscribe:           "EmptyResult",
	mcp.MethodDiscover:              "DiscoverResult",
	mcp.MethodListen:                "SubscriptionsListenResult",
	mcp.MethodListTools:             "ListToolsResult",
	mcp.MethodCallTool:              "CallToolResult",
	mcp.MethodListPrompts:           "ListPromptsResult",
	mcp.MethodGetPrompt:             "GetPromptResult",
	mcp.MethodListResources:         "ListResourcesResult",
	mcp.MethodListResourceTemplates: "ListResourceTemplatesResult",
	mcp.MethodReadResource:          "ReadResourceResult",
	mcp.MethodComplete:              "CompleteResult",
}

// requests are the definitions of what clients send, by method.
var requests = map[string]string{
	mcp.MethodInitialize:            "InitializeRequest",
	mcp.MethodPing:                  "PingRequest",
	mcp.MethodSetLevel:              "SetLevelRequest",
	mcp.MethodSubscribe:             "SubscribeRequest",
	mcp.MethodUnsubscribe:           "UnsubscribeRequest",
	mcp.MethodDiscover:              "DiscoverRequest",
	mcp.MethodListen:                "SubscriptionsListenRequest",
	mcp.MethodListTools:             "ListToolsRequest",
	mcp.MethodCallTool:              "CallToolRequest",
	mcp.MethodListPrompts:           "ListPromptsRequest",
	mcp.MethodGetPrompt:             "GetPromptRequest",
	mcp.MethodListResources:         "ListResourcesRequest",
	mcp.MethodListResourceTemplates: "ListResourceTemplatesRequest",
	mcp.MethodReadResource:          "ReadResourceRequest",
	mcp.MethodComplete:              "CompleteRequest",
	mcp.NotificationInitialized:     "InitializedNotification",
	mcp.NotificationCancelled:       "CancelledNotification",
	mcp.NotificationProgress:        "ProgressNotification",
}

// notifications are the definitions of what servers send unasked, by method.
var notifications = map[string]string{
	mcp.NotificationProgress:               "ProgressNotification",
	mcp.NotificationMessage:                "LoggingMessageNotification",
	mcp.NotificationAcknowledged:           "SubscriptionsAcknowledgedNotification",
	mcp.NotificationCancelled:              "CancelledNotification",
	"notifications/resources/updated":      "ResourceUpdatedNotification",
	"notifications/resources/list_changed": "ResourceListChangedNotification",
	"notifications/tools/list_changed":     "ToolListChangedNotification",
	"notifications/prompts/list_changed":   "PromptListChangedNotification",
}

// errorMessages and errorObjects are the modern definitions of errors by code,
// of the whole message and of the member "error".
var (
	errorMessages = map[string]string{
		"-32020": "HeaderMismatchError",
		"-32021": "MissingRequiredClientCapabilityError",
		"-32022": "UnsupportedProtocolVersionError",
	}
	errorObjects = map[string]string{
		"-32700": "ParseError",
		"-32600": "InvalidRequestError",
		"-32601": "MethodNotFoundError",
		"-32602": "InvalidParamsError",
		"-32603": "InternalError",
	}
)

// checkResponse compares the response to a method with its definitions.
func (s *schema) checkResponse(v mcp.Version, method string, response jsontext.Value) error {
	if failure, ok := lookup(response, "error"); ok {
		return s.checkError(v, response, failure)
	}
	if err := s.check("JSONRPCResultResponse", response); err != nil {
		return err
	}
	result, _ := lookup(response, "result")
	definition := results[method]
	if kind, ok := lookup(result, "resultType"); ok && string(kind) == `"input_required"` {
		definition = "InputRequiredResult"
	}
	if err := s.check(definition, result); err != nil || !v.Modern() {
		return err
	}
	return s.check(results[method]+"Response", response)
}

func (s *schema) checkError(v mcp.Version, response, failure jsontext.Value) error {
	if err := s.check("JSONRPCErrorResponse", response); err != nil || !v.Modern() {
		return err
	}
	code, _ := lookup(failure, "code")
	if definition, ok := errorMessages[string(code)]; ok {
		return s.check(definition, response)
	}
	if definition, ok := errorObjects[string(code)]; ok {
		return s.check(definition, failure)
	}
	return nil
}

// checkNamed compares a message that has a method with its definition in a
// table.
func (s *schema) checkNamed(table map[string]string, message jsontext.Value) error {
	method, _ := lookup(message, "method")
	name, err := jsontext.AppendUnquote(nil, method)
	if err != nil {
		return fmt.Errorf("%s has no method: %w", message, err)
	}
	definition, ok := table[string(name)]
	if !ok {
		return fmt.Errorf("%s has a method that is not among %q", message, slices.Sorted(maps.Keys(table)))
	}
	return s.check(definition, message)
}

func lookup(object jsontext.Value, member string) (jsontext.Value, bool) {
	span, ok := mcp.Lookup(object, member)
	if !ok {
		return nil, false
	}
	return object[span.Start:span.End], true
}
