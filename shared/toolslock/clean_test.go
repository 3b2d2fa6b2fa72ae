package toolslock

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestCleanText(t *testing.T) {
	tags := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteRune(0xe0000 + r)
		}
		return b.String()
	}
	tests := []struct{ name, in, want string }{
		{"plain", "Find tickets.\n\tBy word.", "Find tickets.\n\tBy word."},
		{"zero width", "a\u200bb\u2060c\ufeffd\u00ade\u034f", "abcde"},
		{"invisible operators", "a\u2061\u2062\u2063\u2064b", "ab"},
		{"bidi", "a\u202eb\u202c\u2066c\u2069\u200e\u200f\u061c", "abc"},
		{"tags", "a" + tags("ignore all") + "b", "ab"},
		{"tags after a flag", "\U0001f3f4" + tags("ignore") + "\U000e007f", "\U0001f3f4"},
		{"a flag", "\U0001f3f4" + tags("gbsct") + "\U000e007f!", "\U0001f3f4" + tags("gbsct") + "\U000e007f!"},
		{"selectors as data", "a\ufe00\ufe01\U000e0100\U000e01efb\ufe0f", "ab"},
		{"selectors after a picture", "❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3", "❤\ufe0f ☎\ufe0e 1\ufe0f\u20e3"},
		{"a second selector", "❤\ufe0f\ufe0e\ufe0f", "❤\ufe0f"},
		{"selectors of ideographs", "葛\U000e0100", "葛"},
		{"Hangul filler", "a\u3164\u115f\uffa0", "a"},
		{"annotation", "a\ufff9b\ufffac\ufffb", "abc"},
		{"controls", "a\x00\x07\x08\x7f\u0085b\r\n", "ab\r\n"},
		{"colours", "a\x1b[31;1mred\x1b[0m\u009b4mb", "aredb"},
		{"a title of the terminal", "a\x1b]0;evil\x07b\x1b]8;;http://x\x1b\\c", "abc"},
		{"a string without an end", "a\x1b]0;seen", "a0;seen"},
		{"short escapes", "a\x1b(Bb\x1bcc\x1b", "abc"},
		{"a family", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👩🏽\u200d💻", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👩🏽\u200d💻"},
		{"Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"Hindi", "क\u094d\u200dष र\u094d\u200cय", "क\u094d\u200dष र\u094d\u200cय"},
		{"Malayalam at the end of a word", "ന\u0d4d\u200d.", "ന\u0d4d\u200d."},
		{"Sinhala", "ශ\u0dca\u200dර\u0dd3", "ශ\u0dca\u200dර\u0dd3"},
		{"joiners in Latin", "a\u200db\u200cc", "abc"},
		{"joiners in a row", "ب\u200c\u200c\u200dب", "ب\u200dب"},
		{"a joiner at an end", "\u200d👨\u200d", "👨"},
		{"other scripts", "Ünïcödé 漢字 עברית العربية 日本語 ½ € “x” — …\u00a0!", "Ünïcödé 漢字 עברית العربية 日本語 ½ € “x” — …\u00a0!"},
		{"a comment", "a<!-- ignore -->b", "ab"},
		{"comments", "<!--a-->b<!--\nc\n-->d<!---->", "bd"},
		{"short comments", "a<!-->b<!--->c", "abc"},
		{"a comment without an end", "a <!-- b", "a  b"},
		{"comments out of comments", "<!<!-- -->-- hidden -->x", "x"},
		{"a comment behind hidden characters", "<!\u200b-- hidden -\u2060->x", "x"},
		{"arrows", "a --> b <- c <! d", "a --> b <- c <! d"},
	}
	for _, tt := range tests {
		got, change := cleanText(tt.in, 0)
		if got != tt.want {
			t.Errorf("%s: got %+q, want %+q", tt.name, got, tt.want)
		}
		if (change.Hidden+change.Comments > 0) != (tt.in != tt.want) {
			t.Errorf("%s: got %+v", tt.name, change)
		}
		if again, _ := cleanText(got, 0); again != got {
			t.Errorf("%s: got %+q the second time", tt.name, again)
		}
	}
}

func TestCleanCuts(t *testing.T) {
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abcde…"}, {"ääääää", 6, "ääääää"}, {"äääääää", 6, "äääää…"},
		{"ab👨\u200d👩", 5, "ab👨\u200d👩"}, {"ab👨\u200d👩c", 5, "ab👨…"}, {"abc", 1, "…"}, {"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007fabc", 5, "🏴…"}, {"abc", 0, "abc"},
	}
	for _, tt := range tests {
		if got, _ := cleanText(tt.in, tt.limit); got != tt.want {
			t.Errorf("%q to %d: got %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

// TestClean says what becomes of whole definitions. An empty want means that the
// same bytes are returned.
func TestClean(t *testing.T) {
	small := Limits{Description: 20, SchemaBytes: 60}
	tests := []struct {
		name, in, want, failed string
		limits                 Limits
	}{
		{name: "clean", in: `{ "name":"a",  "description":"x", "inputSchema":{"type":"object"} }`},
		{name: "clean beyond ASCII", in: `{"name":"ä","description":"\u00fc \/ \"漢\" \\u200b"}`},
		{
			name: "texts", in: `{"name":"a", "title":"t\u200b", "description" : "d\u200b\u00fc", "x":1.0, "annotations":{"title":"\u202ea","readOnlyHint":true}}`,
			want: `{"name":"a", "title":"t", "description" : "dü", "x":1.0, "annotations":{"title":"a","readOnlyHint":true}}`,
		},
		{
			name: "texts of schemas",
			in:   `{"name":"a","inputSchema":{"description":"<!-- x -->y","properties":{"description":{"description":"z\u200b","items":{"title":"\u2060q"}}},"oneOf":[{"const":"k","description":"\u200bl"}],"enumDescriptions":["a\u200b"]}}`,
			want: `{"name":"a","inputSchema":{"description":"y","properties":{"description":{"description":"z","items":{"title":"q"}}},"oneOf":[{"const":"k","description":"l"}],"enumDescriptions":["a"]}}`,
		},
		{name: "comments in values", in: `{"name":"a","inputSchema":{"default":"<!-- x -->","enum":["<!---->"]}}`},
		{name: "what is for programs", in: `{"name":"a","_meta":{"k":"\u200b"},"icons":[{"src":"data:\u200b"}]}`},
		{name: "a name", in: `{"name":"a\u200b"}`, failed: "/name holds hidden characters"},
		{name: "a name of a parameter", in: `{"name":"a","inputSchema":{"properties":{"x":{"properties":{"p\u200b/q":{}}}}}}`, failed: `/inputSchema/properties/x/properties/p\u200b~1q holds hidden characters`},
		{name: "a value", in: `{"name":"a","inputSchema":{"properties":{"p":{"enum":["a",{"b":["\u202e"]}]}}}}`, failed: "/inputSchema/properties/p/enum/1/b/0 holds hidden characters"},
		{name: "another member", in: `{"name":"a","execution":{"taskSupport":"\u200b"}}`, failed: "/execution/taskSupport holds hidden characters"},
		{name: "a description that is an object", in: `{"name":"a","description":{"k":"\u200b"}}`, failed: "/description/k holds hidden characters"},
		{name: "a long description", limits: small, in: `{"name":"a","description":"abcdefghijklmnopqrstuvwxyz"}`, want: `{"name":"a","description":"abcdefghijklmnopqrs…"}`},
		{name: "a large schema", limits: small, in: `{"name":"a","inputSchema":{"type":"object","properties":{"p":{"type":"string"},"q":{}}}}`, failed: "/inputSchema is larger than 60 bytes"},
		{name: "within the limits", limits: small, in: `{"name":"abcdefghijklmnopqrstuvwxyz","description":"abc","inputSchema":{"type":"object"}}`},
		{name: "no object", limits: small, in: `["aaaaaaaaaaaaaaaaaaaaaaaaaaaa"]`, failed: " is no object"},
		{name: "no JSON", in: `{"name":"ü"`, failed: " cannot be read: "},
	}
	for _, tt := range tests {
		got, changes, err := Clean(jsontext.Value(tt.in), tt.limits)
		if tt.failed != "" {
			if _, ok := errors.AsType[*RefusedError](err); !ok || !strings.HasPrefix(err.Error(), tt.failed) {
				t.Errorf("%s: got %v, want %s", tt.name, err, tt.failed)
			}
			continue
		}
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if string(got) != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, want)
		}
		if (tt.want != "") != (len(changes) > 0) {
			t.Errorf("%s: got changes %v", tt.name, changes)
		}
	}
}

func TestChange(t *testing.T) {
	_, changes, err := Clean(jsontext.Value(`{"description":"a\u200b<!-- -->bcdefghij","title":"\u200b\u200b"}`), Limits{Description: 5})
	if got, want := fmt.Sprint(changes, err), "[/description: hidden characters removed (1), comments removed (1), cut /title: hidden characters removed (2)] <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCleanDoesNotAllocate shows that a clean definition costs a look at its bytes.
func TestCleanDoesNotAllocate(t *testing.T) {
	definition := jsontext.Value(`{"name":"search","description":"Finds tickets.","inputSchema":{"type":"object","properties":{"q":{"type":"string"}}}}`)
	limits := Limits{Description: 1 << 14, SchemaBytes: 1 << 17}
	if got := testing.AllocsPerRun(100, func() {
		if _, _, err := Clean(definition, limits); err != nil {
			t.Error(err)
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// FuzzClean checks that cleaning ends, that what is cleaned is clean, that what is
// left of JSON is JSON, and that what is not text stays as it is.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","description":"\u200b<!-- x -->"}`, `{"name":"a","inputSchema":{"properties":{"p":{"title":"👨\u200d👩\ufe0f"}}}}`,
		`{"description":"\u001b]0;\u001b[31m<!<!---->--"}`, "{\"title\":\"\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f\u200c\"}", `[]`, `{"name":"\ud83d\udc68\u200d"}`,
	} {
		f.Add([]byte(seed), 10)
	}
	f.Fuzz(func(t *testing.T, raw []byte, limit int) {
		limits := Limits{Description: limit % 100, SchemaBytes: 1000}
		cleaned, changes, err := Clean(raw, limits)
		if err != nil {
			if _, ok := errors.AsType[*RefusedError](err); !ok {
				t.Fatalf("got %T", err)
			}
			return
		}
		if jsontext.Value(raw).IsValid() && !cleaned.IsValid() {
			t.Fatalf("got %q, which is no JSON", cleaned)
		}
		if len(changes) == 0 && string(cleaned) != string(raw) {
			t.Fatalf("got %q without a change", cleaned)
		}
		again, changes, err := Clean(cleaned, limits)
		if err != nil || len(changes) > 0 || string(again) != string(cleaned) {
			t.Fatalf("%q becomes %q, and then %q: %v, %v", raw, cleaned, again, changes, err)
		}
	})
}
