package peer

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// ownGroup keeps Ctrl-C of the terminal from reaching the program.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interruptGroup does nothing: Windows has no request to end that every
// program understands.
func interruptGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) {
	pid := strconv.Itoa(cmd.Process.Pid)
	_ = exec.Command("taskkill", "/T", "/F", "/PID", pid).Run() //nolint:noctx // an error means the process is gone
}

// errSharingViolation is ERROR_SHARING_VIOLATION: another process has the file.
const errSharingViolation = syscall.Errno(32)

// lockFile waits until no other process holds the file at path and holds it
// until unlock is called or this process ends.
func lockFile(path string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	for {
		h, err := syscall.CreateFile(name, syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
		if err == nil {
			return func() { _ = syscall.CloseHandle(h) }, nil
		}
		if !errors.Is(err, errSharingViolation) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
