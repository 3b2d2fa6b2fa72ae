package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func TestAssess(t *testing.T) {
	texts := map[string]string{
		"1-good.xml":    `<policies><inbound><base /><set-variable name="{{n}}" value="@(1)" /><include-fragment fragment-id="f" /></inbound></policies>`,
		"2-broken.xml":  `<policies><inbound><set-variable name="a" value="@(wrong" /></policies>`,
		"3-unknown.xml": `<fragment><set-heder name="a" /><set-header name="@(wrong)" /></fragment>`,
		"4-notrun.xml":  `<policies><inbound><jsonp x="@(y)" /></inbound></policies>`,
		"5-warning.xml": `<set-header name="a"><value>Bearer @(x)</value></set-header>`,
		"6-parts.xml":   `<inbound><retry condition="true" count="1" interval="1"><send-request response-variable-name="r"><set-method>GET</set-method></send-request></retry></inbound>`,
	}
	files := func(yield func(string, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			if !yield(name, []byte(texts[name])) {
				return
			}
		}
	}
	report := Assess(files, AssessOptions{Compiler: &wrong{}})
	got, err := json.Marshal(report, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/assess.json", string(got)+"\n")
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/assess.txt", text.String())

	without := Assess(files, AssessOptions{})
	if without.Total.Compiled != nil || without.Documents[0].Compiled != nil {
		t.Error("got counts of compiled expressions without a compiler")
	}
	if got, want := without.Total.Run, 3; got != want {
		t.Errorf("got %d documents that run, want %d", got, want)
	}
}
