// Package lambda runs an http.Handler as an AWS Lambda function. It is apart from
// package host so that the other hosts do not carry the Lambda runtime.
package lambda

import (
	"net"
	"net/http"

	"github.com/aws/aws-lambda-go/lambdaurl"
)

// Serve serves h as an AWS Lambda function behind a Function URL whose invoke
// mode is RESPONSE_STREAM. It returns only when the runtime ends the process.
func Serve(h http.Handler) {
	lambdaurl.Start(onLambda(h))
}

// onLambda gives a handler what it has under net/http and not under lambdaurl: a
// RemoteAddr with a port, and an answer in place of a crash when it panics.
func onLambda(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause != nil {
				w.WriteHeader(http.StatusInternalServerError) // no effect once the answer has begun
			}
		}()
		if _, _, err := net.SplitHostPort(r.RemoteAddr); err != nil {
			r.RemoteAddr = net.JoinHostPort(r.RemoteAddr, "0")
		}
		h.ServeHTTP(w, r)
	})
}
