package policies

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// Both requests are on their way before either has a response.
func TestWaitRunsSideBySide(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	s := &policy.Services{Sender: senderFunc(func(context.Context, *policy.Outgoing) (*expr.Response, error) {
		both.Done()
		both.Wait()
		return answered(), nil
	})}
	p := pipelineOf(t, `<wait for="all">
		<send-request mode="new" response-variable-name="a"><set-url>https://a.test/</set-url></send-request>
		<send-request mode="new" response-variable-name="b"><set-url>https://b.test/</set-url></send-request>
	</wait>`, s)
	x := callOf(http.MethodGet, nil)
	p.Run(t.Context(), x)
	for _, name := range []string{"a", "b"} {
		if value, _ := x.Variable(name); value == nil {
			t.Errorf("the variable %s is not set", name)
		}
	}
}

// With any, those that come later are cancelled, and what they set is lost.
func TestWaitCancelsTheOthers(t *testing.T) {
	started := make(chan struct{})
	s := &policy.Services{Sender: senderFunc(func(ctx context.Context, r *policy.Outgoing) (*expr.Response, error) {
		if r.URL.Host == "fast.test" {
			<-started
			return answered(), nil
		}
		close(started)
		<-ctx.Done()
		return nil, &policy.SendError{Err: ctx.Err()}
	})}
	p := pipelineOf(t, `<wait for="any">
		<send-request mode="new" response-variable-name="slow" ignore-error="true"><set-url>https://slow.test/</set-url></send-request>
		<send-request mode="new" response-variable-name="fast"><set-url>https://fast.test/</set-url></send-request>
	</wait>`, s)
	x := callOf(http.MethodGet, nil)
	p.Run(t.Context(), x)
	if x.Failure != nil {
		t.Fatal(x.Failure)
	}
	if value, _ := x.Variable("fast"); value == nil {
		t.Error("the variable of the first branch is not set")
	}
	if _, ok := x.Variable("slow"); ok {
		t.Error("a branch that was cancelled has set its variable")
	}
}

func TestWaitSurvivesPanic(t *testing.T) {
	for _, mode := range []string{"all", "any"} {
		p := pipelineOf(t, `<wait for="`+mode+`">
			<send-request mode="new" response-variable-name="a"><set-url>https://a.test/</set-url></send-request>
		</wait>`, &policy.Services{Sender: senderFunc(func(context.Context, *policy.Outgoing) (*expr.Response, error) { panic("broken") })})
		x := callOf(http.MethodGet, nil)
		p.Run(t.Context(), x)
		if x.Failure == nil || x.Failure.Status != http.StatusInternalServerError || !strings.Contains(x.Failure.Error(), "broken") {
			t.Errorf("%s: the failure is %v, want the panic as an internal error", mode, x.Failure)
		}
	}
}

// Branches read one stream, each for itself, and it is there afterwards.
func TestWaitSharesBody(t *testing.T) {
	const branch = `<choose><when condition="true">
		<set-variable name="NAME" value="@(context.Request.Body.As&lt;string>(preserveContent: true))" /></when></choose>`
	p := pipelineOf(t, "<wait>"+strings.ReplaceAll(branch, "NAME", "a")+strings.ReplaceAll(branch, "NAME", "b")+
		`</wait><set-variable name="c" value="@(context.Request.Body.As&lt;string>())" />`, &policy.Services{})
	x := callOf(http.MethodPost, policy.NewStream(io.NopCloser(strings.NewReader("content")), -1))
	p.Run(t.Context(), x)
	if x.Failure != nil {
		t.Fatal(x.Failure)
	}
	for _, name := range []string{"a", "b", "c"} {
		if value, _ := x.Variable(name); value != "content" {
			t.Errorf("the variable %s is %v, want the body", name, value)
		}
	}
}

// One-way requests of branches are sent at the end, those of the cancelled are
// not.
func TestWaitKeepsTheEnd(t *testing.T) {
	var mu sync.Mutex
	sent := map[string]bool{}
	p := pipelineOf(t, `<wait>
		<choose><when condition="true"><send-one-way-request mode="new"><set-url>https://a.test/</set-url></send-one-way-request></when></choose>
		<choose><when condition="true"><send-one-way-request mode="new"><set-url>https://b.test/</set-url></send-one-way-request></when></choose>
	</wait>`, &policy.Services{Sender: senderFunc(func(_ context.Context, r *policy.Outgoing) (*expr.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		sent[r.URL.Host] = true
		return answered(), nil
	})})
	x := callOf(http.MethodGet, nil)
	p.Run(t.Context(), x)
	if len(sent) != 0 {
		t.Errorf("%v were sent before the end", sent)
	}
	x.End(t.Context())
	if !sent["a.test"] || !sent["b.test"] {
		t.Errorf("%v were sent, want both", sent)
	}
}
