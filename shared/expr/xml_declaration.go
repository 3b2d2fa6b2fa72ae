package expr

import (
	"regexp"
	"strings"
)

// xmlDeclaration is an XDeclaration. What is "" was not given.
type xmlDeclaration struct{ version, encoding, standalone string }

func (*xmlDeclaration) typeName() string { return "XDeclaration" }

// String writes what was given.
func (d *xmlDeclaration) String() string {
	var out strings.Builder
	out.WriteString("<?xml")
	for _, a := range [][2]string{{"version", d.version}, {"encoding", d.encoding}, {"standalone", d.standalone}} {
		if a[1] != "" {
			out.WriteString(" " + a[0] + `="` + a[1] + `"`)
		}
	}
	return out.String() + "?>"
}

var declaredValue = regexp.MustCompile(`(version|encoding|standalone)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// readDeclaration reads what stands between <?xml and ?>.
func readDeclaration(text string) *xmlDeclaration {
	d := &xmlDeclaration{}
	for _, m := range declaredValue.FindAllStringSubmatch(text, -1) {
		value := m[2] + m[3]
		switch m[1] {
		case "version":
			d.version = value
		case "encoding":
			d.encoding = value
		default:
			d.standalone = value
		}
	}
	return d
}

// newDeclaration takes null for what is not given.
func newDeclaration(_ *frame, a []any) any {
	given := func(v any) string {
		if v == nil {
			return ""
		}
		return v.(string)
	}
	return &xmlDeclaration{given(a[0]), given(a[1]), given(a[2])}
}

var declarationMembers = []memberTable{
	{"XDeclaration", []row{
		{"new(string version, string encoding, string standalone)", newDeclaration, `new XDeclaration("1.0", "utf-8", "yes").ToString()`, `<?xml version="1.0" encoding="utf-8" standalone="yes"?>`},
		{"string Version", func(_ *frame, a []any) any { return textOrNull(a[0].(*xmlDeclaration).version) }, `new XDeclaration("1.0", null, null).Version`, "1.0"},
		{"string Encoding", func(_ *frame, a []any) any { return textOrNull(a[0].(*xmlDeclaration).encoding) }, `new XDeclaration("1.0", "utf-8", null).Encoding`, "utf-8"},
		{"string Standalone", func(_ *frame, a []any) any { return textOrNull(a[0].(*xmlDeclaration).standalone) }, `new XDeclaration("1.0", null, "no").Standalone`, "no"},
	}},
}
