package search

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync"
)

// Index is an index that is searched where it lies. It is safe for concurrent use.
type Index struct {
	// groups are the tags: they have scores, as documents behind the others, and no rows.
	documents, groups, terms     int
	rows, heads, texts, postings []byte
	scratch                      sync.Pool // of *scores
}

// errDamaged is an index that [Builder] did not write.
var errDamaged = errors.New("reading the index of tools: it is damaged, or of another version: build the snapshot again")

// Open takes the bytes of an index, which must not change from then on. Beyond the head
// nothing is read: what is damaged there finds less, and does no harm.
func Open(content []byte) (*Index, error) {
	if len(content) < headSize || string(content[:len(magic)]) != magic {
		return nil, errDamaged
	}
	var n [5]uint64
	for i := range n {
		n[i] = uint64(binary.LittleEndian.Uint32(content[len(magic)+4*i:]))
	}
	rows, heads := n[0]*documentSize, (n[2]+1)*termSize
	if uint64(len(content)) != headSize+rows+heads+n[3]+n[4] || n[1] > n[0] {
		return nil, errDamaged
	}
	x := &Index{documents: int(n[0]), groups: int(n[1]), terms: int(n[2])} //nolint:gosec // less than the content has bytes
	rest := content[headSize:]
	x.rows, rest = rest[:rows], rest[rows:]
	x.heads, rest = rest[:heads], rest[heads:]
	x.texts, x.postings = rest[:n[3]], rest[n[3]:]
	return x, nil
}

// Len is the number of tools.
func (x *Index) Len() int { return x.documents }

// find is where a term is, or would be.
func (x *Index) find(term string) (int, bool) {
	low, high := 0, x.terms
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch strings.Compare(x.term(middle), term) {
		case 0:
			return middle, true
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// head is a number of the row of a term: 0 is the offset of its text, 1 that of its
// postings.
func (x *Index) head(term, n int) int {
	return int(binary.LittleEndian.Uint32(x.heads[term*termSize+4*n:]))
}

func (x *Index) term(i int) string { return x.text(x.head(i, 0), x.head(i+1, 0)) }

// text is a part of the texts; empty for what is none.
func (x *Index) text(from, to int) string {
	if from > to || to > len(x.texts) {
		return ""
	}
	return string(x.texts[from:to])
}

// row is a number of the row of a document.
func (x *Index) row(d int32, n int) int {
	return int(binary.LittleEndian.Uint32(x.rows[int(d)*documentSize+4*n:]))
}

func (x *Index) action(d int32) action { return action(x.row(d, 7)) } //nolint:gosec // what is none is unlike all

func (x *Index) hit(d int32) Hit {
	name := x.row(d, 0)
	summary := name + x.row(d, 1)
	arguments := summary + x.row(d, 2)
	return Hit{
		Name: x.text(name, summary), Summary: x.text(summary, arguments), Arguments: x.text(arguments, arguments+x.row(d, 3)),
		Place: Place{Page: x.row(d, 4), Start: x.row(d, 5), End: x.row(d, 6)},
	}
}

// Find is the tool of a name.
func (x *Index) Find(name string) (Hit, bool) {
	for d := range x.documents {
		i := int32(d)
		from := x.row(i, 0)
		if to := from + x.row(i, 1); x.row(i, 1) == len(name) && to <= len(x.texts) && string(x.texts[from:to]) == name {
			return x.hit(i), true
		}
	}
	return Hit{}, false
}
