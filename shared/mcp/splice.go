package mcp

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Edit replaces the bytes of a span. An edit with Start == End inserts.
type Edit struct {
	Span
	Text []byte
}

// Splice returns a copy of raw with the edits made. The edits must not overlap;
// their order does not matter.
func Splice(raw []byte, edits ...Edit) []byte {
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	size := len(raw)
	for _, e := range edits {
		size += len(e.Text)
	}
	out, at := make([]byte, 0, size), 0
	for _, e := range edits {
		out = append(append(out, raw[at:e.Start]...), e.Text...)
		at = e.End
	}
	return append(out, raw[at:]...)
}

// Member is one member of a JSON object: where its value lies, and where the
// member as a whole does, without the commas around it.
type Member struct {
	Name  string
	Whole Span
	Value Span
}

// Members lists the members of a JSON object in order. It errs when raw is not
// one well-formed object.
func Members(raw jsontext.Value) ([]Member, error) {
	var members []Member
	err := EachMember(raw, func(m Member) error {
		members = append(members, m)
		return nil
	})
	return members, err
}

// EachMember calls visit for the members of a JSON object in order.
func EachMember(raw jsontext.Value, visit func(Member) error) error {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.read(raw)
	defer s.release()
	err := s.object(func(name []byte) error {
		end := int(s.dec.InputOffset())
		m := Member{Name: string(name)}
		value, err := s.value()
		if err != nil {
			return err
		}
		m.Value = value
		m.Whole = Span{nameStart(raw, end), value.End}
		return visit(m)
	})
	return err
}

// nameStart finds the opening quote of the name that ends before end.
func nameStart(raw []byte, end int) int {
	i := end - 2
	for i > 0 && !(raw[i] == '"' && !escaped(raw, i)) {
		i--
	}
	return i
}

// escaped reports whether an odd number of backslashes precedes raw[i].
func escaped(raw []byte, i int) bool {
	n := 0
	for i--; i >= 0 && raw[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// EachElement calls visit for the elements of a JSON array in order.
func EachElement(raw jsontext.Value, visit func(jsontext.Value) error) error {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	s.read(raw)
	defer s.release()
	token, err := s.dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != '[' {
		return Errorf(CodeInvalidRequest, "an array was expected")
	}
	for s.dec.PeekKind() != ']' {
		span, err := s.value()
		if err != nil {
			return err
		}
		if err := visit(raw[span.Start:span.End]); err != nil {
			return err
		}
	}
	_, err = s.dec.ReadToken()
	return err
}

// Lookup returns the value of a member of a JSON object, and false when raw is
// no object or has no such member.
func Lookup(raw jsontext.Value, name string) (Span, bool) {
	var found Span
	err := EachMember(raw, func(m Member) error {
		if m.Name == name {
			found = m.Value
		}
		return nil
	})
	return found, err == nil && found.Present()
}
