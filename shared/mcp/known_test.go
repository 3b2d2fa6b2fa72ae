package mcp

import "testing"

func TestKnown(t *testing.T) {
	for name, want := range map[string]bool{
		MethodInitialize: true, MethodDiscover: true, MethodGetTask: true, "com.contoso/x": false, "": false,
	} {
		if got := Known(name); got != want {
			t.Errorf("Known(%q): got %v, want %v", name, got, want)
		}
	}
}
