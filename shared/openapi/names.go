package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// hashDigits is the number of hexadecimal digits that tell apart what a
	// name alone does not.
	hashDigits = 6
	// minNameLength leaves room for some words beside the hash.
	minNameLength = 16
	// defaultNameLength leaves clients room for the name of the server: several
	// join both within 60 or 64 characters.
	defaultNameLength = 48
	maxNameLength     = 64
)

// Names gives each operation of the document a tool name that matches
// ^[A-Za-z0-9_-]{1,max}$ and is unique; max is brought within 16 and 64, and 0
// stands for 48.
//
// The source of a name is x-mcp's name, else the operationId, else method and
// path. A name that had to be cut, or that several operations would share, ends
// in a hash of the operation, so that no name depends on the order of the
// document or on which operations are published.
func (d *Document) Names(limit int) map[*Operation]string {
	if limit == 0 {
		limit = defaultNameLength
	}
	limit = min(max(limit, minNameLength), maxNameLength)
	names := make(map[*Operation]string, len(d.Operations))
	claims := make(map[string][]*Operation)
	for _, o := range d.Operations {
		name := o.plainName(limit)
		names[o] = name
		claims[name] = append(claims[name], o)
	}
	taken := make(map[string]bool, len(names))
	var contested []*Operation
	for _, o := range d.Operations {
		name := names[o]
		if winner := holder(claims[name]); winner == nil || winner != o {
			contested = append(contested, o)
			continue
		}
		taken[name] = true
	}
	settle(contested, names, taken, limit)
	return names
}

// holder is the one operation that may keep a name as it is: the only one that
// claims it, or the only one whose author wrote it in x-mcp; nil for none.
func holder(claims []*Operation) *Operation {
	if len(claims) == 1 {
		return claims[0]
	}
	var explicit *Operation
	for _, o := range claims {
		if o.extension.name == "" {
			continue
		}
		if explicit != nil {
			return nil
		}
		explicit = o
	}
	return explicit
}

// settle gives operations names with a hash that is long enough for all of them
// to differ from each other and from the names that are taken.
func settle(contested []*Operation, names map[*Operation]string, taken map[string]bool, limit int) {
	for digits := hashDigits; len(contested) > 0; digits += 2 {
		claims := make(map[string]int, len(contested))
		for _, o := range contested {
			names[o] = withHash(o.words(), o.identity(), digits, limit)
			claims[names[o]]++
		}
		var again []*Operation
		for _, o := range contested {
			if claims[names[o]] > 1 || taken[names[o]] {
				again = append(again, o)
			}
		}
		if len(again) == len(contested) && digits >= limit-1 {
			return // operations that are equal in every respect, which no document has
		}
		for _, o := range contested {
			if claims[names[o]] == 1 && !taken[names[o]] {
				taken[names[o]] = true
			}
		}
		contested = again
	}
}

// identity is what tells an operation from all others of its document.
func (o *Operation) identity() string { return o.Method + " " + o.Path }

// words is the text a name is made of.
func (o *Operation) words() string {
	for _, text := range []string{o.extension.name, o.ID} {
		if name := safeName(text); name != "" {
			return name
		}
	}
	return safeName(strings.ToLower(o.Method) + " " + o.Path)
}

// plainName is the name of an operation that shares it with no other.
func (o *Operation) plainName(limit int) string {
	name := o.words()
	if len(name) <= limit {
		return name
	}
	source := o.extension.name
	if source == "" {
		source = o.ID
	}
	if source == "" {
		source = o.identity()
	}
	return withHash(name, source, hashDigits, limit)
}

// safeName replaces each run of characters that a tool name may not have by one
// underscore.
func safeName(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return strings.Trim(b.String(), "_-")
}

// withHash is a name of at most limit characters that ends in a hash of source.
// Of a long name it keeps the beginning and the end, at the bounds of words
// where they are near: what is told apart by its last word stays readable.
func withHash(name, source string, digits, limit int) string {
	hash := shortHash(source, min(digits, limit-1))
	room := limit - len(hash) - 1
	if len(name) > room {
		head := room * 3 / 5
		tail := room - head - 1
		if tail < 1 {
			name = name[:room]
		} else {
			name = cutEnd(name[:head]) + "_" + cutStart(name[len(name)-tail:])
		}
	}
	name = strings.Trim(name, "_-")
	if name == "" {
		return hash
	}
	return name + "_" + hash
}

// shortHash is the beginning of the SHA-256 of text, in hexadecimal.
func shortHash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:min(digits, 2*len(sum))]
}

// nearBound is how many characters are given up to end a name with a word.
const nearBound = 6

// cutEnd shortens the beginning of a name to whole words.
func cutEnd(text string) string {
	for i := len(text) - 1; i > 0 && i >= len(text)-nearBound; i-- {
		if wordBound(text, i) {
			return strings.TrimRight(text[:i], "_-")
		}
	}
	return text
}

// cutStart shortens the end of a name to whole words.
func cutStart(text string) string {
	for i := 0; i < len(text)-1 && i < nearBound; i++ {
		if i > 0 && wordBound(text, i) {
			return strings.TrimLeft(text[i:], "_-")
		}
	}
	return text
}

// wordBound tells whether a word begins at text[i], where i > 0.
func wordBound(text string, i int) bool {
	separator := func(c byte) bool { return c == '_' || c == '-' }
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	return separator(text[i]) || separator(text[i-1]) || upper(text[i]) && !upper(text[i-1])
}
