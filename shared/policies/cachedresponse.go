package policies

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// responseCaching is what cache-lookup leaves on an exchange for cache-store.
type responseCaching struct {
	key            string
	downstream     string // none, private or public
	mustRevalidate bool
	hit            bool // the response comes from the cache
}

// responseCachingKey is what it is kept under.
type responseCachingKey struct{}

// limitDownstream says in Cache-Control what caches on the way to the client
// may do with a response that the gateway keeps for some time longer.
func (r *responseCaching) limitDownstream(x *policy.Exchange, left time.Duration) {
	control := "no-store"
	if r.downstream != "none" {
		control = r.downstream + ", max-age=" + strconv.FormatInt(int64(left/time.Second), 10)
		if r.mustRevalidate {
			control += ", must-revalidate"
		}
	}
	delete(policy.Message{Response: x.Response}.Header(), "Expires")
	x.SetResponseHeader("Cache-Control", control)
}

// cachedResponse is a response as the cache keeps it.
type cachedResponse struct {
	expires time.Time // in whole seconds
	status  int
	reason  string
	header  http.Header
	body    []byte
}

// notCached are the headers that belong to one connection or one client.
var notCached = []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Trailer", "Upgrade", "Proxy-Authenticate", "Set-Cookie"}

const cachedFormat = 1

// encode is a format byte, numbers as varints, and texts behind their lengths;
// the body is the rest.
func (r *cachedResponse) encode() []byte {
	out := make([]byte, 0, 256+len(r.body))
	out = binary.AppendVarint(append(out, cachedFormat), r.expires.Unix())
	out = binary.AppendUvarint(out, uint64(r.status)) //nolint:gosec // statuses are positive
	out = appendText(out, r.reason)
	var lines [][2]string
	for name, values := range r.header {
		if !slices.Contains(notCached, name) {
			for _, value := range values {
				lines = append(lines, [2]string{name, value})
			}
		}
	}
	out = binary.AppendUvarint(out, uint64(len(lines)))
	for _, line := range lines {
		out = appendText(appendText(out, line[0]), line[1])
	}
	return append(out, r.body...)
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

var errCached = errors.New("the cache has bytes that are no response")

// decodeResponse reads what encode wrote. The body is not copied.
func decodeResponse(b []byte) (*cachedResponse, error) {
	d := cachedReader{b: b}
	if len(b) == 0 || b[0] != cachedFormat {
		return nil, errCached
	}
	d.b = b[1:]
	r := &cachedResponse{expires: time.Unix(d.varint(), 0), status: int(d.uvarint()), reason: d.text(), header: http.Header{}} //nolint:gosec // checked below
	for range min(d.uvarint(), uint64(len(b))) {
		name := d.text()
		r.header[name] = append(r.header[name], d.text())
	}
	if d.failed || r.status < 100 || r.status > 999 {
		return nil, errCached
	}
	r.body = d.b
	return r, nil
}

// cachedReader reads numbers and texts until one is not there.
type cachedReader struct {
	b      []byte
	failed bool
}

func (d *cachedReader) varint() int64 {
	n, size := binary.Varint(d.b)
	d.skip(size)
	return n
}

func (d *cachedReader) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	d.skip(size)
	return n
}

func (d *cachedReader) skip(size int) {
	if size <= 0 {
		d.failed, size = true, len(d.b)
	}
	d.b = d.b[size:]
}

func (d *cachedReader) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.failed, d.b = true, nil
		return ""
	}
	text := string(d.b[:n])
	d.b = d.b[n:]
	return text
}

// response is the response of a call.
func (r *cachedResponse) response() *expr.Response {
	return &expr.Response{StatusCode: r.status, StatusReason: r.reason, Headers: r.header, Body: policy.NewBody(r.body)}
}

// cacheKey is a key of the cache made of parts, which it tells apart.
func cacheKey(kind string, parts ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return kind + " " + string(h.Sum(nil))
}
