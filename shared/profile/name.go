package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// hashDigits are those of the hash in a name that was made. There are more only where
// two names would be the same.
const hashDigits = 6

// Names are the names by which clients know those tools that have another one for them,
// by their own. The name of a tool is made of its own alone, so it stays the same
// whichever other tools there are, unless it would be that of another tool.
func (p *Profile) Names(tools []string) map[string]string {
	if p.NameCharacters == Any && p.NameLength == 0 {
		return nil
	}
	return adapted(tools, func(name string, digits int) string {
		return fit(name, digits, p.NameLength, p.NameCharacters)
	})
}

// Made tells whether a name has the form of those that are made. Others need not be
// looked for among them.
func Made(name string) bool {
	i := strings.LastIndexByte(name, '_')
	if i < 0 || len(name)-i-1 < hashDigits {
		return false
	}
	return strings.Trim(name[i+1:], "0123456789abcdef") == ""
}

// adapted are the names that are made for those that do not fit. One that would be that
// of another gets a longer hash; the order of the names does not matter.
func adapted(names []string, fit func(name string, digits int) string) map[string]string {
	made, taken := map[string]string{}, make(map[string]bool, len(names))
	var open []string
	for _, name := range names {
		switch fits := fit(name, hashDigits); {
		case fits == name:
			taken[name] = true
		case made[name] == "":
			made[name] = fits
			open = append(open, name)
		}
	}
	for digits := hashDigits; digits <= 2*sha256.Size && len(open) > 0; digits += hashDigits {
		claims := make(map[string]int, len(open))
		for _, name := range open {
			made[name] = fit(name, digits)
			claims[made[name]]++
		}
		var again []string
		for _, name := range open {
			if claims[made[name]] > 1 || taken[made[name]] {
				again = append(again, name)
			}
		}
		for _, name := range open {
			if claims[made[name]] == 1 {
				taken[made[name]] = true
			}
		}
		open = again
	}
	return made
}

// fit is a name as it is, where it has at most so many characters (0: any number) and
// these; otherwise what can be kept of it, and a hash of the whole.
func fit(name string, digits, length int, characters Characters) string {
	if name != "" && (length == 0 || utf8.RuneCountInString(name) <= length) && safe(name, characters) == name {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])[:min(digits, 2*sha256.Size)]
	if length > 0 { // a digit may not be the first
		hash = hash[:max(1, min(len(hash), length-2))]
	}
	kept := strings.Trim(safe(name, characters), "_-.")
	if room := length - len(hash) - 1; length > 0 && len(kept) > room {
		kept = middle(kept, room)
	}
	if kept == "" || !characters.takes(rune(kept[0]), true) {
		kept = "_" + kept
		if length > 0 && len(kept)+1+len(hash) > length {
			kept = kept[:max(1, length-1-len(hash))]
		}
	}
	return kept + "_" + hash
}

// safe is a name in which each run of other characters is one underscore.
func safe(name string, characters Characters) string {
	var b strings.Builder
	gap := false
	for i, r := range name {
		if r == utf8.RuneError || !characters.takes(r, i == 0) && !characters.takes(r, false) {
			gap = true
			continue
		}
		if gap || i == 0 && !characters.takes(r, true) {
			b.WriteByte('_')
		}
		gap = false
		b.WriteRune(r)
	}
	if gap {
		b.WriteByte('_')
	}
	return b.String()
}

// middle leaves out the middle of a name: what tools are told apart by is mostly at its
// beginning or at its end.
func middle(name string, room int) string {
	tail := room * 2 / 5
	head := room - tail - 1
	if tail < 4 {
		return strings.ToValidUTF8(name[:max(0, min(room, len(name)))], "")
	}
	from := len(name) - tail
	for i := head; i > head/2; i-- {
		if bound(name, i) {
			head = i
			break
		}
	}
	for i := from; i < from+tail/2; i++ {
		if bound(name, i) {
			from = i
			break
		}
	}
	return strings.ToValidUTF8(strings.TrimRight(name[:head], "_-.")+"_"+strings.TrimLeft(name[from:], "_-."), "")
}

// bound tells whether a word of a name begins at a byte, or a separator does.
func bound(name string, i int) bool {
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	return strings.IndexByte("_-.", name[i]) >= 0 || upper(name[i]) && !upper(name[i-1])
}

// shorten is a text of at most so many characters; one that is longer ends at a word, and
// in an ellipsis.
func shorten(text string, length int) string {
	runes := []rune(text)
	if len(runes) <= length {
		return text
	}
	if length < 1 {
		return ""
	}
	cut := string(runes[:length-1])
	if i := strings.LastIndexAny(cut, " \n\t"); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " \n\t.,;:") + "…"
}
