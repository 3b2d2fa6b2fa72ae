package statetest

import (
	"strconv"
	"testing"

	"toolgate/shared/state"
)

// Bench measures reading a row, and replacing one, in a store of 1,000 rows of
// 400 bytes: the size of a rate limit's.
func Bench(b *testing.B, s state.Store) {
	const rows = 1000
	keys := make([]state.Key, rows)
	versions := make([]string, rows)
	data := make([]byte, 400)
	for i := range keys {
		keys[i] = state.Key{Space: "rate", ID: strconv.Itoa(i)}
		versions[i] = put(b, s, keys[i], state.Record{Data: data})
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			get(b, s, keys[i%rows])
		}
	})
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n := i % rows
			versions[n] = put(b, s, keys[n], state.Record{Data: data, Version: versions[n]})
		}
	})
}
