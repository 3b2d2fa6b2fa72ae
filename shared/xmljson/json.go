package xmljson

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonValue is a JSON value. Of an object, names and items are as long as each
// other; of an array, names is nil.
type jsonValue struct {
	kind   jsontext.Kind
	text   string // of strings, and of numbers as they stand in the document
	names  []string
	items  []*jsonValue
	offset int
}

// readJSON reads a document, without duplicate names and in valid UTF-8.
func readJSON(data []byte) (*jsonValue, error) {
	if len(data) > maxInput {
		return nil, failure(maxInput, "convert smaller documents", "the JSON document is larger than %d bytes", maxInput)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := &jsonReader{jsontext.NewDecoder(bytes.NewReader(data))}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(data[r.decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, failure(len(data)-len(rest), "send one JSON value", "something follows the JSON value")
	}
	return v, nil
}

type jsonReader struct{ decoder *jsontext.Decoder }

func (r *jsonReader) token() (jsontext.Token, error) {
	t, err := r.decoder.ReadToken()
	if err == nil {
		return t, nil
	}
	offset := int(r.decoder.InputOffset())
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(syntax.ByteOffset)
		err = syntax.Err
	}
	return t, failure(offset, "mend the document", "the JSON document is not valid: %v", err)
}

func (r *jsonReader) value(depth int) (*jsonValue, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	v := &jsonValue{kind: t.Kind(), offset: int(r.decoder.InputOffset())}
	switch v.kind {
	case '{', '[':
	default:
		v.text = t.String()
		return v, nil
	}
	if depth >= maxDepth {
		return nil, failure(v.offset, "nest less deeply", "the JSON document nests deeper than %d", maxDepth)
	}
	for r.decoder.PeekKind() != '}' && r.decoder.PeekKind() != ']' {
		if v.kind == '{' {
			name, err := r.token()
			if err != nil {
				return nil, err
			}
			v.names = append(v.names, name.String())
		}
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err = r.token()
	return v, err
}
