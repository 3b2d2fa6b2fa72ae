package openapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// wholeParts makes every member of an object a part of its own.
func wholeParts(v jsontext.Value) []bodyPart {
	var parts []bodyPart
	for name, value := range jsonMembers(v) {
		if !isNull(value) {
			parts = append(parts, bodyPart{&BodyProperty{Name: string(name)}, value, fromArgument})
		}
	}
	return parts
}

// writeMultipart writes the parts as a multipart body and sets its Content-Type.
func (x *binder) writeMultipart(b *Body, parts []bodyPart, r *Request) error {
	essence := mediaType(b.ContentType)
	if !strings.HasPrefix(essence, "multipart/") {
		return x.fault("the content type " + quoted(b.ContentType) + " is not a multipart type")
	}
	var body bytes.Buffer
	w := partWriter{multipart.NewWriter(&body), essence == "multipart/form-data"}
	boundary := partBoundary(parts)
	if err := w.SetBoundary(boundary); err != nil {
		return x.fault(err.Error())
	}
	for _, part := range parts {
		if err := w.write(part); err != nil {
			return x.refuseProperty(part, cmp.Or(b.Arg, part.property.Arg), err)
		}
	}
	if err := w.Close(); err != nil {
		return x.fault(err.Error())
	}
	r.Body = body.Bytes()
	r.Header["Content-Type"] = []string{multipartType(b.ContentType, boundary)}
	return nil
}

// partBoundary derives the boundary from what it separates, so that the same
// call is the same request. A part that contains the boundary would have to
// contain the hash of itself.
func partBoundary(parts []bodyPart) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = hash.Write(part.value) // never fails
		_, _ = hash.Write([]byte{0})
	}
	return hex.EncodeToString(hash.Sum(nil)[:24])
}

// multipartType adds the boundary to a content type, in the place of one that
// the document gives.
func multipartType(contentType, boundary string) string {
	essence, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return mediaType(contentType) + "; boundary=" + boundary
	}
	params["boundary"] = boundary
	return mime.FormatMediaType(essence, params)
}

// partWriter writes the parts of a multipart body.
type partWriter struct {
	*multipart.Writer
	// formData is true for multipart/form-data, whose parts have names.
	formData bool
}

// write writes a property: one part, or one for every item of an array
// (OpenAPI 3.x, "encoding", multipart). An array with a style that does not
// explode is one part, its items separated.
func (w partWriter) write(part bodyPart) error {
	switch p := part.property; {
	case part.value.Kind() != '[':
		return w.writeValue(p, part.value)
	case p.Style != "" && p.Style != styleDeepObject && !p.Explode && !p.Binary:
		return w.writeJoined(p, part.value)
	}
	for item := range jsonItems(part.value) {
		if isNull(item) {
			continue
		}
		if err := w.writeValue(part.property, item); err != nil {
			return err
		}
	}
	return nil
}

func (w partWriter) writeJoined(p *BodyProperty, v jsontext.Value) error {
	format, err := plainFormat(p.Style)
	if err != nil {
		return err
	}
	var s styleWriter
	content, n, err := s.appendValue([]byte{}, v, format)
	if err != nil || n == 0 {
		return err
	}
	return w.writePart(p, content, p.ContentType)
}

// plainFormat is the format of a style where nothing is percent-encoded.
func plainFormat(style string) (listFormat, error) {
	plain := func(dst, text []byte) ([]byte, error) { return append(dst, text...), nil }
	switch style {
	case styleForm:
		return listFormat{",", ",", refusing(',', "comma", plain)}, nil
	case styleSpaceDelimited:
		return listFormat{" ", " ", refusing(' ', "space", plain)}, nil
	case stylePipeDelimited:
		return listFormat{"|", "|", refusing('|', "vertical bar (|)", plain)}, nil
	case styleTabDelimited:
		return listFormat{"\t", "\t", refusing('\t', "tab", plain)}, nil
	}
	return listFormat{}, errNoStyle
}

func (w partWriter) writeValue(p *BodyProperty, v jsontext.Value) error {
	content, contentType, err := partContent(p, v)
	if err != nil {
		return err
	}
	return w.writePart(p, content, contentType)
}

func (w partWriter) writePart(p *BodyProperty, content []byte, contentType string) error {
	header := make(textproto.MIMEHeader, 2)
	if disposition := w.disposition(p); disposition != "" {
		header.Set("Content-Disposition", disposition)
	}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	out, err := w.CreatePart(header)
	if err != nil {
		return err
	}
	_, err = out.Write(content)
	return err
}

// partContent returns the bytes of a part and their type. Text has none unless
// the document gives one: text/plain is what RFC 7578 section 4.4 assumes.
func partContent(p *BodyProperty, v jsontext.Value) (content []byte, contentType string, err error) {
	if p.Binary {
		content, err = decodeBase64(v)
		return content, binaryType(p.ContentType, content), err
	}
	contentType = p.ContentType
	if contentType == "" && isContainer(v) {
		contentType = "application/json"
	}
	return appendContent([]byte{}, contentType, v), contentType, nil
}

// binaryType chooses from the types that a property may have, for example
// "image/png, image/jpeg" or "image/*", the one of the content.
func binaryType(contentType string, content []byte) string {
	const unknown = "application/octet-stream"
	if contentType == "" {
		return unknown
	}
	first := ""
	sniffed := mediaType(http.DetectContentType(content))
	for candidate := range strings.SplitSeq(contentType, ",") {
		candidate = strings.TrimSpace(candidate)
		essence := mediaType(candidate)
		family, wildcard := strings.CutSuffix(essence, "*")
		if essence == sniffed || wildcard && strings.HasPrefix(sniffed, strings.TrimPrefix(family, "*/")) {
			return sniffed
		}
		if first == "" && !wildcard {
			first = candidate
		}
	}
	if first == "" {
		return unknown
	}
	return first
}

// disposition is the Content-Disposition of a part: its name in a form, its
// file name elsewhere; empty for none.
func (w partWriter) disposition(p *BodyProperty) string {
	switch {
	case w.formData && p.FileName != "":
		return multipart.FileContentDisposition(p.Name, p.FileName)
	case w.formData:
		return `form-data; name="` + dispositionQuotes.Replace(p.Name) + `"`
	case p.FileName != "":
		return `attachment; filename="` + dispositionQuotes.Replace(p.FileName) + `"`
	}
	return ""
}

// dispositionQuotes escapes what would end a quoted parameter or the header
// (RFC 7578 section 2 and the HTML standard, multipart/form-data).
var dispositionQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A")
