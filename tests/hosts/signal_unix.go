//go:build unix

package hosts

import "syscall"

func kill(pid int) error      { return syscall.Kill(pid, syscall.SIGKILL) }
func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }
func freeze(pid int) error    { return syscall.Kill(pid, syscall.SIGSTOP) }
func thaw(pid int) error      { return syscall.Kill(pid, syscall.SIGCONT) }
