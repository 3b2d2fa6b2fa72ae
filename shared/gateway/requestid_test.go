package gateway

import (
	"bytes"
	"regexp"
	"testing"
)

// TestRequestID asks that request ids are GUIDs of version 4.
func TestRequestID(t *testing.T) {
	if got, want := newRequestID(bytes.NewReader(bytes.Repeat([]byte{1}, 16))).String(), "01010101-0101-4101-8101-010101010101"; got != want {
		t.Errorf("an id of these bytes is %s, want %s", got, want)
	}
	version4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for range 100 {
		if id := newRequestID(nil).String(); !version4.MatchString(id) {
			t.Fatalf("%s is no GUID of version 4", id)
		}
	}
}
