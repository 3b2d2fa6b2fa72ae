package policies

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// pipelineOf compiles inbound policies, with a backend that nothing is sent to.
func pipelineOf(t *testing.T, inbound string, s *policy.Services) *policy.Pipeline {
	t.Helper()
	return pipelineBefore(t, inbound, "", s)
}

// pipelineBefore is pipelineOf, with the policies of the backend section.
func pipelineBefore(t *testing.T, inbound, backend string, s *policy.Services) *policy.Pipeline {
	t.Helper()
	d, faults := policy.Parse("policy.xml", []byte("<policies><inbound>"+inbound+"</inbound><backend>"+backend+"</backend><outbound /></policies>"), policy.ParseOptions{})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	if err := policy.Validate(d, policy.ValidateOptions{}).Err(); err != nil {
		t.Fatal(err)
	}
	effective, faults := policy.Compose([]policy.Layer{{Scope: policy.ScopeAPI, Document: d}}, nil)
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	p, faults := policy.Compile(effective, policy.CompileOptions{Policies: Registry(), Services: s})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// callOf is a call of /x; a nil body is none.
func callOf(method string, body *policy.Body) *policy.Exchange {
	x := &policy.Exchange{}
	u := &url.URL{Scheme: "https", Host: "gateway.test", Path: "/x"}
	x.Request = &expr.Request{Method: method, URL: u, OriginalURL: u, Headers: http.Header{}}
	if body != nil {
		x.Request.Body = body
	}
	x.SetPath(u.EscapedPath(), u.RawQuery)
	return x
}

// senderFunc is a policy.Sender.
type senderFunc func(context.Context, *policy.Outgoing) (*expr.Response, error)

func (f senderFunc) Send(ctx context.Context, r *policy.Outgoing) (*expr.Response, error) {
	return f(ctx, r)
}

func answered() *expr.Response {
	return &expr.Response{StatusCode: http.StatusOK, Headers: http.Header{}, Body: policy.NewBody(nil)}
}

// certified sets the certificate of the request, as authentication-certificate
// does.
type certified struct{ certificate *policy.Certificate }

func (p *certified) Apply(_ context.Context, x *policy.Exchange) error {
	x.Certificate = p.certificate
	return nil
}

func TestOutgoingRequest(t *testing.T) {
	var sent []*policy.Outgoing
	s := &policy.Services{Sender: senderFunc(func(_ context.Context, r *policy.Outgoing) (*expr.Response, error) {
		sent = append(sent, r)
		return answered(), nil
	})}
	s.Backends = oneBackend{}
	p := pipelineOf(t, `
		<proxy url="http://outer.test:1" username="ada" password="p@ss" />
		<send-request mode="new" response-variable-name="a" timeout="7"><set-url>https://a.test/</set-url><proxy url="http://inner.test" /></send-request>
		<send-request mode="new" response-variable-name="b"><set-url>https://b.test/</set-url></send-request>
		<invoke-request backend-id="one" url="https://elsewhere.test/p?q=1" response-variable-name="c" />`, s)
	x := callOf(http.MethodGet, nil)
	p.Run(t.Context(), x)
	if x.Failure != nil {
		t.Fatal(x.Failure)
	}
	if len(sent) != 3 {
		t.Fatalf("%d requests were sent, want 3", len(sent))
	}
	if got := sent[0].Proxy.String(); got != "http://inner.test" {
		t.Errorf("the proxy of a request is %s, want its own", got)
	}
	if sent[0].Timeout != 7*time.Second || sent[1].Timeout != time.Minute {
		t.Errorf("the time-outs are %v and %v, want 7s and 1m", sent[0].Timeout, sent[1].Timeout)
	}
	if sent[1].Proxy != nil {
		t.Errorf("the proxy of a request is %s, want none: that of the call is not its own", sent[1].Proxy)
	}
	if got := x.Proxy.String(); got != "http://ada:p%40ss@outer.test:1" {
		t.Errorf("the proxy of the call is %s", got)
	}
	if got := sent[2].URL.String(); got != "https://one.test/base/p?q=1" || sent[2].BackendID != "one" {
		t.Errorf("the request to a backend goes to %s of %q, want the path below the backend and its id", got, sent[2].BackendID)
	}
}

// oneBackend is a configuration with one backend.
type oneBackend struct{}

func (oneBackend) IDs() []string { return []string{"one"} }
func (oneBackend) Backend(id string) *policy.BackendEntity {
	if id != "one" {
		return nil
	}
	return &policy.BackendEntity{ID: id, URL: &url.URL{Scheme: "https", Host: "one.test", Path: "/base"}}
}

// What policies inside set belongs to the request that is made, and to no other,
// whether they succeed or not.
func TestMadeRestores(t *testing.T) {
	own, call := &policy.Certificate{}, &policy.Certificate{}
	x := callOf(http.MethodGet, nil)
	x.Target = policy.Message{Request: x.Request}
	x.Certificate = call
	registry := Registry()
	registry["authentication-certificate"] = func() policy.Statement { return &certified{own} }
	for _, failing := range []bool{false, true} {
		inside := `<set-url>https://a.test</set-url><authentication-certificate thumbprint="x" />`
		if failing {
			inside += `<set-header name="x"><value>@((string)context.Variables["missing"])</value></set-header>`
		}
		d, _ := policy.Parse("p.xml", []byte(`<policies><inbound><send-request mode="new" response-variable-name="r">`+inside+`</send-request></inbound><backend /></policies>`), policy.ParseOptions{})
		e, _ := policy.Compose([]policy.Layer{{Scope: policy.ScopeAPI, Document: d}}, nil)
		var sent *policy.Outgoing
		p, faults := policy.Compile(e, policy.CompileOptions{Policies: registry, Services: &policy.Services{Sender: senderFunc(func(_ context.Context, r *policy.Outgoing) (*expr.Response, error) {
			sent = r
			return answered(), nil
		})}})
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		_ = p.Inbound(t.Context(), x)
		if x.Certificate != call || x.Target.Request != x.Request {
			t.Errorf("failing %v: the certificate or the target of the call has changed", failing)
		}
		if !failing && sent.Certificate != own {
			t.Error("the request has not the certificate that a policy inside set")
		}
	}
}

// A one-way request is let go of when it was sent, and its failure is nobody's.
func TestOneWayRequestCloses(t *testing.T) {
	body := &closing{}
	fail := false
	p := pipelineOf(t, `<send-one-way-request mode="new"><set-url>https://a.test/</set-url></send-one-way-request>`,
		&policy.Services{Sender: senderFunc(func(context.Context, *policy.Outgoing) (*expr.Response, error) {
			if fail {
				return nil, &policy.SendError{Err: errors.New("down")}
			}
			return &expr.Response{StatusCode: 200, Body: policy.NewStream(body, -1)}, nil
		})})
	for _, fail = range []bool{false, true} {
		x := callOf(http.MethodGet, nil)
		p.Run(t.Context(), x)
		x.End(t.Context())
		if x.Failure != nil {
			t.Errorf("failing %v: the call fails: %v", fail, x.Failure)
		}
	}
	if !body.closed {
		t.Error("the body of the response was not closed")
	}
}

// closing is a body that knows whether it was closed.
type closing struct{ closed bool }

func (c *closing) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closing) Close() error             { c.closed = true; return nil }
