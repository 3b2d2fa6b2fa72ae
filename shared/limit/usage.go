package limit

import "encoding/binary"

// usage is what was charged to a quota in one period, by all instances.
type usage struct {
	period       int64 // from the first one on
	calls, bytes int64
}

// in returns the usage for a period: none when another one has begun. It never
// goes back to a period that was over for somebody else.
func (u usage) in(period int64) usage {
	if u.period < period {
		return usage{period: period}
	}
	return u
}

// add charges more; it never falls below 0 or over what a row can hold.
func (u *usage) add(calls, bytes int64) {
	u.calls = min(max(u.calls+calls, 0), maxAmount)
	u.bytes = min(max(u.bytes+bytes, 0), maxAmount)
}

// encode appends the usage to the head of a row.
func (u usage) encode(out []byte) []byte {
	for _, n := range []int64{u.period, u.calls, u.bytes} {
		out = binary.AppendUvarint(out, uint64(n)) //nolint:gosec // never negative
	}
	return out
}

// decodeUsage reads a row; an absent one is empty.
func decodeUsage(row []byte) (usage, error) {
	if row == nil {
		return usage{}, nil
	}
	d := newDecoder(row)
	u := usage{period: d.number(maxTime), calls: d.number(maxAmount), bytes: d.number(maxAmount)}
	if err := d.end(); err != nil {
		return usage{}, err
	}
	return u, nil
}

// calendar says when the periods of a quota begin, in seconds since 1970.
type calendar struct {
	start  int64 // of the first
	length int64 // 0: there is only one
}

// period is that of a time. What is before the first one belongs to it.
func (c calendar) period(now int64) int64 {
	if c.length <= 0 {
		return 0
	}
	return max(0, (now-c.start)/c.length)
}

// end is when a period ends; 0 is never.
func (c calendar) end(period int64) int64 {
	if c.length <= 0 {
		return 0
	}
	return c.start + (period+1)*c.length
}
