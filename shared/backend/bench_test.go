package backend

import (
	"net/http"
	"testing"
	"time"
)

// BenchmarkDo is what a request costs beside its connection.
func BenchmarkDo(b *testing.B) {
	breaker := BreakerOptions{Failures: 5, Interval: time.Minute, TripDuration: time.Minute, StatusCodes: []StatusRange{{500, 599}}}
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"plain", Options{}},
		{"breaker", Options{Breaker: breaker}},
		{"timeout", Options{Timeout: time.Minute}},
	} {
		b.Run(c.name, func(b *testing.B) {
			res := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}
			c.o.URL, c.o.Header = "https://contoso.com", []Credential{{"X-Key", "ours"}}
			c.o.Transport = transportFunc(func(*http.Request) (*http.Response, error) { return res, nil })
			k, err := New(c.o)
			if err != nil {
				b.Fatal(err)
			}
			req := (&http.Request{Method: http.MethodGet, URL: k.URL(), Header: http.Header{}}).WithContext(b.Context())
			b.ReportAllocs()
			for b.Loop() {
				res.Body = http.NoBody // it is wrapped by each
				if _, err := k.Do(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPick(b *testing.B) {
	k, err := New(Options{URL: "https://contoso.com"})
	if err != nil {
		b.Fatal(err)
	}
	p := NewPool([]PoolMember{{Client: k, Weight: 3}, {Client: k, Weight: 2}, {Client: k}}, nil)
	b.ReportAllocs()
	for b.Loop() {
		p.Pick()
	}
}

func BenchmarkVia(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := connections.via(shared, SendOptions{HTTPVersion: HTTP1}); err != nil {
			b.Fatal(err)
		}
	}
}
