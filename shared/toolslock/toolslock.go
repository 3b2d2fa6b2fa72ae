// Package toolslock guards what models read of tools that others define.
//
// A tools.lock holds the definitions that somebody has reviewed ([Read],
// [Lock.Write]); [Compare] says in words what has changed since. What makes two
// definitions the same is their canonical JSON ([NewTool]), so that neither the
// order of members nor the tool's name matters. [Clean] takes out of a definition
// what a model reads and a person does not see. Nothing here reads a file or asks
// a server.
package toolslock

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Lock is the content of a tools.lock: the tools of servers, by the names of the
// servers in gateway.yaml.
type Lock map[string]Tools

// Tools are the tools of one server, by the names that the server gives them.
type Tools map[string]Tool

// Tool is a definition without the tool's name.
type Tool struct {
	// Hash is that of Content, as "sha256:" and hexadecimal digits.
	Hash string
	// Content is the definition in canonical form: an object without the members
	// that [NewTool] leaves out.
	Content jsontext.Value
}

// Hashes are the hashes of tools by their names. They are never nil.
func (t Tools) Hashes() map[string]string {
	hashes := make(map[string]string, len(t))
	for name, tool := range t {
		hashes[name] = tool.Hash
	}
	return hashes
}

// names are the names in order.
func (t Tools) names() []string { return slices.Sorted(maps.Keys(t)) }

// ownMeta begins the keys of _meta that are the protocol's own and say nothing of
// the tool.
const ownMeta = "io.modelcontextprotocol/"

// NewTool reads a definition as tools/list has it. The content is all of it but
// the name, the icons, which models do not see, and what the protocol itself puts
// into _meta. A definition that is no object, has no name, or has a title or a
// description that is not text, is an error.
func NewTool(definition jsontext.Value) (name string, tool Tool, err error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(definition, &members); err != nil {
		return "", Tool{}, fmt.Errorf("reading the definition of a tool: %w", err)
	}
	if err := json.Unmarshal(members["name"], &name); err != nil || name == "" {
		return "", Tool{}, errors.New("reading the definition of a tool: it has no name")
	}
	delete(members, "name")
	delete(members, "icons")
	for _, text := range []string{"title", "description"} {
		if value, ok := members[text]; ok && value.Kind() != '"' {
			return name, Tool{}, fmt.Errorf("reading the definition of tool %q: its %s is not text", name, text)
		}
	}
	if meta, ok := members["_meta"]; ok {
		kept, err := withoutOwn(meta)
		if err != nil {
			return name, Tool{}, fmt.Errorf("reading _meta of tool %q: %w", name, err)
		}
		if members["_meta"] = kept; kept == nil {
			delete(members, "_meta")
		}
	}
	tool, err = newTool(members)
	return name, tool, err
}

// withoutOwn is _meta without the protocol's own keys; nil where nothing is left.
func withoutOwn(meta jsontext.Value) (jsontext.Value, error) {
	if meta.Kind() != '{' {
		return meta, nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(meta, &members); err != nil {
		return nil, err
	}
	maps.DeleteFunc(members, func(name string, _ jsontext.Value) bool { return strings.HasPrefix(name, ownMeta) })
	if len(members) == 0 {
		return nil, nil
	}
	return json.Marshal(members)
}

// newTool makes a tool of the members of its content.
func newTool(members map[string]jsontext.Value) (Tool, error) {
	if members == nil {
		members = map[string]jsontext.Value{}
	}
	content, err := json.Marshal(members)
	if err != nil {
		return Tool{}, fmt.Errorf("writing the content of a tool: %w", err)
	}
	canonical, err := Canonical(content)
	if err != nil {
		return Tool{}, err
	}
	sum := sha256.Sum256(canonical)
	return Tool{Hash: "sha256:" + hex.EncodeToString(sum[:]), Content: canonical}, nil
}

// Canonical is a JSON value in the form of RFC 8785, but for integers, which keep
// all their digits: in that form 9007199254740992 and 9007199254740993 would be
// the same.
func Canonical(value jsontext.Value) (jsontext.Value, error) {
	canonical := value.Clone()
	if err := canonical.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
		return nil, fmt.Errorf("making canonical JSON: %w", err)
	}
	return canonical, nil
}

// members are those of an object; nil of anything else.
func members(object jsontext.Value) map[string]jsontext.Value {
	var m map[string]jsontext.Value
	if object.Kind() != '{' || json.Unmarshal(object, &m) != nil {
		return nil
	}
	return m
}

// text is the value of a JSON string; empty for anything else.
func text(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(unquoted)
}

// quote is a JSON string.
func quote(s string) jsontext.Value {
	quoted, _ := jsontext.AppendQuote(nil, s) // invalid UTF-8 is replaced, and complete
	return quoted
}
