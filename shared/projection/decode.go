package projection

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// digits is a number that a float64 cannot hold.
type digits string

// MarshalJSONTo implements the json package's MarshalerTo.
func (d digits) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(jsontext.Value(d))
}

// decode makes of a value what the interpreter reads: nil, bool, float64, string,
// []any and map[string]any, and digits.
func decode(value jsontext.Value) (any, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(value))
	return decodeNext(dec)
}

func decodeNext(dec *jsontext.Decoder) (any, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case 't', 'f':
		return tok.Bool(), nil
	case '"':
		return tok.String(), nil
	case '0':
		return number(tok.String()), nil
	case '[':
		list := []any{}
		for dec.PeekKind() != ']' {
			item, err := decodeNext(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := dec.ReadToken()
		return list, err
	case '{':
		object := map[string]any{}
		for dec.PeekKind() != '}' {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String() // before the decoder reads on
			if object[key], err = decodeNext(dec); err != nil {
				return nil, err
			}
		}
		_, err := dec.ReadToken()
		return object, err
	}
	return nil, nil
}

// exactDigits is how many significant digits a float64 keeps, whatever they are.
const exactDigits = 15

// unpunctuated are the digits of a number.
var unpunctuated = strings.NewReplacer("-", "", ".", "")

// number is a float64 where that loses nothing.
func number(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return digits(text)
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	significant := strings.TrimLeft(unpunctuated.Replace(mantissa), "0")
	if f == 0 && significant != "" { // too small
		return digits(text)
	}
	if len(significant) <= exactDigits || jsontext.Float(f).String() == text {
		return f
	}
	return digits(text)
}
