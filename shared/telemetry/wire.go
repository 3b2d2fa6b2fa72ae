package telemetry

import (
	"encoding/binary"
	"math"
	"time"
)

// wire writes protocol buffers, as far as OTLP needs them. Fields are named by
// their numbers in opentelemetry-proto.
type wire struct{ b []byte }

// The wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func (w *wire) tag(field, kind int) { w.b = binary.AppendUvarint(w.b, uint64(field<<3|kind)) } //nolint:gosec // both are small constants

func (w *wire) varint(field int, n uint64) {
	if n != 0 {
		w.tag(field, wireVarint)
		w.b = binary.AppendUvarint(w.b, n)
	}
}

func (w *wire) fixed64(field int, n uint64) {
	w.tag(field, wireFixed64)
	w.b = binary.LittleEndian.AppendUint64(w.b, n)
}

func (w *wire) fixed32(field int, n uint32) {
	if n != 0 {
		w.tag(field, wireFixed32)
		w.b = binary.LittleEndian.AppendUint32(w.b, n)
	}
}

func (w *wire) double(field int, f float64) { w.fixed64(field, math.Float64bits(f)) }

func (w *wire) text(field int, s string) {
	if s != "" {
		w.tag(field, wireBytes)
		w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...)
	}
}

func (w *wire) bytes(field int, p []byte) {
	w.tag(field, wireBytes)
	w.b = append(binary.AppendUvarint(w.b, uint64(len(p))), p...)
}

// time writes nanoseconds since 1970; the zero time is 0, which is unknown.
func (w *wire) time(field int, t time.Time) {
	var n uint64
	if !t.IsZero() {
		n = uint64(t.UnixNano())
	}
	w.fixed64(field, n)
}

// open begins a message inside, and close ends it: its length is put in front
// when it is known.
func (w *wire) open(field int) int {
	w.tag(field, wireBytes)
	w.b = append(w.b, 0)
	return len(w.b)
}

func (w *wire) close(start int) {
	n := uint64(len(w.b) - start) //nolint:gosec // not negative
	if n < 0x80 {
		w.b[start-1] = byte(n)
		return
	}
	var head [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(head[:], n)
	w.b = append(w.b, head[:k-1]...)
	copy(w.b[start+k-1:], w.b[start:len(w.b)-(k-1)])
	copy(w.b[start-1:], head[:k])
}

// attrs writes attributes as KeyValue. Those that say nothing are left out.
func (w *wire) attrs(field int, list []Attr) {
	for i := range list {
		a := &list[i]
		if a.empty() {
			continue
		}
		kv := w.open(field)
		w.text(1, a.Key)
		v := w.open(2)
		switch a.kind {
		case textAttr:
			w.text(1, valid(a.text))
		case intAttr:
			w.tag(3, wireVarint)
			w.b = binary.AppendUvarint(w.b, a.number)
		case floatAttr:
			w.fixed64(4, a.number)
		case boolAttr:
			w.tag(2, wireVarint)
			w.b = binary.AppendUvarint(w.b, a.number)
		}
		w.close(v)
		w.close(kv)
	}
}
