package openapi

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// file is one file of a document, read as a whole.
type file struct {
	// location is where the file was read: an absolute URL or a path.
	location string
	// base is what relative references of the file are resolved against: its
	// $self (OpenAPI 3.2) or else its location.
	base string
	root *node
	// identified says that some object has an $id or $anchor.
	identified bool
	// duplicates are the member names that occur twice in one object.
	duplicates []*Error
	// headerAnnotated says that x-mcp-header occurs somewhere.
	headerAnnotated bool

	indexes map[*node]map[string]int
	targets map[string]resolution
	// resources maps what lies inside a schema with an $id to that schema, bases
	// such a schema to its address, and anchors addresses to schemas. They are
	// made when first needed, see identify.
	resources map[*node]*node
	bases     map[*node]string
	anchors   map[string]*node
}

// readFile makes the tree of a file, which is JSON or YAML.
func readFile(location string, data []byte) (*file, error) {
	f := &file{location: location, base: location}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, f.invalidUTF8(data)
	}
	text := string(data)
	f.headerAnnotated = strings.Contains(text, "x-mcp-header")
	start := strings.TrimLeft(text, " \t\r\n")
	if start == "" {
		return nil, &Error{File: location, Message: "the file is empty", Fix: "give an OpenAPI document in JSON or YAML"}
	}
	if start[0] != '{' && start[0] != '[' {
		return f, f.readYAML(data)
	}
	err := f.readJSON(data, text)
	if err != nil {
		// A flow mapping of YAML starts like JSON as well.
		retry := &file{location: location, base: location, headerAnnotated: f.headerAnnotated}
		if retry.readYAML(data) == nil {
			return retry, nil
		}
		return nil, err
	}
	return f, nil
}

// invalidUTF8 says where the first byte stands that is not UTF-8.
func (f *file) invalidUTF8(data []byte) *Error {
	valid := 0
	for valid < len(data) {
		r, size := utf8.DecodeRune(data[valid:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	line := 1 + bytes.Count(data[:valid], []byte("\n"))
	column := valid - bytes.LastIndexByte(data[:valid], '\n')
	return &Error{File: f.location, Line: line, Column: column, Message: "the file is not UTF-8", Fix: "save it as UTF-8"}
}

// index maps the names of a large object to their positions.
func (f *file) index(n *node) map[string]int {
	if names, ok := f.indexes[n]; ok {
		return names
	}
	names := make(map[string]int, len(n.members))
	for i := range n.members {
		names[n.members[i].name] = i
	}
	if f.indexes == nil {
		f.indexes = make(map[*node]map[string]int)
	}
	f.indexes[n] = names
	return names
}

// finishObject notes what matters about an object that has been read: names
// that occur twice, of which the last counts, and identifiers.
func (f *file) finishObject(n *node) {
	for i := range n.members {
		m := &n.members[i]
		if m.name == "" || m.name[0] != '$' || !m.value.is(stringNode) {
			continue
		}
		switch m.name {
		case "$id", "$anchor", "$dynamicAnchor":
			f.identified = true
		}
	}
	if len(n.members) < 2 {
		return
	}
	if len(n.members) >= indexFrom {
		if len(f.index(n)) == len(n.members) {
			return
		}
		delete(f.indexes, n)
	}
	f.dropDuplicates(n)
}

// dropDuplicates keeps the last of the members that share a name, in the place
// of the first.
func (f *file) dropDuplicates(n *node) {
	var first map[string]int
	if len(n.members) >= indexFrom {
		first = make(map[string]int, len(n.members))
	}
	kept := n.members[:0]
	for _, m := range n.members {
		at := -1
		if first != nil {
			if i, ok := first[m.name]; ok {
				at = i
			} else {
				first[m.name] = len(kept)
			}
		} else {
			at = slices.IndexFunc(kept, func(k member) bool { return k.name == m.name })
		}
		if at < 0 {
			kept = append(kept, m)
			continue
		}
		f.duplicates = append(f.duplicates, faultAt(m.value, "give it once", "%q occurs twice in one object; the last one counts", m.name))
		kept[at].value = m.value
	}
	clear(n.members[len(kept):])
	n.members = kept
}
