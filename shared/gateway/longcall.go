package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/longrunning"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// needsTasks tells whether a call is refused because its client does not know tasks.
func (t *tool) needsTasks(req *mcp.Request) bool {
	l := t.record.LongRunning
	return l != nil && l.TasksOnly && !knowsTasks(req)
}

func knowsTasks(req *mcp.Request) bool {
	return req.Version.Modern() && req.Declares(mcp.ExtensionTasks)
}

// withoutTasks refuses a call whose client does not know tasks, in the words of the
// client's own revision.
func (c *catalog) withoutTasks(req *mcp.Request, reply mcp.Reply) error {
	e := mcp.MissingTasks()
	if req.Version.Modern() {
		return e
	}
	return c.fail(req, reply, "Not called: the tool "+req.Text(req.Name)+" takes long, and can be called only by clients of MCP 2026-07-28 that know tasks.", e)
}

// fail answers with a result that has isError set.
func (c *catalog) fail(req *mcp.Request, reply mcp.Reply, message string, cause error) error {
	noteFailed(reply, cause)
	out := openapi.AppendErrorResult([]byte{'{'}, message)
	return reply.Result(append(mcp.AppendResultMembers(out, req.Version, c.discovery.ServerInfo), '}'))
}

// begun is the ticket of a call that goes on; nil where the answer, or the error in
// its place, is all that there is.
func (t *tool) begun(ctx context.Context, args jsontext.Value, answer *backendAnswer, failure, err error) *ticket {
	l, c := t.record.LongRunning, t.catalog
	if l == nil || c.ticketContext(ctx) == nil {
		return nil
	}
	k := &ticket{tool: t.name, backend: answer.backend, created: c.now(), life: l.Expires}
	switch {
	case isTimeout(failure) || isTimeout(err): // the backend may have begun all the same
		if !t.expand(k, answer.base, args) {
			return nil
		}
	case failure != nil || err != nil || answer.url == nil:
		return nil
	case l.Poll != "" && answer.StatusCode >= 200 && answer.StatusCode < 300:
		if !t.expand(k, answer.base, answer.Body, args) {
			return nil
		}
		k.Wait = longrunning.RetryAfter(answer.Header, k.created)
	default:
		a := longrunning.Answer{
			Method: t.record.Binding.Method, URL: answer.url, Status: answer.StatusCode, Header: answer.Header, Body: answer.Body,
		}
		var ok bool
		if k.Operation, ok = longrunning.Started(&a, k.created); !ok {
			return nil
		}
		if l.Status != "" {
			k.Kind = longrunning.Monitor
		}
	}
	chosen := ""
	if answer.free && answer.base != nil {
		chosen = origin(answer.base)
	}
	if !t.mayAsk(k, k.URL, chosen) {
		c.gateway.log.Warn("a call goes on where the gateway may not ask", "server", c.name, "tool", t.name, "origin", origin(k.URL))
		return nil
	}
	if k.Result != nil && !t.mayAsk(k, k.Result, chosen) {
		k.Result = nil
	}
	return k
}

// isTimeout tells whether an error is that a backend did not answer in time.
func isTimeout(err error) bool {
	if e, ok := errors.AsType[*backend.Error](err); ok {
		return e.Reason == backend.Timeout
	}
	e, ok := errors.AsType[*policy.Error](err)
	return ok && e.Source == "forward-request" && e.Reason == policy.ReasonTimeout
}

// expand makes the place where to ask of the configuration's template.
func (t *tool) expand(k *ticket, base *url.URL, bodies ...[]byte) bool {
	l := t.record.LongRunning
	if l.Poll == "" || base == nil {
		return false
	}
	expanded, ok := longrunning.Expand(l.Poll, bodies...)
	if !ok {
		return false
	}
	path, query, _ := strings.Cut(expanded, "?")
	k.Kind, k.URL = longrunning.Monitor, policy.Below(base, path, query)
	return true
}

// mayAsk tells whether requests of a call may go to a URL: that of the backend, of
// one that a policy chose, or an origin that the configuration allows.
func (t *tool) mayAsk(k *ticket, u *url.URL, chosen string) bool {
	place := originOf(u)
	return t.clientFor(k, u) != nil || chosen != "" && place == strings.ToLower(chosen) || slices.Contains(t.record.LongRunning.Origins, place)
}

// originOf is the origin of a URL as browsers write it.
func originOf(u *url.URL) string {
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.ToLower(strings.TrimSuffix(u.Host, port))
}

// clientFor is the client of the backend whose origin a URL has; nil: it is no
// backend of the call.
func (t *tool) clientFor(k *ticket, u *url.URL) *backend.Client {
	clients := t.catalog.backends[t.record.Backend].clients()
	if d := t.catalog.gateway.backends[k.backend]; d != nil {
		clients = slices.Concat(d.clients(), clients)
	}
	for _, client := range clients {
		if originOf(client.URL()) == originOf(u) {
			return client
		}
	}
	return nil
}

// taskObserver is a reply that tells the log of calls that go on.
type taskObserver interface{ Task(status mcp.TaskStatus) }

// Task is called by servers that began a call which goes on, or were asked for one.
func (x *exchange) Task(status mcp.TaskStatus) { x.call.Task = string(status) }

// Task is for the log.
func (d *delivery) Task(status mcp.TaskStatus) { d.exchange.Task(status) }

// Task passes on how far a call has come.
func (c *capture) Task(status mcp.TaskStatus) { noteTask(c.reply, status) }

// Task passes on how far a call has come, of which nothing is kept.
func (r *keptReply) Task(status mcp.TaskStatus) {
	r.spoilt = true
	noteTask(r.Reply, status)
}

func noteTask(reply mcp.Reply, status mcp.TaskStatus) {
	if o, ok := reply.(taskObserver); ok {
		o.Task(status)
	}
}

// goesOn answers a call that goes on: with a task, or for a client that knows none
// with what there is to say and how to ask for the rest.
func (c *catalog) goesOn(ctx context.Context, req *mcp.Request, reply mcp.Reply, k *ticket) error {
	noteTask(reply, mcp.TaskWorking)
	t := c.tools[k.tool]
	wait := waitOf(t, k.Wait)
	id := c.seal(ctx, k)
	if knowsTasks(req) {
		task := mcp.Task{
			ID: mcpproxy.TaskID(ctx, id), Status: mcp.TaskWorking, Created: k.created, Updated: k.created, TTL: k.life, PollInterval: wait,
		}
		out := mcp.AppendTaskResult(nil, &task, c.discovery.ServerInfo)
		c.gateway.traceResult(ctx, len(out), false, nil)
		return reply.Result(out)
	}
	text := "Not finished: the call was begun and goes on at the backend. Ask for its result with the tool " +
		mcpproxy.ToolName(ctx, c.manifest.PollTool) + " in " + seconds(wait) + " at the earliest, with this id:\n" + id
	out := mcp.AppendString([]byte(`{"content":[{"type":"text","text":`), text)
	out = append(out, `}]`...)
	failed := false
	switch {
	case t.output != nil: // nothing else would be what the outputSchema promises
		out, failed = append(out, `,"isError":true`...), true
	case t.record.Binding.Structured != openapi.StructuredNone:
		out = mcp.AppendString(append(out, `,"structuredContent":{"id":`...), id)
		out = append(out, `,"status":"working","pollAfterSeconds":`...)
		out = append(strconv.AppendInt(out, int64(wait/time.Second), 10), '}')
	}
	return c.finish(ctx, req, reply, out, failed, nil)
}

// waitOf is how long a client should wait: as the backend says, or the configuration.
func waitOf(t *tool, said time.Duration) time.Duration {
	if said <= 0 {
		said = t.record.LongRunning.Interval
	}
	return max(said, minPollInterval)
}

// minPollInterval is the least time that clients are told to wait: none may be told
// not to wait at all.
const minPollInterval = 100 * time.Millisecond

// seconds is a time in words for a model.
func seconds(d time.Duration) string {
	n := int((d + time.Second - 1) / time.Second)
	if n == 1 {
		return "1 second"
	}
	return strconv.Itoa(n) + " seconds"
}

// fetch sends a request about a call that goes on. The policies of the API run around
// it, but not those of the operation, which are for the request that began it.
func (t *tool) fetch(ctx context.Context, k *ticket, method string, u *url.URL) (answer backendAnswer, failure, err error) {
	c := t.catalog
	to, client := c.backends[t.record.Backend], t.clientFor(k, u)
	if d := c.gateway.backends[k.backend]; d != nil {
		to = d
	}
	if client == nil { // nobody's credentials are for it
		if client, err = backend.New(backend.Options{URL: origin(u), Transport: c.gateway.egress}); err != nil {
			return answer, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, to.timeout)
	defer cancel()
	target := *u
	bound := &openapi.Request{Method: method, Path: u.EscapedPath(), RawQuery: u.RawQuery, Header: http.Header{"Accept": {t.record.Binding.Accept}}}
	ctx = withHeaders(ctx, bound.Header)
	pipeline := t.apiPipeline(ctx)
	if pipeline == nil {
		target.RawQuery = client.AddQuery(target.RawQuery)
		answer.Response, err = t.request(ctx, client, &target, bound)
		return answer, nil, err
	}
	made := t.exchange(ctx, &target, bound)
	made.operation = expr.Operation{ID: pollOperation, Name: pollOperation, Method: method, URLTemplate: "/{*path}"}
	made.exchange.Request.MatchedParameters = nil
	call := &made.call
	call.gateway, call.exchange, call.destination, call.pinned = c.gateway, &made.exchange, to, &pinned{client, u}
	call.base = &url.URL{Scheme: u.Scheme, Host: u.Host}
	made.exchange.SetTarget(call.base, bound.Path, bound.RawQuery)
	failure, err = t.run(ctx, pipeline, made, &answer)
	return answer, failure, err
}

// pollOperation is the operation of requests about calls that go on, for policies.
const pollOperation = "poll"

// apiPipeline are the policies of the API alone, as pipeline has them.
func (t *tool) apiPipeline(ctx context.Context) *policy.Pipeline {
	var product *expr.Product
	if outer := exchangeOf(ctx); outer != nil {
		product = outer.Product
	}
	return t.catalog.rulings.under(product).pipeline
}
