package mcpproxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// taskSeparator stands between the name of a member and the id that it gave a task. No
// server's name has it.
const taskSeparator = "~"

type memberKey struct{}

// withMember tells who answers that it does so as a member of a federation.
func withMember(ctx context.Context, m *member) context.Context {
	return context.WithValue(ctx, memberKey{}, m)
}

// TaskID is the id under which clients know a task of a server: its own, behind the
// server's name where the call came by way of a federation.
func TaskID(ctx context.Context, id string) string {
	if m, ok := ctx.Value(memberKey{}).(*member); ok {
		return m.Name + taskSeparator + id
	}
	return id
}

// ToolName is the name under which the client of a call knows a tool of the server.
func ToolName(ctx context.Context, name string) string {
	if m, ok := ctx.Value(memberKey{}).(*member); ok && !m.Bare {
		return m.Prefix + "_" + name
	}
	return name
}

// task has the member answer that a task is of. Clients of the legacy era have ids
// that say nothing of it; such an id cannot be guessed, so who knows it is its owner.
func (f *Federation) task(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if !req.Version.Modern() {
		return f.inOrder(ctx, req, reply, "unknown task %q")
	}
	if !req.Declares(mcp.ExtensionTasks) {
		return mcp.MissingTasks()
	}
	name, id, _ := strings.Cut(req.Text(req.Name), taskSeparator)
	for i := range f.members {
		m := &f.members[i]
		if m.Name != name || id == "" {
			continue
		}
		out, err := rename(req, req.Name, id)
		if err != nil {
			return err
		}
		return m.Server.Serve(withMember(ctx, m), forMember(out), reply)
	}
	return mcp.UnknownTask()
}

// ofMember gives a reply the ids of tasks that clients of a federation know; it is
// reply itself where none can be in the result.
func ofMember(ctx context.Context, req *mcp.Request, reply mcp.Reply) mcp.Reply {
	if !req.Version.Modern() || req.Method != mcp.MethodCallTool && req.Method != mcp.MethodGetTask {
		return reply
	}
	if ctx.Value(memberKey{}) == nil || !req.Declares(mcp.ExtensionTasks) {
		return reply
	}
	return &taskReply{Reply: reply, ctx: ctx}
}

// taskReply is the reply to a member of a federation whose result may be a task.
type taskReply struct {
	mcp.Reply
	ctx context.Context
}

// Result changes the id.
func (r *taskReply) Result(result jsontext.Value) error {
	span, ok := mcp.Lookup(result, "taskId")
	if ok && result[span.Start] == '"' {
		id := TaskID(r.ctx, text(result[span.Start:span.End]))
		result = mcp.Splice(result, mcp.Edit{Span: span, Text: quote(id)})
	}
	return r.Reply.Result(result)
}

// Relay reads the result out of another server's answer.
func (r *taskReply) Relay(status int, header http.Header, body io.Reader) error {
	raw, err := mcp.ReadResponse(header, body, defaultMaxMessage, r.Notify)
	if err != nil {
		return err
	}
	m, err := mcp.Scan(raw, answerDepth)
	if err != nil {
		return &unreadable{err}
	}
	if !m.Result.Present() {
		return r.Reply.Relay(status, http.Header{"Content-Type": {mcp.ContentJSON}}, bytes.NewReader(raw))
	}
	return r.Result(m.Bytes(m.Result))
}
