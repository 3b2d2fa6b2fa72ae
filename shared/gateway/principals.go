package gateway

import "sync"

// principals are those of the tokens that came last, so that each is read once. Only
// tokens that are valid get here, and each is validated whenever it comes. The zero
// value is empty.
type principals struct {
	mu         sync.Mutex
	young, old map[principalKey]*principal
}

// principalKey is a token and the audience that it was shown to.
type principalKey struct{ token, audience string }

const (
	// maxPrincipals bounds the young ones, and so the old ones.
	maxPrincipals = 512
	// maxPrincipalToken is the greatest length of a token that is kept, in bytes: what
	// fits into a header of common servers.
	maxPrincipalToken = 8 << 10
)

// find returns nil for a token that has to be read.
func (c *principals) find(k principalKey) *principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.young[k]; p != nil {
		return p
	}
	p := c.old[k]
	if p != nil {
		c.put(k, p)
	}
	return p
}

// add keeps one.
func (c *principals) add(k principalKey, p *principal) {
	if len(k.token) > maxPrincipalToken {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(k, p)
}

// put makes one young; when there are too many, all that are young become old, and
// the old ones go. The caller holds mu.
func (c *principals) put(k principalKey, p *principal) {
	if c.young == nil || len(c.young) >= maxPrincipals {
		c.old, c.young = c.young, make(map[principalKey]*principal)
	}
	c.young[k] = p
}
