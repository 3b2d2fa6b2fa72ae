package toolslock

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// unseen reports whether a character shows nothing wherever it stands, changes
// the direction of what does, or acts on a terminal. Tabs, line feeds and
// carriage returns are layout; joiners, selectors and tags are looked at with
// their neighbours.
func unseen(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r < 0xad:
		return false
	case isJoiner(r), isSelector(r), isTag(r):
		return false
	}
	switch r {
	case 0x034f, // combining grapheme joiner
		0x115f, 0x1160, 0x3164, 0xffa0, // Hangul fillers
		0x17b4, 0x17b5: // Khmer vowels that are not shown
		return true
	case 0x0600, 0x0601, 0x0602, 0x0603, 0x0604, 0x0605, 0x06dd, 0x070f, 0x0890, 0x0891, 0x08e2, 0x110bd, 0x110cd:
		return false // signs that enclose numbers: of the category, but seen
	}
	return unicode.Is(unicode.Cf, r) || r >= 0x2065 && r <= 0x2069 || r >= 0xfff0 && r <= 0xfff8 || r >= 0xe0000 && r <= 0xe0fff
}

const (
	zeroWidthNonJoiner = 0x200c
	zeroWidthJoiner    = 0x200d
	textSelector       = 0xfe0e
	emojiSelector      = 0xfe0f
	escape             = 0x1b
	controlSequence    = 0x9b
	blackFlag          = 0x1f3f4
)

func isJoiner(r rune) bool { return r == zeroWidthJoiner || r == zeroWidthNonJoiner }

// isSelector reports whether r chooses a form of the character before it.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f && r != 0x180e
}

func isTag(r rune) bool { return r >= 0xe0000 && r <= 0xe007f }

// flags are the three flags that are written in tags (Unicode, emoji sequences).
var flags = []string{"gbeng", "gbsct", "gbwls"}

// flag is the length of the tags of a flag after its base; 0 where there is none.
func flag(after []rune) int {
	const length = 6 // with the tag that ends it
	if len(after) < length || after[length-1] != 0xe007f {
		return 0
	}
	var name strings.Builder
	for _, r := range after[:length-1] {
		name.WriteRune(r - 0xe0000)
	}
	if !slices.Contains(flags, name.String()) {
		return 0
	}
	return length
}

// pictures have presentations as emoji.
var pictures = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xa9, 0xa9, 1}, {0xae, 0xae, 1}, {0x203c, 0x203c, 1}, {0x2049, 0x2049, 1}, {0x2122, 0x2122, 1}, {0x2139, 0x2139, 1},
		{0x2190, 0x21ff, 1}, {0x2300, 0x23ff, 1}, {0x24c2, 0x24c2, 1}, {0x25a0, 0x27bf, 1}, {0x2900, 0x297f, 1},
		{0x2b00, 0x2bff, 1}, {0x3030, 0x3030, 1}, {0x303d, 0x303d, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32:         []unicode.Range32{{0x1f000, 0x1faff, 1}},
	LatinOffset: 2,
}

func isPicture(r rune) bool { return unicode.Is(pictures, r) }

// joining are the scripts in which joiners choose between forms of letters.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Manichaean, unicode.Phags_Pa,
	unicode.Adlam, unicode.Hanifi_Rohingya, unicode.Sogdian, unicode.Psalter_Pahlavi,
	unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
	unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Thai, unicode.Lao,
	unicode.Balinese, unicode.Javanese, unicode.Brahmi, unicode.Grantha, unicode.Newa, unicode.Tirhuta, unicode.Chakma,
}

// joins reports whether r is a letter, or a mark on one, of such a script.
func joins(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsMark(r)) && unicode.In(r, joining...)
}

// viramas silence the vowel of a letter. A joiner may follow one at the end of a
// word (RFC 5892, appendix A).
var viramas = []rune{
	0x94d, 0x9cd, 0xa4d, 0xacd, 0xb4d, 0xbcd, 0xc4d, 0xccd, 0xd3b, 0xd3c, 0xd4d, 0xdca, 0x1039, 0x17d2, 0x1b44, 0xa9c0, 0x11046, 0x1134d,
}

// chooses reports whether a joiner means something between two characters.
func chooses(joiner, before, after rune) bool {
	switch {
	case slices.Contains(viramas, before):
		return true
	case joins(before) && joins(after):
		return true
	}
	return joiner == zeroWidthJoiner && (isPicture(before) || before == emojiSelector) && isPicture(after)
}

// selects reports whether a selector chooses between forms of the character before
// it that are told apart in reading: as text or as a picture, and those of
// Mongolian letters. Others choose between glyphs, and a model reads them as data.
func selects(selector, before rune) bool {
	switch {
	case selector == textSelector || selector == emojiSelector:
		return isPicture(before) || before == '#' || before == '*' || before >= '0' && before <= '9'
	case selector >= 0x180b && selector <= 0x180f:
		return unicode.Is(unicode.Mongolian, before) && unicode.IsLetter(before)
	}
	return false
}

// stripper takes hidden characters out of a text.
type stripper struct {
	in, out []rune
	removed int
	// endless says that no string of a terminal ends in the rest of the text.
	endless bool
}

// Strip is a text without the characters that are not seen, that change the
// direction of others, or that act on a terminal. Joiners and selectors stay where
// they choose between forms of letters or make up emoji.
func Strip(s string) string {
	stripped, _ := strip(s)
	return stripped
}

// strip is a text without its hidden characters, and how many there were.
func strip(s string) (string, int) {
	if !strings.ContainsFunc(s, func(r rune) bool { return unseen(r) || isJoiner(r) || isSelector(r) || isTag(r) }) {
		return s, 0
	}
	t := stripper{in: []rune(s)}
	t.out = make([]rune, 0, len(t.in))
	for i := 0; i < len(t.in); {
		i += t.next(i)
	}
	return string(t.out), t.removed
}

// next looks at the character at i and returns how many were taken.
func (t *stripper) next(i int) int {
	r := t.in[i]
	var before, after rune
	if len(t.out) > 0 {
		before = t.out[len(t.out)-1]
	}
	if i+1 < len(t.in) {
		after = t.in[i+1]
	}
	taken, keep := 1, true
	switch {
	case r == escape || r == controlSequence:
		taken, keep = t.sequence(i), false
	case r == blackFlag:
		taken += flag(t.in[i+1:])
	case isJoiner(r):
		keep = chooses(r, before, after)
	case isSelector(r):
		keep = selects(r, before)
	case unseen(r) || isTag(r):
		keep = false
	}
	if keep {
		t.out = append(t.out, t.in[i:i+taken]...)
	} else {
		t.removed += taken
	}
	return taken
}

// sequence is the length of the control sequence of a terminal that begins at i
// (ECMA-48). Of one that does not end only its beginning is taken, so that what
// follows is seen.
func (t *stripper) sequence(i int) int {
	start := i
	if t.in[i] == escape {
		if i++; i == len(t.in) {
			return 1
		}
		switch {
		case t.in[i] == '[':
		case strings.ContainsRune("]PX^_", t.in[i]):
			return t.untilTerminator(i+1) - start
		case t.in[i] >= 0x20 && t.in[i] <= 0x2f && i+1 < len(t.in) && t.in[i+1] > 0x20 && t.in[i+1] < 0x7f:
			return 3
		case t.in[i] >= 0x30 && t.in[i] <= 0x7e:
			return 2
		default:
			return 1
		}
	}
	for i++; i < len(t.in) && t.in[i] >= 0x20 && t.in[i] <= 0x3f; i++ {
	}
	if i < len(t.in) && t.in[i] >= 0x40 && t.in[i] <= 0x7e {
		i++
	}
	return i - start
}

// untilTerminator is where a string of a terminal ends, or from where it is seen.
func (t *stripper) untilTerminator(from int) int {
	for i := from; i < len(t.in) && !t.endless; i++ {
		switch {
		case t.in[i] == 0x07 || t.in[i] == 0x9c:
			return i + 1
		case t.in[i] == escape && i+1 < len(t.in) && t.in[i+1] == '\\':
			return i + 2
		}
	}
	t.endless = true
	return from
}

// uncomment is a text without comments of HTML, and how many there were. A
// comment that does not end loses its beginning, so that the rest is seen.
func uncomment(s string) (string, int) {
	if !strings.Contains(s, "<!--") {
		return s, 0
	}
	out, removed, endless := make([]byte, 0, len(s)), 0, false
	for i := 0; i < len(s); {
		out = append(out, s[i])
		i++
		if s[i-1] != '-' || !bytes.HasSuffix(out, []byte("<!--")) {
			continue
		}
		out = out[:len(out)-4]
		removed++
		end := -1
		switch {
		case strings.HasPrefix(s[i:], ">"): // <!--> and <!---> are whole
			end = 1
		case strings.HasPrefix(s[i:], "->"):
			end = 2
		case !endless:
			if end = strings.Index(s[i:], "-->"); end >= 0 {
				end += len("-->")
			}
		}
		if end < 0 {
			endless, end = true, 0
		}
		i += end
	}
	return string(out), removed
}
