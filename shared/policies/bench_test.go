package policies

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// ten are ordinary policies, as an API has them.
const ten = `<policies>
  <inbound>
    <base />
    <set-variable name="client" value="@(context.Request.Headers.GetValueOrDefault("X-Client", "unknown"))" />
    <choose>
      <when condition="@(context.Request.Method == "POST")"><set-variable name="writes" value="@(true)" /></when>
      <otherwise><set-variable name="writes" value="@(false)" /></otherwise>
    </choose>
    <set-header name="X-Client" exists-action="override"><value>@((string)context.Variables["client"])</value></set-header>
    <set-header name="X-Request-Id" exists-action="skip"><value>@(context.RequestId.ToString())</value></set-header>
    <set-header name="Cookie" exists-action="delete" />
    <set-query-parameter name="api-version" exists-action="override"><value>2026-01-01</value></set-query-parameter>
  </inbound>
  <backend><base /></backend>
  <outbound>
    <base />
    <set-header name="Server" exists-action="delete" />
    <set-header name="X-Powered-By" exists-action="delete" />
    <choose><when condition="@(context.Response.StatusCode >= 500)"><set-status code="502" reason="Bad Gateway" /></when></choose>
    <set-header name="Cache-Control" exists-action="override"><value>no-store</value></set-header>
  </outbound>
</policies>`

// BenchmarkTenPolicies measures a chain of ten, beside a call that has none: the
// difference is what they add.
func BenchmarkTenPolicies(b *testing.B) {
	b.Run("none", func(b *testing.B) {
		benchmarkChain(b, "<policies><inbound><base /></inbound><backend><base /></backend></policies>")
	})
	b.Run("ten", func(b *testing.B) { benchmarkChain(b, ten) })
}

func benchmarkChain(b *testing.B, document string) {
	d, faults := policy.Parse("chain.xml", []byte(document), policy.ParseOptions{})
	effective, more := policy.Compose([]policy.Layer{{Scope: policy.ScopeAPI, Document: d}}, nil)
	p, last := policy.Compile(effective, policy.CompileOptions{Policies: Registry()})
	for _, f := range []error{faults.Err(), more.Err(), last.Err()} {
		if f != nil {
			b.Fatal(f)
		}
	}
	base := &url.URL{Scheme: "http", Host: "backend.test"}
	b.ReportAllocs()
	for b.Loop() {
		x := &policy.Exchange{}
		x.Request = &expr.Request{
			Method: "GET", Headers: http.Header{"X-Client": {"editor"}, "Cookie": {"a=b"}, "Accept": {"*/*"}},
			URL: &url.URL{Scheme: "https", Host: "gateway.test", Path: "/orders/1"},
		}
		x.SetPath("/orders/1", "")
		x.SetService(base)
		x.Forward = func(context.Context, policy.ForwardOptions) error {
			x.Response = &expr.Response{StatusCode: 200, Headers: http.Header{"Server": {"x"}}, Body: policy.NewBody(nil)}
			return nil
		}
		p.Run(b.Context(), x)
		if x.Failure != nil {
			b.Fatal(x.Failure)
		}
	}
}
