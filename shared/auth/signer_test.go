package auth

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestSigner: what a signer signs is valid with its key, published or as it is, and
// with no other.
func TestSigner(t *testing.T) {
	signer := func(secret byte, purpose string) *Signer {
		s, err := NewSigner(bytes.Repeat([]byte{secret}, 32), purpose)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := signer(1, "access token")
	now := time.Now()
	token, err := s.Sign(map[string]any{"iss": "https://tools.contoso.com", "exp": now.Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	document, err := s.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	published, err := parseKeySet(document)
	if err != nil || len(published) != 1 || published[0].kid != s.ID() || published[0].alg != "ES256" || !published[0].equal(s.PublicKey()) {
		t.Errorf("published: got %+v, %v", published, err)
	}
	if bytes.Contains(document, []byte(`"d"`)) {
		t.Error("the private key is published")
	}
	v := New(Options{})
	altered := []byte(token)
	altered[strings.IndexByte(token, '.')+5] ^= 1
	for _, tt := range []struct {
		name, token string
		by          *Signer
		valid       bool
	}{
		{"its own", token, s, true},
		{"the same of another instance", token, signer(1, "access token"), true},
		{"another secret", token, signer(2, "access token"), false},
		{"another purpose", token, signer(1, "other"), false},
		{"altered", string(altered), s, false},
	} {
		rules := &Rules{Keys: []Key{{ID: tt.by.ID(), Public: tt.by.PublicKey()}}, RequireSigned: true, RequireExpiration: true}
		if _, err := v.Validate(t.Context(), tt.token, rules); (err == nil) != tt.valid {
			t.Errorf("%s: got %v, want valid = %t", tt.name, err, tt.valid)
		}
	}
	if _, err := s.Sign(func() {}); err == nil {
		t.Error("claims that are no JSON were signed")
	}
}
