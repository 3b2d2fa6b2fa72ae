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
	return serve(ctx, bounded{l, writeTimeout}, h, ready)
}

// serve serves h on a listener until ctx ends, and then lets open calls finish.
func serve(ctx context.Context, l net.Listener, h http.Handler, ready func(net.Addr)) error {
	s := newServer(h)
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

// What a client may take of a server before it has said anything that a handler
// could refuse. The bodies of requests are bounded by who reads them.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes, of the request line as well; tokens of providers have up to 16 KiB
	// writeTimeout is for what is written at once: a stream may go on for longer, and
	// a client that has stopped reading it may not hold it.
	writeTimeout = time.Minute
)

// newServer is a server that no client holds by being slow.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
}

// bounded gives up connections whose clients have stopped reading.
type bounded struct {
	net.Listener
	timeout time.Duration
}

func (l bounded) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return boundedConn{c, l.timeout}, nil
}

type boundedConn struct {
	net.Conn
	timeout time.Duration // of a Write
}

func (c boundedConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
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

// AzureWall is the wall of Azure Functions, where the load balancer ends a call of
// which it has heard nothing for 230 seconds. The environment may name another time,
// as TOOLGATE_ANSWER_WITHIN.
func AzureWall(get func(name string) string) (Wall, error) {
	wall := Wall{Answer: 220 * time.Second, KeepAlive: 30 * time.Second}
	text := get("TOOLGATE_ANSWER_WITHIN")
	if text == "" {
		return wall, nil
	}
	answer, err := time.ParseDuration(text)
	if err != nil || answer <= 0 {
		return Wall{}, fmt.Errorf("TOOLGATE_ANSWER_WITHIN is %q: write a time such as 220s", text)
	}
	wall.Answer = answer
	return wall, nil
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
