package policy

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"toolgate/shared/fault"
)

// runeBlock is the number of bytes between two counts of code points, so that
// a column costs the same on a line of any length.
const runeBlock = 256

// source is the text that is scanned and the way back from it to the original.
type source struct {
	file     string
	original string
	text     string    // original with its named values put in
	segments []segment // in order; nil when text is the original
	lines    []int     // offset in original at which each line begins
	runes    []int     // code points in original before each block of runeBlock bytes
}

// segment is a stretch of a source's text: copied from the original, or the
// value that stands for one {{name}} of it.
type segment struct {
	text, original int // where it begins
	replaced       bool
}

const byteOrderMark = "\ufeff"

func newSource(file, original string) *source {
	s := &source{file: file, original: original, text: original}
	start := 0
	if strings.HasPrefix(original, byteOrderMark) {
		start = len(byteOrderMark)
	}
	s.lines = append(s.lines, start)
	count := 0
	for i := range len(original) {
		if i%runeBlock == 0 {
			s.runes = append(s.runes, count)
		}
		if original[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
		if utf8.RuneStart(original[i]) {
			count++
		}
	}
	return s
}

// start is the offset of the text behind a byte order mark.
func (s *source) start() int { return s.lines[0] }

// offset is the place in the original of a place in the text. Inside the value
// of a named value it is the beginning of its {{name}}.
func (s *source) offset(text int) int {
	if len(s.segments) == 0 {
		return min(text, len(s.original))
	}
	i := sort.Search(len(s.segments), func(i int) bool { return s.segments[i].text > text }) - 1
	g := s.segments[max(i, 0)]
	if g.replaced {
		return g.original
	}
	return min(g.original+text-g.text, len(s.original))
}

// at is the position of a place in the text.
func (s *source) at(text int) fault.Position {
	offset := s.offset(text)
	line, found := slices.BinarySearch(s.lines, offset)
	if !found {
		line--
	}
	line = max(line, 0)
	column := 1 + s.count(offset) - s.count(s.lines[line])
	return fault.Position{File: s.file, Line: line + 1, Column: max(column, 1), Offset: offset}
}

// count is the number of code points that begin before an offset of the
// original.
func (s *source) count(offset int) int {
	if len(s.runes) == 0 {
		return 0
	}
	block := min(offset/runeBlock, len(s.runes)-1)
	n := s.runes[block]
	for i := block * runeBlock; i < offset; i++ {
		if utf8.RuneStart(s.original[i]) {
			n++
		}
	}
	return n
}

// quote is the original text between two places of the text, so that a message
// shows the name of a named value and never its value.
func (s *source) quote(from, to int) string {
	return s.original[s.offset(from):max(s.offset(from), s.offset(to))]
}

// utf8Text is content as UTF-8: documents saved as UTF-16 with a byte order
// mark are recoded, others are taken as they are.
func utf8Text(content []byte) string {
	if len(content) < 2 {
		return string(content)
	}
	little := content[0] == 0xff && content[1] == 0xfe
	if !little && (content[0] != 0xfe || content[1] != 0xff) {
		return string(content)
	}
	units := make([]uint16, 0, len(content)/2)
	for i := 2; i+1 < len(content); i += 2 {
		low, high := content[i], content[i+1]
		if !little {
			low, high = high, low
		}
		units = append(units, uint16(high)<<8|uint16(low))
	}
	return string(utf16.Decode(units))
}
