package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"toolgate/tests/peer"
)

// control asks the system for something about a terminal.
func control(t *testing.T, file *os.File, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, fault := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(value)); fault != 0 {
		t.Fatalf("ioctl %#x: %v", request, fault)
	}
}

type terminalSize struct{ lines, columns, x, y uint16 }

// terminal is a pseudo-terminal, and what was written to it.
type terminal struct {
	master, slave *os.File

	mu   sync.Mutex
	text bytes.Buffer
}

func openTerminal(t *testing.T, size terminalSize) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	var locked, number int32
	control(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		_ = master.Close()
		t.Skipf("there are no terminals here: %v", err)
	}
	v := &terminal{master: master, slave: slave}
	v.resize(t, size)
	go func() {
		part := make([]byte, 4096)
		for {
			n, err := master.Read(part)
			v.mu.Lock()
			v.text.Write(part[:n])
			v.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = errors.Join(slave.Close(), master.Close()) })
	return v
}

func (v *terminal) resize(t *testing.T, size terminalSize) {
	t.Helper()
	control(t, v.master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
}

func (v *terminal) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.text.String()
}

// await waits until the terminal shows something, and returns what matches.
func (v *terminal) await(t *testing.T, pattern string) string {
	t.Helper()
	p := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m := p.FindStringSubmatch(v.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("got\n%q\nwant %s", v, pattern)
	return ""
}

// On a terminal the calls are counted in a table at its end, which stays when the
// command ends.
func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		name          string
		args, env     []string
		table, colour bool
	}{
		{"live", nil, []string{"TERM=xterm"}, true, true},
		{"without colour", nil, []string{"TERM=xterm", "NO_COLOR=1"}, true, false},
		{"plain", []string{"--plain"}, []string{"TERM=xterm"}, false, false},
		{"a terminal that takes nothing", nil, []string{"TERM=dumb"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := openTerminal(t, terminalSize{lines: 30, columns: 90})
			cmd := exec.CommandContext(t.Context(), peer.Build(t, "./local"), append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
			cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = peer.Root(t), v.slave, v.slave, append(os.Environ(), c.env...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			base := v.await(t, `listening on (http://127\.0\.0\.1:\d+)\r?\n`)
			pets := connect(t, base+"/petstore/mcp", "2025-11-25")
			callTool(t, pets, "listPets", nil)
			if c.table {
				v.await(t, `SERVER +TOOL +CALLS`)
				v.await(t, `petstore +listPets +1 `)
				v.resize(t, terminalSize{lines: 30, columns: 70})
				v.await(t, `(?m)[^─]─{70}(?:\r?$|\x1b)`) // drawn again, not the longer line of before
			}
			v.await(t, `tools/call listPets +\d`)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the command ended with %v", err)
			}
			got := v.String()
			if strings.Contains(got, "CALLS  REFUSED") != c.table || strings.Contains(got, "\x1b[2m") != c.colour || strings.Contains(got, "\x1b[J") != c.table {
				t.Errorf("got\n%q", got)
			}
			if !strings.HasSuffix(got, "\n") {
				t.Errorf("it ends within a line: %q", got[max(0, len(got)-80):])
			}
		})
	}
}
