package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"toolgate/shared/state"
)

// Slot is one of the two keys of a subscription. A client changes over to one
// while the other is replaced.
type Slot int

// The keys.
const (
	Primary Slot = iota
	Secondary
)

// String is primary or secondary.
func (s Slot) String() string {
	if s == Secondary {
		return "secondary"
	}
	return "primary"
}

// keyBytes is the randomness of a key; a key is twice as many hexadecimal digits.
const keyBytes = 32

func newKey(random io.Reader) (string, error) {
	var b [keyBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// wellFormed tells whether a text can be a key. What cannot is refused without
// asking the store.
func wellFormed(key string) bool {
	if len(key) != 2*keyBytes {
		return false
	}
	for i := range len(key) {
		if c := key[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// digest is what is stored of a key. A slow hash, as passwords need, would add
// nothing: a key is 256 random bits and nobody goes through them, however fast
// the hash.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// key is the row of a key. The row's name has half of the digest only; the other
// half is in the row and compared in constant time, so that no index of a store
// tells by its timing how much of a digest is right.
func (d digest) key() state.Key {
	return state.Key{Space: "subkey", ID: hex.EncodeToString(d[:sha256.Size/2])}
}

// rowID is the name of a row that is found by a text: a hash, as stores want it.
func rowID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:sha256.Size/2])
}
