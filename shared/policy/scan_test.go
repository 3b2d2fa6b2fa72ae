package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"toolgate/shared/fault"
)

// dump writes elements on one line: name[attribute=value](text children).
// Texts are quoted; an E before one is @(…), an S is @{…}, a V verbatim markup.
func dump(elements []*Element) string {
	var list []string
	for _, e := range elements {
		text := e.Name
		for _, a := range e.Attributes {
			text += "[" + a.Name + "=" + dumpText(a.Value) + "]"
		}
		var inner []string
		if e.Text.Source != "" || e.Text.Kind != Literal {
			inner = append(inner, dumpText(e.Text))
		}
		if len(e.Children) > 0 {
			inner = append(inner, dump(e.Children))
		}
		if len(inner) > 0 {
			text += "(" + strings.Join(inner, " ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func dumpText(t Text) string {
	kind := map[Kind]string{Expression: "E", Statements: "S"}[t.Kind]
	if t.Verbatim {
		kind = "V"
	}
	return kind + fmt.Sprintf("%q", t.Source)
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", `<policies/>`, `policies`},
		{"sections", "<policies>\n<inbound><base /></inbound>\n</policies>", `policies(inbound(base))`},
		{"byte order mark", "\ufeff<policies />", `policies`},
		{"line ends", "<a>x\r\ny\rz</a>", `a("x\ny\nz")`},
		{"declaration", `<?xml version="1.0" encoding="utf-8"?><policies />`, `policies`},
		{"comment before the root", "<!-- <inbound @( -->\n<policies />", `policies`},
		{"comments between", `<a><!-- @( " --><b /><!----></a>`, `a(b)`},
		{"comment with a policy", `<a><!-- <b x="@("> --></a>`, `a`},
		{"comment before an expression", `<value><!-- why -->@(1)<!-- so --></value>`, `value(E"1")`},
		{"CDATA", `<value><![CDATA[a < b && c]]></value>`, `value("a < b && c")`},
		{"expression in CDATA", "<set-body><![CDATA[@{\nreturn a<b>(\"&lt;\");\n}]]></set-body>", `set-body(S"\nreturn a<b>(\"&lt;\");\n")`},
		{"several tops", `<inbound /><outbound />`, `inbound outbound`},
		{"text", "<value> a &amp; b </value>", `value(" a & b ")`},
		{"white space alone", "<value> </value>", `value(" ")`},
		{"text beside elements", `<a> x <b /> y </a>`, `a(" x  y " b)`},

		{"raw quotes", `<a b="@(x["k"])" c="1" />`, `a[b=E"x[\"k\"]"][c="1"]`},
		{"type argument and logic", `<a b="@(x.As<string>() == "y" && z < 1)" />`, `a[b=E"x.As<string>() == \"y\" && z < 1"]`},
		{"bracket in a string", `<a b="@(x.Replace(")", "("))" />`, `a[b=E"x.Replace(\")\", \"(\")"]`},
		{"escaped quote in a string", `<a b="@("\")")" />`, `a[b=E"\"\\\")\""]`},
		{"verbatim string", `<a b="@(@"c:\" + ")")" />`, `a[b=E"@\"c:\\\" + \")\""]`},
		{"doubled quote", `<a b="@(@"x"")" + y)" />`, `a[b=E"@\"x\"\")\" + y"]`},
		{"verbatim string over lines", "<a b=\"@(@\"x\n)\")\" />", `a[b=E"@\"x\n)\""]`},
		{"interpolation", `<a b="@($"x{y["z)"]}")" />`, `a[b=E"$\"x{y[\"z)\"]}\""]`},
		{"braces in interpolation", `<a b="@($"{{)}}{x}")" />`, `a[b=E"$\"{{)}}{x}\""]`},
		{"format in interpolation", `<a b="@{return $"{x:yyyy'T')}}";}" />`, `a[b=S"return $\"{x:yyyy'T')}}\";"]`},
		{"ternary in interpolation", `<a b="@($"{(x ? "a" : "b")}")" />`, `a[b=E"$\"{(x ? \"a\" : \"b\")}\""]`},
		{"verbatim interpolation", `<a b="@($@"\{x}"")")" c="@(@$"\{x}")"/>`, `a[b=E"$@\"\\{x}\"\")\""][c=E"@$\"\\{x}\""]`},
		{"nested interpolation", `<a b="@($"{$"{x["y"]})"}")" />`, `a[b=E"$\"{$\"{x[\"y\"]})\"}\""]`},
		{"character", `<a b="@(x.Split('(')[0] + '"' + '\'')" />`, `a[b=E"x.Split('(')[0] + '\"' + '\\''"]`},
		{"line comment", "<a b=\"@{ // don't ) \" }\n return 1; }\" />", `a[b=S" // don't ) \" }\n return 1; "]`},
		{"block comment", `<a b="@( /* ) " */ 1)" />`, `a[b=E" /* ) \" */ 1"]`},
		{"address is no comment", `<a b="@("https://x/" + y)" />`, `a[b=E"\"https://x/\" + y"]`},
		{"identifier with at", `<a b="@(x.@class)" />`, `a[b=E"x.@class"]`},
		{"markup in a string", "<value>@(\"</value><!-- \" + x)\n</value>", `value(E"\"</value><!-- \" + x")`},
		{"expression behind white space", "<value>\r\n\t@(x)\r\n</value>", `value(E"x")`},
		{"expression in a padded attribute", `<a b=" @(x) " />`, `a[b=E"x"]`},
		{"statements", "<value>@{\nif (a < b) { return \"}\"; }\nreturn '}';}</value>", `value(S"\nif (a < b) { return \"}\"; }\nreturn '}';")`},

		{"escaped expression", `<a b="@(x.As&lt;string&gt;() == &quot;)&quot; &amp;&amp; y)" />`, `a[b=E"x.As<string>() == \")\" && y"]`},
		{"escaped address", `<a b="@(&quot;https://x&quot; + &#34;)&#x22;)" />`, `a[b=E"\"https://x\" + \")\""]`},
		{"mixed escapes", `<a b="@(x.As&lt;string&gt;("y"))" />`, `a[b=E"x.As<string>(\"y\")"]`},
		{"reference in a raw string", `<a b="@(x.Replace("&quot;", "&lt;"))" />`, `a[b=E"x.Replace(\"&quot;\", \"<\")"]`},
		{"string closed by a reference", `<value>@("x&quot;)</value>`, `value(E"\"x\"")`},
		{"decoded once", `<a b="@(&quot;&amp;lt;&quot;)" c="&amp;amp;" />`, `a[b=E"\"&lt;\""][c="&amp;"]`},
		{"unknown references", `<a b="?x=1&y=2&nbsp;" />`, `a[b="?x=1&y=2&nbsp;"]`},

		{"no expression", `<a b="&#64;(x)" c="a">&#64;{z}</a>`, `a[b="@(x)"][c="a"]("@{z}")`},
		{"single quotes", `<a b='@("x" + ',')' c='"' />`, `a[b=E"\"x\" + ','"][c="\""]`},
		{"no quotes", `<proxy url="u" username={{name}} password=@(f("x y")) n=1/>`, `proxy[url="u"][username="{{name}}"][password=E"f(\"x y\")"][n="1"]`},
		{"white space in values", "<a b = \"x\r\n\ty\" />", `a[b="x  y"]`},
		{"greater in a value", `<a b="x > y" />`, `a[b="x > y"]`},
		{"Terraform", `<a b="${x["y"]}/z" c="$${x}">%{ if a }${x}</a>`, `a[b="${x[\"y\"]}/z"][c="$${x}"]("%{ if a }${x}")`},

		{"markup as body", `<set-body> <a b="c">&amp;<br></a> </set-body>`, `set-body(V"<a b=\"c\">&amp;<br></a> ")`},
		{"Liquid", `<set-body template="liquid">{% if a < b %}<x/>{% endif %}</set-body>`, `set-body[template="liquid"](V"{% if a < b %}<x/>{% endif %}")`},
		{"text as body", `<set-body><!-- c -->a &lt; b<!-- d --></set-body>`, `set-body("a < b")`},
		{"identifier", `<trace id="t1" />`, `trace[id="t1"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, faults := Parse("p.xml", []byte(c.text), ParseOptions{})
			if len(faults) > 0 {
				t.Fatalf("got %v, want no fault", faults)
			}
			if got := dump(d.Elements); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			again, faults := Parse("p.xml", []byte(Print(d)), ParseOptions{})
			if got := dump(again.Elements); got != c.want || len(faults) > 0 {
				t.Errorf("printed and parsed again: got %s %v\nwant %s", got, faults, c.want)
			}
		})
	}
}

func TestParseXML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"escaped", `<a b="@(x.As&lt;string&gt;() == &quot;)&quot;)"><value>@(a &lt; b)</value></a>`, `a[b=E"x.As<string>() == \")\""](value(E"a < b"))`},
		{"no expression", `<a b="&#64;(x)" c="a">&#64;{z}</a>`, `a[b="@(x)"][c="a"]("@{z}")`},
		{"single quotes", `<a b='@("x")' c="x" />`, `a[b=E"\"x\""][c="x"]`},
		{"raw quotes", `<a b="@("x")" />`, "p.xml:1:7: the expression is not closed, or text follows it\np.xml:1:10: there is no space before the attribute x\n"},
		{"raw type argument", `<a b="@(As<string>())" />`, "p.xml:1:11: a raw < in a value"},
		{"no quotes", `<a b=1 />`, "p.xml:1:6: the value of b has no quotes"},
		{"not closed", `<a b="1 />`, "p.xml:1:6: the value is not closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, faults := Parse("p.xml", []byte(c.text), ParseOptions{Form: XML})
			got := dump(d.Elements)
			if len(faults) > 0 {
				got = faults.Error()
			}
			for line := range strings.Lines(c.want) {
				if !strings.Contains(got, strings.TrimSpace(line)) {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

func TestPositions(t *testing.T) {
	const text = "\ufeff<policies>\r\n  <inbound>\r\n    <!-- é -->ä<set-header name=\"é\" exists-action=\"@(a &amp;&amp;\r\n b)\" />\r\n  </inbound>\r\n</policies>"
	d, faults := Parse("p.xml", []byte(text), ParseOptions{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	inbound := d.Elements[0].Children[0]
	header := inbound.Children[0]
	value := header.Attributes[1].Value
	for _, c := range []struct {
		what      string
		got       fault.Position
		line, col int
		begins    string
	}{
		{"root", d.Elements[0].At, 1, 1, "<policies>"},
		{"section", inbound.At, 2, 3, "<inbound>"},
		{"text", inbound.Text.Position(strings.Index(inbound.Text.Source, "ä")), 3, 15, "ä<"},
		{"policy", header.At, 3, 16, "<set-header"},
		{"attribute", header.Attributes[1].At, 3, 37, "exists-action"},
		{"expression", value.At, 3, 54, "a &amp;"},
		{"behind a reference", value.Position(3), 3, 61, "&amp;\r"},
		{"on the next line", value.Position(strings.Index(value.Source, "b")), 4, 2, "b)"},
	} {
		if c.got.Line != c.line || c.got.Column != c.col || c.got.File != "p.xml" {
			t.Errorf("%s: got %v, want p.xml:%d:%d", c.what, c.got, c.line, c.col)
		}
		if rest := text[c.got.Offset:]; !strings.HasPrefix(rest, c.begins) {
			t.Errorf("%s: got the offset of %.12q, want %q", c.what, rest, c.begins)
		}
	}
	if value.Source != "a &&\n b" {
		t.Errorf("got %q, want the expression decoded", value.Source)
	}
}

func TestUTF16(t *testing.T) {
	for _, c := range []struct {
		name    string
		content []byte
	}{
		{"little endian", []byte("\xff\xfe<\x00a\x00/\x00>\x00")},
		{"big endian", []byte("\xfe\xff\x00<\x00a\x00/\x00>")},
	} {
		d, faults := Parse("p.xml", c.content, ParseOptions{})
		if got := dump(d.Elements); got != "a" || len(faults) > 0 {
			t.Errorf("%s: got %s %v, want a", c.name, got, faults)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"size", strings.Repeat(" ", maxDocument+1), "the document has 1048577 bytes"},
		{"depth", strings.Repeat("<a>", maxDepth+1), "elements nest too deep"},
		{"interpolation", `<a b="@(` + strings.Repeat(`$"{`, maxHoles+2) + `)" />`, "interpolated strings nest too deep"},
	} {
		_, faults := Parse("p.xml", []byte(c.text), ParseOptions{})
		if got := faults.Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %.200s, want %s", c.name, got, c.want)
		}
	}
	attributes := "<a"
	for i := range maxAttributes + 1 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	_, faults := Parse("p.xml", []byte(attributes+" />"), ParseOptions{})
	if got, want := faults.Error(), "<a> has more than 200 attributes"; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	_, faults = Parse("p.xml", []byte("<a>"+strings.Repeat("</b>", 1000)), ParseOptions{})
	if len(faults) != fault.MaxFaults {
		t.Errorf("got %d faults, want %d", len(faults), fault.MaxFaults)
	}
}

// TestBoundedTime reads large documents that make a scanner look far ahead
// again and again. Each takes a small part of a second; the limit leaves room
// for a slow machine and for the race detector.
func TestBoundedTime(t *testing.T) {
	const size, limit = 1 << 17, 5 * time.Second
	for _, part := range []string{
		`<a b="@(" />`, `<a b='@{"' />`, "<a>@(</a>", "<a> @", "@(", `<a b="x@(`, "<!---->@(1)", `<a b="${`, "<set-body", "<set-body>", "<set-body><x/></set-body>",
		`<set-body template="liquid"`, "{{", "{", "__", "</", "<", "<![CDATA[", "<!--", "&quot;", `$"{`, "/*", `<a b=@(`, " <!---->", "<cors />", "<set-heder />", `x="" `,
	} {
		for _, before := range []string{"", "<inbound>", `<a b="@(`, "<a>@{", "<a "} {
			text := []byte(before + strings.Repeat(part, size/len(part)))
			started := time.Now()
			d, faults := Parse("p.xml", text, ParseOptions{NamedValues: map[string]string{}})
			faults = append(faults, Validate(d, ValidateOptions{Placeholders: true})...)
			if took := time.Since(started); took > limit {
				t.Errorf("%q after %q: got %v for %d faults, want less than %v", part, before, took, len(faults), limit)
			}
		}
	}
}
