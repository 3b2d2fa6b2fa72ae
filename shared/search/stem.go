package search

import "strings"

// stem brings the forms of an English word together (M. F. Porter, An algorithm for
// suffix stripping, 1980). Other words stay as they are.
func stem(word string) string {
	if len(word) < 3 {
		return word
	}
	if regular, ok := irregular[word]; ok {
		word = regular
	}
	for i := range len(word) {
		if word[i] < 'a' || word[i] > 'z' {
			return word
		}
	}
	w := plural(word)
	w = past(w)
	if n := len(w) - 1; n > 0 && w[n] == 'y' && hasVowel(w[:n]) {
		w = w[:n] + "i"
	}
	w = exchange(w, 0, doubles)
	w = exchange(w, 0, singles)
	return final(ending(w))
}

// plural is step 1a.
func plural(w string) string {
	switch {
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "ies"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "ss"), !strings.HasSuffix(w, "s"):
		return w
	}
	return w[:len(w)-1]
}

// past is step 1b.
func past(w string) string {
	if rest, ok := strings.CutSuffix(w, "eed"); ok {
		if measure(rest) > 0 {
			return w[:len(w)-1]
		}
		return w
	}
	rest, ok := strings.CutSuffix(w, "ed")
	if !ok {
		rest, ok = strings.CutSuffix(w, "ing")
	}
	if !ok || !hasVowel(rest) {
		return w
	}
	n := len(rest)
	switch {
	case strings.HasSuffix(rest, "at"), strings.HasSuffix(rest, "bl"), strings.HasSuffix(rest, "iz"):
		return rest + "e"
	case n > 1 && rest[n-1] == rest[n-2] && consonant(rest, n-1) && !strings.ContainsRune("lsz", rune(rest[n-1])):
		return rest[:n-1]
	case measure(rest) == 1 && short(rest):
		return rest + "e"
	}
	return rest
}

// suffix is replaced where the measure of what is before it is large enough.
type suffix struct{ from, to string }

var (
	doubles = []suffix{ // step 2
		{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"abli", "able"}, {"alli", "al"},
		{"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"}, {"ator", "ate"}, {"alism", "al"},
		{"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"}, {"iviti", "ive"}, {"biliti", "ble"},
	}
	singles = []suffix{ // step 3
		{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""},
	}
	endings = []string{ // step 4
		"al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
	}
)

func exchange(w string, least int, list []suffix) string {
	for _, s := range list {
		if rest, ok := strings.CutSuffix(w, s.from); ok {
			if measure(rest) > least {
				return rest + s.to
			}
			return w
		}
	}
	return w
}

// ending is step 4.
func ending(w string) string {
	if rest, ok := strings.CutSuffix(w, "ion"); ok {
		if measure(rest) > 1 && (strings.HasSuffix(rest, "s") || strings.HasSuffix(rest, "t")) {
			return rest
		}
		return w
	}
	if rest, ok := strings.CutSuffix(w, "tor"); ok && measure(rest) > 0 { // contributor, not of the paper
		return rest + "t"
	}
	longest := ""
	for _, e := range endings {
		if len(e) > len(longest) && strings.HasSuffix(w, e) {
			longest = e
		}
	}
	if rest := w[:len(w)-len(longest)]; longest != "" && measure(rest) > 1 {
		return rest
	}
	return w
}

// final is step 5.
func final(w string) string {
	if rest, ok := strings.CutSuffix(w, "e"); ok {
		if m := measure(rest); m > 1 || m == 1 && !short(rest) {
			w = rest
		}
	}
	if strings.HasSuffix(w, "ll") && measure(w) > 1 {
		return w[:len(w)-1]
	}
	return w
}

// consonant tells whether the letter at i is one: a y is where a vowel is before it.
func consonant(w string, i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return i == 0 || !consonant(w, i-1)
	}
	return true
}

func hasVowel(w string) bool {
	for i := range len(w) {
		if !consonant(w, i) {
			return true
		}
	}
	return false
}

// measure counts the sequences of vowels that consonants follow.
func measure(w string) int {
	n, vowel := 0, false
	for i := range len(w) {
		c := consonant(w, i)
		if c && vowel {
			n++
		}
		vowel = !c
	}
	return n
}

// short tells whether a word ends in a consonant, a vowel and a consonant that is no w,
// x or y.
func short(w string) bool {
	n := len(w)
	return n > 2 && consonant(w, n-3) && !consonant(w, n-2) && consonant(w, n-1) && !strings.ContainsRune("wxy", rune(w[n-1]))
}
