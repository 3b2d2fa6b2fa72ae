package expr

import (
	"fmt"
	"testing"
)

func benchmark(b *testing.B, source string, x *Context) {
	b.Helper()
	p, errs := Compile(source, Single, Position{1, 1})
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Eval(x, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeader(b *testing.B) {
	benchmark(b, `context.Request.Headers.GetValueOrDefault("authorization","")`, requestContext())
}

func BenchmarkMissingHeader(b *testing.B) {
	benchmark(b, `context.Request.Headers.GetValueOrDefault("x","")`, requestContext())
}

func BenchmarkConcatenation(b *testing.B) {
	benchmark(b, `"Bearer " + (string)context.Variables["text"] + "-" + context.Request.Method + "/" + context.Api.Name`, requestContext())
}

func BenchmarkCondition(b *testing.B) {
	benchmark(b, `context.Response.StatusCode == 429 || context.Response.StatusCode >= 500`, requestContext())
}

// BenchmarkCompile300 compiles 300 expressions of all kinds.
func BenchmarkCompile300(b *testing.B) {
	for b.Loop() {
		for _, e := range expressions[:300] {
			source, kind := e.source, Single
			if source[0] == '{' {
				source, kind = source[1:len(source)-1], Statements
			}
			if _, errs := Compile(source, kind, Position{1, 1}); len(errs) > 0 {
				b.Fatal(fmt.Sprint(errs))
			}
		}
	}
}
