package liquid

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const orderJSON = `{"id":7,"name":"ada lovelace","price":12.50,"big":1e21,"small":0.00001,"paid":true,"void":null,"note":"","when":"2012-03-21T05:40:00Z",
"items":[{"sku":"A1","n":2,"ok":true},{"sku":"b2","n":1},{"sku":"C3","n":3,"ok":false}],"tags":["x","y","x"],"nested":{"a b":{"c":"deep"}},"getOpenOrders":{"Cust":"c1"},"list":[1,null,2]}`

func bindings(t *testing.T) Bindings {
	t.Helper()
	body, err := BodyFromJSON([]byte(orderJSON), true)
	if err != nil {
		t.Fatal(err)
	}
	return Bindings{
		"body": body,
		"context": map[string]any{
			"Request": map[string]any{
				"MatchedParameters": map[string]string{"emailAddress": "a@contoso.com"},
				"Headers":           map[string][]string{"Accept": {"text/plain"}, "X-Two": {"a", "b"}},
				"Url":               map[string]any{"Port": 443},
			},
			"Variables": map[string]any{"jsonResponse": map[string]any{"value1": "one", "value3": "three"}},
		},
	}
}

// rendered holds templates with DotLiquid's result, in C# naming and with the
// compatibility of DotLiquid 2.0.
var rendered = []struct{ name, template, want string }{
	{"text", "a {b} }} %}", "a {b} }} %}"},
	{"output", "{{body.name}}", "ada lovelace"},
	{"output over lines", "{{\n body.name\n}}", "ada lovelace"},
	{"empty output", "[{{ }}]", "[]"},
	{"missing", "[{{body.nothing.at.all}}]", "[]"},
	{"null", "[{{body.void}}]", "[]"},
	{"integer", "{{body.id}}", "7"},
	{"double", "{{body.price}}", "12.5"},
	{"large double", "{{body.big}}", "1E+21"},
	{"small double", "{{body.small}}", "1E-05"},
	{"boolean", "{{body.paid}}", "true"},
	{"boolean in a list", "{{body.items | Map: 'ok'}}", "TrueFalse"},
	{"list", "{{body.tags}}", "xyx"},
	{"object", "{{body.getOpenOrders}}", "[Cust, c1]"},
	{"without regard to case", "{{body.getopenorders.cust}}", "c1"},
	{"brackets", "{{body.nested['a b'][\"c\"]}}", "deep"},
	{"index", "{{body.items[1].sku}}", "b2"},
	{"index out of range", "[{{body.items[9].sku}}]", "[]"},
	{"first and last", "{{body.items.first.sku}}{{body.items.last.sku}}", "A1C3"},
	{"size", "{{body.items.size}} {{body.name.size}}", "3 12"},
	{"literals", `{{'a"b'}} {{"it's"}} {{ -3 }} {{1.5}} {{true}}`, `a"b it's -3 1.5 true`},
	{"braces in quotes", `{{ '}}' }}{% assign x = "%}" %}{{x}}`, "}}%}"},
	{"matched parameters", `{{context.Request.MatchedParameters["emailAddress"]}}`, "a@contoso.com"},
	{"headers", "{% for header in context.Request.Headers %}{{- header.Key }}: {{ header.Value }};{% endfor %}", "Accept: text/plain;X-Two: ab;"},
	{"variables", `{%- assign vars = context.Variables["jsonResponse"] -%}` + "\n" + `<d a="{{ vars['value1'] }}" b="{{ vars['value3'] }}" />`, `<d a="one" b="three" />`},
	{"date when parsed", "{{body.when}}", "03/21/2012 05:40:00"},
	{"Date", `{{body.when| Date:"yyyyMMddTHH:mm:ssZ"}}`, "20120321T05:40:00Z"},
	{"Date of text", "{{'2024-02-29' | Date: 'd MMMM yyyy, dddd'}}", "29 February 2024, Thursday"},
	{"Date in 12 hours", "{{'2024-02-29T13:05:09.120' | Date: 'h:mm tt FFF fff'}}", "1:05 PM 12 120"},
	{"Date standard", "{{body.when | Date: 'o'}}", "2012-03-21T05:40:00.0000000Z"},
	{"Date of another text", "{{'soon' | Date: 'yyyy'}}", "soon"},
	{"Date now", "{{'now' | Date: 'yyyy-MM-dd'}}", "2026-11-23"},

	{"if", "{% if body.paid %}y{% else %}n{% endif %}", "y"},
	{"empty text is true", "{% if body.note %}y{% else %}n{% endif %}", "y"},
	{"elsif", "{% if body.id > 9 %}a{% elsif body.id == 7 %}b{% else %}c{% endif %}", "b"},
	{"and before or is read from the right", "{% if false and true or true %}y{% else %}n{% endif %}", "n"},
	{"or", "{% if false or body.id>=7 %}y{% endif %}", "y"},
	{"not equal", "{% if body.id <> 8 and body.id != 9 %}y{% endif %}", "y"},
	{"text against number", "{% if body.id == '7' %}y{% endif %}", "y"},
	{"number against text", "{% if '7' == body.id %}y{% endif %}", "y"},
	{"order of doubles", "{% if body.price < 13 %}y{% endif %}", "y"},
	{"null has no order", "{% if body.void < 1 or body.void > 1 %}y{% else %}n{% endif %}", "n"},
	{"nil", "{% if body.void == nil and body.nothing == null %}y{% endif %}", "y"},
	{"empty", "{% if body.note == empty and body.items != empty %}y{% endif %}", "y"},
	{"blank", "{% if body.note == blank %}y{% endif %}", "y"},
	{"contains", "{% if body.name contains 'love' and body.tags contains 'y' %}y{% endif %}", "y"},
	{"startsWith", "{% if body.name startswith 'ada' and body.tags endswith 'x' %}y{% endif %}", "y"},
	{"hasKey", "{% if body.getOpenOrders hasKey 'Cust' and body.getOpenOrders hasValue 'c1' %}y{% endif %}", "y"},
	{"unless", "{% unless body.paid %}a{% else %}b{% endunless %}", "b"},
	{"case", "{% case body.name %}{% when 'x' %}1{% when 'y', 'ada lovelace' %}2{% else %}3{% endcase %}", "2"},
	{"case or", "{% case 4 %}{% when 3 or 4 %}y{% endcase %}", "y"},
	{"case else", "{% case 5 %}ignored{% when 3 %}1{% else %}3{% endcase %}", "3"},

	{"for", "{% for i in body.items %}{{i.sku}},{% endfor %}", "A1,b2,C3,"},
	{"for limit and offset", "{% for i in body.items limit:1 offset:1 %}{{i.sku}}{% endfor %}", "b2"},
	{"for reversed", "{% for i in body.items reversed %}{{i.sku}}{% endfor %}", "C3b2A1"},
	{"for reversed with limit", "{% for i in (1..5) reversed limit: 2 %}{{i}}{% endfor %}", "21"},
	{"for continue", "{% for i in (1..5) limit:2 %}{{i}}{% endfor %}-{% for i in (1..5) offset:continue %}{{i}}{% endfor %}", "12-345"},
	{"for else", "{% for i in body.nothing %}x{% else %}none{% endfor %}", "none"},
	{"for over an object", "{% for e in body.getOpenOrders %}{{e.Key}}={{e.Value}}{% endfor %}", "Cust=c1"},
	{"for over a text", "{% for c in 'abc' %}{{c}}.{% endfor %}", "a.b.c."},
	{"forloop", "{% for i in (1..3) %}{{forloop.index}}{{forloop.index0}}{{forloop.rindex}}{{forloop.rindex0}}{{forloop.length}}{% if forloop.first %}F{% endif %}{% if forloop.last %}L{% endif %} {% endfor %}", "10323F 21213 32103L "},
	{"forloop.name", "{% for i in body.tags limit:1 %}{{forloop.name}}{% endfor %}", "i-body.tags"},
	{"forloop of the outer loop", "{% for a in (1..2) %}{% for b in (1..2) %}{% endfor %}{{forloop.index}}{{b}}{% endfor %}", "12"},
	{"range to a member", "{% for i in (body.id..9) %}{{i}}{% endfor %}", "789"},
	{"range to nothing", "{% for i in (1..body.nothing) %}{{i}}{% endfor %}", ""},
	{"break", "{% for i in (1..9) %}{% if i == 3 %}{% break %}{% endif %}{{i}}{% endfor %}!", "12!"},
	{"continue", "{% for i in (1..4) %}{% if i == 2 %}{% continue %}{% endif %}{{i}}{% endfor %}", "134"},
	{"break outside ends", "a{% break %}b", "a"},
	{"assign", "{% assign x = body.name | Upcase %}{{x}}", "ADA LOVELACE"},
	{"assign in a loop stays", "{% for i in (1..3) %}{% assign x = i %}{% endfor %}{{x}}", "3"},
	{"capture", "{% capture x %}<{{body.id}}>{% endcapture %}{{x}}{{x}}", "<7><7>"},
	{"cycle", "{% for i in (1..4) %}{% cycle 'a', 'b', 'c' %}{% endfor %}", "abca"},
	{"cycle in groups", "{% cycle 'g': 1, 2 %}{% cycle 'h': 1, 2 %}{% cycle 'g': 1, 2 %}", "112"},
	{"increment", "{% increment x %}{% increment x %}{% decrement y %}{% decrement y %}", "01-1-2"},
	{"ifchanged", "{% for t in body.items %}{% ifchanged %}{{t.ok}}{% endifchanged %}{% endfor %}", "truefalse"},
	{"comment", "a{% comment %}{% if %}{{ x | | }}it's{% endcomment %}b", "ab"},
	{"raw", "{% raw %}{{ x }}{% if %}{% endraw %}", "{{ x }}{% if %}"},
	{"white space before", "a \t{%- if true %} b{% endif %}", "a b"},
	{"white space after is one line break", "{% if true -%}\n\n b{% endif %}", "\n b"},
	{"white space after is spaces", "{{ 1 -}} \t x", "1x"},
	{"JSONArrayFor", "[{% JSONArrayFor i in body.items %}\"{{i.sku}}\"{% endJSONArrayFor %}]", `["A1","b2","C3"]`},
	{"JSONArrayFor of one", "[{% JSONArrayFor i in body.getOpenOrders %}\"{{i.Cust}}\"{% endJSONArrayFor %}]", `["c1"]`},
	{"JSONArrayFor of none", "[{% JSONArrayFor i in body.void %}x{% endJSONArrayFor %}]", "[]"},

	{"Upcase", "{{'aß' | Upcase}} {{'AÉ' | Downcase}}", "Aß aé"},
	{"lower case and snake case", "{{'a' | upcase | append: 'b'}} {{7 | divided_by: 2}}", "Ab 3"},
	{"Capitalize", "{{'hello big WORLD of mcDonald' | Capitalize}}", "Hello Big WORLD Of Mcdonald"},
	{"Append and Prepend", "{{'b' | Append: 'c' | Prepend: 'a'}}[{{body.void | Append: 'c'}}]", "abc[]"},
	{"Escape", `{{'<a href="x">é & ' | Escape}}`, "&lt;a href=&quot;x&quot;&gt;&#233; &amp; "},
	{"EscapeOnce", "{{'&lt;a&gt; <b>' | EscapeOnce}}", "&lt;a&gt; &lt;b&gt;"},
	{"strips", "[{{' a ' | Strip}}][{{' a ' | Lstrip}}][{{' a ' | Rstrip}}]", "[a][a ][ a]"},
	{"StripHtml", "{{'<p>a<b>c</b></p><script>x</script>' | StripHtml}}", "ac"},
	{"line breaks", "{% capture x %}a\nb{% endcapture %}{{x | NewlineToBr}} {{x | StripNewlines}}", "a<br />\nb ab"},
	{"UrlEncode", "{{'a b&c/ü~!' | UrlEncode}} {{'a+b%26%zz' | UrlDecode}}", "a+b%26c%2F%C3%BC%7E! a b&%zz"},
	{"Replace is a regular expression", "{{'a.b.c' | Replace: '\\.', '-'}} {{'ab' | Replace: '(a)(b)', '$2$1$$$9'}}", "a-b-c ba$$9"},
	{"Replace as in generated templates", `{{'say "hi"' | Replace: '\r', '\r' | Replace: '\n', '\n' | Replace: '([^\\](\\\\)*)"', '$1\"'}}`, `say \"hi\"`},
	{"ReplaceFirst", "{{'aaa' | ReplaceFirst: 'a', 'b'}} {{'aaa' | RemoveFirst: 'a'}} {{'a.a' | Remove: '.'}}", "baa aa aa"},
	{"Slice", "{{'abcdef' | Slice: 2, 3}} {{'abc' | Slice: -2}} {{'abc' | Slice: -9, 8}} {{body.tags | Slice: 1, 2}}", "cde b ab yx"},
	{"Split and Join", "{{'a,b,,c' | Split: ',' | Join: '-'}} {{'ab' | Split: '' | Join}}", "a-b-c a b"},
	{"Truncate", "{{'abcdefghij' | Truncate: 6}} {{'abcdef' | Truncate: 4, ''}} {{'abc' | Truncate}}", "abc... abcd abc"},
	{"TruncateWords", "{{'a b c d' | TruncateWords: 2}} {{'a b' | TruncateWords: 5}}", "a b... a b"},
	{"Default", "{{body.nothing | Default: 'd'}}{{body.note | Default: 'e'}}{{body.id | Default: 'f'}}{{false | Default: 'g'}}", "de7g"},
	{"Size", "{{'äöü' | Size}} {{body.items | Size}} {{body.void | Size}}", "3 3 0"},
	{"First and Last", "{{body.tags | First}}{{'a b' | Split: ' ' | Last}}", "xb"},
	{"Sort", "{{'b,C,a' | Split: ',' | Sort | Join: ''}} {{body.items | Sort: 'n' | Map: 'sku' | Join}}", "abC b2 A1 C3"},
	{"Uniq and Compact", "{{body.tags | Uniq | Join}} {{body.list | Compact | Size}}", "x y 2"},
	{"Concat and Reverse", "{{body.tags | Concat: body.list | Reverse | Join: '.'}}", "2..1.x.y.x"},
	{"Where", "{{body.items | Where: 'ok' | Map: 'sku'}} {{body.items | Where: 'n', 3 | Map: 'sku'}}", "A1 C3"},
	{"Plus", "{{1 | Plus: 2}} {{'1' | Plus: 2}} {{1.5 | Plus: 1}} {{body.price | Plus: 0.25}}", "3 12 2.5 12.75"},
	{"Minus, Times", "{{5 | Minus: 7}} {{3 | Times: 4}} {{'ab' | Times: 2}} {{0.1 | Times: 3}}", "-2 12 abab 0.3"},
	{"DividedBy, Modulo", "{{7 | DividedBy: 2}} {{ -7 | DividedBy: 2}} {{10 | DividedBy: 4.0}} {{10 | DividedBy: 3.0}} {{7 | Modulo: 3}}", "3 -3 2.5 3.3333333333333333333333333333 1"},
	{"nil in arithmetic", "[{{body.void | Plus: 1}}]", "[]"},
	{"Round", "{{2.5 | Round}} {{3.5 | Round}} {{1.2345 | Round: 2}} {{'7.891' | Round: 1}} {{'x' | Round}}", "2 4 1.23 7.9 "},
	{"Ceil, Floor, Abs", "{{1.2 | Ceil}} {{ -1.2 | Floor}} {{'-3.50' | Abs}} {{'x' | Abs}}", "2 -2 3.5 0"},
	{"AtLeast, AtMost", "{{3 | AtLeast: 5}} {{9 | AtMost: 5.5}} {{'x' | AtMost: 1}}", "5 5.5 x"},
	{"Currency", "{{1234.5 | Currency: 'en-US'}} {{ -1234567.891 | Currency: 'de-DE'}} {{3 | Currency}} {{'x' | Currency}}", "$1,234.50 -1.234.567,89 € ¤3.00 x"},
}

func TestRender(t *testing.T) {
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	for _, test := range rendered {
		t.Run(test.name, func(t *testing.T) {
			template, failed := Compile(test.template)
			if failed != nil {
				t.Fatalf("Compile: %v", failed)
			}
			for range 2 { // nothing of a rendering stays
				got, err := template.Render(bindings(t), Options{Now: now})
				if err != nil {
					t.Fatalf("Render: %v", err)
				}
				if got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}

func TestXMLBody(t *testing.T) {
	const soap = `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>
<R xmlns="urn:contoso"><Sum currency="EUR">12</Sum><Gone xsi:nil="true"/><Items><Item><Id>1</Id><Name>a</Name></Item><Item><Id>2</Id><Name>b</Name></Item></Items><One><Item><Id>3</Id><Name>c</Name></Item></One><Empty/></R></soap:Body></soap:Envelope>`
	tests := []struct {
		name, template, want string
		missing              XSINil
	}{
		{"local names without regard to case", "{{body.envelope.body.R.sum}}", "12", Blank},
		{"attribute", "{{body.envelope.body.R.Sum.currency}} {{body.envelope.body.R.Sum['@currency']}}", "EUR EUR", Blank},
		{"element with attribute compares as its text", "{% if body.Envelope.Body.R.Sum == 12 and body.Envelope.Body.R.Sum > 9 %}y{% endif %}", "", Blank},
		{"element with attribute as text", "{% if body.Envelope.Body.R.Sum == '12' %}y{% endif %}", "y", Blank},
		{"repeated", "{% for i in body.envelope.body.R.Items.Item %}{{i.Id}}{{i.Name}} {% endfor %}", "1a 2b ", Blank},
		{"JSONArrayFor over children", "{% JSONArrayFor i in body.envelope.body.R.Items -%}{{i.Id}}{% endJSONArrayFor -%}", "1,2", Blank},
		{"JSONArrayFor over one child", "{% JSONArrayFor i in body.envelope.body.R.One %}{{i.Id}}{% endJSONArrayFor %}", "3", Blank},
		{"JSONArrayFor over the repeated one", "{% JSONArrayFor i in body.envelope.body.R.One.Item %}{{i.Name}}{% endJSONArrayFor %}", "c", Blank},
		{"nil as blank", "{% if body.envelope.body.R.Gone %}y{% else %}n{% endif %}", "y", Blank},
		{"nil as null", "{% if body.envelope.body.R.Gone %}y{% else %}n{% endif %}", "n", Null},
		{"empty element", "[{{body.envelope.body.R.Empty}}]", "[]", Blank},
		{"text within", "{{body.envelope.body.R.One}}", "3c", Blank},
		{"fault that is not there", "[{{body.envelope.body.fault.faultcode}}]", "[]", Blank},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body, err := BodyFromXML([]byte(soap), test.missing)
			if err != nil {
				t.Fatal(err)
			}
			template, failed := Compile(test.template)
			if failed != nil {
				t.Fatal(failed)
			}
			got, err := template.Render(Bindings{"body": body}, Options{})
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestCompileFaults(t *testing.T) {
	tests := []struct {
		name, template string
		line, column   int
		message        string
	}{
		{"unclosed output", "a\nbc {{ x", 2, 4, "{{ is not closed"},
		{"unclosed tag", "{% if x", 1, 1, "{% is not closed"},
		{"unclosed block", "ä{% if x %}\n{% for a in b %}{% endfor %}", 1, 2, "if is not closed"},
		{"unclosed comment", "{% comment %}", 1, 1, "comment is not closed"},
		{"end without beginning", "a{% endif %}", 1, 2, "endif does not stand here"},
		{"crossed blocks", "{% if a %}{% for b in c %}{% endif %}{% endfor %}", 1, 27, "endif does not stand here"},
		{"clause outside", "{% else %}", 1, 1, "else does not stand here"},
		{"unknown tag", "\n{% iff x %}", 2, 1, `there is no tag "iff"`},
		{"include", "{% include 'a' %}", 1, 1, "the tag include reads another template, and a policy has none"},
		{"unknown filter", "x {{ a | Upcse }}", 1, 3, `there is no filter "Upcse"`},
		{"arguments", "{{ a | Replace }}", 1, 1, "the filter Replace has 0 arguments"},
		{"operand", "{{ body.größe }}", 1, 1, `"body.größe" is not an operand`},
		{"operator", "{% if a =< b %}{% endif %}", 1, 1, `there is no operator "=<"`},
		{"condition", "{% if a b %}{% endif %}", 1, 1, `"a b" is not a condition`},
		{"elsif", "{% if a %}\n{% elsif %}{% endif %}", 2, 1, `"" is not a condition`},
		{"filter in a condition", "{% if a | Size > 1 %}{% endif %}", 1, 1, "a condition has a filter"},
		{"loop", "{% for a of b %}{% endfor %}", 1, 1, `"a of b" is not the head of a loop`},
		{"loop attribute", "{% for a in b cols:2 %}{% endfor %}", 1, 1, `a loop has no attribute "cols"`},
		{"assign", "{% assign x %}", 1, 1, `"x" is not an assignment`},
		{"long path", "{{ a" + strings.Repeat(".b", 2000) + " }}", 1, 1, "an operand is longer than 2000 bytes"},
		{"deep brackets", "{{ " + strings.Repeat("a[", 40) + "1" + strings.Repeat("]", 40) + " }}", 1, 1, ""},
		{"huge integer", "{{ 99999999999999999999 }}", 1, 1, ""},
		{"the library's selectors", "{{ %assign a = 1 }}", 1, 1, `"%assign a = 1" is not an operand`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Compile(test.template)
			if err == nil {
				t.Fatal("got no error")
			}
			if err.Line != test.line || err.Column != test.column || test.message != "" && err.Message != test.message || err.Fix == "" {
				t.Errorf("got %v, want %d:%d %s", err, test.line, test.column, test.message)
			}
		})
	}
}

func TestRenderFaults(t *testing.T) {
	doubling := "{% assign s = 'xxxxxxxxxx' %}"
	for range 30 {
		doubling += "{% assign s = s | Append: s %}"
	}
	capture := "{% assign s = 'xxxxxxxxxx' %}"
	for range 30 {
		capture += "{% capture s %}{{s}}{{s}}{% endcapture %}"
	}
	lists := "{% assign l = body.items %}"
	for range 30 {
		lists += "{% assign l = l | Concat: l %}"
	}
	nested := "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}"
	tests := []struct{ name, template string }{
		{"divisor", "\n{{ 1 | DividedBy: 0 }}"},
		{"text in arithmetic", "{{ 'a' | Minus: 1 }}"},
		{"overflow", "{{ 9223372036854775807 | Plus: 1 }}"},
		{"pattern", "{{ 'a' | Replace: '(', '' }}"},
		{"format", "{{ '2024-01-01' | Date: 'q' }}"},
		{"endless range", "{% for i in (1..9000000000000) %}{% endfor %}"},
		{"long range in a variable", "{% assign r = (1..9000000000000) %}{{ r | Join }}"},
		{"nested loops", nested},
		{"doubled text", doubling},
		{"doubled capture", capture},
		{"doubled list", lists},
		{"long output", "{% for i in (1..1000000) %}aaaaaaaaaaaaaaaa{% endfor %}"},
		{"repeated text", "{{ 'abcdefgh' | Times: 9000000000 }}"},
		{"replacement", "{{ body.long | Replace: 'a', body.long }}"},
		{"glue", "{{ body.long | Split: '' | Join: body.long }}"},
		{"characters counted", "{% assign s = body.long | Times: 300 %}{% for i in (1..1000000) %}{{ s.size }}{% endfor %}"},
	}
	long := make([]byte, 1<<15)
	for i := range long {
		long[i] = 'a'
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			template, failed := Compile(test.template)
			if failed != nil {
				t.Fatal(failed)
			}
			b := bindings(t)
			b["body"].(*Object).add("long", string(long))
			started := time.Now()
			got, err := template.Render(b, Options{})
			own, ok := errors.AsType[*Error](err)
			if !ok || got != "" || own.Line == 0 || own.Fix == "" {
				t.Errorf("got %d bytes, %v, want an error with a place", len(got), err)
			}
			if spent := time.Since(started); spent > 30*time.Second {
				t.Errorf("got an answer after %v", spent)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	template, _ := Compile("{% for i in (1..100) %}abc{% endfor %}")
	if got, err := template.Render(nil, Options{MaxOutput: 300}); err != nil || len(got) != 300 {
		t.Errorf("got %d bytes, %v, want 300", len(got), err)
	}
	if _, err := template.Render(nil, Options{MaxOutput: 299}); err == nil {
		t.Error("got no error, want one of the output")
	}
	if _, err := template.Render(nil, Options{MaxSteps: 100}); err == nil {
		t.Error("got no error, want one of the work")
	}
}

func TestConcurrent(t *testing.T) {
	template, failed := Compile("{% for i in (1..50) %}{% assign n = i | Plus: 1 %}{% cycle 'a','b' %}{{n}}{% endfor %}")
	if failed != nil {
		t.Fatal(failed)
	}
	want, _ := template.Render(nil, Options{})
	results := make(chan string)
	for range 8 {
		go func() {
			got, _ := template.Render(nil, Options{})
			results <- got
		}()
	}
	for range 8 {
		if got := <-results; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBodyFromJSON(t *testing.T) {
	for _, bad := range []string{``, `{`, `{"a":1,"a":2}`, `1 2`, `nope`, "\"\xff\"", deep(200)} {
		if v, err := BodyFromJSON([]byte(bad), true); err == nil {
			t.Errorf("BodyFromJSON(%.20q) = %v, want an error", bad, v)
		}
	}
	v, err := BodyFromJSON([]byte("\ufeff {\"d\":\"2012-03-21T05:40:00Z\"} "), false)
	if err != nil || text(property(v, "d")) != "2012-03-21T05:40:00Z" {
		t.Errorf("got %v, %v, want the date as it stands", v, err)
	}
	v, err = BodyFromJSON([]byte(`["/Date(1198908717056)/",12345678901234567890,123e400]`), true)
	if got := text(v); err != nil || got != "12/29/2007 06:11:5712345678901234567890Infinity" {
		t.Errorf("got %v, %v", got, err)
	}
}

func deep(n int) string {
	s := ""
	for range n {
		s += "["
	}
	return s
}

func FuzzRender(f *testing.F) {
	for _, test := range rendered {
		f.Add(test.template, orderJSON)
	}
	f.Fuzz(func(t *testing.T, source, data string) {
		template, failed := Compile(source)
		if failed != nil {
			if strings.Contains(failed.Message, "runtime error") {
				t.Fatal(failed)
			}
			return
		}
		body, err := BodyFromJSON([]byte(data), true)
		if err != nil {
			body = data
		}
		_, err = template.Render(Bindings{"body": body}, Options{MaxOutput: 1 << 16, MaxSteps: 10_000})
		if err != nil && (strings.Contains(err.Error(), "runtime error") || strings.Contains(err.Error(), "reflect")) {
			t.Fatal(err)
		}
	})
}
