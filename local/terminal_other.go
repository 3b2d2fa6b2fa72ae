//go:build !linux && !darwin && !freebsd && !windows

package main

// terminalSize knows no terminal of this platform, so lines stay plain.
func terminalSize(uintptr) (width, height int, ok bool) { return 0, 0, false }

// takesControls is asked of terminals only.
func takesControls(uintptr) bool { return false }
