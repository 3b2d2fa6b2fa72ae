package seal

import (
	"bytes"
	"errors"
	"testing"
)

func sealer(t *testing.T, secret byte, purpose string) *Sealer {
	t.Helper()
	s, err := New(bytes.Repeat([]byte{secret}, MinSecret), purpose)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealOpens(t *testing.T) {
	s := sealer(t, 1, "session")
	text := s.Seal([]byte("abc"), []byte("orders"))
	got, err := s.Open(text, []byte("orders"))
	if err != nil || string(got) != "abc" {
		t.Errorf("got %q, %v, want %q", got, err, "abc")
	}
	if again := s.Seal([]byte("abc"), []byte("orders")); again == text {
		t.Error("sealing twice gave the same text: the nonce does not vary")
	}
}

func TestOpenRefuses(t *testing.T) {
	s := sealer(t, 1, "session")
	text := s.Seal([]byte("abc"), []byte("orders"))
	altered := []byte(text)
	altered[len(altered)/2] ^= 1
	for _, c := range []struct {
		name    string
		by      *Sealer
		text    string
		context string
	}{
		{"another secret", sealer(t, 2, "session"), text, "orders"},
		{"another purpose", sealer(t, 1, "approval"), text, "orders"},
		{"another context", s, text, "helpdesk"},
		{"altered", s, string(altered), "orders"},
		{"cut", s, text[:len(text)-4], "orders"},
		{"empty", s, "", "orders"},
		{"no base64", s, "not sealed!", "orders"},
	} {
		if got, err := c.by.Open(c.text, []byte(c.context)); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: got %q, %v, want %v", c.name, got, err, ErrNotOurs)
		}
	}
}

func TestNewRefusesShortSecrets(t *testing.T) {
	if _, err := New(make([]byte, MinSecret-1), "session"); err == nil {
		t.Error("a short secret was taken")
	}
}
