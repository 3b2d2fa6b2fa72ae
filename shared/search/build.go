package search

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Builder makes an index. The zero value is empty.
type Builder struct {
	documents []entry
	totals    [fields]float64 // words in all documents
	tags      map[string]int  // the numbers of groups
	groups    []group
	families  map[string]int // by the names without versions
}

// group are the documents with one tag. What is said of some holds of the others, a
// little: a word in the descriptions of a few is found in all.
type group struct {
	documents int
	having    map[string]int // documents that have a stem
}

// join puts a document into the group of its first tag.
func (b *Builder) join(e *entry, tags []string) {
	e.group = noGroup
	if len(tags) == 0 {
		return
	}
	n, known := b.tags[tags[0]]
	if !known {
		if b.tags == nil {
			b.tags = map[string]int{}
		}
		n = len(b.groups)
		b.tags[tags[0]] = n
		b.groups = append(b.groups, group{having: map[string]int{}})
	}
	e.group = n
	b.groups[n].documents++
	for term := range e.counts {
		b.groups[n].having[term]++
	}
}

// familyOf is the number of the tools whose names differ in nothing but a version.
func (b *Builder) familyOf(name string) int {
	var rest []string
	words(name, func(word string) {
		if len(word) < 2 || word[0] != 'v' || word[1] < '0' || word[1] > '9' {
			rest = append(rest, word)
		}
	})
	if b.families == nil {
		b.families = map[string]int{}
	}
	key := strings.Join(rest, " ")
	n, known := b.families[key]
	if !known {
		n = len(b.families)
		b.families[key] = n
	}
	return n
}

// noGroup is the group of a document without tags.
const noGroup = math.MaxInt32

// usual is the share of a group's documents at which a word counts half.
const usual = 0.15

// weight is what a term adds to the score of a group, of those that have it.
func (g *group) weight(term string, groups, frequency int) uint16 {
	share := float64(g.having[term]) / float64(g.documents)
	rare := rarity(groups, frequency)
	return uint16(min(math.Round(scale*rare*share/(share+usual)), math.MaxUint16)) &^ 1
}

// entry is a document as it is counted.
type entry struct {
	Hit
	action action
	group  int
	family int
	counts map[string]*[fields]float64 // by stem
	focus  map[string]bool             // the stems of the title, or else of the name
	length [fields]float64             // in words
}

// Add adds a tool. Tools that fit a request equally well are found in the order in which
// they were added.
func (b *Builder) Add(d *Document) {
	e := entry{counts: map[string]*[fields]float64{}}
	e.Name, e.Place, e.Arguments = d.Name, d.Place, arguments(d.Parameters)
	said := strings.TrimSpace(d.Description)
	if d.Title != "" { // which descriptions often begin with
		said = strings.TrimSpace(strings.TrimPrefix(said, d.Title))
	}
	first, rest := sentence(said)
	e.Summary = summary(d.Title, first)
	e.focus = focusOf(d)
	e.count(ofName, d.Name)
	e.action = actionOf(d, first)
	e.count(ofTitle, d.Title)
	e.count(ofSummary, first)
	e.count(ofDescription, rest)
	for _, p := range d.Parameters {
		e.count(ofParameters, p.Name)
	}
	for _, tag := range d.Tags {
		e.count(ofTags, tag)
	}
	for segment := range strings.SplitSeq(d.Path, "/") {
		if !strings.Contains(segment, "{") {
			e.count(ofPath, segment)
		}
	}
	e.compounds(d.Name)
	e.family = b.familyOf(d.Name)
	b.join(&e, d.Tags)
	for f := range fields {
		b.totals[f] += e.length[f]
	}
	b.documents = append(b.documents, e)
}

func (e *entry) count(f field, text string) {
	words(text, func(word string) {
		e.length[f]++
		term := stem(word)
		if unsaid[word] || term == "all" && (f == ofSummary || f == ofDescription) {
			return
		}
		e.add(f, term, 1)
	})
}

func (e *entry) add(f field, term string, n float64) {
	if e.counts[term] == nil {
		e.counts[term] = new([fields]float64)
	}
	e.counts[term][f] += n
}

// summary is what a hit says of a tool.
func summary(title, first string) string {
	text := strings.Join(strings.Fields(first), " ")
	if title != "" && text != "" {
		title = strings.TrimSuffix(title, ".") + ": "
	}
	return cut(title+text, maxSummary)
}

// focusOf are the stems that say what a tool is for.
func focusOf(d *Document) map[string]bool {
	focus, text := map[string]bool{}, d.Title
	if text == "" {
		text = d.Name
	}
	words(text, func(word string) {
		if !unsaid[word] {
			focus[stem(word)] = true
		}
	})
	return focus
}

// compounds adds the words of a name as they are written in one, such as configmap.
func (e *entry) compounds(name string) {
	var list []string
	words(name, func(word string) { list = append(list, word) })
	for i := range list {
		for n := 2; n <= 3 && i+n <= len(list); n++ {
			if joined := strings.Join(list[i:i+n], ""); len(joined) <= maxWord {
				e.add(ofName, stem(joined), 1)
			}
		}
	}
}

// arguments are the names of parameters, as a hit shows them.
func arguments(list []Parameter) string {
	var out strings.Builder
	for _, required := range []bool{true, false} {
		for _, p := range list {
			if p.Required != required {
				continue
			}
			if out.Len()+len(p.Name) > maxArguments {
				out.WriteString(", …")
				return out.String()
			}
			if out.Len() > 0 {
				out.WriteString(", ")
			}
			out.WriteString(p.Name)
			if !required {
				out.WriteByte('?')
			}
		}
	}
	return out.String()
}

// sentence cuts a text behind its first sentence or line that has words.
func sentence(text string) (first, rest string) {
	text = strings.TrimSpace(text)
	end := len(text)
	for _, stop := range []string{". ", ".\n", "\n"} {
		if i := strings.Index(text, stop); i >= 0 {
			end = min(end, i+1)
		}
	}
	return text[:end], text[end:]
}

// cut bounds a text, in bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	most -= len("…")
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return strings.TrimSpace(text[:most]) + "…"
}

// magic begins an index; its digit is the version of the layout.
const magic = "tgs2"

// The layout, with numbers of 32 bits, the lowest byte first: the head; a row for each
// document; a row for each term, in the order of the terms, and one more; texts;
// postings. Offsets are from the beginning of the texts or of the postings.
const (
	headSize     = 4 + 5*4 // magic, documents, groups, terms, bytes of texts, bytes of postings
	documentSize = 11 * 4  // offset of the name, its length, those of summary and arguments, page, start, end, action, weight of its focus, group, family
	termSize     = 2 * 4   // offset of the term, offset of its postings
)

// scale is the unit of a weight in a posting, of 16 bits. The lowest bit says that the
// term is in the focus of the document.
const scale = 2048

// maxIndex bounds texts and postings, in bytes.
const maxIndex = 256 << 20

// Bytes is the index of what was added. It errs when that is too much for one.
func (b *Builder) Bytes() ([]byte, error) {
	frequency := map[string]int{}
	for i := range b.documents {
		for term := range b.documents[i].counts {
			frequency[term]++
		}
	}
	terms := slices.Sorted(maps.Keys(frequency))
	var texts, postings, rows, heads []byte
	u32 := func(to []byte, list ...int) []byte {
		for _, n := range list {
			to = binary.LittleEndian.AppendUint32(to, uint32(n)) //nolint:gosec // bounded below
		}
		return to
	}
	for i := range b.documents {
		d := &b.documents[i]
		rows = u32(rows, len(texts), len(d.Name), len(d.Summary), len(d.Arguments), d.Place.Page, d.Place.Start, d.Place.End, int(d.action), b.focusWeight(d, frequency), d.group, d.family)
		texts = append(append(append(texts, d.Name...), d.Summary...), d.Arguments...)
	}
	for _, term := range terms {
		heads = u32(heads, len(texts), len(postings))
		texts = append(texts, term...)
		last := 0
		for i := range b.documents {
			if counts := b.documents[i].counts[term]; counts != nil {
				postings = binary.AppendUvarint(postings, uint64(i-last)) //nolint:gosec // not negative
				w := b.weight(i, counts, frequency[term]) &^ 1
				if b.documents[i].focus[term] {
					w |= 1
				}
				postings = binary.LittleEndian.AppendUint16(postings, w)
				last = i
			}
		}
		postings = b.ofGroups(postings, term, last)
	}
	heads = u32(heads, len(texts), len(postings))
	if len(texts) > maxIndex || len(postings) > maxIndex {
		return nil, fmt.Errorf("indexing %d tools: the index would be larger than %d MiB", len(b.documents), maxIndex>>20)
	}
	out := u32([]byte(magic), len(b.documents), len(b.groups), len(terms), len(texts), len(postings))
	return slices.Concat(out, rows, heads, texts, postings), nil
}

// focusWeight is how much the words say that a document is for, by their rarity.
func (b *Builder) focusWeight(d *entry, frequency map[string]int) int {
	all := 0.0
	for term := range d.focus {
		all += rarity(len(b.documents), frequency[term])
	}
	return int(math.Round(scale * all))
}

// ofGroups adds the postings of groups behind those of documents, the last of which is
// given.
func (b *Builder) ofGroups(postings []byte, term string, last int) []byte {
	frequency := 0
	for i := range b.groups {
		if b.groups[i].having[term] > 0 {
			frequency++
		}
	}
	for i := range b.groups {
		if b.groups[i].having[term] > 0 {
			n := len(b.documents) + i
			postings = binary.AppendUvarint(postings, uint64(n-last)) //nolint:gosec // not negative
			postings = binary.LittleEndian.AppendUint16(postings, b.groups[i].weight(term, len(b.groups), frequency))
			last = n
		}
	}
	return postings
}

// weight is what a term adds to the score of a document: BM25 over the fields.
func (b *Builder) weight(i int, counts *[fields]float64, frequency int) uint16 {
	n := float64(len(b.documents))
	var frequent float64
	for f, count := range counts {
		if count > 0 {
			average := b.totals[f] / n
			long := 1 - lengths[f] + lengths[f]*b.documents[i].length[f]/max(average, 1)
			frequent += weights[f] * count / long
		}
	}
	rare := rarity(len(b.documents), frequency)
	return uint16(min(math.Round(scale*rare*frequent/(saturation+frequent)), math.MaxUint16))
}

// rarity is the inverse document frequency of BM25.
func rarity(documents, frequency int) float64 {
	frequency = min(frequency, documents)
	return math.Log(1 + (float64(documents-frequency)+0.5)/(float64(frequency)+0.5))
}
