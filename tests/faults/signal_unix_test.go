//go:build unix

package faults_test

import (
	"syscall"
	"testing"
)

// needSignals skips a test where a process cannot be frozen.
func needSignals(testing.TB) {}

func kill(pid int) error   { return syscall.Kill(pid, syscall.SIGKILL) }
func freeze(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }
func thaw(pid int) error   { return syscall.Kill(pid, syscall.SIGCONT) }
