package openapi

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/encoding"
)

// bindBody sets the body and its Content-Type, if the operation has one and the
// call gives one.
func (x *binder) bindBody(r *Request) error {
	b := x.binding.Body
	if b == nil {
		return nil
	}
	var err error
	if b.Arg != "" {
		err = x.bindWholeBody(b, r)
	} else {
		err = x.bindProperties(b, r)
	}
	if err != nil || r.Body == nil {
		return err
	}
	if b.Kind != BodyMultipart {
		r.Header["Content-Type"] = []string{b.ContentType}
	}
	return nil
}

// bindWholeBody makes one argument the body. A null is a JSON body like any
// other; elsewhere it is an absent one.
func (x *binder) bindWholeBody(b *Body, r *Request) error {
	v := x.args.claim(b.Arg)
	if v == nil || b.Kind != BodyJSON && isNull(v) {
		if b.Required {
			return x.refuse(b.Arg, b.Arg, fromArgument, errRequired)
		}
		return nil
	}
	var err error
	switch b.Kind {
	case BodyJSON:
		r.Body = append([]byte(nil), v...)
	case BodyText:
		r.Body, err = textBody(b.ContentType, v)
	case BodyBinary:
		r.Body, err = decodeBase64(v)
	case BodyForm:
		r.Body, err = x.wholeForm(v)
	case BodyMultipart:
		if v.Kind() != '{' {
			err = unfitError("must be an object, whose members become the parts of the body")
			break
		}
		err = x.writeMultipart(b, wholeParts(v), r)
	default:
		err = x.bodyKindFault(b)
	}
	return x.refuse(b.Arg, b.Arg, fromArgument, err)
}

func (x *binder) bodyKindFault(b *Body) error {
	return x.fault("a body of kind " + quoted(string(b.Kind)) + " cannot be made in this way")
}

// textBody encodes the text of v in the charset of its content type.
func textBody(contentType string, v jsontext.Value) ([]byte, error) {
	text := appendPlainText([]byte{}, v)
	enc := charsetOf(contentType)
	if enc == nil {
		return text, nil
	}
	encoded, err := enc.NewEncoder().Bytes(text)
	if err != nil {
		return nil, unfitError("has characters that the API's character set does not have (" + contentType + ")")
	}
	return encoded, nil
}

// charsetOf returns the encoding that a content type names; nil for UTF-8 and
// for one that is unknown.
func charsetOf(contentType string) encoding.Encoding {
	_, charset, found := strings.Cut(strings.ToLower(contentType), "charset=")
	if !found {
		return nil
	}
	charset, _, _ = strings.Cut(charset, ";")
	return encodingByName(strings.Trim(charset, ` "'`))
}

// decodeBase64 returns the bytes that v, a string, encodes. Both alphabets of
// RFC 4648 are understood, with and without padding, and white space between.
func decodeBase64(v jsontext.Value) ([]byte, error) {
	if v.Kind() != '"' {
		return nil, unfitError("must be a string of base64")
	}
	text := appendPlainText(make([]byte, 0, len(v)), v)
	clean := text[:0]
	for _, c := range text {
		switch c {
		case ' ', '\t', '\n', '\r':
		case '-':
			clean = append(clean, '+')
		case '_':
			clean = append(clean, '/')
		default:
			clean = append(clean, c)
		}
	}
	for range 2 {
		if n := len(clean); n > 0 && clean[n-1] == '=' {
			clean = clean[:n-1]
		}
	}
	content := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(content, clean)
	if err != nil {
		return nil, unfitError("is not valid base64: encode the bytes as base64 (RFC 4648)")
	}
	return content[:n], nil
}

// bindProperties makes the body from the arguments of its properties.
func (x *binder) bindProperties(b *Body, r *Request) error {
	parts, err := x.bodyParts(b)
	if err != nil || parts == nil {
		return err
	}
	switch b.Kind {
	case BodyJSON:
		r.Body = jsonBody(parts)
		return nil
	case BodyForm:
		return x.writeForm(parts, r)
	case BodyMultipart:
		return x.writeMultipart(b, parts, r)
	}
	return x.bodyKindFault(b)
}

// bodyPart is a property of the body with its value.
type bodyPart struct {
	property *BodyProperty
	value    jsontext.Value
	from     source
}

// bodyParts collects the properties that have a value, in the order of the
// document, and then the arguments that nothing else claims, if the body takes
// them. It returns nil for a call without a body: the body is optional, no
// argument gives any of it, and what the configuration gives is not enough.
func (x *binder) bodyParts(b *Body) ([]bodyPart, error) {
	parts := make([]bodyPart, 0, len(b.Properties))
	var missing *BodyProperty
	given := false
	for i := range b.Properties {
		p := &b.Properties[i]
		v, from := x.bodyValue(b, p)
		if len(v) == 0 {
			if p.Required && missing == nil {
				missing = p
			}
			continue
		}
		given = given || from == fromArgument
		parts = append(parts, bodyPart{p, v, from})
	}
	if b.Rest {
		var err error
		named := len(parts)
		if parts, err = x.restParts(b, parts); err != nil {
			return nil, err
		}
		given = given || len(parts) > named
	}
	switch {
	case missing != nil && (given || b.Required):
		from := fromArgument
		if missing.Arg == "" {
			from = fromConfiguration
		}
		return nil, x.refuse(missing.Arg, missing.Name, from, errRequired)
	case missing != nil || len(parts) == 0 && !b.Required:
		return nil, nil
	}
	return parts, nil
}

// bodyValue returns the value of a property. JSON distinguishes null from
// absent, so a null is sent; in other bodies it is absent.
func (x *binder) bodyValue(b *Body, p *BodyProperty) (jsontext.Value, source) {
	if b.Kind == BodyJSON && p.Arg != "" {
		if v := x.args.claim(p.Arg); v != nil {
			return v, fromArgument
		}
		return p.Value, fromConfiguration
	}
	v, from := x.argument(p.Arg, p.Value)
	if isNull(v) && b.Kind != BodyJSON {
		return nil, from
	}
	return v, from
}

// restParts adds the arguments that no parameter or property claims. One with
// the name of a property is refused: it would be sent twice, or in the place of
// one that the configuration has fixed.
func (x *binder) restParts(b *Body, parts []bodyPart) ([]bodyPart, error) {
	for i := range x.args.list {
		a := &x.args.list[i]
		if a.claimed {
			continue
		}
		a.claimed = true
		name := string(a.name)
		if x.hasProperty(name) {
			return nil, x.refuse(name, name, fromArgument, unfitError("cannot be set in this call"+x.propertyHint(name)))
		}
		if isNull(a.value) && b.Kind != BodyJSON {
			continue
		}
		parts = append(parts, bodyPart{&BodyProperty{Arg: name, Name: name}, a.value, fromArgument})
	}
	return parts, nil
}

// hasProperty reports whether the body has a property of that name.
func (x *binder) hasProperty(name string) bool { return x.property(name) != nil }

func (x *binder) property(name string) *BodyProperty {
	if x.binding.Body == nil {
		return nil
	}
	for i := range x.binding.Body.Properties {
		if p := &x.binding.Body.Properties[i]; p.Name == name {
			return p
		}
	}
	return nil
}

// propertyHint names the argument of a property whose argument has another name.
func (x *binder) propertyHint(name string) string {
	if p := x.property(name); p != nil && p.Arg != "" {
		return ": use the argument " + quoted(p.Arg)
	}
	return ""
}

// jsonBody writes one object from the raw values of the parts.
func jsonBody(parts []bodyPart) []byte {
	size := len("{}")
	for _, part := range parts {
		size += len(part.property.Name) + len(part.value) + len(`"":,`)
	}
	body := append(make([]byte, 0, size), '{')
	for i, part := range parts {
		if i > 0 {
			body = append(body, ',')
		}
		body, _ = jsontext.AppendQuote(body, part.property.Name) // what is not UTF-8 is replaced
		body = append(body, ':')
		body = append(body, part.value...)
	}
	return append(body, '}')
}
