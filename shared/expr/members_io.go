package expr

import "strings"

// textReader is a StringReader.
type textReader struct{ rest string }

func (*textReader) typeName() string { return "StringReader" }

// line is the next one without its end; null at the end.
func (r *textReader) line() any {
	if r.rest == "" {
		return nil
	}
	i := strings.IndexAny(r.rest, "\r\n")
	if i < 0 {
		i = len(r.rest)
	}
	line := r.rest[:i]
	r.rest = strings.TrimPrefix(strings.TrimPrefix(r.rest[i:], "\r"), "\n")
	return line
}

// unit is the next code unit, -1 at the end.
func (r *textReader) unit(f *frame, take bool) any {
	for c := range f.items(r.rest[:min(len(r.rest), 4)]) {
		if take {
			before, _ := slice(r.rest, 0, 1)
			r.rest = strings.TrimPrefix(r.rest, before)
		}
		return int32(c.(Char))
	}
	return int32(-1)
}

// textWriter is a StringWriter.
type textWriter struct{ stringBuilder }

func (*textWriter) typeName() string { return "StringWriter" }

var ioMembers = []memberTable{
	{"StringReader", []row{
		{"new(string s)", func(_ *frame, a []any) any { return &textReader{text(a, 0)} }, `new StringReader("a").Peek()`, "97"},
		{"string ReadLine()", get(func(r *textReader) any { return r.line() }), `new StringReader("a\r\nb").ReadLine()`, "a"},
		{"string ReadToEnd()", get(func(r *textReader) any {
			s := r.rest
			r.rest = ""
			return s
		}), `new StringReader("a\nb").ReadToEnd().Length`, "3"},
		{"int Read()", func(f *frame, a []any) any { return a[0].(*textReader).unit(f, true) }, `new StringReader("a").Read()`, "97"},
		{"int Peek()", func(f *frame, a []any) any { return a[0].(*textReader).unit(f, false) }, `new StringReader("").Peek()`, "-1"},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
	}},
	{"StringWriter", []row{
		{"new()", func(*frame, []any) any { return &textWriter{} }, `new StringWriter().ToString()`, ""},
		{"void Write(object value)", func(f *frame, a []any) any { a[0].(*textWriter).add(f, toText(a[1])); return nil }, "", ""},
		{"void WriteLine(object value = null)", func(f *frame, a []any) any { a[0].(*textWriter).add(f, toText(a[1])+"\r\n"); return nil }, "", ""},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
	}},
}
