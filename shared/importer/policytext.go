package importer

import (
	"bytes"
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/policy"

	"golang.org/x/text/encoding/unicode"
)

// edit replaces a stretch of a policy document.
type edit struct {
	from, to int
	text     string
}

// policyText is a policy document in UTF-8, without a byte order mark.
func policyText(content []byte) []byte {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		if decoded, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(content); err == nil {
			content = decoded
		}
	}
	return bytes.ReplaceAll(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))
}

// withoutSecrets takes the secrets out of a policy document: what policies show
// as passwords and keys, and what a URL shows as a signature. Each becomes a
// reference to a named value.
func (d *draft) withoutSecrets(place string, content []byte) []byte {
	content = policyText(content)
	if _, faults := policy.Parse("", content, policy.ParseOptions{}); faults.Err() != nil {
		broken, _ := faults.Split() // whose messages may quote what is secret
		d.remark(place, "the policy document cannot be read from line %d, column %d, and was not copied: in its place calls are refused with 503, until it is written anew", broken[0].Line, broken[0].Column)
		return refusing(content)
	}
	lift := func(hint string) string {
		return d.secret(d.fresh(slug(place)+"-"+slug(hint)), place, "it stood in the policy document as plain text, and was not copied")
	}
	content = rewritten(content, func(e *policy.Element) []edit {
		var edits []edit
		for _, a := range e.Attributes {
			if secretAttributes[e.Name+" "+a.Name] && secretLiteral(a.Value) {
				if x, ok := attributeEdit(content, a.Value); ok {
					x.text = lift(e.Name + "-" + a.Name)
					edits = append(edits, x)
				}
			}
		}
		for _, t := range secretTexts(e) {
			if x, ok := textEdit(content, t.text); ok && secretLiteral(t.text) {
				x.text = lift(t.hint)
				edits = append(edits, x)
			}
		}
		return edits
	})
	return []byte(d.withoutSignatures(place, string(content)))
}

// refusing is what takes the place of a document that cannot be read, and in which
// no secrets can be found: a policy that is missing could let through what it was
// there to refuse.
func refusing(content []byte) []byte {
	const refuse = "<return-response><set-status code=\"503\" reason=\"Policy not imported\" /></return-response>"
	if bytes.Contains(content, []byte("<fragment")) && !bytes.Contains(content, []byte("<policies")) {
		return []byte("<fragment>" + refuse + "</fragment>")
	}
	return []byte("<policies><inbound>" + refuse + "</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>")
}

// fresh is a name of a named value that is not declared, and that the source does
// not declare.
func (d *draft) fresh(name string) string {
	one := name
	for i := 2; d.named(one) || d.taken[valuePlace(one)]; i++ {
		one = name + "-" + strconv.Itoa(i)
	}
	return one
}

// secretAttributes are the elements and attributes that hold secrets.
var secretAttributes = map[string]bool{
	"authentication-basic password":       true,
	"authentication-certificate body":     true,
	"authentication-certificate password": true,
	"proxy password":                      true,
}

// secretName tells headers and parameters whose values are secrets.
var secretName = regexp.MustCompile(`(?i)^(authorization|proxy-authorization|cookie|x-functions-key|code|sig|.*(api-?key|subscription-?key|access-?key|secret|password|token))$`)

// hinted is a text, and what it is.
type hinted struct {
	text policy.Text
	hint string
}

// secretTexts are the texts of an element, or of those in it, that are secrets.
func secretTexts(e *policy.Element) []hinted {
	switch e.Name {
	case "set-header", "set-query-parameter":
		name, ok := e.Attribute("name")
		if !ok || !secretName.MatchString(name.Value.Source) || strings.Contains(strings.ToLower(name.Value.Source), "csrf") {
			return nil // a CSRF token is asked for by the text Fetch
		}
		var list []hinted
		for _, child := range e.Children {
			if child.Name == "value" {
				list = append(list, hinted{child.Text, name.Value.Source})
			}
		}
		return list
	case "issuer-signing-keys", "decryption-keys":
		var list []hinted
		for _, child := range e.Children {
			if child.Name == "key" {
				list = append(list, hinted{child.Text, e.Name})
			}
		}
		return list
	}
	return nil
}

// secretLiteral tells whether a text is a secret as it stands: no expression, and
// no reference to a named value.
func secretLiteral(t policy.Text) bool {
	return t.Kind == policy.Literal && strings.TrimSpace(t.Source) != "" && !strings.Contains(t.Source, "{{")
}

// attributeEdit finds the value of an attribute, between its quotes.
func attributeEdit(content []byte, t policy.Text) (edit, bool) {
	from := t.At.Offset
	if from < 1 || from > len(content) {
		return edit{}, false
	}
	n := bytes.IndexByte(content[from:], content[from-1])
	return edit{from: from, to: from + n}, n >= 0
}

// textEdit finds a literal text between tags.
func textEdit(content []byte, t policy.Text) (edit, bool) {
	from := t.At.Offset
	if from < 0 || from >= len(content) {
		return edit{}, false
	}
	n := bytes.IndexByte(content[from:], '<')
	if cdata := bytes.Index(content[from:], []byte("]]>")); cdata >= 0 && cdata < n {
		n = cdata
	}
	if n < 0 {
		return edit{}, false
	}
	return edit{from: from, to: from + len(bytes.TrimRight(content[from:from+n], " \t\n"))}, true
}

// rewritten is a document with the edits that its elements ask for. One that
// cannot be read stays as it is.
func rewritten(content []byte, of func(*policy.Element) []edit) []byte {
	document, faults := policy.Parse("", content, policy.ParseOptions{})
	if faults.Err() != nil {
		return content
	}
	var edits []edit
	for e := range document.All() {
		edits = append(edits, of(e)...)
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(b.from, a.from) })
	for _, e := range edits {
		content = slices.Concat(content[:e.from], []byte(e.text), content[e.to:])
	}
	return content
}

var (
	// signature is a parameter of a URL, or of a form, whose value is a secret.
	signature = regexp.MustCompile(`(?i)([?&;]|&amp;)(sig|code|subscription-key|api-key|apikey|access_token|client_secret)=([^&;"'<>\s{}@()+]+)`)
	// connectionString is the key of a connection string of Azure.
	connectionString = regexp.MustCompile(`(?i)(AccountKey|SharedAccessKey|SharedAccessSignature)=([A-Za-z0-9+/=%&]{16,})`)
)

// withoutSignatures takes the secrets of URLs and connection strings out of a text.
func (d *draft) withoutSignatures(place, text string) string {
	lift := func(hint string) string {
		return d.secret(d.fresh(slug(place)+"-"+slug(hint)), place, "it stood there as plain text, and was not copied")
	}
	text = signature.ReplaceAllStringFunc(text, func(s string) string {
		m := signature.FindStringSubmatch(s)
		return m[1] + m[2] + "=" + lift(m[2])
	})
	return connectionString.ReplaceAllStringFunc(text, func(s string) string {
		m := connectionString.FindStringSubmatch(s)
		return m[1] + "=" + lift(m[1])
	})
}

// withoutShown is a document, such as one of OpenAPI, in which no URL shows a
// signature, and no connection string its key.
func withoutShown(content []byte) []byte {
	content = signature.ReplaceAll(content, []byte("${1}${2}="+removed))
	return connectionString.ReplaceAll(content, []byte("${1}="+removed))
}

// literal is a text for people in which nothing is a reference to a named value.
func literal(text string) string { return config.ValueReference().ReplaceAllString(text, "{ {$1} }") }

// renamed replaces the values of an attribute that names something, where that
// has another name here.
func renamed(content []byte, attribute string, to map[string]string) []byte {
	return rewritten(content, func(e *policy.Element) []edit {
		a, ok := e.Attribute(attribute)
		if !ok || a.Value.Kind != policy.Literal || to[a.Value.Source] == "" || to[a.Value.Source] == a.Value.Source {
			return nil
		}
		x, ok := attributeEdit(content, a.Value)
		x.text = to[a.Value.Source]
		if !ok {
			return nil
		}
		return []edit{x}
	})
}

// references are the names of the named values that a policy document needs.
func references(content []byte) []string {
	one := maps.All(map[string][]byte{"": content})
	return policy.Assess(one, policy.AssessOptions{}).Documents[0].NamedValues
}
