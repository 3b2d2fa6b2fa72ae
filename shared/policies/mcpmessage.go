package policies

import (
	"bytes"
	"errors"
	"mime"
	"strings"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// callTool is the MCP method that calls a tool.
const callTool = "tools/call"

// isMCP tells whether a policy of a document of a scope sees an MCP message,
// rather than a request to a REST API: in documents of both, whatever the call
// is for.
func isMCP(scope policy.Scope, x *policy.Exchange) bool {
	switch scope {
	case policy.ScopeServer, policy.ScopeTool:
		return true
	case policy.ScopeAPI, policy.ScopeOperation:
		return false
	default:
		// The operation of a REST API has a template of its own.
		return x.Mcp != nil && (x.Operation == nil || x.Operation.URLTemplate == "" || x.Operation.URLTemplate == "/mcp")
	}
}

// toolCall is what policies look at in a request of tools/call.
type toolCall struct {
	Params struct {
		Arguments jsontext.Value `json:"arguments"`
	} `json:"params"`
}

// toolArguments are the arguments in a request of tools/call: an empty object
// when it has none.
func toolArguments(message []byte) (jsontext.Value, error) {
	var call toolCall
	if err := json.Unmarshal(message, &call); err != nil {
		return nil, err
	}
	if call.Params.Arguments == nil {
		return jsontext.Value("{}"), nil
	}
	return call.Params.Arguments, nil
}

// toolResult is the result of a tool.
type toolResult struct {
	Content           []contentBlock `json:"content"`
	StructuredContent jsontext.Value `json:"structuredContent"`
	IsError           bool           `json:"isError"`
}

// contentBlock is a block of a result. Text is that of a text block, Resource
// that of an embedded resource.
type contentBlock struct {
	Text     string `json:"text"`
	Resource struct {
		Text string `json:"text"`
	} `json:"resource"`
}

// toolResponse is a response of JSON-RPC with the result of a tool.
type toolResponse struct {
	Result *toolResult `json:"result"`
}

// resultOf is the result in a message; nil when it has none, as notifications
// and errors do.
func resultOf(message []byte) (*toolResult, error) {
	var response toolResponse
	if err := json.Unmarshal(message, &response); err != nil {
		return nil, err
	}
	return response.Result, nil
}

// toolResults are the results in the body of a response: a message, or a stream
// of them.
func toolResults(contentType string, body []byte) ([]*toolResult, error) {
	var list []*toolResult
	var failed error
	for message := range messages(contentType, body) {
		result, err := resultOf(message)
		failed = errors.Join(failed, err)
		if result != nil {
			list = append(list, result)
		}
	}
	return list, failed
}

// messages yields the body, or the data of its events where it is a stream.
func messages(contentType string, body []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		// A stream that was read as a whole is its last message.
		if contentType != eventStream || bytes.HasPrefix(body, []byte{'{'}) {
			if len(body) > 0 {
				yield(body)
			}
			return
		}
		for len(body) > 0 {
			var event []byte
			event, body = nextEvent(body)
			if event == nil { // the last one, which no empty line ends
				event, body = body, nil
			}
			if data := eventData(event); len(data) > 0 && !yield(data) {
				return
			}
		}
	}
}

// eventStream is the content type of server-sent events.
const eventStream = "text/event-stream"

// nextEvent cuts the first event with the empty line that ends it off a stream;
// nil when no event is complete.
func nextEvent(stream []byte) (event, rest []byte) {
	for at := 0; at < len(stream); {
		line := bytes.IndexAny(stream[at:], "\r\n")
		if line < 0 {
			return nil, stream
		}
		end := at + line + 1
		if stream[end-1] == '\r' {
			if end == len(stream) {
				return nil, stream // its \n may still come
			}
			if stream[end] == '\n' {
				end++
			}
		}
		if line == 0 {
			return stream[:end], stream[end:]
		}
		at = end
	}
	return nil, stream
}

// lineEnds makes the three ends of lines one.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// eventData is the data of an event.
func eventData(event []byte) []byte {
	var data []byte
	text := lineEnds.Replace(string(event))
	for line := range strings.SplitSeq(text, "\n") {
		value, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		if data != nil {
			data = append(data, '\n')
		}
		data = append(data, strings.TrimPrefix(value, " ")...)
	}
	return data
}

// contentTypeOf is the content type of a message in lower case, without
// parameters; empty when it has none.
func contentTypeOf(m policy.Message) string {
	value := m.Header().Get("Content-Type")
	if value == "" {
		return ""
	}
	if t, _, err := mime.ParseMediaType(value); err == nil {
		return t
	}
	t, _, _ := strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(t))
}
