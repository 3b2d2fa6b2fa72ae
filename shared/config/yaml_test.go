package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestDocumentBounds checks files that are too much to write down.
func TestDocumentBounds(t *testing.T) {
	laughs := "name: contoso\nlimits:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		laughs += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
			i+1, i+1, i, i, i, i, i, i, i, i, i, i)
	}
	var merged strings.Builder
	merged.WriteString("name: contoso\nlimits:\n  a0: &a0 { depth: 10 }\n")
	for i := range 30 {
		fmt.Fprintf(&merged, "  a%d: &a%d { <<: [ *a%d, *a%d ] }\n", i+1, i+1, i, i)
	}
	var steps strings.Builder
	steps.WriteString("name: contoso\nlimits:\n  a0: &a0 [ x ]\n")
	for i := range 200 {
		fmt.Fprintf(&steps, "  a%d: &a%d [ *a%d ]\n", i+1, i+1, i)
	}
	tests := []struct{ name, text, want string }{
		{"aliases of aliases", laughs, "gateway.yaml:8:7: with its aliases written out this holds more than 200000 values: " +
			"use fewer aliases, or more than one gateway"},
		{"merges of merges", merged.String(), "gateway.yaml:18:19: with its aliases written out this holds more than 200000 values: " +
			"use fewer aliases, or more than one gateway"},
		{"deep lists", "name: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
			"gateway.yaml:1:4906: this is nested more than 100 levels deep: nest less deeply"},
		{"deep aliases", steps.String(), "gateway.yaml:53:15: this is nested more than 100 levels deep: nest less deeply"},
		{"very deep lists", "name: " + strings.Repeat("[", 50_000),
			"gateway.yaml:1:10007: YAML: while increasing flow level: exceeded max depth of 10000: " +
				"correct the YAML; text with special characters needs quotes, and indentation needs spaces"},
	}
	for _, tt := range tests {
		c, faults := parseText(t, tt.text)
		if c != nil || faults.Error() != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.name, c, faults, tt.want)
		}
	}
}

// TestCharacters checks text that is no UTF-8 or has control characters.
func TestCharacters(t *testing.T) {
	const fix = ": correct the YAML; text with special characters needs quotes, and indentation needs spaces"
	tests := []struct{ text, want string }{
		{"name: a\ntitle: \"é\x00\"", "gateway.yaml:2:10: YAML: control characters are not allowed (value: 0)" + fix},
		{"name: a\ntitle: é\xff", "gateway.yaml:2:9: YAML: invalid leading UTF-8 octet (value: 255)" + fix},
		{"\ufeffname: contoso", ""},
	}
	for _, tt := range tests {
		if _, faults := parseText(t, tt.text); faults.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.text, faults, tt.want)
		}
	}
}

// TestReplacedBound checks that named values cannot make a file grow without
// bound.
func TestReplacedBound(t *testing.T) {
	text := "name: contoso\nnamedValues: { a: " + strings.Repeat("x", 4096) + " }\n" +
		`title: "` + strings.Repeat("{{a}}", 4096) + "\"\n" + `description: "{{a}}"`
	const want = "gateway.yaml: the named values of the file insert more than 16 MiB: use fewer"
	if _, faults := parseText(t, text); faults.Error() != want {
		t.Errorf("got %.200s, want %s", faults.Error(), want)
	}
	text = "name: contoso\nnamedValues: { a: " + strings.Repeat("x", 4097) + " }\n"
	const long = `gateway.yaml:2:19: named value "a" is 4097 bytes long; a named value holds 4096: shorten it`
	if _, faults := parseText(t, text); faults.Error() != long {
		t.Errorf("got %v, want %s", faults, long)
	}
}

// TestAllFaultsAtOnce counts on nothing but that a file with all faults has as
// many as the files that have one each.
func TestAllFaultsAtOnce(t *testing.T) {
	parts := []string{
		"titel: x", "publicUrl: ftp://contoso.com", `description: "{{nowhere}}"`, "limits: { depth: 1 }",
		"policy: x.xml", "backends: { a: { timeout: soon } }", "apis: { a: { openapi: nowhere.yaml, backend: b } }",
		"servers: { sse: { api: b }, a: { federate: [ a ] } }",
	}
	var want []string
	for _, part := range parts {
		_, faults := parseText(t, "name: contoso\n"+part)
		if len(faults) == 0 {
			t.Errorf("%s: got no fault", part)
		}
		for _, f := range faults {
			want = append(want, f.Message)
		}
	}
	c, faults := parseText(t, "name: contoso\n"+strings.Join(parts, "\n"))
	var got []string
	for _, f := range faults {
		got = append(got, f.Message)
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if c == nil || len(c.APIs) != 1 || c.APIs[0].OpenAPI != "nowhere.yaml" {
		t.Errorf("got %+v, want what could be decoded", c)
	}
}
