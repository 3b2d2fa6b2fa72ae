package gatewaytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// varying are headers of responses that say nothing of a call, or something else
// in each run.
var varying = []string{"Content-Length", "Date", "Traceparent", "Tracestate"}

// write writes a response into the transcript.
func (r *run) write(q *request, w *response) {
	h := w.header.Clone()
	for _, name := range varying {
		delete(h, name)
	}
	for name, values := range h {
		if values == nil {
			delete(h, name) // what net/http would guess is kept away
		}
	}
	if h[mcp.HeaderSessionID] != nil {
		h[mcp.HeaderSessionID] = []string{"(sealed)"}
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	first := "response " + strconv.Itoa(status)
	if q.server == "" {
		r.out.Message(first, h, w.body.Bytes())
		return
	}
	text, err := readable(w.header, w.body.Bytes())
	if err != nil { // no message of the protocol
		r.out.Message(first, h, w.body.Bytes())
		return
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering"} {
		delete(h, name)
	}
	r.out.Message(first, h, nil)
	for line := range strings.Lines(text) {
		r.out.Printf("  %s", strings.TrimSuffix(line, "\n"))
	}
}

// readable is a response message, and events ahead of it, for a person.
func readable(header http.Header, body []byte) (string, error) {
	var out strings.Builder
	message, err := mcp.ReadResponse(header, bytes.NewReader(body), len(body)+1, func(event jsontext.Value) error {
		m, err := mcp.Scan(event, 0)
		fmt.Fprintf(&out, "event %s %s\n", m.Method, m.Bytes(m.Params))
		return err
	})
	if err != nil {
		return "", err
	}
	m, err := mcp.Scan(message, 0)
	if err != nil {
		return "", err
	}
	if failure := m.Bytes(m.Failure); failure != nil {
		return out.String() + failureText(failure), nil
	}
	result := m.Bytes(m.Result)
	if result.Kind() != '{' {
		return "", errors.New("the result is no object")
	}
	err = mcp.EachMember(result, func(f mcp.Member) error {
		return member(&out, f.Name, result[f.Value.Start:f.Value.End], result)
	})
	return out.String(), err
}

// failureText is a JSON-RPC error on one line.
func failureText(failure jsontext.Value) string {
	text := "error"
	_ = mcp.EachMember(failure, func(m mcp.Member) error { // it was scanned
		value := failure[m.Value.Start:m.Value.End]
		if m.Name == "message" {
			text += " " + unquoted(value)
		} else {
			text += " " + string(value)
		}
		return nil
	})
	return text + "\n"
}

// member writes one member of a result.
func member(out *strings.Builder, name string, value, result jsontext.Value) error {
	switch name {
	case "content":
		return mcp.EachElement(value, func(block jsontext.Value) error { return content(out, block) })
	case "tools":
		return mcp.EachElement(value, func(t jsontext.Value) error { return tool(out, t) })
	case "structuredContent":
		if text, ok := onlyText(result); ok && equal([]byte(text), value) {
			fmt.Fprintln(out, "structuredContent: the same")
			return nil
		}
	case "_meta", "ttlMs", "cacheScope":
		return nil
	case "resultType":
		if string(value) == `"complete"` {
			return nil
		}
	}
	value = value.Clone()
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s\n", name, value)
	return nil
}

// content writes a content block: the lines of a text, and in a few words what
// another one holds.
func content(out *strings.Builder, block jsontext.Value) error {
	if text, ok := textOf(block); ok {
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			fmt.Fprintf(out, "| %s\n", strings.TrimSuffix(line, "\r"))
		}
		return nil
	}
	block = block.Clone()
	if err := block.Compact(); err != nil {
		return err
	}
	fmt.Fprintf(out, "content %s\n", block)
	return nil
}

// tool writes a tool of a list: its name with its arguments, those in brackets
// that need not be given, and what it is.
func tool(out *strings.Builder, t jsontext.Value) error {
	schema, required := at(t, "inputSchema"), map[string]bool{}
	if list := at(schema, "required"); list != nil {
		if err := mcp.EachElement(list, func(name jsontext.Value) error {
			required[unquoted(name)] = true
			return nil
		}); err != nil {
			return err
		}
	}
	var arguments []string
	if properties := at(schema, "properties"); properties != nil {
		if err := mcp.EachMember(properties, func(m mcp.Member) error {
			if required[m.Name] {
				arguments = append(arguments, m.Name)
			} else {
				arguments = append(arguments, "["+m.Name+"]")
			}
			return nil
		}); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s(%s)", unquoted(at(t, "name")), strings.Join(arguments, ", "))
	for _, name := range []string{"title", "description"} {
		if text := unquoted(at(t, name)); text != "" {
			fmt.Fprintf(out, "; %s", strings.ReplaceAll(text, "\n", " "))
		}
	}
	fmt.Fprintln(out)
	return nil
}

// onlyText is the text of a result whose content is one block of text.
func onlyText(result jsontext.Value) (text string, ok bool) {
	n := 0
	if list := at(result, "content"); list != nil {
		_ = mcp.EachElement(list, func(block jsontext.Value) error { // it was scanned
			n++
			text, ok = textOf(block)
			return nil
		})
	}
	return text, ok && n == 1
}

// textOf is the text of a content block that is one.
func textOf(block jsontext.Value) (string, bool) {
	if block.Kind() != '{' || unquoted(at(block, "type")) != "text" {
		return "", false
	}
	text := at(block, "text")
	return unquoted(text), text.Kind() == '"'
}

// equal tells whether two texts are the same JSON.
func equal(a, b jsontext.Value) bool {
	a, b = a.Clone(), b.Clone()
	return a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}

// at is the value of a member of an object; nil when there is none.
func at(object jsontext.Value, name string) jsontext.Value {
	if object.Kind() != '{' {
		return nil
	}
	span, ok := mcp.Lookup(object, name)
	if !ok {
		return nil
	}
	return object[span.Start:span.End]
}

// unquoted is the text of a JSON string; empty for anything else.
func unquoted(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return string(text)
}
