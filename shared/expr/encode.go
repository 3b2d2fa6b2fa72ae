package expr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errEncoding says that bytes are not what Encode returned.
var errEncoding = errors.New("the bytes are no encoded value")

// Encode is a value as bytes, from which Decode makes one of the same type:
// null, a bool, a number, a character, a text, bytes, an array of texts, a Guid,
// a time, or JSON. Others, such as a response, have no encoding.
func Encode(v any) (b []byte, err error) {
	number := func(tag byte, n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{tag}, n) }
	switch v := v.(type) {
	case nil:
		return []byte{'0'}, nil
	case bool:
		if v {
			return []byte{'?', 1}, nil
		}
		return []byte{'?', 0}, nil
	case string:
		return append([]byte{'s'}, v...), nil
	case []byte:
		return append([]byte{'b'}, v...), nil
	case Char:
		return number('c', uint64(v)), nil
	case int8:
		return number('1', uint64(v)), nil //nolint:gosec // the bits; Decode reads them back
	case uint8:
		return number('2', uint64(v)), nil
	case int16:
		return number('3', uint64(v)), nil //nolint:gosec // as above
	case uint16:
		return number('4', uint64(v)), nil
	case int32:
		return number('5', uint64(v)), nil //nolint:gosec // as above
	case uint32:
		return number('6', uint64(v)), nil
	case int64:
		return number('7', uint64(v)), nil //nolint:gosec // as above
	case uint64:
		return number('8', v), nil
	case float32:
		return number('f', uint64(math.Float32bits(v))), nil
	case float64:
		return number('d', math.Float64bits(v)), nil
	case TimeSpan:
		return number('t', uint64(v)), nil //nolint:gosec // as above
	case DateTime:
		return append(number('T', uint64(v.ticks)), byte(v.kind)), nil //nolint:gosec // as above
	case DateTimeOffset:
		return binary.BigEndian.AppendUint16(number('O', uint64(v.ticks)), uint16(v.offset)), nil //nolint:gosec // as above
	case Guid:
		return append([]byte{'g'}, v[:]...), nil
	default:
		return encodeCompound(v)
	}
}

func encodeCompound(v any) ([]byte, error) {
	switch v := v.(type) {
	case Decimal:
		return append([]byte{'m'}, toText(v)...), nil
	case *JObject, *JArray, *JValue:
		return append([]byte{'j'}, writeJSON(v.(JToken), false)...), nil
	case *List:
		if v.class != "Array" || v.elem == nil || v.elem.String() != "string" {
			break
		}
		b := []byte{'a'}
		for _, item := range v.items {
			text, _ := item.(string) // null is the empty text
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
		return b, nil
	}
	return nil, fmt.Errorf("a value of type %s cannot be kept outside of a call", TypeName(v))
}

// Decode is the value that Encode made bytes of.
func Decode(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, errEncoding
	}
	tag, rest := b[0], b[1:]
	switch tag {
	case '0':
		return nil, nil
	case 's':
		return string(rest), nil
	case 'b':
		return append([]byte{}, rest...), nil
	case 'j':
		return ParseJSON(string(rest))
	case 'a':
		return decodeTexts(rest)
	case 'm':
		if d, ok := parseDecimal(string(rest)); ok {
			return d, nil
		}
	case '?':
		if len(rest) == 1 {
			return rest[0] == 1, nil
		}
	case 'g':
		if len(rest) == len(Guid{}) {
			return Guid(rest), nil
		}
	default:
		if len(rest) >= 8 {
			return decodeNumber(tag, binary.BigEndian.Uint64(rest), rest[8:])
		}
	}
	return nil, errEncoding
}

// decodeNumber is a value of 64 bits, and what some types have behind them.
func decodeNumber(tag byte, n uint64, rest []byte) (any, error) {
	switch {
	case tag == 'T' && len(rest) == 1:
		return DateTime{int64(n), dateKind(rest[0])}, nil //nolint:gosec // the bits that Encode wrote
	case tag == 'O' && len(rest) == 2:
		return DateTimeOffset{int64(n), int16(binary.BigEndian.Uint16(rest))}, nil //nolint:gosec // as above
	case len(rest) > 0:
		return nil, errEncoding
	}
	//nolint:gosec // as above, in every case
	switch tag {
	case 'c':
		return Char(n), nil
	case '1':
		return int8(n), nil
	case '2':
		return uint8(n), nil
	case '3':
		return int16(n), nil
	case '4':
		return uint16(n), nil
	case '5':
		return int32(n), nil
	case '6':
		return uint32(n), nil
	case '7':
		return int64(n), nil
	case '8':
		return n, nil
	case 'f':
		return math.Float32frombits(uint32(n)), nil
	case 'd':
		return math.Float64frombits(n), nil
	case 't':
		return TimeSpan(n), nil
	}
	return nil, errEncoding
}

func decodeTexts(b []byte) (any, error) {
	list := []string{}
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)) || int(n) > len(b)-size { //nolint:gosec // n is compared before it is converted
			return nil, errEncoding
		}
		end := size + int(n) //nolint:gosec // as above
		list = append(list, string(b[size:end]))
		b = b[end:]
	}
	return stringArray(list), nil
}
