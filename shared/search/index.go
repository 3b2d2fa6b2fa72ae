package search

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
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

// scores are those of a search, by document.
type scores struct {
	total   []float32
	concept []float32 // of the present word of the request
	focus   []uint8   // the words of the request that are in the focus
	focused []bool    // the present one is
	touched []int32   // documents with a total
	now     []int32   // documents with a score for the present word
	ranked  []int32
}

// Search finds the tools that fit a request best, at most limit of them and only such
// that may be shown, by their names; a nil shown lets all pass. Where no word of the
// request is that of a tool there are none.
func (x *Index) Search(request string, limit int, shown func(name string) bool) []Hit {
	s, _ := x.scratch.Get().(*scores)
	if s == nil {
		n := x.documents + x.groups
		s = &scores{total: make([]float32, n), concept: make([]float32, n), focus: make([]uint8, n), focused: make([]bool, n)}
	}
	defer x.scratch.Put(s)
	wanted := x.score(s, request)
	s.ranked = s.ranked[:0]
	for _, d := range s.touched {
		if int(d) >= x.documents {
			continue
		}
		s.ranked = append(s.ranked, d)
		if group := x.row(d, 9); group < x.groups {
			s.total[d] += ofGroup * s.total[x.documents+group]
		}
		s.total[d] *= x.fit(d, wanted, s.focus[d])
	}
	slices.SortFunc(s.ranked, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.total[b], s.total[a]), cmp.Compare(a, b))
	})
	var hits []Hit
	for _, d := range s.ranked {
		if len(hits) >= limit {
			break
		}
		if hit := x.hit(d); shown == nil || shown(hit.Name) {
			hits = append(hits, hit)
		}
	}
	for _, d := range s.touched {
		s.total[d], s.focus[d] = 0, 0
	}
	s.touched = s.touched[:0]
	return hits
}

// Factors of tools, beside their words.
const (
	otherwise float32 = 0.7  // does something else to things than is wanted
	untold    float32 = 0.8  // does not say what it does to things
	faded     float32 = 0.8  // is deprecated, or not final
	ofGroup   float32 = 0.25 // the score of the tools with the same tag that is added to that of each
	beside    float32 = 0.3  // has nothing of what it is for in the request
)

// fit is the factor of a tool for what is wanted of it.
func (x *Index) fit(d int32, wanted action, focus uint8) float32 {
	factor := float32(1)
	does := x.action(d)
	if does&isFading != 0 {
		factor = faded
	}
	switch does &^= isFading; {
	case wanted == unknown, does&wanted != 0:
	case does == unknown:
		factor *= untold
	default:
		factor *= otherwise
	}
	in := float32(focus)
	if does&wanted != 0 {
		in++
	}
	return factor * (beside + (1-beside)*min(1, in/float32(max(1, x.row(d, 8)))))
}

// Factors of words that stand for one of the request, of its verb, of words that are
// content, and of each word against the one before it: what is wanted comes first.
const (
	bySynonym float32 = 0.5
	bySecond  float32 = 0.5 // by a synonym, where the word itself is known
	byPrefix  float32 = 0.6
	ofVerb    float32 = 0.2
	ofContent float32 = 0.3
	farther   float32 = 0.93
)

// maxRequest bounds the words of a request that count.
const maxRequest = 32

// reading is a request as it is read, word by word.
type reading struct {
	*Index
	scores  *scores
	wanted  action
	seen    map[string]bool
	factor  float32 // of the next word
	joined  bool    // the word before it was one that verbs follow: rename or remove
	content bool    // the words are content from here on
}

// score adds up the scores of all tools, and returns what the request wants done.
func (x *Index) score(s *scores, request string) action {
	r := reading{Index: x, scores: s, seen: map[string]bool{}, factor: 1}
	request = " " + strings.Join(strings.Fields(strings.ToLower(request)), " ") + " "
	words(phrases.Replace(request), func(word string) {
		if contentBegins[word] {
			r.content = true
			return
		}
		r.word(word)
		r.joined = word == "or" || word == "and"
	})
	return r.wanted
}

// word scores a word of the request. The first verb says what is wanted, and those that
// are joined to something before them.
func (r *reading) word(word string) {
	term := stem(word)
	a := actions[term]
	isVerb := a != unknown && (r.wanted == unknown || r.joined)
	if isVerb {
		r.wanted |= a
	}
	if unsaid[word] || r.seen[term] || len(r.seen) >= maxRequest {
		return
	}
	r.seen[term] = true
	switch {
	case isVerb:
		r.concept(r.scores, term, related[term], ofVerb)
		return
	case r.content:
		r.concept(r.scores, term, related[term], ofContent*r.factor)
	default:
		r.concept(r.scores, term, related[term], r.factor)
	}
	r.factor *= farther
}

// concept adds the score of one word of the request: the best of what it and the words
// that stand for it give.
func (x *Index) concept(s *scores, term string, synonyms []string, factor float32) {
	synonym := factor * bySynonym
	if i, found := x.find(term); found {
		x.rate(s, i, factor)
		synonym = factor * bySecond
	} else if len(term) > 2 && len(synonyms) == 0 {
		for ; i < x.terms && strings.HasPrefix(x.term(i), term); i++ {
			x.rate(s, i, factor*byPrefix)
		}
	}
	x.rateSynonyms(s, synonyms, synonym)
	for _, d := range s.now {
		if s.total[d] == 0 {
			s.touched = append(s.touched, d)
		}
		s.total[d] += s.concept[d]
		s.concept[d] = 0
		if s.focused[d] && s.focus[d] < 255 {
			s.focus[d]++
		}
		s.focused[d] = false
	}
	s.now = s.now[:0]
}

// rateSynonyms rates words that stand for one. They count as one word that is as frequent
// as all of them: a rare one says no more than the others.
func (x *Index) rateSynonyms(s *scores, synonyms []string, factor float32) {
	all := 0
	for _, other := range synonyms {
		if i, found := x.find(other); found {
			all += x.frequency(i)
		}
	}
	for _, other := range synonyms {
		if i, found := x.find(other); found {
			x.rate(s, i, factor*float32(min(1, rarity(x.documents, all)/rarity(x.documents, x.frequency(i)))))
		}
	}
}

// frequency is about how many documents have a term: a posting mostly has three bytes.
func (x *Index) frequency(i int) int {
	return min(x.documents, max(1, (x.head(i+1, 1)-x.head(i, 1))/3))
}

// rate goes through the documents of a term.
func (x *Index) rate(s *scores, i int, factor float32) {
	from, to := x.head(i, 1), x.head(i+1, 1)
	if from > to || to > len(x.postings) {
		return
	}
	list, d := x.postings[from:to], uint64(0)
	for len(list) > 0 {
		delta, n := binary.Uvarint(list)
		if n <= 0 || len(list) < n+2 {
			return
		}
		d += delta
		if d >= uint64(x.documents+x.groups) { //nolint:gosec // not negative
			return
		}
		stored := binary.LittleEndian.Uint16(list[n:])
		weight := factor * float32(stored)
		list = list[n+2:]
		if weight <= s.concept[d] {
			continue
		}
		if s.concept[d] == 0 {
			s.now = append(s.now, int32(d)) //nolint:gosec // below the number of documents
		}
		s.concept[d], s.focused[d] = weight, stored&1 != 0
	}
}

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
