package search

import (
	"strings"
	"sync"
)

// kind is what a word does in a request or in a title, beside naming something: bits.
type kind uint16

const (
	asksWhich   kind = 1 << iota // asks which things there are
	asksWhether                  // a verb that begins another question
	names                        // stands behind a verb, and a thing follows
	adds                         // begins more of what was named
	tells                        // begins what is told about it
	isPerson                     // asks for people
	isGeneric                    // says little of what a thing is
	isDetailed                   // asks for all that is known of one
	saysMany
	saysOne
)

// kinds are the words of each kind.
var kinds = map[kind]string{
	asksWhich:   "who whom whose what which where when how why",
	asksWhether: "is are was were does do did has can could may am",
	names:       "a an the my our your his her their its this that these those all every each some on",
	adds:        "for in on with by from to at into onto under between without instead",
	tells:       "that which while because so after before until when whenever",
	isPerson:    "who whose whom everybody everyone somebody someone",
	isGeneric: `object objects thing things entity entities details detail information stuff existing specific certain given particular
		current new`,
	isDetailed: "detail details",
	saysMany:   "all every each several multiple bulk collection list search many both entire whole",
	saysOne:    "a an the one single specific specified this that individual",
}

// meanings is what words say beside themselves.
type meanings struct {
	actions map[string]action   // of each verb, by its stem
	plain   map[string]bool     // the stems of verbs that many tools have
	related map[string][]string // by a stem, those of the words that stand for it
	kinds   map[string]kind     // of each word
	phrases *strings.Replacer
}

// known has the meanings of all words, worked out when they are first needed: few
// functions are asked to search, and all of them would start later.
var known = sync.OnceValue(func() *meanings {
	m := &meanings{actions: map[string]action{}, plain: map[string]bool{}, related: map[string][]string{}, kinds: map[string]kind{}}
	for _, v := range verbs {
		for word := range strings.FieldsSeq(v.words) {
			m.actions[stem(word)] |= v.does
			if v.plain {
				m.plain[stem(word)] = true
			}
		}
	}
	for line := range strings.Lines(nouns) {
		m.relate(line)
	}
	for k, list := range kinds {
		for word := range strings.FieldsSeq(list) {
			m.kinds[word] |= k
		}
	}
	var pairs []string
	for line := range strings.Lines(said) {
		some, other, _ := strings.Cut(strings.TrimSpace(line), " =")
		for phrase := range strings.SplitSeq(some, ", ") {
			pairs = append(pairs, " "+phrase+" ", strings.TrimRight(other, " ")+" ")
		}
	}
	m.phrases = strings.NewReplacer(pairs...)
	return m
})

// relate makes the words of a line stand for each other.
func (m *meanings) relate(line string) {
	var stems []string
	for word := range strings.FieldsSeq(line) {
		stems = append(stems, stem(word))
	}
	for _, one := range stems {
		for _, other := range stems {
			if other != one {
				m.related[one] = append(m.related[one], other)
			}
		}
	}
}
