// Package search knows which tools fit a request in plain words. It ranks them by the
// words of their names, titles, descriptions, parameters and tags (BM25 over weighted
// fields), and needs no model.
//
// An index is made once, by [Builder], and is one piece of bytes that is searched as it
// lies: [Open] looks at its head and reads nothing else.
package search

// Document is what is known of a tool.
type Document struct {
	Name        string
	Title       string
	Description string
	Parameters  []Parameter
	Tags        []string
	// Method and Path are those of the operation of a REST API, such as GET and
	// /orders/{id}; empty for tools that are none.
	Method, Path string
	// ReadOnly says that the tool changes nothing; false where nobody says so.
	ReadOnly bool
	// Place says where the definition of the tool is; the index keeps it and does not
	// look at it.
	Place Place
}

// Parameter is an argument of a tool.
type Parameter struct {
	Name     string
	Required bool
}

// Place is where a definition lies: on a page of a list, from byte Start up to End.
type Place struct{ Page, Start, End int }

// Hit is a tool that was found.
type Hit struct {
	Name string
	// Summary is the beginning of the description, or the title where there is none.
	Summary string
	// Arguments are the names of the parameters, required ones first; a question mark
	// is behind the others. A long list is cut, and ends in "…".
	Arguments string
	Place     Place
}

// field is a part of a document that counts by itself.
type field int

const (
	ofName field = iota
	ofTitle
	ofSummary     // the first sentence of the description
	ofDescription // the rest of it
	ofParameters
	ofTags
	ofPath // the segments of the path that are no parameters
	fields
)

// weights say how much a word counts where it stands; lengths how much less it counts
// among many others there (the b of BM25), from 0 to 1.
var (
	weights = [fields]float64{ofName: 2, ofTitle: 1.5, ofSummary: 1.5, ofDescription: 0.3, ofParameters: 0.2, ofTags: 0.6, ofPath: 0.6}
	lengths = [fields]float64{ofName: 0.75, ofTitle: 0.4, ofSummary: 0.4, ofDescription: 0.9, ofParameters: 0.75, ofTags: 0.5, ofPath: 0.5}
)

// saturation is the k1 of BM25: how soon a word that stands there again adds little.
const saturation = 1.2

// Bounds of what an index keeps of a tool to show it, in bytes.
const (
	maxSummary   = 160
	maxArguments = 160
)
