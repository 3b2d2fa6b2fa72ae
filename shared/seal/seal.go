// Package seal protects what clients carry for the gateway: session ids, and
// whatever else a stateless handler must find again without having kept it.
// Sealed text can be neither read nor changed by who carries it.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// MinSecret is the least length of a secret, in bytes.
const MinSecret = 32

// ErrNotOurs reports text that this secret did not seal, for this purpose and
// context: forged, altered, or sealed before the secret changed.
var ErrNotOurs = errors.New("not sealed by this gateway")

// Sealer seals with AES-256-GCM under a key derived from a secret by HKDF
// (RFC 5869). It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// New derives the key for one purpose, so that text sealed for one can never be
// opened for another. All instances must share the secret; it needs at least
// [MinSecret] bytes.
func New(secret []byte, purpose string) (*Sealer, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("the sealing key has %d bytes and needs at least %d: make one with `openssl rand -base64 48`", len(secret), MinSecret)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "toolgate "+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
	}
	return &Sealer{aead}, nil
}

// RandomSecret makes a secret that lives as long as the process.
func RandomSecret() []byte {
	secret := make([]byte, MinSecret)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret
}

// Seal returns plain as URL-safe text. The context, for example the name of the
// server, is not stored; the same context must be given to Open.
func (s *Sealer) Seal(plain, context []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, context))
}

// Open returns what was sealed, or [ErrNotOurs].
func (s *Sealer) Open(text string, context []byte) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrNotOurs
	}
	plain, err := s.aead.Open(nil, nil, raw, context)
	if err != nil {
		return nil, ErrNotOurs
	}
	return plain, nil
}
