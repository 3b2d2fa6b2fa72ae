package search

import "strings"

// Factors of the words of a request.
const (
	bySynonym float32 = 0.5 // words that stand for one
	byPrefix  float32 = 0.6 // words that begin with one that no tool has
	ofPlain   float32 = 0.2 // its verb, where that is one of many tools
	ofVerb    float32 = 0.3 // its verb, where that tells more
	ofContent float32 = 0.3 // words that are content
	ofPair    float32 = 0.1 // two words as they are written in one
	ofAll     float32 = 0.4 // all, and what stands for it
	ofGeneric float32 = 0.4 // words that say little of what a thing is
	ofPerson  float32 = 0.3 // people, where somebody is asked for
)

// Factors of a word against the one before it: what is wanted comes first.
const (
	farther float32 = 0.87
	aside   float32 = 0.88 // once more behind a preposition
	told    float32 = 0.6  // once more where things are told about
)

// maxRequest bounds the words of a request that count.
const maxRequest = 32

// reading is a request as it is read, word by word.
type reading struct {
	*Index
	scores  *scores
	wanted  action
	seen    map[string]bool // stems, and pairs
	factor  float32         // of the next word
	n       int             // words so far
	last    string          // the word before
	strange bool            // the first word may be a verb that is not known
	asked   bool            // it begins with a question
	things  bool            // it begins with things, and no verb
	object  bool            // a thing has been named
	joined  bool            // the word before it was one that verbs follow: rename or remove
	content bool            // the words are content from here on
}

// score adds up the scores of all tools, and returns what the request wants done.
func (x *Index) score(s *scores, request string) action {
	r := reading{Index: x, scores: s, seen: map[string]bool{}, factor: 1}
	request = " " + strings.Join(strings.Fields(strings.ToLower(request)), " ") + " "
	words(known().phrases.Replace(request), func(word string) {
		switch {
		case contentBegins[word]:
			r.content = true
		case len(r.seen) < maxRequest:
			r.step(word)
		}
	})
	switch {
	case r.wanted&deeds != unknown:
	case r.things:
		r.wanted |= reads
	default: // who wants something deleted says so
		r.wanted |= reads | creates | updates
	}
	return r.wanted
}

// step takes the next word.
func (r *reading) step(word string) {
	term, is := stem(word), known().kinds[word]
	switch {
	case r.n == 0 && is&asksWhether != 0:
		r.wanted |= reads
	case r.n == 0 && (unsaid[word] || isPlural(word) || term == "all"), r.n == 1 && (word == "of" || word == "in" || word == "for"):
		r.things = true
	case r.n == 1 && r.strange && is&names != 0:
		r.wanted |= writes
	}
	switch {
	case r.wanted&deeds == unknown && (word == "off" || word == "away"): // take a person off
		r.wanted |= deletes
	case r.wanted&creates != 0 && (word == "into" || word == "onto"): // put it into
		r.wanted &^= updates
	}
	switch {
	case r.object && is&tells != 0:
		r.factor *= told
	case r.object && is&adds != 0:
		r.factor *= aside
	}
	r.word(word, term, is)
	r.n++
	r.last = word
	r.joined = word == "or" || word == "and"
}

// word scores a word of the request. The first verb says what is wanted, and those that
// are joined to something before them.
func (r *reading) word(word, term string, is kind) {
	say := known()
	does := say.actions[term]
	isVerb := does != unknown && (r.wanted&deeds == unknown || r.joined)
	if isVerb {
		r.wanted |= does
		r.asked = r.asked || r.n == 0 && is&asksWhich != 0
	}
	r.strange = r.n == 0 && !isVerb && !r.things && r.wanted&deeds == unknown
	r.number(word, term, is, isVerb)
	if is&isPerson != 0 && !r.seen[word] {
		r.seen[word] = true
		r.concept(r.scores, word, say.related["person"], ofPerson, false)
	}
	if !unsaid[word] && !unsaid[r.last] {
		r.pair(stem(r.last + word))
	}
	if unsaid[word] || r.seen[term] {
		return
	}
	r.seen[term] = true
	switch {
	case isVerb && say.plain[term]:
		r.concept(r.scores, term, say.related[term], ofPlain, false)
	case isVerb:
		r.concept(r.scores, term, say.related[term], ofVerb, true)
	case term == "all":
		r.concept(r.scores, term, nil, ofAll, false)
	case is&isGeneric != 0:
		r.concept(r.scores, term, nil, ofGeneric, false)
	default:
		factor := r.factor
		if r.content {
			factor *= ofContent
		}
		r.concept(r.scores, term, say.related[term], factor, false)
		r.factor *= farther
	}
}

// pair scores two words that a name may have as one, or one behind the other.
func (r *reading) pair(term string) {
	if _, found := r.find(term); found && r.last != "" && !r.seen[term] {
		r.seen[term] = true
		r.concept(r.scores, term, nil, ofPair*r.factor, false)
	}
}

// number says whether many things are wanted, or one, by the first of them and the words
// ahead of it.
func (r *reading) number(word, term string, is kind, isVerb bool) {
	if r.object || r.content {
		return
	}
	r.object = true
	switch {
	case is&saysMany != 0, term == "all":
		r.wanted |= isMany
	case is&isDetailed != 0:
		r.wanted |= isOne
	case is&isGeneric != 0, r.asked && is&saysOne != 0: // which people does this team have
		r.object = false
	case word == "a", word == "an", word == "one", word == "single", word == "this":
		r.wanted |= isOne
	case isVerb, unsaid[word]:
		r.object = false
	case isPlural(word):
		r.wanted |= isMany
	}
}
