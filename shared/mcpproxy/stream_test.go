package mcpproxy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// unflushable is a response that reports this error when it is flushed.
type unflushable struct {
	http.ResponseWriter
	err error
}

func (u unflushable) FlushError() error { return u.err }

// What is sent whole is copied whole; a client that has gone ends the copying.
func TestCopyFlushing(t *testing.T) {
	gone := errors.New("gone")
	for _, c := range []struct {
		flush, want error
		body        string
	}{
		{nil, nil, "data: 1\n\ndata: 2\n\n"},
		{http.ErrNotSupported, nil, "data: 1\n\ndata: 2\n\n"},
		{gone, gone, "d"},
	} {
		got := httptest.NewRecorder()
		w := unflushable{got, c.flush}
		err := copyFlushing(w, http.NewResponseController(w), iotest.OneByteReader(strings.NewReader("data: 1\n\ndata: 2\n\n")))
		if !errors.Is(err, c.want) || got.Body.String() != c.body {
			t.Errorf("flushing says %v: got %q, %v, want %q, %v", c.flush, got.Body, err, c.body, c.want)
		}
	}
}
