package hosts

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"toolgate/tests/peer"
)

// program is a process of the gateway, which ends with this one.
type program struct {
	process *peer.Process
	pid     int
}

// pidLine is how a process tells its id: what is started is a shell, which then
// becomes the gateway. The id that package peer has is that of the supervisor.
var pidLine = regexp.MustCompile(`(?m)^pid (\d+)$`)

// start starts a program in a folder.
func start(ctx context.Context, path, dir string, env []string, stderr io.Writer) (*program, error) {
	p, err := peer.Start(peer.Command{
		Path: "sh", Args: []string{"-c", `echo "pid $$"; exec "$0"`, path},
		Dir: dir, Env: env, Ready: pidLine, Stderr: stderr,
	})
	if err != nil {
		return nil, err
	}
	pid, err := p.AwaitReady(ctx)
	if err != nil {
		p.Stop()
		return nil, err
	}
	made := &program{process: p}
	if made.pid, err = strconv.Atoi(pid); err != nil {
		p.Stop()
		return nil, fmt.Errorf("reading the id of a process: %w", err)
	}
	return made, nil
}

// kill ends the process at once, as platforms do, and waits until it is gone.
func (p *program) kill() {
	_ = kill(p.pid) // an error means that it has ended
	p.process.Stop()
}

// lines keeps what a program writes.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is what was written so far.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
