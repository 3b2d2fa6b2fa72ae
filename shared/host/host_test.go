package host

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A call that is under way when the host is asked to stop comes to its end.
func TestListenLetsCallsFinish(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	entered := make(chan struct{})
	leave := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	})
	address := make(chan string, 1)
	served := make(chan error, 1)
	go func() { served <- Listen(ctx, "127.0.0.1:0", h, func(a net.Addr) { address <- a.String() }) }()
	answer := make(chan string, 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+<-address, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-entered
	stop()
	close(leave)
	if got := <-answer; got != "done" {
		t.Errorf("got %q, want %q", got, "done")
	}
	if err := <-served; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestListenSaysWhatIsTaken(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Listen(t.Context(), l.Addr().String(), http.NotFoundHandler(), nil)
	if err == nil || !strings.Contains(err.Error(), "listening on "+l.Addr().String()) {
		t.Errorf("got %v", err)
	}
}

func TestAzureNeedsItsPort(t *testing.T) {
	t.Setenv("FUNCTIONS_CUSTOMHANDLER_PORT", "")
	if err := Azure(t.Context(), http.NotFoundHandler()); err == nil || !strings.Contains(err.Error(), "go run ./local") {
		t.Errorf("got %v", err)
	}
}

func TestSecrets(t *testing.T) {
	secrets := Secrets(func(name string) (string, bool) { return "value", name == "KEY" })
	for _, c := range []struct{ ref, want, err string }{
		{"env:KEY", "value", ""},
		{"env:OTHER", "", "OTHER is not set"},
		{"keyvault:KEY", "", "no reference to an environment variable"},
	} {
		got, err := secrets(c.ref)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %q, %v", c.ref, got, err)
		}
	}
}
