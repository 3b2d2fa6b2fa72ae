// Package notes is the example MCP server: a notebook kept in memory, written
// with the MCP SDK as any server behind the gateway might be.
package notes

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type notebook struct {
	mu    sync.Mutex
	notes []string
}

type addArguments struct {
	Text string `json:"text" jsonschema:"what to write down"`
}

type searchArguments struct {
	Word string `json:"word,omitempty" jsonschema:"a word the notes must hold; all notes without it"`
}

type searchResult struct {
	Notes []string `json:"notes"`
}

// Handler returns the server: tools to add and to search notes, the notebook as
// a resource, and a prompt.
func Handler() http.Handler {
	n := &notebook{notes: []string{"Feed Mia before eight."}}
	s := mcp.NewServer(&mcp.Implementation{Name: "notes", Title: "Notebook", Version: "1.0.0"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "add_note", Description: "Write a note into the notebook."}, n.add)
	mcp.AddTool(s, &mcp.Tool{
		Name: "search_notes", Description: "Find notes by a word.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
	}, n.search)
	s.AddResource(&mcp.Resource{URI: "notes://all", Name: "all notes", MIMEType: "text/plain"}, n.read)
	s.AddPrompt(&mcp.Prompt{Name: "summarize", Description: "Summarize the notebook."}, n.summarize)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: true})
}

func (n *notebook) add(_ context.Context, _ *mcp.CallToolRequest, in addArguments) (*mcp.CallToolResult, any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, in.Text)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf("Written down as note %d.", len(n.notes))}}}, nil, nil
}

func (n *notebook) search(_ context.Context, _ *mcp.CallToolRequest, in searchArguments) (*mcp.CallToolResult, searchResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := searchResult{Notes: []string{}}
	for _, note := range n.notes {
		if strings.Contains(strings.ToLower(note), strings.ToLower(in.Word)) {
			found.Notes = append(found.Notes, note)
		}
	}
	return nil, found, nil
}

func (n *notebook) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.notes, "\n")
}

func (n *notebook) read(_ context.Context, r *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.Params.URI, MIMEType: "text/plain", Text: n.text()}}}, nil
}

func (n *notebook) summarize(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	return &mcp.GetPromptResult{Messages: []*mcp.PromptMessage{
		{Role: "user", Content: &mcp.TextContent{Text: "Summarize these notes in one sentence:\n\n" + n.text()}},
	}}, nil
}
