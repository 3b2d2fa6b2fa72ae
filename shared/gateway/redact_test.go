package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestRedactor(t *testing.T) {
	r := &redactor{}
	resolve := r.recording(func(ref string) (string, error) { return ref, nil })
	for _, secret := range []string{"hunter2", "hunter2-and-more", "abc"} {
		if _, err := resolve(secret); err != nil {
			t.Fatal(err)
		}
	}
	inner := errors.New("key hunter2-and-more refused")
	err := r.err(fmt.Errorf("sending: %w", inner))
	if got, want := err.Error(), "sending: key [secret] refused"; got != want || !errors.Is(err, inner) {
		t.Errorf("got %q, want %q", got, want)
	}
	if plain := errors.New("abc"); r.err(plain) != plain || r.err(nil) != nil { //nolint:errorlint // the very error
		t.Error("an error without secrets is another one")
	}
	var out bytes.Buffer
	r.log(slog.New(slog.NewTextHandler(&out, nil))).With("a", "hunter2").WithGroup("g").
		Info("hunter2", "b", inner, slog.Group("c", "d", "hunter2"), "e", 5)
	if got := out.String(); strings.Contains(got, "hunter2") || strings.Count(got, redacted) != 4 || !strings.Contains(got, "g.e=5") {
		t.Errorf("got %s", got)
	}
}
