package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord bounds a word, in bytes: what is longer is no word that anybody searches by.
const maxWord = 40

// words calls visit with the words of a text in lower case, which separators and changes
// of case divide: listPullRequests has three, and so has HTTPServerURL.
func words(text string, visit func(word string)) {
	emit := func(word string) {
		if word != "" && len(word) <= maxWord {
			visit(strings.ToLower(word))
		}
	}
	start := -1
	var last, before rune // the runes ahead of the present one
	for i, r := range text {
		if r == '\'' || r == '’' { // user's, don't
			last = r
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if start >= 0 {
				emit(plain(text[start:i]))
			}
			start, last, before = -1, 0, 0
			continue
		}
		switch {
		case start < 0:
			start = i
		case unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)):
			emit(plain(text[start:i]))
			start = i
		case unicode.IsLower(r) && unicode.IsUpper(last) && unicode.IsUpper(before): // the S of HTTPServer
			at := i - utf8.RuneLen(last)
			emit(plain(text[start:at]))
			start = at
		}
		before, last = last, r
	}
	if start >= 0 {
		emit(plain(text[start:]))
	}
}

// plain is a word without what follows an apostrophe.
func plain(word string) string {
	if i := strings.IndexAny(word, "'’"); i >= 0 {
		return word[:i]
	}
	return word
}

// unsaid are words that say nothing of what is wanted.
var unsaid = setOf(`a an the of in to for with on onto off at as by from into my our your their his her its me i we us
	you they he she him them is are was were be been being am this that these those it and or but so than then not no
	can could should would will may might must shall do does did done has have had having there here please want wants
	like would just only some any something somebody someone anybody anyone nobody one ones also too very up out down
	about over again when while where why whether if because until ever still already lately whose whom let lets
	via per both more most other another such same own`)

func setOf(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}
