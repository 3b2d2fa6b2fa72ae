package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"toolgate/shared/fault"
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
	for _, c := range []struct{ secret, in, want string }{
		{"with space&more", "https://a/?k=with+space%26more", "https://a/?k=[secret]"},
		{`with "quotes"`, `{"a":"with \"quotes\""}`, `{"a":"[secret]"}`},
		{"slash/secret", "https://a/slash%2Fsecret", "https://a/[secret]"},
	} {
		if _, err := resolve(c.secret); err != nil {
			t.Fatal(err)
		}
		if got := r.text(c.in); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	faulty := r.err(fmt.Errorf("compiling: %w", fault.Faults{{Message: `"hunter2" is no number`, Fix: "not hunter2"}}))
	if faults, ok := errors.AsType[fault.Faults](faulty); !ok || strings.Contains(faults.Error(), "hunter2") || !strings.Contains(faults.Error(), `"[secret]" is no number`) {
		t.Errorf("got %v", faults)
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
