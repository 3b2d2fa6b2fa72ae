package gateway

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"toolgate/shared/longrunning"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/openapi"
)

// task answers the methods of tasks. A task of a REST API never asks for input, so
// what a client sends to it has nothing to answer.
func (c *catalog) task(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	switch {
	case req.Kind != mcp.KindRequest:
		return nil
	case !c.manifest.LongRunning || !req.Version.Modern():
		return mcp.MethodNotFound(req.Method)
	case !req.Declares(mcp.ExtensionTasks):
		return mcp.MissingTasks()
	}
	k, ok := c.open(ctx, req.Text(req.Name))
	if !ok {
		return mcp.UnknownTask()
	}
	switch req.Method {
	case mcp.MethodGetTask:
		return c.taskState(ctx, req, reply, k)
	case mcp.MethodCancelTask:
		if err := c.cancel(ctx, k, reply); err != nil {
			return err
		}
	}
	out := mcp.AppendResultMembers(nil, req.Version, c.discovery.ServerInfo)
	out[0] = '{' // in place of a comma: there are no other members
	return reply.Result(append(out, '}'))
}

// outlook is how far a call that goes on has come.
type outlook struct {
	status  mcp.TaskStatus
	message string
	wait    time.Duration
	result  []byte // opened, without its closing brace; of one that is completed
	failed  bool   // the result has isError set
	err     *mcp.Error
	cause   error // for the log; nil for none
}

// look asks the backend once for a call, and once more where the result is elsewhere.
func (t *tool) look(ctx context.Context, k *ticket) outlook {
	p, answer, o := t.ask(ctx, k)
	switch p.State {
	case longrunning.Cancelled:
		o.status = mcp.TaskCancelled
	case longrunning.Failed:
		o.status, o.failed = mcp.TaskCompleted, true
		o.result = openapi.AppendErrorResult([]byte{'{'}, t.failureText(p.Word, answer.Body))
	case longrunning.Lost:
		o.status = mcp.TaskFailed
		o.err = mcp.Errorf(mcp.CodeInternalError, "the backend answered %d when it was asked for the call, and does not tell its result", answer.StatusCode)
	case longrunning.Succeeded:
		t.succeed(ctx, k, &p, answer, &o)
	case longrunning.Working, longrunning.Unknown:
	}
	return o
}

// ask asks for a call and reads the answer. The outlook is that of one that is not
// over.
func (t *tool) ask(ctx context.Context, k *ticket) (longrunning.Progress, *backendAnswer, outlook) {
	answer, failure, err := t.fetch(ctx, k, http.MethodGet, k.URL)
	o := outlook{status: mcp.TaskWorking, wait: waitOf(t, 0), cause: failure}
	if err != nil {
		o.message, o.cause = publicCause(err)+" It is asked again with the next request.", err
		return longrunning.Progress{State: longrunning.Unknown}, &answer, o
	}
	p := k.Read(&longrunning.Answer{Method: http.MethodGet, URL: k.URL, Status: answer.StatusCode, Header: answer.Header, Body: answer.Body},
		t.record.LongRunning.Status, t.catalog.now())
	o.wait, o.message = waitOf(t, p.Wait), p.Word
	if p.State == longrunning.Unknown {
		o.message = "The backend answered " + strconv.Itoa(answer.StatusCode) + ". It is asked again with the next request."
	}
	return p, &answer, o
}

// succeed makes the result of a call that has ended.
func (t *tool) succeed(ctx context.Context, k *ticket, p *longrunning.Progress, answer *backendAnswer, o *outlook) {
	res := &answer.Response
	switch {
	case p.Result != nil:
		res = &openapi.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": contentJSON}, Body: p.Result}
	case p.Next != nil && p.Next != k.Result && !t.mayAsk(k, p.Next, originOf(k.URL)):
		o.status = mcp.TaskFailed
		o.err = mcp.Errorf(mcp.CodeInternalError, "the result is at an origin where the gateway may not ask")
		t.catalog.gateway.log.Warn("the result of a call is where the gateway may not ask", "server", t.catalog.name, "tool", t.name, "origin", origin(p.Next))
		return
	case p.Next != nil:
		last, failure, err := t.fetch(ctx, k, http.MethodGet, p.Next)
		if err != nil {
			o.message, o.cause = publicCause(err)+" It is asked again with the next request.", err
			return
		}
		if last.StatusCode == http.StatusTooManyRequests || last.StatusCode >= http.StatusInternalServerError {
			o.message, o.wait = "The backend has not given the result yet.", waitOf(t, longrunning.RetryAfter(last.Header, t.catalog.now()))
			return
		}
		o.cause, res = failure, &last.Response
	}
	o.status, o.message = mcp.TaskCompleted, ""
	o.result, o.failed, o.cause = t.result(res, o.cause, nil)
}

// maxFailureText bounds what is quoted of a backend's report of a failure, in bytes.
const maxFailureText = 4 << 10

// failureText tells a model that a call ended with a failure.
func (t *tool) failureText(word string, body []byte) string {
	text := t.catalog.gateway.redact(string(body[:min(len(body), maxFailureText)]))
	return "The call was begun and did not succeed: the backend says " + strconv.Quote(word) + ".\n\n" + text
}

// taskState answers tasks/get.
func (c *catalog) taskState(ctx context.Context, req *mcp.Request, reply mcp.Reply, k *ticket) error {
	o := c.tools[k.tool].look(ctx, k)
	c.told(reply, &o)
	task := mcp.Task{
		ID: mcpproxy.TaskID(ctx, req.Text(req.Name)), Status: o.status, Message: o.message, Created: k.created, Updated: c.now(), TTL: k.life, PollInterval: o.wait,
	}
	if o.status != mcp.TaskWorking {
		task.PollInterval = 0
	}
	out := task.Append([]byte{'{'})
	switch o.status {
	case mcp.TaskCompleted:
		out = append(append(out, `,"result":`...), o.result...)
		out = append(out, `,"resultType":"complete"}`...)
	case mcp.TaskFailed:
		out = mcp.AppendErrorObject(append(out, `,"error":`...), o.err)
	case mcp.TaskWorking, mcp.TaskCancelled:
	}
	out = mcp.AppendResultMembers(out, req.Version, c.discovery.ServerInfo)
	c.gateway.traceResult(ctx, len(out)+1, o.failed, o.cause)
	return reply.Result(append(out, '}'))
}

// told tells the log how far a call has come.
func (c *catalog) told(reply mcp.Reply, o *outlook) {
	noteTask(reply, o.status)
	if o.failed || o.err != nil {
		noteFailed(reply, o.cause)
	}
}

// cancel has the backend end a call, where it offers that. A call that has ended is
// left alone: its result may still be asked for.
func (c *catalog) cancel(ctx context.Context, k *ticket, reply mcp.Reply) error {
	t := c.tools[k.tool]
	if !t.record.LongRunning.Cancel {
		return nil // a request to cancel need not be heeded
	}
	if p, _, _ := t.ask(ctx, k); p.State != longrunning.Working && p.State != longrunning.Unknown {
		return nil
	}
	answer, _, err := t.fetch(ctx, k, http.MethodDelete, k.URL)
	switch status := answer.StatusCode; {
	case err != nil:
		return mcp.Errorf(mcp.CodeInternalError, "the backend could not be asked to cancel the call: %s", publicCause(err))
	case status >= 200 && status < 300, status == http.StatusNotFound, status == http.StatusConflict, status == http.StatusGone:
		noteTask(reply, mcp.TaskCancelled)
		return nil
	}
	return mcp.Errorf(mcp.CodeInternalError, "the backend answered %d to the request to cancel the call", answer.StatusCode)
}

// poll answers a call of the tool by which clients without tasks ask.
func (c *catalog) poll(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	name := mcpproxy.ToolName(ctx, c.manifest.PollTool)
	var id string
	args, err := membersOf(req.Bytes(req.Arguments))
	if err == nil {
		id = text(args["id"])
	}
	if id == "" {
		return c.fail(req, reply, "The argument id is missing: give the text that the tool answered which was called first.", nil)
	}
	k, ok := c.open(ctx, id)
	if !ok {
		return c.fail(req, reply, "The id is not known. It may have expired, or may not have been copied exactly, or is one of another caller or server.", nil)
	}
	o := c.tools[k.tool].look(ctx, k)
	c.told(reply, &o)
	switch o.status {
	case mcp.TaskCompleted:
		return c.finish(ctx, req, reply, o.result, o.failed, o.cause)
	case mcp.TaskFailed:
		return c.fail(req, reply, "The call cannot be asked for any more: "+o.err.Message+".", o.cause)
	case mcp.TaskCancelled:
		return c.fail(req, reply, "The call was cancelled at the backend.", nil)
	case mcp.TaskWorking:
	}
	text := "Not finished: the call goes on at the backend."
	if o.message != "" {
		text += " It says: " + o.message
	}
	text += "\nCall " + name + " again with the same id in " + seconds(o.wait) + " at the earliest."
	out := mcp.AppendString([]byte(`{"content":[{"type":"text","text":`), text)
	return c.finish(ctx, req, reply, append(out, `}]`...), false, o.cause)
}
