package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// window is the log of what was charged in the last period, by all instances.
type window []charge

// charge is an entry of the log. What it is for is used before its time.
type charge struct {
	at  int64 // milliseconds since 1970
	tag uint16
	n   int64
}

// maxCharges is how many charges are kept exactly. Beyond that, those within one
// cell, a 128th of the period, become one at the time of the latest: they are
// given back that much later, never earlier.
const maxCharges = 128

// prune drops what was charged at a time or before.
func (w *window) prune(before int64) {
	i, _ := slices.BinarySearchFunc(*w, before+1, func(c charge, at int64) int { return cmp.Compare(c.at, at) })
	*w = slices.Delete(*w, 0, i)
}

// used is the sum of all charges.
func (w window) used() int64 {
	var n int64
	for _, c := range w {
		n += c.n
	}
	return n
}

// newest is the time of the latest charge; 0 when there is none.
func (w window) newest() int64 {
	if len(w) == 0 {
		return 0
	}
	return w[len(w)-1].at
}

// add charges n at a time.
func (w *window) add(at int64, tag uint16, n int64) {
	if n <= 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(*w, at+1, func(c charge, at int64) int { return cmp.Compare(c.at, at) })
	for j := i - 1; j >= 0 && (*w)[j].at == at; j-- {
		if (*w)[j].tag == tag {
			(*w)[j].n += n
			return
		}
	}
	*w = slices.Insert(*w, i, charge{at, tag, n})
}

// settle turns a charge for what a lease granted into those for what was used of
// it, at the times when it was. One that was joined to a later charge of its
// cell only gives back there what was not used. A charge that is over stays what
// it is.
func (w *window) settle(s settlement, period int64) {
	i, _ := slices.BinarySearchFunc(*w, s.at, func(c charge, at int64) int { return cmp.Compare(c.at, at) })
	for j := i; j < len(*w) && (*w)[j].at == s.at; j++ {
		if c := &(*w)[j]; c.tag == s.tag && c.n >= s.granted {
			w.reduce(j, s.granted)
			rest := s.used
			for _, u := range s.earlier {
				n := min(u.n, rest)
				w.add(min(u.at, s.at), s.tag, n)
				rest -= n
			}
			w.add(min(s.last, s.at), s.tag, rest)
			return
		}
	}
	last := i
	for cell := cellOf(period); last < len(*w) && (*w)[last].at/cell == s.at/cell; last++ {
	}
	if rest := s.granted - s.used; last > i && (*w)[last-1].n >= rest {
		w.reduce(last-1, rest)
	}
}

// reduce takes n from a charge.
func (w *window) reduce(i int, n int64) {
	if (*w)[i].n -= n; (*w)[i].n <= 0 {
		*w = slices.Delete(*w, i, i+1)
	}
}

// cellOf is the length of the times that become one in a long log.
func cellOf(period int64) int64 { return max(period/maxCharges, 1) }

// compact keeps the log short.
func (w *window) compact(period int64) {
	if len(*w) <= maxCharges {
		return
	}
	cell := cellOf(period)
	kept := (*w)[:1]
	for _, c := range (*w)[1:] {
		if last := &kept[len(kept)-1]; last.at/cell == c.at/cell {
			*last = charge{c.at, c.tag, last.n + c.n}
		} else {
			kept = append(kept, c)
		}
	}
	*w = kept
}

// mend makes charges that lie after a time lie at it. They come from a clock that
// is far ahead, and would otherwise hold the counter back for as long. It tells
// whether there were any.
func (w window) mend(latest int64) bool {
	there := false
	for i := len(w) - 1; i >= 0 && w[i].at > latest; i-- {
		w[i].at, there = latest, true
	}
	return there
}

// free is when so much is given back that at most room is left; never is false.
func (w window) free(room, period int64) (at int64, ok bool) {
	left := w.used()
	for _, c := range w {
		if left -= c.n; left <= room {
			return c.at + period, room >= 0
		}
	}
	return 0, false
}

// A row begins with the version of its format, then 8 bytes that no other write
// has.
const (
	format   = 1
	headSize = 9
)

// Bounds of what is read: beyond them a row is not ours.
const (
	maxEntries = 1 << 12 // far more than any row has: its size is bounded, too
	maxTime    = 1 << 50
	maxAmount  = 1 << 60
)

var errFormat = errors.New("the row is in another format")

// head begins a row.
func head(nonce uint64, size int) []byte {
	return binary.LittleEndian.AppendUint64(append(make([]byte, 0, headSize+size), format), nonce)
}

// encode appends the log to the head of a row.
func (w window) encode(out []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(w)))
	var before int64
	for _, c := range w {
		out = binary.AppendUvarint(out, uint64(c.at-before)) //nolint:gosec // in order of time, from 0 on
		out = binary.LittleEndian.AppendUint16(out, c.tag)
		out = binary.AppendUvarint(out, uint64(c.n)) //nolint:gosec // never negative
		before = c.at
	}
	return out
}

// decodeWindow reads a row; an absent one is empty.
func decodeWindow(row []byte) (window, error) {
	if row == nil {
		return nil, nil
	}
	d := newDecoder(row)
	n := d.number(maxEntries)
	w := make(window, 0, min(n, maxCharges)+2)
	var at, sum int64
	for range n {
		at += d.number(maxTime)
		c := charge{at: at, tag: d.tag(), n: d.number(maxAmount)}
		if sum += c.n; d.err != nil || at > maxTime || sum > maxAmount || c.n == 0 {
			return nil, errFormat
		}
		w = append(w, c)
	}
	return w, d.end()
}

// decoder takes a row apart. After an error everything is 0.
type decoder struct {
	rest []byte
	err  error
}

func newDecoder(row []byte) *decoder {
	if len(row) < headSize || row[0] != format {
		return &decoder{err: errFormat}
	}
	return &decoder{rest: row[headSize:]}
}

// number reads a number of at most most.
func (d *decoder) number(most int64) int64 {
	if d.err != nil {
		return 0
	}
	v, size := binary.Uvarint(d.rest)
	if size <= 0 || v > uint64(most) { //nolint:gosec // a bound is positive
		d.err = errFormat
		return 0
	}
	d.rest = d.rest[size:]
	return int64(v) //nolint:gosec // compared above
}

func (d *decoder) tag() uint16 {
	if d.err != nil || len(d.rest) < 2 {
		d.err = errFormat
		return 0
	}
	v := binary.LittleEndian.Uint16(d.rest)
	d.rest = d.rest[2:]
	return v
}

func (d *decoder) id() uint64 {
	if d.err != nil || len(d.rest) < 8 {
		d.err = errFormat
		return 0
	}
	v := binary.LittleEndian.Uint64(d.rest)
	d.rest = d.rest[8:]
	return v
}

// end is the error, if any; bytes that are left are one.
func (d *decoder) end() error {
	if d.err == nil && len(d.rest) > 0 {
		d.err = errFormat
	}
	return d.err
}
