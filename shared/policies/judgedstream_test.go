package policies

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// event is one of a completion with a text.
func event(text string) string {
	return `data: {"choices":[{"delta":{"content":"` + text + `"}}]}` + "\n\n"
}

func TestJudgedStream(t *testing.T) {
	const done = "data: [DONE]\n\n"
	for _, test := range []struct {
		name            string
		in              string
		window, overlap int
		refuse          string // a text with it is refused
		want            string
		judged          []string
	}{
		{"nothing", "", 4, 0, "", "", nil},
		{"no text", ": ping\n\n" + done, 4, 0, "", ": ping\n\n" + done, nil},
		{"less than a window", event("ab") + done, 4, 0, "", event("ab") + done, []string{"ab"}},
		{"windows overlap", event("abcd") + event("efgh"), 4, 2, "", event("abcd") + event("efgh"), []string{"abcd", "cdefgh"}},
		{"across events", event("ab") + event("cd") + event("ef") + done, 4, 0, "bc", "", []string{"abcd"}},
		{"across windows", event("ab") + event("cd") + event("ef") + done, 2, 1, "de", event("ab") + event("cd"), []string{"ab", "bcd", "def"}},
		{"no end", "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}", 9, 0, "x", "", []string{"x"}},
		{"line ends", strings.ReplaceAll(event("ab"), "\n", "\r\n"), 1, 0, "", strings.ReplaceAll(event("ab"), "\n", "\r\n"), []string{"ab"}},
		{"not JSON", "data: bad\n\n", 1, 0, "bad", "", []string{"bad"}},
		{"unknown form", "data: {\"x\":{\"y\":\"bad\"}}\n\n", 1, 0, "bad", "", []string{"bad"}},
		{"other letters", event("äöü") + event("ß"), 4, 1, "", event("äöü") + event("ß"), []string{"äöüß"}},
	} {
		for _, reader := range []io.Reader{strings.NewReader(test.in), iotest.OneByteReader(strings.NewReader(test.in)), iotest.DataErrReader(strings.NewReader(test.in))} {
			var judged []string
			s := newJudgedStream(io.NopCloser(reader), test.window, test.overlap, func(text string) error {
				judged = append(judged, text)
				if test.refuse != "" && strings.Contains(text, test.refuse) {
					return errors.New("refused")
				}
				return nil
			})
			got, err := io.ReadAll(s)
			if err != nil || string(got) != test.want || !slices.Equal(judged, test.judged) {
				t.Errorf("%s: got %q, %v after %q, want %q after %q", test.name, got, err, judged, test.want, test.judged)
			}
		}
	}
}

// TestJudgedStreamFails looks that a connection that breaks is no end.
func TestJudgedStreamFails(t *testing.T) {
	broken := errors.New("broken")
	s := newJudgedStream(io.NopCloser(io.MultiReader(strings.NewReader(event("a")), iotest.ErrReader(broken))), 9, 0, func(string) error { return nil })
	got, err := io.ReadAll(s)
	if string(got) != event("a") || !errors.Is(err, broken) {
		t.Errorf("got %q, %v, want the event and the error", got, err)
	}
}

// TestJudgedStreamBound looks that an event without an end is not collected for
// ever.
func TestJudgedStreamBound(t *testing.T) {
	endless := io.LimitReader(endlessReader{}, 64<<20)
	got, err := io.ReadAll(newJudgedStream(io.NopCloser(endless), 9, 0, func(string) error { return nil }))
	if len(got) != 0 || err != nil {
		t.Errorf("got %d bytes, %v, want none", len(got), err)
	}
	if rest, _ := io.Copy(io.Discard, endless); rest == 0 {
		t.Error("got the whole stream read, want an early end")
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// FuzzJudgedStream looks for streams that do not come out as they went in when
// everything is let pass.
// A stream of the shortest events there are costs little more for each of its bytes
// than another one.
func TestShortEvents(t *testing.T) {
	in := bytes.Repeat([]byte("\n"), 256<<10)
	s := newJudgedStream(io.NopCloser(bytes.NewReader(in)), 100, 50, func(string) error { return nil })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := io.ReadAll(s)
	runtime.ReadMemStats(&after)
	if err != nil || !bytes.Equal(got, in) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if allocated := (after.TotalAlloc - before.TotalAlloc) / uint64(len(in)); allocated > 800 {
		t.Errorf("got %d bytes of memory for each byte, want 800 at most", allocated)
	}
}

func FuzzJudgedStream(f *testing.F) {
	f.Add([]byte(event("a")+": b\r\n\r\n"), 3)
	f.Add([]byte("data: a\rdata: b\r\r"), 1)
	f.Fuzz(func(t *testing.T, in []byte, window int) {
		if window < 1 {
			return
		}
		s := newJudgedStream(io.NopCloser(iotest.HalfReader(bytes.NewReader(in))), window, window/2, func(string) error { return nil })
		if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, in) {
			t.Errorf("got %q, %v, want %q", got, err, in)
		}
	})
}

func TestWindows(t *testing.T) {
	for _, test := range []struct {
		text          string
		size, overlap int
		want          []string
	}{
		{"", 3, 0, nil},
		{"abc", 3, 0, []string{"abc"}},
		{"abcd", 3, 0, []string{"abc", "d"}},
		{"abcdef", 3, 1, []string{"abc", "cde", "ef"}},
		{"äöüß", 2, 1, []string{"äö", "öü", "üß"}},
	} {
		if got := slices.Collect(windows(test.text, test.size, test.overlap)); !slices.Equal(got, test.want) {
			t.Errorf("%q in %d with %d: got %q, want %q", test.text, test.size, test.overlap, got, test.want)
		}
	}
}

// TestPromptText shows which text of messages is judged.
func TestPromptText(t *testing.T) {
	for _, test := range []struct{ contentType, in, want string }{
		{"application/json", `{"messages":[{"role":"user","content":"a"},{"content":[{"type":"text","text":"b"}]}],"model":"m"}`, "a\nb"},
		{"application/json", `{"messages":[{"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}]}`, "f\n{\"x\":1}"},
		{"application/json", `{"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:x"}]}],"instructions":"b"}`, "a\nb"},
		{"application/json", `{"query":"a","role":"b"}`, "query\na\nrole\nb"},
		{"application/json", `{"a":1,"a":"b"}`, `{"a":1,"a":"b"}`},
		{"application/json", `{"prompt":"a"} {"prompt":"b"}`, `{"prompt":"a"} {"prompt":"b"}`},
		{"text/plain", "a", "a"},
		{"text/plain", "a\xff", "a\ufffd"},
		{"image/png", "a\xff", ""},
		{"image/png", "a", "a"},
		{"", "", ""},
	} {
		if got := promptText(test.contentType, []byte(test.in)); got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.contentType, test.in, got, test.want)
		}
	}
}

// TestCheckXML shows what is no XML, and no SOAP.
func TestCheckXML(t *testing.T) {
	const soap = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>`
	for _, test := range []struct {
		in        string
		xml, soap bool
	}{
		{"<a/>", true, false},
		{soap, true, true},
		{"\ufeff<?xml version=\"1.0\"?>\n<!-- c --><a>b</a>\n", true, false},
		{`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header/><Body><x xmlns=""/></Body></Envelope>`, true, true},
		{`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body/><Body/></Envelope>`, true, false},
		{`<Envelope xmlns="urn:x"><Body/></Envelope>`, true, false},
		{"", false, false},
		{"<a/><b/>", false, false},
		{"a<b/>", false, false},
		{"<a></b>", false, false},
		{"<!DOCTYPE a><a/>", false, false},
		{"<a>&x;</a>", false, false},
		{strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300), false, false},
	} {
		if err := checkXML([]byte(test.in), false); (err == nil) != test.xml {
			t.Errorf("%.40s: got %v as XML, want %v", test.in, err, test.xml)
		}
		if err := checkXML([]byte(test.in), true); (err == nil) != test.soap {
			t.Errorf("%.40s: got %v as SOAP, want %v", test.in, err, test.soap)
		}
	}
}
