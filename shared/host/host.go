// Package host runs an http.Handler: on this machine, or as a custom handler of
// Azure Functions; package lambda below it does on AWS Lambda. It knows what each platform does to a
// request on its way, and nothing of what the handler is.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// drain is how long open calls may take to end when the process is asked to
// stop.
const drain = 10 * time.Second

// Listen serves h on a TCP address until ctx ends, and then lets open calls
// finish. ready, unless nil, is told the address, which is useful for port 0.
func Listen(ctx context.Context, address string, h http.Handler, ready func(net.Addr)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	return serve(ctx, l, h, ready)
}

// serve serves h on a listener until ctx ends, and then lets open calls finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, ready func(net.Addr)) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	if ready != nil {
		ready(l.Addr())
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("waiting for open calls: %w", err), s.Close())
	}
	return nil
}

// Azure serves h as a custom handler of Azure Functions: on loopback, at the
// port that the Functions host chose. The Functions host polls / until it has
// an answer, and stops the process with SIGKILL.
func Azure(ctx context.Context, h http.Handler) error {
	port := os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT")
	if port == "" {
		return errors.New("FUNCTIONS_CUSTOMHANDLER_PORT is not set: this program is started by the Azure Functions host; `go run ./local` runs the gateway on this machine")
	}
	return Listen(ctx, net.JoinHostPort("127.0.0.1", port), h, nil)
}

// EnvSecrets resolves references of the form "env:NAME" from the environment.
func EnvSecrets(ref string) (string, error) { return Secrets(os.LookupEnv)(ref) }

// Secrets resolves references of the form "env:NAME" by lookup.
func Secrets(lookup func(name string) (string, bool)) func(ref string) (string, error) {
	return func(ref string) (string, error) {
		name, ok := strings.CutPrefix(ref, "env:")
		if !ok {
			return "", fmt.Errorf("%q is no reference to an environment variable", ref)
		}
		value, ok := lookup(name)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", name)
		}
		return value, nil
	}
}
