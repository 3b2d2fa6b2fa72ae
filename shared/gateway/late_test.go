package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A client that waits is told that the platform would end its call, and one that has
// gone is told nothing.
func TestFailOfCallsThatEnd(t *testing.T) {
	const late = "in the time that its platform gives a call"
	for _, c := range []struct {
		name       string
		cause, err error
		want       string
	}{
		{"late", context.DeadlineExceeded, fmt.Errorf("waiting: %w", context.Canceled), late},
		{"late, by the cause", context.DeadlineExceeded, fmt.Errorf("waiting: %w", context.DeadlineExceeded), late},
		{"late, for another reason", context.DeadlineExceeded, errors.New("no kettle"), "internal error"},
		{"gone", nil, fmt.Errorf("waiting: %w", context.Canceled), ""},
		{"gone, for another reason", nil, errors.New("no kettle"), "internal error"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(c.cause)
		w := httptest.NewRecorder()
		x := exchange{
			gateway: &Gateway{log: slog.New(slog.DiscardHandler)}, w: w,
			r: httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil),
		}
		x.fail(c.err)
		if got := w.Body.String(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) || !errors.Is(x.call.Err, c.err) {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, x.call.Err, c.want)
		}
	}
}
