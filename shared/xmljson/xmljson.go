// Package xmljson knows how XML becomes JSON and JSON becomes XML, as the
// policies xml-to-json and json-to-xml of API Management do it.
//
// Neither direction reads anything but the document: a document type
// declaration is refused, and with it every entity that XML does not predefine.
package xmljson

import "fmt"

// Kind is the form of the JSON that ToJSON writes.
type Kind int

// The kinds of xml-to-json.
const (
	// Direct reflects the XML document's structure in the way of Newtonsoft's
	// SerializeXmlNode: attributes are members that begin with "@", text beside
	// other content is "#text", a CDATA section "#cdata-section", and equal
	// siblings are an array.
	Direct Kind = iota
	// JavaScriptFriendly has member names that are JavaScript identifiers:
	// attributes are members like elements, a prefix is set off by "$", text
	// beside other content is "$t", and the XML declaration's version and
	// encoding are members of the document.
	JavaScriptFriendly
)

// ToJSONOptions are the attributes of xml-to-json.
type ToJSONOptions struct {
	Kind Kind
	// AlwaysArray makes an array of every child element; the root element
	// stays an object.
	AlwaysArray bool
}

// ToXMLOptions are the attributes of json-to-xml.
type ToXMLOptions struct {
	// ParseDate reads strings that are dates and writes them in the form of
	// XML Schema, in UTC where the string has a zone.
	ParseDate bool
	// NamespaceSeparator stands between prefix and local name in names of
	// members; "" is "_". A name is divided only if the prefix is declared.
	NamespaceSeparator string
	// NamespacePrefix is what names of members that declare a namespace begin
	// with, usually "xmlns"; "" is none.
	NamespacePrefix string
	// AttributeBlockName is the name of members whose members become
	// attributes; "" is none.
	AttributeBlockName string
}

// Bounds of what is read and written. Depth counts elements, objects and arrays.
const (
	maxDepth  = 128
	maxInput  = 32 << 20
	maxOutput = 64 << 20
)

// Error says what in a document cannot be read or converted.
type Error struct {
	// Offset is where in the document, in bytes from its beginning: for what is
	// well-formed, just behind the token that is meant.
	Offset  int
	Message string
	Fix     string
}

// Error is offset, message and fix on one line.
func (e *Error) Error() string {
	return fmt.Sprintf("offset %d: %s: %s", e.Offset, e.Message, e.Fix)
}

func failure(offset int, fix, format string, args ...any) *Error {
	return &Error{Offset: offset, Message: fmt.Sprintf(format, args...), Fix: fix}
}
