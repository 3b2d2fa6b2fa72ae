package faults_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

// fleet are instances of the gateway of Azure Functions that share a table.
type fleet struct {
	program string
	env     []string
	client  *http.Client
	all     []*instance
	away    phrase // that the store did not answer, in all logs
}

// phrase counts how often a text is written to it.
type phrase struct {
	text string

	mu   sync.Mutex
	rest string // of what was written, as long as it may be the beginning
	n    int
}

// Write implements io.Writer.
func (p *phrase) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.rest + string(b)
	p.n += strings.Count(all, p.text)
	p.rest = all[max(0, len(all)-len(p.text)+1):]
	return len(b), nil
}

func (p *phrase) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// instance is one gateway process. Its address stays when it is killed and started
// again.
type instance struct {
	fleet *fleet
	port  string

	mu      sync.Mutex // held by who kills or freezes it
	process *peer.Process
	pid     int
}

// newFleet starts so many instances that serve a folder until the test ends.
func newFleet(t *testing.T, n int, files map[string]string) *fleet {
	t.Helper()
	snapshot, err := folder.Compile(t.Context(), folder.Write(t, files), nil)
	if err != nil {
		t.Fatalf("compiling the gateway: %v", err)
	}
	path := filepath.Join(t.TempDir(), "gateway.snapshot")
	if err := os.WriteFile(path, snapshot, 0o600); err != nil {
		t.Fatalf("writing the snapshot: %v", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	f := &fleet{
		program: peer.Build(t, "./functions/azure"),
		env:     []string{"TOOLGATE_SNAPSHOT=" + path, "TOOLGATE_STORE=azurite://" + peer.Azurite(t) + "/t" + rand.Text()},
		client:  &http.Client{Transport: transport},
		away:    phrase{text: "the store of counters does not answer"},
	}
	t.Cleanup(transport.CloseIdleConnections)
	for range n {
		f.add(t)
	}
	return f
}

// add starts one more instance.
func (f *fleet) add(t *testing.T) *instance {
	t.Helper()
	i := &instance{fleet: f, port: freePort(t)}
	f.all = append(f.all, i)
	t.Cleanup(func() {
		if i.process == nil {
			return
		}
		_ = thaw(i.pid) // it ends sooner when it is not frozen; an error means it is gone
		i.process.Stop()
		if t.Failed() {
			t.Logf("the last that instance %s printed:\n%s", i.port, tail(i.process.Log()))
		}
	})
	if err := i.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return i
}

// tail is the end of a log: the gateway has a line for each call.
func tail(log string) string { return log[max(0, len(log)-2000):] }

// freePort is a port of this machine where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	return port
}

// says is how an instance tells its process id: what is started is a shell, which
// then becomes the gateway. The id that package peer has is that of the supervisor.
var says = regexp.MustCompile(`(?m)^pid (\d+)$`)

// start starts the process and waits until it serves.
func (i *instance) start(ctx context.Context) error {
	p, err := peer.Start(peer.Command{
		Path: "sh", Args: []string{"-c", `echo "pid $$"; exec "$0"`, i.fleet.program},
		Env:   append([]string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + i.port}, i.fleet.env...),
		Ready: says, Stdout: &i.fleet.away,
	})
	if err != nil {
		return err
	}
	i.process = p
	pid, err := p.AwaitReady(ctx)
	if err != nil {
		return err
	}
	if i.pid, err = strconv.Atoi(pid); err != nil {
		return fmt.Errorf("reading a process id: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if _, err = i.call(ctx, ""); err == nil {
			return nil
		}
		select {
		case <-p.Ended():
			return fmt.Errorf("instance %s ended with exit code %d\n%s", i.port, p.ExitCode(), p.Log())
		case <-ctx.Done():
			return fmt.Errorf("waiting for instance %s: %w", i.port, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// killed ends the process with SIGKILL, and waits until it is gone.
func (i *instance) killed() error {
	if err := kill(i.pid); err != nil {
		return fmt.Errorf("killing instance %s: %w", i.port, err)
	}
	<-i.process.Ended()
	return nil
}

// answer is what came of a call. A call is admitted between the times that the
// policies around the limit tell, by the clock of this machine.
type answer struct {
	status int
	bytes  int // of the body
	span
}

// call calls an API, and waits for as long as the instance is frozen.
func (i *instance) call(ctx context.Context, api string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+i.port+"/"+api, nil)
	if err != nil {
		return answer{}, err
	}
	res, err := i.fleet.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, bytes: int(n)}
	if res.StatusCode != http.StatusOK || api == "" {
		return a, nil
	}
	if a.span, err = spanOf(res.Header); err != nil {
		return answer{}, err
	}
	return a, nil
}
