//go:build linux || darwin || freebsd

package main

import (
	"syscall"
	"unsafe"
)

// terminalSize is the number of columns and lines of a terminal; false for what is
// none, and for one that does not say.
func terminalSize(fd uintptr) (width, height int, ok bool) {
	var size struct{ lines, columns, x, y uint16 }
	_, _, fault := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))) //nolint:gosec // G103: ioctl takes its result's address
	return int(size.columns), int(size.lines), fault == 0 && size.columns > 0 && size.lines > 0
}

// takesControls tells whether the terminal takes control sequences, which all do here.
func takesControls(uintptr) bool { return true }
