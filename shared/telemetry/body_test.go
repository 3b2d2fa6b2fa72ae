package telemetry

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	m := NewMask([]string{"X-Secret"}, []string{"password", "params.arguments.IBAN"})
	for _, c := range []struct{ name, in, want string }{
		{"by name, anywhere", `{"a":{"Password":"hunter2"},"b":[{"password":{"x":1}}]}`, `{"a":{"Password":"[masked]"},"b":[{"password":"[masked]"}]}`},
		{"by path", `{"params":{"arguments":{"iban":"DE1","n":1}},"iban":"kept"}`, `{"params":{"arguments":{"iban":"[masked]","n":1}},"iban":"kept"}`},
		{"in elements", `{"params":[{"arguments":{"iban":"DE1"}}]}`, `{"params":[{"arguments":{"iban":"[masked]"}}]}`},
		{"cut in a masked value", `{"n":1,"password":"hunt`, `{"n":1,"password":"[masked]"…`},
		{"cut in a name", `{"n":1,"passw`, `{"n":1…`},
		{"cut in a text", `{"n":1,"note":"my password is hun`, `{"n":1,"note":…`},
		{"no JSON", `password=hunter2`, notJSON},
		{"JSON and more", `{"a":1`, `{"a":1…`},
		{"events", "event: message\ndata: {\"password\":\"hunter2\"}\n\ndata: {\"password\":\"hun", "event: message\ndata: {\"password\":\"[masked]\"}\n\ndata: {\"password\":\"[masked]\"…\n"},
		{"an escaped name", `{"p\u0061ssword":"hunter2"}`, `{"password":"[masked]"}`},
	} {
		b := Body{Limit: 1000}
		_, _ = b.Write([]byte(c.in))
		got := b.Text(m)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ name, value, want string }{
		{"x-secret", "a", Masked}, {"X-Other", "a", "a"}, {"Authorization", "Bearer a", Masked}, {"Set-Cookie", "a=b", Masked},
	} {
		if got := m.Header(c.name, c.value); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBody(t *testing.T) {
	b := Body{Limit: 5}
	for _, piece := range []string{"abc", "def", "ghi"} {
		if n, err := b.Write([]byte(piece)); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	}
	if got := b.Text(Mask{}); got != "abcde" || b.Size != 9 || !b.Cut() {
		t.Errorf("got %q, %d bytes, cut %v", got, b.Size, b.Cut())
	}
}

func FuzzMask(f *testing.F) {
	f.Add(`{"a":"hunter2","b":[1,{"a":"hunter2"}]}`)
	f.Add("data: {\"a\":\"hunter2\"}\n\n")
	f.Add(`{"a":"hunter2"`)
	f.Fuzz(func(t *testing.T, in string) {
		b := Body{Limit: 4096}
		_, _ = b.Write([]byte(`{"secret":"hunter2secret","x":` + in))
		if got := b.Text(NewMask(nil, []string{"secret"})); strings.Contains(got, "hunter2secret") && !strings.Contains(in, "hunter2secret") {
			t.Errorf("got %q", got)
		}
	})
}
