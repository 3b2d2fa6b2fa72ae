package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/openapi"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// catalog is the server of a REST API: its operations are the tools. Lists and
// tools are read from the snapshot when they are first asked for.
type catalog struct {
	name      string
	snapshot  *snapshot.Snapshot
	manifest  *snapshot.API
	limits    config.Limits
	discovery mcp.Discovery
	tools     map[string]*tool
	pages     []page
	backends  []*destination
	gateway   *Gateway
	// Of the API behind the tools: what policies see of it, and the pipelines, with
	// operations as parts; nil without policies.
	source  *surroundings
	rulings rulings
}

// page is one page of tools/list, rendered for each era when it is first asked
// for.
type page struct {
	modern, legacy rendering
	// Where tools have rules, for each kind of caller.
	modernClasses, legacyClasses classes
}

type rendering struct {
	once   sync.Once
	result jsontext.Value
	err    error
}

// Serve answers one request.
func (c *catalog) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	switch req.Method {
	case mcp.MethodCallTool:
		return c.call(ctx, req, reply)
	case mcp.MethodListTools:
		return c.list(req, reply)
	case mcp.MethodGetTask, mcp.MethodUpdateTask, mcp.MethodCancelTask:
		return c.task(ctx, req, reply)
	}
	if done, err := c.discovery.Answer(req, reply); done {
		return err
	}
	return mcp.MethodNotFound(req.Method)
}

// list answers tools/list. A cursor is the number of a page.
func (c *catalog) list(req *mcp.Request, reply mcp.Reply) error {
	n, err := c.page(req)
	if err != nil {
		return err
	}
	r := &c.pages[n].legacy
	if req.Version.Modern() {
		r = &c.pages[n].modern
	}
	r.once.Do(func() {
		var tools jsontext.Value
		if tools, r.err = c.snapshot.Page(c.name, n); r.err == nil {
			r.result = c.render(tools, n, req.Version)
		}
	})
	if r.err != nil {
		return r.err
	}
	return reply.Result(r.result)
}

// page is the number of the page that a request for a list is for.
func (c *catalog) page(req *mcp.Request) (int, error) {
	cursor := req.Bytes(req.Cursor)
	if cursor == nil || cursor.Kind() == 'n' {
		return 0, nil
	}
	n, err := strconv.Atoi(req.Text(req.Cursor))
	if err != nil || n < 1 || n >= len(c.pages) {
		return 0, mcp.Errorf(mcp.CodeInvalidParams, "the cursor %s is not one of this list; start again without", cursor)
	}
	return n, nil
}

// render makes the result for a page, whose tools are an array.
func (c *catalog) render(tools jsontext.Value, n int, v mcp.Version) jsontext.Value {
	out := append(make([]byte, 0, len(tools)+512), `{"tools":`...)
	out = append(out, tools...)
	if n+1 < len(c.pages) {
		out = append(out, `,"nextCursor":"`...)
		out = append(strconv.AppendInt(out, int64(n+1), 10), '"')
	}
	out = mcp.AppendCacheHint(out, v, c.discovery.Hint)
	out = mcp.AppendResultMembers(out, v, c.discovery.ServerInfo)
	return append(out, '}')
}

// tool is one operation, with its record once it was called.
type tool struct {
	name    string
	catalog *catalog

	once    sync.Once
	record  *snapshot.Tool
	input   *openapi.Schema
	output  *openapi.Schema // nil unless results are checked
	headers []mcp.ParamHeader
	// template is the URL template of the operation, for policies.
	template urlTemplate
	// fits says what of the result is shown; nil: all.
	fits *config.Result
	err  error
}

// load reads the record on the first call.
func (t *tool) load() error {
	t.once.Do(func() { t.err = t.read() })
	return t.err
}

func (t *tool) read() (err error) {
	if t.record, err = t.catalog.snapshot.Tool(t.catalog.name, t.name); err != nil {
		return err
	}
	if t.record.Backend >= len(t.catalog.backends) {
		return fmt.Errorf("tool %q names a backend that the snapshot does not have: build it again", t.name)
	}
	if t.input, err = openapi.CompileSchema(t.record.InputSchema); err != nil {
		return err
	}
	if t.record.OutputSchema != nil {
		if t.output, err = openapi.CompileSchema(t.record.OutputSchema); err != nil {
			return err
		}
	}
	t.template = parseTemplate(t.record.Operation.URLTemplate)
	t.headers, err = mcp.ParamHeaders(t.record.InputSchema)
	return err
}

// call answers tools/call. What the caller can mend, and what the backend did,
// is a result with isError, so that the model sees it (2025-11-25,
// server/tools, error handling); only an unknown tool is a protocol error.
func (c *catalog) call(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	name := req.Text(req.Name)
	if name != "" && name == c.manifest.PollTool && c.tools[name] == nil {
		return c.poll(ctx, req, reply)
	}
	t, args, err := c.called(req, name)
	if err != nil {
		return err
	}
	if t.needsTasks(req) {
		return c.withoutTasks(req, reply)
	}
	var answer backendAnswer
	cause, err := t.send(ctx, args, &answer)
	if k := t.begun(ctx, args, &answer, cause, err); k != nil {
		return c.goesOn(ctx, req, reply, k)
	}
	out, failed, cause := t.result(&answer.Response, cause, err)
	return c.finish(ctx, req, reply, out, failed, cause)
}

// called is the tool of a name, and the arguments of its call, with which the headers
// agree. Arguments are nil for none.
func (c *catalog) called(req *mcp.Request, name string) (*tool, jsontext.Value, error) {
	t := c.tools[name]
	if t == nil {
		return nil, nil, mcpproxy.UnknownTool(name)
	}
	if err := t.load(); err != nil {
		return nil, nil, err
	}
	args := req.Bytes(req.Arguments)
	if req.Version.Modern() {
		if err := mcp.CheckParamHeaders(t.headers, args, req.Header); err != nil {
			return nil, nil, err
		}
	}
	return t, args, nil
}

// finish answers with an opened result object, without its closing brace.
func (c *catalog) finish(ctx context.Context, req *mcp.Request, reply mcp.Reply, out []byte, failed bool, cause error) error {
	if failed {
		noteFailed(reply, cause)
	}
	out = mcp.AppendResultMembers(out, req.Version, c.discovery.ServerInfo)
	c.gateway.traceResult(ctx, len(out)+1, failed, cause)
	return reply.Result(append(out, '}'))
}

// result makes the opened result object, without its closing brace, of a response or
// of the error in its place. The cause of a failure is for the log; nil where the
// result says everything.
func (t *tool) result(res *openapi.Response, failure, err error) (out []byte, failed bool, cause error) {
	if err != nil {
		return openapi.AppendErrorResult(append(make([]byte, 0, 512), '{'), publicCause(err)), true, err
	}
	redact := t.catalog.gateway.redact
	if res.StatusCode >= http.StatusBadRequest { // a backend may quote the credential that it was shown
		res.Body = []byte(redact(string(res.Body)))
	}
	out = append(make([]byte, 0, 2*len(res.Body)+512), '{')
	out, failed = t.record.Binding.AppendResult(out, *res, openapi.ResultOptions{
		MaxText: t.maxText(res), MaxBinary: maxBinary, OutputSchema: t.output,
	})
	if failed { // such as where it leads to
		out = []byte(redact(string(out)))
	}
	return out, failed, failure
}

// maxText bounds the text of a result. JSON that is yet to be made to fit is needed
// whole.
func (t *tool) maxText(res *openapi.Response) int {
	switch {
	case t.fits == nil:
		return t.catalog.limits.ResultBytes
	case !res.Truncated && jsontext.Value(res.Body).IsValid():
		return max(maxBinary, t.catalog.limits.ResultBytes)
	case t.fits.MaxBytes > 0:
		return t.fits.MaxBytes
	}
	return t.catalog.limits.ResultBytes
}

// maxBinary bounds a binary result, in bytes before base64, below what a
// serverless platform can answer.
const maxBinary = 3 << 20

// publicCause is what a model is told of a call that had no response.
func publicCause(err error) string {
	if e, ok := errors.AsType[*openapi.ArgumentError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		return e.Public()
	}
	return "The call failed inside the gateway."
}

// backendAnswer is what a backend answered, and where that was.
type backendAnswer struct {
	openapi.Response
	url     *url.URL // of the request; nil: there was none
	base    *url.URL // of the backend
	backend string   // its id, where policies chose it
	free    bool     // the URL is one of a policy rather than of a backend
}

// send checks and binds the arguments and has the backend answer. Where policies
// failed and made the response, failure is what went wrong.
func (t *tool) send(ctx context.Context, args jsontext.Value, answer *backendAnswer) (failure, err error) {
	if args == nil {
		args = jsontext.Value("{}")
	}
	bound, err := t.bind(ctx, args)
	if err != nil {
		return nil, err
	}
	b := &t.record.Binding
	to := t.catalog.backends[t.record.Backend]
	client := to.client
	pipeline := t.pipeline(ctx)
	if pipeline == nil {
		client = to.pick()
	}
	target, err := b.URL(client.URL(), bound)
	if err != nil {
		return nil, err
	}
	answer.base = client.URL()
	ctx, cancel := context.WithTimeout(ctx, to.timeout)
	defer cancel()
	ctx = withHeaders(ctx, bound.Header)
	if pipeline != nil {
		return t.govern(ctx, pipeline, to, target, bound, answer)
	}
	if t.record.LongRunning != nil {
		own := *target // before the credentials
		answer.url = &own
	}
	target.RawQuery = client.AddQuery(target.RawQuery)
	answer.Response, err = t.request(ctx, client, target, bound)
	return nil, err
}

// request sends a request to a backend, without policies.
func (t *tool) request(ctx context.Context, client *backend.Client, target *url.URL, bound *openapi.Request) (r openapi.Response, err error) {
	req := (&http.Request{
		Method: bound.Method, URL: target, Host: target.Host, Header: bound.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	setBody(req, bound.Body)
	req.Header["User-Agent"] = userAgent
	answer, err := client.Do(req)
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	r.StatusCode, r.Header = answer.StatusCode, answer.Header
	r.Body, r.Truncated, err = backend.ReadBody(answer, max(maxBinary, t.catalog.limits.ResultBytes))
	return r, err
}

// bind checks the arguments and makes the request of them.
func (t *tool) bind(ctx context.Context, args jsontext.Value) (*openapi.Request, error) {
	step := t.catalog.gateway.stepOf(ctx, "arguments")
	err := t.input.Check(args)
	var bound *openapi.Request
	if err == nil {
		bound, err = t.record.Binding.Bind(args)
	}
	step.End(err)
	return bound, err
}

var userAgent = []string{"toolgate"}

// setBody gives a request its body so that the transport may send it again when
// a kept connection turns out to be closed.
func setBody(req *http.Request, body []byte) {
	if body == nil {
		return
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody() // cannot fail
}
