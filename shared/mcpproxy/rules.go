package mcpproxy

import (
	"maps"
	"slices"
	"strings"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// ToolSelection publishes one tool of the server. Empty fields leave the tool's own.
type ToolSelection struct {
	// Tool is the name that the server knows it by, Name the published one.
	Tool, Name         string
	Title, Description string
	// Annotations replace hints of the same name.
	Annotations mcp.Annotations
}

// rules say what of a server is published, and how it looks.
type rules struct {
	all     bool                       // no tool rules: all tools as they are
	byTool  map[string][]ToolSelection // by the server's name, in order
	renamed map[string]string          // published name → the server's

	hideResources, hidePrompts bool
}

func newRules(o *Options) rules {
	r := rules{
		all:    o.Tools == nil,
		byTool: make(map[string][]ToolSelection, len(o.Tools)), renamed: make(map[string]string, len(o.Tools)),
		hideResources: o.HideResources, hidePrompts: o.HidePrompts,
	}
	for _, t := range o.Tools {
		if t.Name == "" {
			t.Name = t.Tool
		}
		if _, taken := r.renamed[t.Name]; taken {
			continue
		}
		r.byTool[t.Tool] = append(r.byTool[t.Tool], t)
		r.renamed[t.Name] = t.Tool
	}
	return r
}

// admit refuses what is not published and returns the request as the server
// knows it: the same one where no name changes.
func (r *rules) admit(req *mcp.Request) (*mcp.Request, error) {
	if r.hidden(req.Method) {
		return nil, mcp.MethodNotFound(req.Method)
	}
	switch req.Method {
	case mcp.MethodCallTool:
		if r.all {
			return req, nil
		}
		tool, ok := r.renamed[req.Text(req.Name)]
		if !ok {
			return nil, UnknownTool(req.Text(req.Name))
		}
		return rename(req, req.Name, tool)
	case mcp.MethodComplete:
		return req, r.admitCompletion(req)
	case mcp.MethodListen:
		return r.admitListen(req)
	}
	return req, nil
}

func (r *rules) hidden(method string) bool {
	return r.hideResources && strings.HasPrefix(method, "resources/") ||
		r.hidePrompts && strings.HasPrefix(method, "prompts/")
}

func (r *rules) admitCompletion(req *mcp.Request) error {
	switch kind := text(lookup(req.Bytes(req.Ref), "type")); {
	case r.hidePrompts && kind == refPrompt, r.hideResources && kind == refResource:
		return mcp.Errorf(mcp.CodeInvalidParams, "there is nothing to complete for a reference of type %q", kind)
	}
	return nil
}

// Types of the reference of completion/complete.
const (
	refPrompt   = "ref/prompt"
	refResource = "ref/resource"
)

// admitListen takes back the wish to hear of what is hidden.
func (r *rules) admitListen(req *mcp.Request) (*mcp.Request, error) {
	var names []string
	if r.hidePrompts {
		names = append(names, "promptsListChanged")
	}
	if r.hideResources {
		names = append(names, "resourcesListChanged", "resourceSubscriptions")
	}
	params := req.Bytes(req.Params)
	span, ok := mcp.Lookup(params, "notifications")
	if names == nil || !ok || params[span.Start] != '{' {
		return req, nil
	}
	wishes, err := without(params[span.Start:span.End], names...)
	if err != nil {
		return nil, err
	}
	span.Start, span.End = span.Start+req.Params.Start, span.End+req.Params.Start
	return changed(req, mcp.Edit{Span: span, Text: wishes})
}

// rename returns the request with another name in place of the JSON string at
// span, in the body and in the header that repeats it.
func rename(req *mcp.Request, span mcp.Span, name string) (*mcp.Request, error) {
	if req.Text(span) == name {
		return req, nil
	}
	out, err := changed(req, mcp.Edit{Span: span, Text: quote(name)})
	if err != nil || span != req.Name {
		return out, err
	}
	if _, ok := req.Header[mcp.HeaderName]; ok {
		out.Header = maps.Clone(req.Header)
		out.Header[mcp.HeaderName] = []string{mcp.EncodeHeader(name)}
	}
	return out, nil
}

// changed returns a copy of the request with its body edited.
func changed(req *mcp.Request, edits ...mcp.Edit) (*mcp.Request, error) {
	out := *req
	var err error
	out.Message, err = mcp.Scan(mcp.Splice(req.Raw, edits...), answerDepth)
	return &out, err
}

// edits reports whether the result of a method is to be edited even where the
// client and the server are of one era.
func (r *rules) edits(method string) bool {
	switch method {
	case mcp.MethodDiscover:
		return true
	case mcp.MethodInitialize:
		return r.hideResources || r.hidePrompts
	case mcp.MethodListTools:
		return !r.all
	}
	return false
}

// edit makes the result of a method what the rules say. It returns result
// itself where they say nothing.
func (r *rules) edit(method string, result jsontext.Value) (jsontext.Value, error) {
	switch {
	case !r.edits(method):
		return result, nil
	case method == mcp.MethodListTools:
		return r.editTools(result)
	}
	return rebuild(result, func(name string, value jsontext.Value) (jsontext.Value, error) {
		switch {
		case name == "supportedVersions":
			return appendVersions(nil), nil
		case name == "capabilities" && value.Kind() == '{':
			return r.capabilities(value, true)
		}
		return value, nil
	})
}

// appendVersions appends the revisions that clients may speak: the gateway
// bridges those that the server does not.
func appendVersions(dst []byte) []byte {
	dst = append(dst, '[')
	for _, v := range mcp.Versions {
		dst = append(separate(dst), quote(string(v))...)
	}
	return append(dst, ']')
}

// capabilities leaves out of the server's capabilities what is hidden, and
// unless changes reach the client, the promise to tell of them.
func (r *rules) capabilities(raw jsontext.Value, changes bool) (jsontext.Value, error) {
	return rebuild(raw, func(name string, value jsontext.Value) (jsontext.Value, error) {
		switch {
		case name == "resources" && r.hideResources, name == "prompts" && r.hidePrompts:
			return nil, nil
		case changes || value.Kind() != '{':
			return value, nil
		}
		switch name {
		case "tools", "prompts", "resources":
			return without(value, "listChanged", "subscribe")
		}
		return value, nil
	})
}

// editTools selects and changes the tools of one page of tools/list. Pages stay
// the server's: the cursor is its own, and a page may end up empty.
func (r *rules) editTools(result jsontext.Value) (jsontext.Value, error) {
	return elements(result, func(dst []byte, tool jsontext.Value) ([]byte, error) {
		for _, rule := range r.byTool[text(lookup(tool, "name"))] {
			published, err := rule.apply(tool)
			if err != nil {
				return nil, err
			}
			dst = append(separate(dst), published...)
		}
		return dst, nil
	})
}

// apply makes the definition of the tool what the rule says.
func (t *ToolSelection) apply(tool jsontext.Value) (jsontext.Value, error) {
	values := map[string]string{"name": t.Name, "title": t.Title, "description": t.Description}
	hints := t.hints()
	var add []string
	for _, name := range []string{"title", "description"} {
		if values[name] != "" && lookup(tool, name) == nil {
			add = append(add, string(quote(name))+":"+string(quote(values[name])))
		}
	}
	if len(hints) > 0 && lookup(tool, "annotations").Kind() != '{' {
		add = append(add, `"annotations":{`+strings.Join(texts(hints), ",")+`}`)
	}
	return rebuild(tool, func(name string, value jsontext.Value) (jsontext.Value, error) {
		switch {
		case values[name] != "":
			return quote(values[name]), nil
		case name != "annotations" || len(hints) == 0:
			return value, nil
		case value.Kind() != '{':
			return nil, nil // of no use; the rule's own are added
		}
		kept, err := without(value, slices.Collect(maps.Keys(hints))...)
		if err != nil {
			return nil, err
		}
		return rebuild(kept, keep, texts(hints)...)
	}, add...)
}

// hints are the rule's annotations by name.
func (t *ToolSelection) hints() map[string]bool {
	hints := map[string]bool{}
	for name, value := range map[string]*bool{
		"readOnlyHint": t.Annotations.ReadOnly, "destructiveHint": t.Annotations.Destructive,
		"idempotentHint": t.Annotations.Idempotent, "openWorldHint": t.Annotations.OpenWorld,
	} {
		if value != nil {
			hints[name] = *value
		}
	}
	return hints
}

// texts writes hints as members of an object, sorted.
func texts(hints map[string]bool) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(hints)) {
		value := "false"
		if hints[name] {
			value = "true"
		}
		out = append(out, `"`+name+`":`+value)
	}
	return out
}
