package profile

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object that keeps the order of its members: models read a schema from
// its beginning. A value is an *object, a []any, or a jsontext.Value for everything else.
type object struct{ members []member }

type member struct {
	name  string
	value any
}

// maxDepth bounds the nesting of a definition.
const maxDepth = 100

var errDeep = errors.New("it is nested too deeply")

// parse reads one JSON value.
func parse(value jsontext.Value) (any, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(value))
	v, err := parseNext(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return v, nil
}

func parseNext(dec *jsontext.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	switch dec.PeekKind() {
	case '{':
		o := &object{}
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			m := member{name: name.String()}
			if m.value, err = parseNext(dec, depth+1); err != nil {
				return nil, err
			}
			o.members = append(o.members, m)
		}
		_, err := dec.ReadToken()
		return o, err
	case '[':
		list := []any{}
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
		for dec.PeekKind() != ']' {
			item, err := parseNext(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := dec.ReadToken()
		return list, err
	}
	v, err := dec.ReadValue()
	return v.Clone(), err
}

func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case *object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quoted(m.name)...), ':')
			dst = appendValue(dst, m.value)
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item)
		}
		return append(dst, ']')
	case jsontext.Value:
		return append(dst, v...)
	}
	return append(dst, "null"...)
}

// copy is a copy of an object that shares nothing with it that changes. Where there is
// too much to copy the work is given up, and the copy is empty.
func (a *adaptation) copy(o *object) *object {
	made := &object{}
	if a.copied += len(o.members); a.copied > maxCopied {
		return made
	}
	made.members = make([]member, len(o.members))
	for i, m := range o.members {
		made.members[i] = member{m.name, a.copyValue(m.value)}
	}
	return made
}

func (a *adaptation) copyValue(value any) any {
	switch v := value.(type) {
	case *object:
		return a.copy(v)
	case []any:
		if a.copied += len(v); a.copied > maxCopied {
			return []any{}
		}
		made := make([]any, len(v))
		for i, item := range v {
			made[i] = a.copyValue(item)
		}
		return made
	}
	return value
}

func equal(a, b any) bool { return bytes.Equal(appendValue(nil, a), appendValue(nil, b)) }

// quoted is a text as JSON. What is not UTF-8 in it is replaced.
func quoted(text string) jsontext.Value {
	v, err := jsontext.AppendQuote(nil, text)
	if err != nil { // then v has the replacement
		return v
	}
	return v
}

// text is the text of a JSON string; empty for anything else.
func text(value any) string {
	v, ok := value.(jsontext.Value)
	if !ok || v.Kind() != '"' {
		return ""
	}
	out, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return ""
	}
	return string(out)
}

func isText(value any) bool {
	v, ok := value.(jsontext.Value)
	return ok && v.Kind() == '"'
}

func (o *object) index(name string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

// get is the value of a member; nil where there is none.
func (o *object) get(name string) any {
	if i := o.index(name); i >= 0 {
		return o.members[i].value
	}
	return nil
}

func (o *object) has(name string) bool { return o.index(name) >= 0 }

func (o *object) object(name string) (*object, bool) {
	v, ok := o.get(name).(*object)
	return v, ok
}

func (o *object) list(name string) ([]any, bool) {
	v, ok := o.get(name).([]any)
	return v, ok
}

func (o *object) text(name string) (string, bool) {
	v := o.get(name)
	return text(v), isText(v)
}

// set replaces a member in its place, or adds it as the last one.
func (o *object) set(name string, value any) {
	if i := o.index(name); i >= 0 {
		o.members[i].value = value
		return
	}
	o.members = append(o.members, member{name, value})
}

// take removes a member and returns its value; nil where there is none.
func (o *object) take(name string) any {
	i := o.index(name)
	if i < 0 {
		return nil
	}
	v := o.members[i].value
	o.members = slices.Delete(o.members, i, i+1)
	return v
}

// names are the texts of a list.
func (o *object) names(name string) []string {
	list, _ := o.list(name)
	var names []string
	for _, item := range list {
		if isText(item) {
			names = append(names, text(item))
		}
	}
	return names
}

func texts(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = quoted(name)
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
