package openapi

import (
	"errors"
	"strings"
	"testing"
)

// textOf is what a file holds, as JSON.
func textOf(t *testing.T, text string) string {
	t.Helper()
	f, err := readFile("file", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	value, ok := valueOf(f.root, 1<<20)
	if !ok {
		t.Fatal("too long")
	}
	return string(value)
}

func TestReadFile(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"json", ` {"b": [1, 2.50, -1e400], "a": {"x": "\u00e9\n\"", "y": null}, "t": true} `, `{"b":[1,2.50,-1e400],"a":{"x":"é\n\"","y":null},"t":true}`},
		{"byte order mark", "\ufeff{\"a\":1}", `{"a":1}`},
		{"duplicates", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"yaml", "b: [1, 2.50]\na:\n  x: é\n  y: ~\nt: true\n", `{"b":[1,2.50],"a":{"x":"é","y":null},"t":true}`},
		{"flow mapping that is not JSON", "{a: 1, b: [x, y,],}", `{"a":1,"b":["x","y"]}`},
		{"numbers of yaml", "[0x1F, 1_000, .5, +3, 12345678901234567890, .inf, 0o17]", `[31,1000,0.5,3,12345678901234567890,".inf",15]`},
		{"strings of yaml", "[yes, 2020-01-02, '1', \"true\", 1.2.3, =]", `["yes","2020-01-02","1","true","1.2.3","="]`},
		{"keys of yaml", "{200: a, true: b, no: c, ~: d, y: e}", `{"200":"a","true":"b","no":"c","~":"d","y":"e"}`},
		{"alias", "a: &x {b: 1}\nc: *x\n", `{"a":{"b":1},"c":{"b":1}}`},
		{"duplicates of yaml", "a: 1\nb: 2\na: 3\n", `{"a":3,"b":2}`},
		{"alias of a key", "{&k a: 1, b: *k, *k : 2}", `{"a":2,"b":"a"}`},
		{"many duplicates", manyDuplicates(), `{"x":"last","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1,"u":1,"v":1,"w":1,"y":1,"z":1}`},
		{"merge", "a: &x {b: 1, c: 2}\nd: {c: 3, <<: *x, e: 4}\n", `{"a":{"b":1,"c":2},"d":{"c":3,"e":4,"b":1}}`},
		{"merge of several", "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}\n", `{"x":{"a":1},"y":{"a":2,"b":2},"z":{"a":1,"b":2}}`},
		{"first document", "a: 1\n---\nb: 2\n", `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := textOf(t, tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReadFileFaults(t *testing.T) {
	tests := []struct {
		name, in     string
		line, column int
		want         string
	}{
		{"empty", " \n", 0, 0, "empty"},
		{"only comments", "# nothing\n", 0, 0, "no value"},
		{"invalid json", "{\n  \"a\": @\n}", 2, 8, "invalid JSON"},
		{"cut json", "{\n  \"a\": [1,", 2, 11, "too early"},
		{"two json values", "{}\n {}", 2, 2, "after the end"},
		{"invalid yaml", "a: 1\n b: 2\n", 2, 0, "invalid YAML"},
		{"not UTF-8", "a: 1\nb: \xff\n", 2, 4, "not UTF-8"},
		{"alias in its own anchor", "a: &x\n  b: *x\n", 2, 6, "inside its own anchor"},
		{"key that is a list", "? [a]\n: b\n", 1, 3, "scalar"},
		{"deep json", strings.Repeat("[", 600) + strings.Repeat("]", 600), 1, 0, "nested too deep"},
		{"deep yaml", strings.Repeat("- ", 600) + "x", 1, 0, "nested too deep"},
		{"deep by aliases", deepAliases(700), 0, 0, "nested too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readFile("dir/api.json", []byte(tt.in))
			var fault *Error
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if fault.File != "dir/api.json" || !strings.Contains(fault.Message, tt.want) {
				t.Errorf("got %q, want %q in it", fault.Error(), tt.want)
			}
			if tt.line > 0 && fault.Line != tt.line || tt.column > 0 && fault.Column != tt.column {
				t.Errorf("got %d:%d, want %d:%d", fault.Line, fault.Column, tt.line, tt.column)
			}
		})
	}
}

// manyDuplicates has so many members that they are indexed.
func manyDuplicates() string {
	var b strings.Builder
	b.WriteString(`{"x":1`)
	for c := 'a'; c <= 'z'; c++ {
		b.WriteString(`,"` + string(c) + `":1`)
	}
	return b.String() + `,"x":"last"}`
}

// deepAliases nests a value once more with each line, by an alias.
func deepAliases(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := 1; i < levels; i++ {
		b.WriteString("a" + digits(i) + ": &a" + digits(i) + " [*a" + digits(i-1) + "]\n")
	}
	return b.String()
}

func digits(i int) string {
	const all = "0123456789"
	if i < 10 {
		return all[i : i+1]
	}
	return digits(i/10) + all[i%10:i%10+1]
}

func TestPositions(t *testing.T) {
	for name, text := range map[string]string{
		"json": "{\n  \"a\": {\"b\": [1,\n   {\"c\": true}]}}",
		"yaml": "\na:      {'b': [1,\n   {\"c\": true}]}",
	} {
		f, err := readFile(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		n := f.root.at("a", "b").members[1].value
		if n.line != 3 || n.column != 4 {
			t.Errorf("%s: got %d:%d, want 3:4", name, n.line, n.column)
		}
	}
}

func TestDuplicatesAreWarnings(t *testing.T) {
	d := parseText(t, "openapi: 3.0.0\ninfo: {title: a}\npaths: {}\n")
	if len(d.Warnings) != 0 {
		t.Errorf("got %v, want no warnings", d.Warnings)
	}
	d = parseText(t, `{"openapi": "3.0.0", "info": {"title": "a", "title": "b"}}`)
	if d.Title != "b" {
		t.Errorf("got title %q, want the last", d.Title)
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0].Error(), `api.yaml:1:54: "title" occurs twice`) {
		t.Errorf("got %v, want one about title", d.Warnings)
	}
}

func TestLargeObjectsAreIndexed(t *testing.T) {
	var b strings.Builder
	b.WriteString("base: &base {x0: merged, y: merged}\nlarge:\n  <<: *base\n")
	for i := range 100 {
		b.WriteString("  x" + digits(i) + ": " + digits(i) + "\n")
	}
	f, err := readFile("f", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	large := f.root.get("large")
	for name, want := range map[string]string{"x0": "0", "x99": "99", "y": "merged"} {
		if got := large.scalar(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := large.get("z"); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
}

// TestAliasBomb makes sure that what aliases multiply is not written out.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\nx-0: &a0 {type: object, properties: {a: {type: string}}, default: lol}\n")
	for i := 1; i < 40; i++ {
		b.WriteString("x-" + digits(i) + ": &a" + digits(i) + " {type: object, properties: {a: *a" + digits(i-1) + ", b: *a" + digits(i-1) +
			"}, default: [*a" + digits(i-1) + ", *a" + digits(i-1) + "]}\n")
	}
	b.WriteString("paths: {/x: {put: {requestBody: {content: {application/json: {schema: *a39, example: *a39}}}}}}\n")
	d := parseText(t, b.String())
	_, verdict := convertOnly(t, d, ToolOptions{})
	if verdict.Kind == Exact {
		t.Errorf("got exact, want a loss or a refusal")
	}
}
