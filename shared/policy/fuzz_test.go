package policy

import (
	"os"
	"strings"
	"testing"
)

// FuzzScan reads any text: it never panics, every fault has a place and a fix,
// and what is read without fault and printed reads as the same.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"<policies><inbound><base /></inbound></policies>",
		`<a b="@($"{x["y"]:f}")" c='@{ return "}" ; }'>@(a<b>())</a>`,
		`<a b="@(x.As&lt;string&gt;(&quot;y&quot;) + "&quot;")" c=d/>`,
		`<set-body template="liquid"><x>{{ a | b }}</x>&amp;</set-body>`,
		"<!-- c --><fragment><![CDATA[@(1)]]>{{name}}${x[\"y\"]}</fragment>",
		"<set-variable name=\"{{name}}\" value=\"@($@\"\"\"{{{name}}}\")\" />\r\n",
	} {
		f.Add(seed)
	}
	if cases, err := os.ReadFile("testdata/faults.txt"); err == nil {
		for c := range strings.SplitSeq(string(cases), "\n=== ") {
			f.Add(c)
		}
	}
	values := map[string]string{"name": `"@(`, "x": "<y>&lt;"}
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []ParseOptions{{}, {Form: XML}, {NamedValues: values}} {
			d, faults := Parse("p.xml", []byte(text), o)
			faults = append(faults, Validate(d, ValidateOptions{})...)
			_, composing := Compose([]Layer{{ScopeAPI, d}}, map[string]*Document{"f": d})
			for _, fault := range composing {
				if fault.Message == "" || fault.Fix == "" {
					t.Errorf("%+v has no message or fix", fault)
				}
			}
			for _, fault := range faults {
				if fault.Message == "" || fault.Fix == "" || fault.Line == 0 || fault.Offset > len(text) {
					t.Errorf("%+v has no message, fix or place", fault)
				}
			}
		}
		d, faults := Parse("p.xml", []byte(text), ParseOptions{})
		if faults.Err() != nil {
			return
		}
		printed := Print(d)
		again, faults := Parse("p.xml", []byte(printed), ParseOptions{})
		if got, want := dump(again.Elements), dump(d.Elements); got != want || faults.Err() != nil {
			t.Errorf("%q was printed as %q\ngot  %s %v\nwant %s", text, printed, got, faults, want)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte("<policies><inbound><base />" + strings.Repeat(`
		<choose><when condition="@(context.Request.Headers.GetValueOrDefault("a","") == "b" && x.As<string>() != $"{y["z"]}")">
			<set-header name="a" exists-action="override"><value>@(context.Request.Url.Path)</value></set-header>
		</when></choose>`, 20) + "</inbound></policies>")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d, faults := Parse("p.xml", text, ParseOptions{})
		if faults = append(faults, Validate(d, ValidateOptions{})...); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}
