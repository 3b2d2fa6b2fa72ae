package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"toolgate/shared/expr"
)

// Body is the body of a message: a stream until a policy needs its bytes. A
// nil Body is that of a message without one. It belongs to one Exchange and is
// not safe for concurrent use.
type Body struct {
	stream  io.ReadCloser // what was not read yet; nil once held or gone
	length  int64         // of the stream; -1 when it is not known
	content []byte        // what was read, or set
	spent   bool          // it was read without being preserved
	fault   error         // why the stream could not be read; nil for nothing
	sets    int           // how often it was set
	// Whole, unless nil, reads the stream in another way: it returns the bytes
	// that policies see, and the stream is gone.
	Whole func() ([]byte, error)

	watchers []func(part []byte, done bool) // of the stream
	passed   *atomic.Int64                  // bytes of the stream; nil: not watched
}

// MaxBody bounds the bytes of a body that policies read. What only passes
// through has no bound.
const MaxBody = 32 << 20

// ErrBodyTooLarge says that a body that a policy reads has more than MaxBody
// bytes.
var ErrBodyTooLarge = errors.New("the body is too large for a policy to read")

// NewBody is a body whose bytes are at hand. They must not be changed.
func NewBody(content []byte) *Body {
	return &Body{content: content, length: int64(len(content))}
}

// NewStream is a body that is still to be read. Length is in bytes, -1 when it
// is not known.
func NewStream(r io.ReadCloser, length int64) *Body {
	return &Body{stream: r, length: length}
}

var _ expr.Body = (*Body)(nil)

// Bytes reads the body, for expressions. Without preserve the body is gone
// afterwards, for other policies and for the receiver of the message, and a
// later read returns nil. The bytes must not be changed.
func (b *Body) Bytes(preserve bool) ([]byte, error) {
	if b == nil || b.spent {
		return nil, nil
	}
	if err := b.Hold(); err != nil {
		return nil, err
	}
	content := b.content
	if content == nil {
		content = []byte{}
	}
	if !preserve {
		b.content, b.spent = nil, true
	}
	return content, nil
}

// Hold reads the stream into memory, so that the body can be sent and read more
// than once.
func (b *Body) Hold() error {
	if b == nil || b.stream == nil {
		return nil
	}
	content, err := b.read()
	if err != nil {
		b.fault = err
		return err
	}
	b.content, b.stream, b.length = content, nil, int64(len(content))
	b.passed = nil
	for _, see := range b.watchers {
		see(content, true)
	}
	b.watchers = nil
	return nil
}

func (b *Body) read() ([]byte, error) {
	if b.Whole != nil {
		return b.Whole()
	}
	defer b.stream.Close()
	var out bytes.Buffer
	if b.length > 0 {
		out.Grow(int(min(b.length, MaxBody)) + bytes.MinRead)
	}
	if _, err := out.ReadFrom(io.LimitReader(b.stream, MaxBody+1)); err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	if out.Len() > MaxBody {
		return nil, ErrBodyTooLarge
	}
	return out.Bytes(), nil
}

// Set replaces the body. The bytes must not be changed afterwards.
func (b *Body) Set(content []byte) {
	_ = b.Close()
	b.content, b.length, b.spent = content, int64(len(content)), false
	b.sets++
	b.watchers, b.passed = nil, nil
}

// Sets is how often the body was replaced.
func (b *Body) Sets() int {
	if b == nil {
		return 0
	}
	return b.sets
}

// Held returns the bytes when they are at hand, nil for a body that is gone. It
// reports false while the body is a stream.
func (b *Body) Held() ([]byte, bool) {
	if b == nil {
		return nil, true
	}
	return b.content, b.stream == nil
}

// Len is the length in bytes of what Reader reads; -1 when it is not known.
func (b *Body) Len() int64 {
	switch {
	case b == nil:
		return 0
	case b.stream != nil:
		return b.length
	default:
		return int64(len(b.content))
	}
}

// Reader reads what is to be sent: the stream, which is gone then, or the bytes,
// any number of times. The caller closes it.
func (b *Body) Reader() io.ReadCloser {
	if b == nil {
		return io.NopCloser(bytes.NewReader(nil))
	}
	if s := b.stream; s != nil {
		b.stream, b.spent = nil, true
		if len(b.watchers) > 0 {
			return &watched{ReadCloser: s, passed: b.passed, watchers: b.watchers}
		}
		return s
	}
	return io.NopCloser(bytes.NewReader(b.content))
}

// Close lets go of the stream.
func (b *Body) Close() error {
	if b == nil || b.stream == nil {
		return nil
	}
	s := b.stream
	b.stream, b.spent = nil, true
	return s.Close()
}

// Watch has see called with each part of the body as it passes to whoever reads
// it, and once with done when all of it has; one that is let go before is never
// done. What is at hand passes at once. A part must not be kept.
func (b *Body) Watch(see func(part []byte, done bool)) {
	if b == nil {
		see(nil, true)
		return
	}
	if b.stream == nil {
		see(b.content, true)
		return
	}
	b.watchers = append(b.watchers, see)
	if b.passed == nil {
		b.passed = new(atomic.Int64)
	}
}

// Passed is the number of bytes that have passed so far: of a stream that is
// watched, those that were read; otherwise those that are at hand.
func (b *Body) Passed() int64 {
	switch {
	case b == nil:
		return 0
	case b.passed != nil:
		return b.passed.Load()
	default:
		return int64(len(b.content))
	}
}

// watched is a stream whose parts are seen as they are read. Its reader may be
// another goroutine than the one that has the exchange.
type watched struct {
	io.ReadCloser
	passed   *atomic.Int64
	watchers []func([]byte, bool)
	done     bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if w.done {
		return n, err
	}
	w.passed.Add(int64(n))
	w.done = errors.Is(err, io.EOF)
	for _, see := range w.watchers {
		if n > 0 {
			see(p[:n], false)
		}
		if w.done {
			see(nil, true)
		}
	}
	return n, err
}
