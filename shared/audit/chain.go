package audit

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// day is the time that a chain lasts: rows go chain by chain, and none has too many.
const day = 24 * time.Hour

// idPattern is an id of a chain: the day on which it began, the days for which it is
// kept, and something that no other chain has.
var idPattern = regexp.MustCompile(`^(\d{8})-(\d{1,5})-[0-9a-f]{24}$`)

// newID is the id of a chain that begins now.
func newID(now time.Time, retention time.Duration) string {
	return fmt.Sprintf("%s-%d-%s", dayOf(now), int(retention/day), random(12))
}

// expiry is when the rows of a chain have expired. It stands in the id, which other
// chains name, so that nobody can pretend that a chain has expired.
func expiry(id string) (at time.Time, ok bool) {
	m := idPattern.FindStringSubmatch(id)
	if m == nil {
		return at, false
	}
	began, err := time.Parse("20060102", m[1])
	days, wrong := strconv.Atoi(m[2])
	return began.Add(time.Duration(days+1) * day), err == nil && wrong == nil
}

// expired tells whether the rows of a chain may be gone.
func expired(id string, now time.Time) bool {
	at, ok := expiry(id)
	return ok && !now.Before(at)
}

// dayOf is the day of a time in ids.
func dayOf(t time.Time) string { return t.UTC().Format("20060102") }

// random is a text of n random bytes, in hexadecimal.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// chain is one that is being written.
type chain struct {
	id      string
	key     []byte
	day     string
	seq     int64  // of the next record
	last    string // hash of the record before; empty: there is none
	segment int    // of the next one
	ended   bool
}

// anchor is where the chain is; nil: it has no records.
func (c *chain) anchor() *Anchor {
	if c == nil || c.seq == 0 {
		return nil
	}
	return &Anchor{Chain: c.id, Seq: c.seq - 1, Hash: c.last}
}

// link makes a record the next one, and returns it as it is written.
func (c *chain) link(r *Record) ([]byte, error) {
	r.Chain, r.Seq = c.id, c.seq
	if r.Kind != KindGenesis {
		r.Prev = c.last
	}
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	b, err := r.seal(c.key)
	if err != nil {
		return nil, err
	}
	c.seq, c.last = c.seq+1, r.Hash
	return b, nil
}
