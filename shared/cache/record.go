package cache

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
)

// record is a value with what is known of it. Times are milliseconds since 1970,
// and 0 where there is none.
type record struct {
	created int64
	expires int64
	refresh int64 // from when on it is computed anew
	cost    int64 // what computing it took, in milliseconds; 0: unknown
	claim   int64 // until when an instance says that it is computing the value anew
	present bool  // there is a value, which may be empty
	value   []byte
}

// live tells whether the value may be served.
func (r *record) live(now int64) bool { return r.present && now < r.expires }

// due tells whether a value that is live is to be computed anew: from its refresh
// on, or, where it has none, by chance ahead of its expiry, the earlier the more it
// costs, so that it is one caller who refreshes it and not all who miss it
// (Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede
// Prevention", 2015). The number is random, of 0 up to 1.
func (r *record) due(now int64, number float64) bool {
	if r.refresh > 0 {
		return now >= r.refresh
	}
	ahead := -math.Log(1-number) * float64(r.cost)
	return float64(now)+ahead >= float64(r.expires)
}

// A record in a row is a format byte, flags, five numbers as varints, and the
// value.
const (
	recordFormat = 1

	flagPresent = 1 << 0
	flagGzip    = 1 << 1
	knownFlags  = flagPresent | flagGzip
)

// minGzip is the size of values from which on they are compressed, in bytes. A
// smaller one would save less than it costs.
const minGzip = 1 << 10

// encode is the content of a row.
func (r *record) encode() []byte {
	flags, value := byte(0), r.value
	if r.present {
		flags |= flagPresent
	}
	if len(value) >= minGzip {
		if small := compress(value); len(small) < len(value) {
			flags, value = flags|flagGzip, small
		}
	}
	out := append(make([]byte, 0, 48+len(value)), recordFormat, flags)
	for _, n := range [...]int64{r.created, r.expires, r.refresh, r.cost, r.claim} {
		out = binary.AppendVarint(out, n)
	}
	return append(out, value...)
}

var errRecord = errors.New("the row is no record of this version")

// decode reads what encode wrote.
func decode(b []byte) (r record, err error) {
	if len(b) < 2 || b[0] != recordFormat || b[1]&^knownFlags != 0 {
		return record{}, errRecord
	}
	flags := b[1]
	b = b[2:]
	for _, n := range [...]*int64{&r.created, &r.expires, &r.refresh, &r.cost, &r.claim} {
		size := 0
		if *n, size = binary.Varint(b); size <= 0 {
			return record{}, errRecord
		}
		b = b[size:]
	}
	if r.present = flags&flagPresent != 0; !r.present {
		return r, nil
	}
	r.value = b
	if flags&flagGzip != 0 {
		if r.value, err = expand(b); err != nil {
			return record{}, err
		}
	}
	return r, nil
}

var (
	writers = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one
		return w
	}}
	readers = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

func compress(value []byte) []byte {
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	var out bytes.Buffer
	out.Grow(len(value)/3 + 64)
	w.Reset(&out)
	_, _ = w.Write(value) // memory does not fail
	_ = w.Close()
	return out.Bytes()
}

// expand reads compressed bytes, of maxValue at most.
func expand(b []byte) ([]byte, error) {
	r := readers.Get().(*gzip.Reader)
	defer readers.Put(r)
	if err := r.Reset(bytes.NewReader(b)); err != nil {
		return nil, errRecord
	}
	var out bytes.Buffer
	out.Grow(4 * len(b))
	if n, err := io.Copy(&out, io.LimitReader(r, maxValue+1)); err != nil || n > maxValue {
		return nil, errRecord
	}
	return out.Bytes(), nil
}
