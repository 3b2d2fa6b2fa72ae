package auth

import (
	"crypto"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxKept is how many tokens are kept.
	maxKept = 1024
	// keptFor is how long a token is kept, unless it expires before.
	keptFor = 5 * time.Minute
	// maxKeptToken is the greatest length of a token that is kept, in bytes: what
	// fits into a header of common servers. It bounds the memory.
	maxKeptToken = 8 << 10
	// maxVerdicts is how many keys are remembered for one token. Rules with more
	// keys that have to be tried in turn verify anew each time.
	maxVerdicts = 16
)

// digest stands for a token, whose signature is not kept.
type digest = [sha256.Size]byte

// verdict says whether a public key verifies a token. It does not say that the
// key may be used: each call looks for the key among those that its rules and the
// providers have at that time, so that a key that is gone verifies nothing.
type verdict struct {
	key   crypto.PublicKey
	valid bool
}

// keptToken is what is known of a token that some key verified. It does not
// change.
type keptToken struct {
	header   header
	claims   claims
	verdicts []verdict
	until    time.Time
	slot     int
}

// keptTokens are the tokens that were verified last. Only those are kept for
// which there was a valid signature, so that nobody else can crowd them out. The
// zero value is empty.
type keptTokens struct {
	mu       sync.Mutex
	byDigest map[digest]*keptToken
	slots    []digest // in the order of arrival, over and over
	next     int      // the oldest slot, once there are maxKept
}

// find returns a token that was kept; nil for none.
func (c *keptTokens) find(d digest, now time.Time) *keptToken {
	c.mu.Lock()
	k := c.byDigest[d]
	c.mu.Unlock()
	if k == nil || !now.Before(k.until) {
		return nil
	}
	return k
}

// put keeps a token in place of the oldest, or of what was known of it before.
func (c *keptTokens) put(d digest, k *keptToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byDigest == nil {
		c.byDigest = map[digest]*keptToken{}
	}
	k.slot = c.next
	if len(c.slots) < maxKept {
		c.slots = append(c.slots, d)
	} else {
		// A token that came again has a later slot by now.
		if oldest := c.slots[k.slot]; c.byDigest[oldest] != nil && c.byDigest[oldest].slot == k.slot {
			delete(c.byDigest, oldest)
		}
		c.slots[k.slot] = d
	}
	c.byDigest[d] = k
	c.next = (c.next + 1) % maxKept
}

// keep keeps a token that was just verified, unless all of that is known.
func (v *Validator) keep(s *verifying) {
	t := s.token
	news := !t.kept || len(s.verdicts) > len(t.verdicts)
	if !news || t.digest == (digest{}) || len(s.verdicts) > maxVerdicts {
		return
	}
	now := v.now()
	exp, present, err := t.claims.seconds("exp")
	left := exp - unix(now)
	if err != nil || present && left <= 0 {
		return // to be refused
	}
	lasts := keptFor
	if present && left < keptFor.Seconds() {
		lasts = time.Duration(left * float64(time.Second))
	}
	v.kept.put(t.digest, &keptToken{header: t.header, claims: t.claims, verdicts: s.verdicts, until: now.Add(lasts)})
}
