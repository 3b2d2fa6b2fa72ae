package gateway

import (
	"cmp"
	"io"
	"net/http"
	"time"
)

// minPace is how many bytes a second a client sends at least, once the time for a
// message is over. Slow lines are faster than that by far.
const minPace = 16 << 10

// pacedBody is the body of a request that may be long, or is not read at once. A
// client that trickles it is given up.
type pacedBody struct {
	io.ReadCloser
	connection *http.ResponseController
	start      time.Time
	timeout    time.Duration // for the beginning
	read       int64
}

// pace bounds how long the body of the request may take.
func (x *exchange) pace() {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	paced := *x.r // whoever serves knows the request as it came
	paced.Body = &pacedBody{
		ReadCloser: x.r.Body, connection: http.NewResponseController(x.w),
		start: x.start, timeout: cmp.Or(x.gateway.bodyTimeout, bodyTimeout),
	}
	x.r = &paced
}

// Read leaves no deadline behind: the connection is read on, for other requests and
// for the end of its client. Platforms that hand over whole requests know none.
func (b *pacedBody) Read(p []byte) (int, error) {
	allowed := b.timeout + time.Duration(b.read)*(time.Second/minPace)
	_ = b.connection.SetReadDeadline(b.start.Add(allowed))
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	_ = b.connection.SetReadDeadline(time.Time{})
	return n, err
}
