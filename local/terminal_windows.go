package main

import (
	"syscall"
	"unsafe"
)

var (
	kernel      = syscall.NewLazyDLL("kernel32.dll")
	getBuffer   = kernel.NewProc("GetConsoleScreenBufferInfo")
	setMode     = kernel.NewProc("SetConsoleMode")
	sequencesOn = uint32(0x0004) // ENABLE_VIRTUAL_TERMINAL_PROCESSING
)

// terminalSize is the number of columns and lines of a console; false for what is
// none.
func terminalSize(fd uintptr) (width, height int, ok bool) {
	var buffer struct { // CONSOLE_SCREEN_BUFFER_INFO
		columns, lines, x, y     int16
		attributes               uint16
		left, top, right, bottom int16
		mostColumns, mostLines   int16
	}
	done, _, _ := getBuffer.Call(fd, uintptr(unsafe.Pointer(&buffer))) //nolint:gosec // G103: the function takes its result's address
	return int(buffer.right-buffer.left) + 1, int(buffer.bottom-buffer.top) + 1, done != 0
}

// takesControls has the console take control sequences, which those of Windows 10 and
// later do.
func takesControls(fd uintptr) bool {
	var mode uint32
	if err := syscall.GetConsoleMode(syscall.Handle(fd), &mode); err != nil {
		return false
	}
	done, _, _ := setMode.Call(fd, uintptr(mode|sequencesOn))
	return done != 0
}
