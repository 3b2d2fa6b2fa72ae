package search

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// scores are those of a search, by document.
type scores struct {
	total   []float32
	concept []float32 // of the present word of the request
	focus   []float32 // the weight of the words of the request that are in the focus
	focused []float32 // that of the present one
	did     []bool    // has the verb of the request in its focus
	touched []int32   // documents with a total
	now     []int32   // documents with a score for the present word
	ranked  []int32
}

// Factors of tools, beside their words.
const (
	otherwise float32 = 0.45 // does something else to things than is wanted
	untold    float32 = 0.8  // does not say what it does to things
	faded     float32 = 0.8  // is deprecated, or not final
	miscount  float32 = 0.65 // is for many where one is wanted, or for one
	ofGroup   float32 = 0.3  // the score of the tools with the same tag that is added to that of each
	beside    float32 = 0.3  // has nothing of what it is for in the request
)

// Search finds the tools that fit a request best, at most limit of them and only such
// that may be shown, by their names; a nil shown lets all pass. Where no word of the
// request is that of a tool there are none.
func (x *Index) Search(request string, limit int, shown func(name string) bool) []Hit {
	s, _ := x.scratch.Get().(*scores)
	if s == nil {
		n := x.documents + x.groups
		s = &scores{total: make([]float32, n), concept: make([]float32, n), focus: make([]float32, n), focused: make([]float32, n), did: make([]bool, n)}
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
		s.total[d] *= x.fit(d, wanted, s.focus[d], s.did[d])
	}
	slices.SortFunc(s.ranked, func(a, b int32) int {
		return cmp.Or(cmp.Compare(s.total[b], s.total[a]), cmp.Compare(a, b))
	})
	hits := x.pick(s.ranked, limit, shown)
	for _, d := range s.touched {
		s.total[d], s.focus[d], s.did[d] = 0, 0, false
	}
	s.touched = s.touched[:0]
	return hits
}

// pick takes the first tools that may be shown, of each family the best before any other.
func (x *Index) pick(ranked []int32, limit int, shown func(name string) bool) []Hit {
	var hits []Hit
	var families []int
	var others []int32
	for _, d := range ranked {
		if len(hits) >= limit {
			break
		}
		family := x.row(d, 10)
		if slices.Contains(families, family) {
			others = append(others, d)
			continue
		}
		if hit := x.hit(d); shown == nil || shown(hit.Name) {
			hits, families = append(hits, hit), append(families, family)
		}
	}
	for _, d := range others {
		if len(hits) >= limit {
			break
		}
		if hit := x.hit(d); shown == nil || shown(hit.Name) {
			hits = append(hits, hit)
		}
	}
	return hits
}

// fit is the factor of a tool for what is wanted of it.
func (x *Index) fit(d int32, wanted action, focus float32, did bool) float32 {
	factor := float32(1)
	does := x.action(d)
	if does&isFading != 0 {
		factor = faded
	}
	switch {
	case did && does&deeds != reads, wanted&deeds == unknown, does&wanted&deeds != 0:
	case does&deeds == unknown:
		factor *= untold
	default:
		factor *= otherwise
	}
	if wanted&counts != 0 && does&counts != 0 && wanted&does&counts == 0 {
		factor *= miscount
	}
	all := float32(x.row(d, 8)) / scale // zero where each word is in all documents
	return factor * (beside + (1-beside)*min(1, focus/max(all, 0.1)))
}

// rate goes through the documents of a term.
func (x *Index) rate(s *scores, i int, factor float32) {
	from, to := x.head(i, 1), x.head(i+1, 1)
	if from > to || to > len(x.postings) {
		return
	}
	said := float32(rarity(x.documents, x.frequency(i)))
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
		if weight <= 0 {
			continue
		}
		if stored&1 != 0 {
			s.focused[d] = max(s.focused[d], said)
		}
		if weight <= s.concept[d] {
			continue
		}
		if s.concept[d] == 0 {
			s.now = append(s.now, int32(d)) //nolint:gosec // below the number of documents
		}
		s.concept[d] = weight
	}
}

// concept adds the score of one word of the request: the best of what it and the words
// that stand for it give. Tools that have a verb in their focus do what it says, whatever
// the words that stand for it say.
func (x *Index) concept(s *scores, term string, synonyms []string, factor float32, isVerb bool) {
	if i, found := x.find(term); found {
		x.rate(s, i, factor)
	} else if len(term) > 2 && len(synonyms) == 0 {
		for ; i < x.terms && strings.HasPrefix(x.term(i), term); i++ {
			x.rate(s, i, factor*byPrefix)
		}
	}
	for _, d := range s.now {
		s.did[d] = s.did[d] || isVerb && s.focused[d] > 0
	}
	x.rateSynonyms(s, synonyms, factor*bySynonym)
	for _, d := range s.now {
		if s.total[d] == 0 {
			s.touched = append(s.touched, d)
		}
		s.total[d] += s.concept[d]
		s.concept[d] = 0
		s.focus[d] += s.focused[d]
		s.focused[d] = 0
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
