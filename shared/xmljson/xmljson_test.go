package xmljson

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const jsonSpace = ` xmlns:json="http://james.newtonking.com/projects/json"`

// The results of kind Direct are those of Newtonsoft's SerializeXmlNode.
var toJSON = []struct {
	name, xml, want string
	o               ToJSONOptions
}{
	{"text", `<a>b</a>`, `{"a":"b"}`, ToJSONOptions{}},
	{"self-closed", `<a/>`, `{"a":null}`, ToJSONOptions{}},
	{"empty", `<a></a>`, `{"a":""}`, ToJSONOptions{}},
	{"nested", "<a>\n <b>1</b>\n <c/>\n</a>", `{"a":{"b":"1","c":null}}`, ToJSONOptions{}},
	{"attribute", `<a id="1"/>`, `{"a":{"@id":"1"}}`, ToJSONOptions{}},
	{"attribute and text", `<a id="1">t</a>`, `{"a":{"@id":"1","#text":"t"}}`, ToJSONOptions{}},
	{"mixed", `<a>x<b/>y</a>`, `{"a":{"#text":["x","y"],"b":null}}`, ToJSONOptions{}},
	{"repeated", `<a><b>1</b><c/><b>2</b></a>`, `{"a":{"b":["1","2"],"c":null}}`, ToJSONOptions{}},
	{"CDATA", `<a><![CDATA[<x>&]]></a>`, `{"a":{"#cdata-section":"<x>&"}}`, ToJSONOptions{}},
	{"CDATA between text", `<a>x<![CDATA[y]]>z</a>`, `{"a":{"#text":["x","z"],"#cdata-section":"y"}}`, ToJSONOptions{}},
	{"comment is left out", `<!--x--><a>b<!--y-->c</a>`, `{"a":"bc"}`, ToJSONOptions{}},
	{"declaration", `<?xml version="1.0" encoding="utf-8" standalone='yes'?><a/>`, `{"?xml":{"@version":"1.0","@encoding":"utf-8","@standalone":"yes"},"a":null}`, ToJSONOptions{}},
	{"instruction", `<a><?go on?></a>`, `{"a":{"?go":"on"}}`, ToJSONOptions{}},
	{"namespaces", `<s:a xmlns="urn:d" xmlns:s="urn:s" s:b="1"><c/></s:a>`, `{"s:a":{"@xmlns":"urn:d","@xmlns:s":"urn:s","@s:b":"1","c":null}}`, ToJSONOptions{}},
	{"json:Array", `<a` + jsonSpace + `><b json:Array="true">1</b></a>`, `{"a":{"b":["1"]}}`, ToJSONOptions{}},
	{"json:Array false", `<a` + jsonSpace + `><b json:Array="false">1</b></a>`, `{"a":{"b":"1"}}`, ToJSONOptions{}},
	{"json:Array of arrays", `<a` + jsonSpace + `><b json:Array="true"><b>1</b><b>2</b></b></a>`, `{"a":{"b":[["1","2"]]}}`, ToJSONOptions{}},
	{"encoded name", `<a_x0020_b/>`, `{"a b":null}`, ToJSONOptions{}},
	{"entities", `<a b="&quot;&#10;">&lt;&amp;&#x41;</a>`, `{"a":{"@b":"\"\n","#text":"<&A"}}`, ToJSONOptions{}},
	{"always arrays", `<a><b>1</b><c d="e"><f/></c></a>`, `{"a":{"b":["1"],"c":[{"@d":"e","f":[null]}]}}`, ToJSONOptions{AlwaysArray: true}},
	{"always arrays without children", `<a>1</a>`, `{"a":"1"}`, ToJSONOptions{AlwaysArray: true}},
	{"latin 1", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>", `{"?xml":{"@version":"1.0","@encoding":"ISO-8859-1"},"a":"ä"}`, ToJSONOptions{}},
	{"byte order mark", "\ufeff<a/>", `{"a":null}`, ToJSONOptions{}},

	{"friendly", `<?xml version="1.0"?><s:a xmlns:s="urn:s" id="1"><b>x</b><b/><c d="2">t</c><e><![CDATA[f]]></e></s:a>`,
		`{"version":"1.0","s$a":{"xmlns$s":"urn:s","id":"1","b":["x",null],"c":{"d":"2","$t":"t"},"e":"f"}}`, ToJSONOptions{Kind: JavaScriptFriendly}},
	{"friendly attribute and element", `<a b="1"><b>2</b></a>`, `{"a":{"b":["1","2"]}}`, ToJSONOptions{Kind: JavaScriptFriendly}},
	{"friendly arrays", `<a b="1"><c>2</c></a>`, `{"a":{"b":"1","c":["2"]}}`, ToJSONOptions{Kind: JavaScriptFriendly, AlwaysArray: true}},
}

func TestToJSON(t *testing.T) {
	for _, test := range toJSON {
		t.Run(test.name, func(t *testing.T) {
			got, err := ToJSON([]byte(test.xml), test.o)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestToJSONFaults(t *testing.T) {
	tests := []struct {
		name, xml string
		offset    int
	}{
		{"empty", ``, 0},
		{"no element", `<!--x-->`, 8},
		{"unclosed", `<a><b></b>`, 10},
		{"crossed", `<a><b></a>`, 10},
		{"end only", `</a>`, 4},
		{"two roots", `<a/><b/>`, 8},
		{"text outside", `<a/>x`, 5},
		{"document type", `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, 30},
		{"entity", `<a>&e;</a>`, 6},
		{"undeclared prefix", `<s:a/>`, 6},
		{"prefix out of scope", `<a><b xmlns:s="u"/><s:c/></a>`, 25},
		{"attribute twice", `<a b="1" b="2"/>`, 16},
		{"no UTF-8", "<a>\xff</a>", 0},
		{"declaration inside", `<a/><?xml version="1.0"?>`, 25},
		{"too deep", strings.Repeat("<a>", 129), 387},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ToJSON([]byte(test.xml), ToJSONOptions{})
			own, ok := errors.AsType[*Error](err)
			if !ok || own.Offset != test.offset || own.Message == "" || own.Fix == "" {
				t.Errorf("got %s, %v, want an error at %d", got, err, test.offset)
			}
		})
	}
}

var toXML = []struct {
	name, json, want string
	o                ToXMLOptions
}{
	{"one root", `{"a":"b"}`, `<a>b</a>`, ToXMLOptions{}},
	{"several roots", `{"a":1,"b":true}`, `<Document><a>1</a><b>True</b></Document>`, ToXMLOptions{}},
	{"no root", `{}`, `<Document />`, ToXMLOptions{}},
	{"array as root member", `{"a":[1,2]}`, `<Document><a>1</a><a>2</a></Document>`, ToXMLOptions{}},
	{"array", `[1,{"b":2}]`, `<Document><Array>1</Array><Array><b>2</b></Array></Document>`, ToXMLOptions{}},
	{"value", `"x"`, `<Document>x</Document>`, ToXMLOptions{}},
	{"the documented kinds of values", `{"firstName":"John","isAlive":true,"age":25,"phoneNumbers":[{"type":"home"},{"type":"mobile"}],"children":[],"spouse":null}`,
		`<Document><firstName>John</firstName><isAlive>True</isAlive><age>25</age><phoneNumbers><type>home</type></phoneNumbers><phoneNumbers><type>mobile</type></phoneNumbers><children /><spouse xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" /></Document>`, ToXMLOptions{}},
	{"numbers as they stand", `{"a":{"b":1.50,"c":-2e10}}`, `<a><b>1.50</b><c>-2e10</c></a>`, ToXMLOptions{}},
	{"array in an array", `{"a":{"b":[[1,2],[]]}}`, `<a><b><Array>1</Array><Array>2</Array></b><b /></a>`, ToXMLOptions{}},
	{"attributes", `{"a":{"@id":1,"#text":"t<&>","@q":"\"\n"}}`, `<a id="1" q="&quot;&#xA;">t&lt;&amp;&gt;</a>`, ToXMLOptions{}},
	{"CDATA", `{"a":{"#cdata-section":"x]]>y"}}`, `<a><![CDATA[x]]]]><![CDATA[>y]]></a>`, ToXMLOptions{}},
	{"names", `{"a b":{"1":"x","_x0020_":"y","c:d":"z"}}`, `<a_x0020_b><_x0031_>x</_x0031_><_x005F_x0020_>y</_x005F_x0020_><c_x003A_d>z</c_x003A_d></a_x0020_b>`, ToXMLOptions{}},
	{"the documented example", `{"soapenv:Envelope":{"xmlns:soapenv":"http://schemas.xmlsoap.org/soap/envelope/","xmlns:v1":"http://localdomain.com/core/v1","soapenv:Header":{},"soapenv:Body":{"v1:QueryList":{"#attrs":{"queryName":"test"},"v1:QueryItem":{"name":"dummy text"}}}}}`,
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v1="http://localdomain.com/core/v1"><soapenv:Header /><soapenv:Body><v1:QueryList queryName="test"><v1:QueryItem><name>dummy text</name></v1:QueryItem></v1:QueryList></soapenv:Body></soapenv:Envelope>`,
		ToXMLOptions{NamespaceSeparator: ":", NamespacePrefix: "xmlns", AttributeBlockName: "#attrs"}},
	{"default separator", `{"s_a":{"xmlns_s":"urn:s","xmlns":"urn:d","b_c":1}}`, `<s:a xmlns:s="urn:s" xmlns="urn:d"><b_c>1</b_c></s:a>`, ToXMLOptions{NamespacePrefix: "xmlns"}},
	{"prefix in scope only", `{"r":{"a":{"xmlns_s":"urn:s","s_b":1},"s_b":2}}`, `<r><a xmlns:s="urn:s"><s:b>1</s:b></a><s_b>2</s_b></r>`, ToXMLOptions{NamespacePrefix: "xmlns"}},
	{"date", `{"a":{"b":"2012-03-21T05:40Z","c":"2012-03-21T05:40:00.5","d":"/Date(1198908717056)/","e":"2012-03-21T05:40:00+02:00","f":"soon"}}`,
		`<a><b>2012-03-21T05:40:00Z</b><c>2012-03-21T05:40:00.5</c><d>2007-12-29T06:11:57.056Z</d><e>2012-03-21T03:40:00Z</e><f>soon</f></a>`, ToXMLOptions{ParseDate: true}},
	{"date as it stands", `{"a":"2012-03-21T05:40Z"}`, `<a>2012-03-21T05:40Z</a>`, ToXMLOptions{}},
	{"declaration", `{"?xml":{"@version":"1.0","@standalone":"yes"},"a":null}`, `<?xml version="1.0" standalone="yes"?><a xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" />`, ToXMLOptions{}},
}

func TestToXML(t *testing.T) {
	for _, test := range toXML {
		t.Run(test.name, func(t *testing.T) {
			got, err := ToXML([]byte(test.json), test.o)
			if err != nil || string(got) != test.want {
				t.Fatalf("got %s, %v, want %s", got, err, test.want)
			}
			if _, err := ReadXML(got); err != nil {
				t.Errorf("the result is not read again: %v", err)
			}
		})
	}
}

func TestToXMLFaults(t *testing.T) {
	many := `{"` + strings.Repeat("n", 1<<20) + `":[` + strings.Repeat("1,", 1000) + `1]}`
	tests := []struct {
		name, json string
		offset     int
	}{
		{"empty", ``, 0},
		{"not closed", `{"a":1`, 6},
		{"name twice", `{"a":1,"a":2}`, 7},
		{"two values", `{} {}`, 3},
		{"no UTF-8", "{\"a\":\"\xff\"}", 6},
		{"empty name", `{"":1,"a":2}`, 5},
		{"attribute that is an object", `{"a":{"@b":{}}}`, 12},
		{"attribute twice", `{"a":{"@b":1,"@b_x":2,"t":{"b":1}}}`, -1},
		{"character", `{"a":"\u0001"}`, 13},
		{"namespace without value", `{"a":{"@xmlns:s":""}}`, 19},
		{"too deep", strings.Repeat("[", 200), 129},
		{"too large", many, -2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ToXML([]byte(test.json), ToXMLOptions{AttributeBlockName: "t"})
			own, ok := errors.AsType[*Error](err)
			if !ok || test.offset >= 0 && own.Offset != test.offset || own.Message == "" || own.Fix == "" {
				t.Errorf("got %.80s, %v, want an error at %d", got, err, test.offset)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	for _, source := range []string{
		`{"a":"b"}`, `{"a":{"@id":"1","#text":"t","b":["1","2"],"c":{"d":"e"}}}`, `{"s:a":{"@xmlns:s":"urn:s","s:b":{"@s:c":"1","d":"x"}}}`, `{"a":{"#cdata-section":"<>"}}`, `{"a b":{"_x0020_":"1"}}`,
	} {
		x, err := ToXML([]byte(source), ToXMLOptions{})
		if err != nil {
			t.Errorf("ToXML(%s): %v", source, err)
			continue
		}
		if got, err := ToJSON(x, ToJSONOptions{}); err != nil || string(got) != source {
			t.Errorf("got %s, %v, want %s (by %s)", got, err, source, x)
		}
	}
}

func TestReadXMLManyComments(t *testing.T) {
	document, err := ReadXML([]byte("<a>" + strings.Repeat("x<!---->", 1<<18) + "</a>"))
	if err != nil || len(document.Root().Text()) != 1<<18 {
		t.Errorf("got %v, want all of the text", err)
	}
}

func FuzzToJSON(f *testing.F) {
	for _, test := range toJSON {
		f.Add([]byte(test.xml), int(test.o.Kind), test.o.AlwaysArray)
	}
	f.Fuzz(func(t *testing.T, data []byte, kind int, arrays bool) {
		got, err := ToJSON(data, ToJSONOptions{Kind: Kind(kind & 1), AlwaysArray: arrays})
		if err != nil {
			return
		}
		if !jsontext.Value(got).IsValid() {
			t.Fatalf("got %s, which is not JSON", got)
		}
	})
}

func FuzzToXML(f *testing.F) {
	for _, test := range toXML {
		f.Add([]byte(test.json), test.o.NamespaceSeparator, test.o.NamespacePrefix, test.o.AttributeBlockName)
	}
	f.Fuzz(func(t *testing.T, data []byte, separator, prefix, block string) {
		got, err := ToXML(data, ToXMLOptions{ParseDate: true, NamespaceSeparator: separator, NamespacePrefix: prefix, AttributeBlockName: block})
		if err != nil {
			return
		}
		if _, err := ReadXML(got); err != nil && !bytes.Contains(got, []byte("\ufffd")) {
			t.Fatalf("got %s, which is not XML: %v", got, err)
		}
	})
}
