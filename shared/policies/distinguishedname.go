package policies

import (
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
)

// distinguishedName are the attributes of a name (RFC 4514), in order.
type distinguishedName []nameAttribute

// nameAttribute has an object identifier and a value.
type nameAttribute struct{ oid, value string }

// nameKeywords are the identifiers of the keywords that names are written with.
var nameKeywords = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "S": "2.5.4.8",
	"STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "T": "2.5.4.12", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17",
	"G": "2.5.4.42", "GN": "2.5.4.42", "GIVENNAME": "2.5.4.42", "I": "2.5.4.43", "INITIALS": "2.5.4.43",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1", "E": "1.2.840.113549.1.9.1", "EMAIL": "1.2.840.113549.1.9.1",
}

// certificateName are the attributes of a certificate's subject or issuer.
func certificateName(n pkix.Name) distinguishedName {
	var name distinguishedName
	for _, a := range n.Names {
		name = append(name, nameAttribute{a.Type.String(), fmt.Sprint(a.Value)})
	}
	return name
}

// parseDistinguishedName reads a name such as CN=a, O="Contoso, Inc.".
func parseDistinguishedName(text string) (distinguishedName, error) {
	var name distinguishedName
	for rest := strings.TrimSpace(text); rest != ""; {
		keyword, after, ok := strings.Cut(rest, "=")
		keyword = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(keyword)), "OID.")
		if !ok || keyword == "" {
			return nil, fmt.Errorf("%q is no distinguished name", text)
		}
		oid := nameKeywords[keyword]
		if oid == "" && strings.Trim(keyword, "0123456789.") == "" {
			oid = keyword
		}
		if oid == "" {
			return nil, fmt.Errorf("%s is no attribute of a distinguished name", keyword)
		}
		value, end, err := nameValue(after)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", text, err)
		}
		name = append(name, nameAttribute{oid, value})
		rest = strings.TrimSpace(after[end:])
	}
	if name == nil {
		return nil, fmt.Errorf("the name is empty")
	}
	return name, nil
}

// nameValue reads a value up to the separator, and tells where the next
// attribute begins. Quotes around a value or a part of it, and a backslash
// before a character, let separators stand in it.
func nameValue(text string) (value string, end int, err error) {
	var out strings.Builder
	quoted, kept := false, 0 // kept: what trimming must not take away
	for end < len(text) {
		switch c := text[end]; {
		case c == '"' && quoted && strings.HasPrefix(text[end+1:], `"`): // "" is one quote
			out.WriteByte('"')
			end++
			kept = out.Len()
		case c == '"':
			quoted = !quoted
			kept = out.Len()
		case c == '\\' && end+1 < len(text):
			end++
			out.WriteByte(text[end])
			kept = out.Len()
		case !quoted && (c == ',' || c == ';' || c == '+'):
			return trimmed(out.String(), kept), end + 1, nil
		default:
			out.WriteByte(c)
		}
		end++
	}
	if quoted {
		return "", 0, fmt.Errorf("a quote is not closed")
	}
	return trimmed(out.String(), kept), end, nil
}

func trimmed(value string, kept int) string {
	return strings.TrimLeft(value[:kept]+strings.TrimRight(value[kept:], " \t"), " \t")
}

// equal compares names: in either order, since some write the country first and
// others last, and without letter case.
func (n distinguishedName) equal(other distinguishedName) bool {
	same := func(a, b nameAttribute) bool { return a.oid == b.oid && strings.EqualFold(a.value, b.value) }
	if slices.EqualFunc(n, other, same) {
		return true
	}
	backwards := slices.Clone(other)
	slices.Reverse(backwards)
	return slices.EqualFunc(n, backwards, same)
}
