package policies

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Where the text of messages to and from language models and tools is.
var (
	// promptMembers hold it in requests of the chat, completions, responses,
	// messages and embeddings kinds.
	promptMembers = []string{"messages", "prompt", "input", "instructions", "system", "contents", "suffix"}
	// completionMembers hold it in their responses, and in the events of these.
	completionMembers = []string{"choices", "output", "content", "delta", "text", "candidates", "completion"}
	// wordless hold no text for people: media, and words of the protocol.
	wordless = []string{"image_url", "input_audio", "audio", "image", "file", "role", "type", "id", "object", "finish_reason", "logprobs"}
)

// promptText is the text of a request to a language model: of a body of another
// kind, all of it.
func promptText(contentType string, body []byte) string {
	return modelText(contentType, body, promptMembers)
}

// completionText is the text of a language model's response.
func completionText(contentType string, body []byte) string {
	if contentType != eventStream {
		return modelText(contentType, body, completionMembers)
	}
	var out strings.Builder
	for message := range messages(contentType, body) {
		out.WriteString(eventText(message))
	}
	return out.String()
}

func modelText(contentType string, body []byte, members []string) string {
	r := textReader{d: jsontext.NewDecoder(bytes.NewBuffer(body))}
	if err := r.members(members); err != nil {
		return plainText(contentType, body)
	}
	if r.found {
		return r.out.String()
	}
	return allText(contentType, body)
}

// allText is every text in a body.
func allText(contentType string, body []byte) string {
	r := textReader{d: jsontext.NewDecoder(bytes.NewBuffer(body)), names: true}
	if err := r.document(); err != nil {
		return plainText(contentType, body)
	}
	return r.out.String()
}

// plainText is a body that is no JSON, unless it is no text at all. What calls
// itself text is judged as well as it can be read.
func plainText(contentType string, body []byte) string {
	if !isText(contentType) && !utf8.Valid(body) {
		return ""
	}
	return strings.ToValidUTF8(string(body), "\ufffd")
}

func isText(contentType string) bool {
	return contentType == "" || strings.HasPrefix(contentType, "text/") || isMediaType(contentType, "json") || isMediaType(contentType, "xml")
}

// unreadable says why the text of a message could mean something else to its
// receiver than it does here; empty when it could not. A nil body is a stream.
func unreadable(m policy.Message, body []byte) string {
	if encoding := m.Header().Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") && (body == nil || len(body) > 0) {
		return "it is encoded"
	}
	_, parameters, err := mime.ParseMediaType(m.Header().Get("Content-Type"))
	switch charset := strings.ToLower(parameters["charset"]); {
	case err == nil && charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii":
		return "it is not in UTF-8"
	case isText(contentTypeOf(m)) && bytes.IndexByte(body, 0) >= 0:
		return "it has characters that text does not have"
	default:
		return ""
	}
}

// argumentsText is the text of a tool's arguments. A message that cannot be read
// is judged as a whole.
func argumentsText(message []byte) string {
	arguments, err := toolArguments(message)
	if err != nil {
		return plainText("", message)
	}
	return allText("", arguments)
}

// spokenResponse is what a response of JSON-RPC says to people and models.
type spokenResponse struct {
	Result *struct {
		Content []struct {
			contentBlock `json:",inline"`
			Name         string `json:"name"` // of a link to a resource, as are the others
			Title        string `json:"title"`
			Description  string `json:"description"`
		} `json:"content"`
		StructuredContent jsontext.Value `json:"structuredContent"`
		// InputRequests are what the tool asks of the client.
		InputRequests jsontext.Value `json:"inputRequests"`
	} `json:"result"`
	Error *struct {
		Message string         `json:"message"`
		Data    jsontext.Value `json:"data"`
	} `json:"error"`
}

// resultText is the text of a tool's result: of its blocks, and what the
// structured content has besides; or that of the error in its place.
func resultText(contentType string, body []byte) string {
	var out strings.Builder
	for message := range messages(contentType, body) {
		var said spokenResponse
		if err := json.Unmarshal(message, &said); err != nil {
			return plainText("", body)
		}
		if e := said.Error; e != nil {
			appendLine(&out, e.Message)
			appendValue(&out, e.Data)
		}
		if said.Result == nil {
			continue
		}
		for _, block := range said.Result.Content {
			for _, text := range [...]string{block.Text, block.Resource.Text, block.Name, block.Title, block.Description} {
				appendLine(&out, text)
			}
		}
		appendValue(&out, said.Result.StructuredContent)
		appendValue(&out, said.Result.InputRequests)
	}
	return out.String()
}

// appendValue adds every text in a value; nil has none.
func appendValue(out *strings.Builder, v jsontext.Value) {
	if v != nil {
		appendLine(out, allText("", v))
	}
}

// notificationText is the text of a message that a server sends ahead of a result.
// One that cannot be read is judged as a whole.
func notificationText(message []byte) string {
	var said struct {
		Method string         `json:"method"`
		Params jsontext.Value `json:"params"`
	}
	if err := json.Unmarshal(message, &said); err != nil {
		return plainText("", message)
	}
	if said.Method != "notifications/progress" {
		return allText("", said.Params)
	}
	var progress struct {
		Message string `json:"message"` // the rest are numbers, and the client's own token
	}
	if err := json.Unmarshal(said.Params, &progress); err != nil {
		return allText("", said.Params)
	}
	return progress.Message
}

// textReader collects the strings of a JSON document.
type textReader struct {
	d     *jsontext.Decoder
	out   strings.Builder
	names bool // those of members too, and nothing is left out
	found bool // one of the members that were asked for
}

// members collects what is in members of the object at the top.
func (r *textReader) members(names []string) error {
	if r.d.PeekKind() != '{' {
		return r.document()
	}
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	for r.d.PeekKind() == '"' {
		name, err := r.d.ReadToken()
		if err != nil {
			return err
		}
		if !slices.Contains(names, name.String()) {
			err = r.d.SkipValue()
		} else {
			r.found = true
			err = r.value()
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	return r.end()
}

// document collects everything.
func (r *textReader) document() error {
	if err := r.value(); err != nil {
		return err
	}
	return r.end()
}

// end tells of what stands behind the document.
func (r *textReader) end() error {
	_, err := r.d.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = errors.New("text stands behind the document")
	}
	return err
}

func (r *textReader) value() error {
	switch r.d.PeekKind() {
	case '"':
		t, err := r.d.ReadToken()
		if err == nil {
			appendLine(&r.out, t.String())
		}
		return err
	case '{', '[':
		return r.container()
	default:
		return r.d.SkipValue()
	}
}

func (r *textReader) container() error {
	open, err := r.d.ReadToken()
	if err != nil {
		return err
	}
	for kind := r.d.PeekKind(); kind != '}' && kind != ']'; kind = r.d.PeekKind() {
		if open.Kind() == '{' {
			name, err := r.d.ReadToken()
			if err != nil {
				return err
			}
			text := name.String()
			if !r.names && slices.Contains(wordless, text) {
				if err := r.d.SkipValue(); err != nil {
					return err
				}
				continue
			}
			if r.names {
				appendLine(&r.out, text)
			}
		}
		if err := r.value(); err != nil {
			return err
		}
	}
	_, err = r.d.ReadToken()
	return err
}

// appendLine adds a text on a line of its own.
func appendLine(out *strings.Builder, text string) {
	if text == "" {
		return
	}
	if out.Len() > 0 {
		out.WriteByte('\n')
	}
	out.WriteString(text)
}
