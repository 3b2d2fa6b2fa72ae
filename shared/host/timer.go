package host

import (
	"context"
	"io"
	"net/http"
)

// forwarded are the headers that the Functions host sets on what it forwards from
// clients, whatever they sent, and never on what it sends by itself.
var forwarded = [...]string{"X-Ms-Invocation-Id", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto"}

// AzureTimer calls fired when the timer trigger of that name fires, and gives every
// other request to next.
//
// The Functions host tells a custom handler of a timer with POST /{name}, at the
// same port as the requests of clients, who could send the same. They are told
// apart by the headers of forwarded: a request that has any of them is a client's,
// and next's. A failure of fired is for the caller to log; the platform is told that
// the run has failed.
func AzureTimer(name string, fired func(context.Context) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/"+name || isForwarded(r) {
			next.ServeHTTP(w, r)
			return
		}
		err := fired(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `{"Outputs":{},"Logs":[],"ReturnValue":null}`) // to the host, on this machine
	})
}

func isForwarded(r *http.Request) bool {
	for _, name := range forwarded {
		if _, ok := r.Header[name]; ok {
			return true
		}
	}
	return false
}
