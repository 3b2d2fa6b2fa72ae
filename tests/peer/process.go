package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A program is not started directly but by a supervisor, which is this same
// executable started again with superviseVariable set. The supervisor reads
// its standard input, which the test holds open, and ends the program and all
// that the program started when the input ends. So nothing outlives the test
// process, however that one ends: not after a time limit, not after a panic.
const superviseVariable = "TOOLGATE_TEST_SUPERVISE"

// stopTimeout is how long a program may take to end by itself once asked to.
const stopTimeout = 2 * time.Second

// supervising is set once [Supervise] has run; without it the executable,
// started again, would run the tests again.
var supervising atomic.Bool

// Supervise turns this process into the supervisor of a program if it was
// started as one, and then does not return. Main functions of programs that
// use [Start] call it first; for tests [Main] does.
func Supervise() {
	if os.Getenv(superviseVariable) == "" {
		supervising.Store(true)
		return
	}
	os.Exit(supervise(os.Args[1:]))
}

// supervise runs a program until it ends or until standard input does.
func supervise(args []string) int {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it ends with the input
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, superviseVariable+"=")
	})
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "starting %s: %v\n", args[0], err)
		return 127
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(ended)
	}()
	released := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test lets go or is gone
		close(released)
	}()
	select {
	case <-ended:
		killGroup(cmd) // what the program left behind
	case <-released:
		interruptGroup(cmd)
		select {
		case <-ended:
			killGroup(cmd)
		case <-time.After(stopTimeout):
			killGroup(cmd)
			<-ended
		}
	}
	return cmd.ProcessState.ExitCode()
}

// Command says what to start.
type Command struct {
	Path string // a program's path, or its name in PATH
	Args []string
	Dir  string   // nothing: the current folder
	Env  []string // added to the environment of this process

	// Ready, if not nil, is searched in the lines of both outputs;
	// [Process.AwaitReady] returns its first group.
	Ready *regexp.Regexp

	Stdout, Stderr io.Writer // nil: only in the log
}

// String is the command line, for messages.
func (c Command) String() string {
	return strings.Join(append([]string{c.Path}, c.Args...), " ")
}

// Process is a program under supervision.
type Process struct {
	command Command
	cmd     *exec.Cmd
	hold    io.Closer // the supervisor's input: closing it ends the program
	log     outputLog
	ended   chan struct{}
}

// Start starts a program under a supervisor. The caller ends it with
// [Process.Stop].
func Start(c Command) (*Process, error) {
	if !supervising.Load() {
		return nil, errors.New("starting a program: call peer.Main from TestMain, or peer.Supervise first in main")
	}
	path, err := exec.LookPath(c.Path)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	p := &Process{command: c, ended: make(chan struct{})}
	p.log.ready, p.log.found = c.Ready, make(chan string, 1)
	p.cmd = exec.Command(self, append([]string{path}, c.Args...)...) //nolint:noctx // it ends with the input
	p.cmd.Dir = c.Dir
	p.cmd.Env = append(append(os.Environ(), c.Env...), superviseVariable+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.log.tee(c.Stdout), p.log.tee(c.Stderr)
	p.cmd.WaitDelay = stopTimeout
	ownGroup(p.cmd) // Ctrl-C must reach the test, which lets go, and not the supervisor
	if p.hold, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code is read from ProcessState
		close(p.ended)
	}()
	return p, nil
}

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// ExitCode is the program's exit code once it has ended.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Log is what the program has printed so far, both outputs together.
func (p *Process) Log() string { return p.log.String() }

// Stop ends the program and waits until it has ended. It may be called more
// than once.
func (p *Process) Stop() {
	_ = p.hold.Close() // an error means it is closed
	<-p.ended
}

// AwaitReady waits until the program prints a line that matches Command.Ready
// and returns the first group of the match.
func (p *Process) AwaitReady(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	select {
	case group := <-p.log.found:
		return group, nil
	case <-p.ended:
		return "", fmt.Errorf("starting %s: it ended with exit code %d\n%s", p.command, p.ExitCode(), p.Log())
	case <-ctx.Done():
		return "", fmt.Errorf("starting %s: it never printed %q: %w\n%s", p.command, p.command.Ready, context.Cause(ctx), p.Log())
	}
}

// maxLog is how many bytes of a program's output are kept; the newest stay.
const maxLog = 256 << 10

// outputLog keeps the end of what a program prints and looks for one line.
type outputLog struct {
	lockedBuffer

	ready *regexp.Regexp // nil once found, or if nobody waits
	found chan string
}

// Write implements io.Writer.
func (l *outputLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = append(l.data, p...)
	if l.ready != nil {
		lines := l.data[:bytes.LastIndexByte(l.data, '\n')+1]
		if m := l.ready.FindSubmatch(lines); m != nil {
			l.found <- string(m[1])
			l.ready = nil
		}
	}
	if excess := len(l.data) - maxLog; excess > 0 {
		l.data = append(l.data[:0], l.data[excess:]...)
	}
	return len(p), nil
}

// tee returns a writer to the log and to w, which may be nil.
func (l *outputLog) tee(w io.Writer) io.Writer {
	if w == nil {
		return l
	}
	return io.MultiWriter(l, w)
}

// lockedBuffer is a buffer that one goroutine may read while another writes.
type lockedBuffer struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	return len(p), nil
}

// Bytes returns a copy of what was written.
func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.data)
}

// String returns what was written.
func (b *lockedBuffer) String() string { return string(b.Bytes()) }
