package gateway

import "iter"

// coroutine runs servers, one after the other, and stops them at each part of their
// answer until the next one is wanted. It is kept from one message to the next: the
// stack that a server needs has grown then, which costs more than all else here.
// It is owned by one message at a time.
type coroutine struct {
	serve func(yield func(part) bool)
	next  func() (part, bool)
	stop  func() // ends it, with the server that it runs
}

// resting are the coroutines that run nothing. More than these end with their server.
var resting = make(chan *coroutine, 64)

// start gives a server to a coroutine. It runs with the first call of more.
func start(serve func(yield func(part) bool)) *coroutine {
	var c *coroutine
	select {
	case c = <-resting:
	default:
		c = &coroutine{}
		c.next, c.stop = iter.Pull(c.run)
	}
	c.serve = serve
	return c
}

func (c *coroutine) run(yield func(part) bool) {
	gone := false
	watched := func(p part) bool {
		gone = gone || !yield(p)
		return !gone
	}
	for !gone {
		c.serve(watched)
		watched(part{kind: partEnd})
	}
}

// more is the next part of the server's answer; false at its end: the coroutine is
// somebody else's then.
func (c *coroutine) more() (part, bool) {
	p, ok := c.next()
	if !ok || p.kind != partEnd {
		return p, ok
	}
	c.serve = nil
	select {
	case resting <- c:
	default:
		c.stop()
	}
	return part{}, false
}
