package expr

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestEncode(t *testing.T) {
	amount, _ := parseDecimal("-12.340")
	for _, v := range []any{
		nil, true, false, "", "text", []byte{}, []byte{0, 1}, Char('x'),
		int8(-1), uint8(255), int16(-300), uint16(65535), int32(-5), uint32(1 << 31), int64(-1 << 63), uint64(1<<64 - 1),
		float32(1.5), -2.25, amount, TimeSpanOf(-time.Minute), DateTimeOf(time.Unix(1_700_000_000, 500)),
		DateTimeOffset{12345, -120}, Guid{1, 2, 3}, stringArray([]string{"a", "", "b"}), stringArray([]string{}),
	} {
		b, err := Encode(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		got, err := Decode(b)
		if err != nil || !reflect.DeepEqual(got, v) && fmt.Sprint(got) != fmt.Sprint(v) {
			t.Errorf("got %#v, %v, want %#v", got, err, v)
		}
		if reflect.TypeOf(got) != reflect.TypeOf(v) {
			t.Errorf("got a %T, want a %T", got, v)
		}
	}
}

func TestEncodeJSON(t *testing.T) {
	for _, text := range []string{`{"a":[1,2.5,null,"x"],"b":{}}`, `[]`, `"text"`, `12`, `null`, `"2026-01-31T12:00:00Z"`} {
		v, err := ParseJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil || writeJSON(got.(JToken), false) != writeJSON(v, false) || reflect.TypeOf(got) != reflect.TypeOf(v) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, v := range []any{&Response{}, &List{class: "List"}, newArray("int", []any{int32(1)}), &Dictionary{}} {
		if b, err := Encode(v); err == nil {
			t.Errorf("%T: got %q, want an error", v, b)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "0", "?\x01", "sx", "j{}", "j{", "a\x01x", "a\xffx", "T\x00\x00\x00\x00\x00\x00\x00\x00\x01", "5\x00\x00\x00\x00\x00\x00\x00\x05", "m1", "mx"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(b)
		if err != nil {
			return
		}
		if _, err := Encode(v); err != nil {
			t.Errorf("%q decodes to %v, which does not encode: %v", b, v, err)
		}
	})
}
