package openapi

import "strings"

// offer is one content type in which a request body may be sent.
type offer struct {
	contentType string
	kind        BodyKind
	media       *node // the media type object
	schema      *node // of the document; nil when it has none
	// rank orders the offers: the lowest is chosen, and of equals the first.
	rank int
	// guessed says that the content type does not tell it is JSON.
	guessed bool
}

// Ranks of offers. JSON says most and is what models write best.
const (
	rankJSON = iota
	rankMergePatch
	rankOtherJSON
	rankForm
	rankMultipart
	rankOtherMultipart
	rankGuessedJSON
	rankText
	rankXML
	rankBinary
	rankUnfit
)

// offer classifies a content type with its media type object.
func (d *Document) offer(contentType string, media *node) offer {
	o := offer{contentType: contentType, media: media, schema: media.get("schema")}
	essence := mediaType(contentType)
	set := func(kind BodyKind, rank int) offer {
		o.kind, o.rank = kind, rank
		return o
	}
	switch {
	case essence == "application/json":
		return set(BodyJSON, rankJSON)
	case essence == "application/merge-patch+json":
		return set(BodyJSON, rankMergePatch)
	case essence == "application/json-patch+json" && d.describesOnlyObjects(o.schema):
		// RFC 6902: the body is an array of operations, which the schema forbids.
		return set(BodyJSON, rankUnfit)
	case isJSONType(essence):
		return set(BodyJSON, rankOtherJSON)
	case isFormType(essence):
		return set(BodyForm, rankForm)
	case essence == "multipart/form-data":
		return set(BodyMultipart, rankMultipart)
	case strings.HasPrefix(essence, "multipart/"):
		return set(BodyMultipart, rankOtherMultipart)
	case isXMLType(essence):
		return set(BodyText, rankXML)
	case essence == "text/*":
		o.contentType = "text/plain"
		return set(BodyText, rankText)
	case isTextType(essence):
		return set(BodyText, rankText)
	case essence == "*/*" || essence == "application/*":
		if d.describesBytes(o.schema) {
			o.contentType = "application/octet-stream"
			return set(BodyBinary, rankBinary)
		}
		o.contentType = "application/json"
		return set(BodyJSON, rankOtherJSON)
	case strings.HasPrefix(essence, "application/") && d.describesStructure(o.schema):
		o.guessed = true
		return set(BodyJSON, rankGuessedJSON)
	default:
		if strings.Contains(essence, "*") {
			o.contentType = "application/octet-stream"
		}
		return set(BodyBinary, rankBinary)
	}
}

// describesOnlyObjects tells whether a schema of the document, or what it refers
// to, has the type object.
func (d *Document) describesOnlyObjects(schema *node) bool {
	if schema == nil {
		return false
	}
	followed, fault := d.follow(schema)
	return fault == nil && followed.str("type") == "object"
}

// describesStructure tells whether a schema is about an object or an array.
func (d *Document) describesStructure(schema *node) bool {
	if schema == nil {
		return false
	}
	followed, fault := d.follow(schema)
	if fault != nil {
		return false
	}
	for _, keyword := range []string{"properties", "allOf", "oneOf", "anyOf", "additionalProperties", "items"} {
		if followed.get(keyword) != nil {
			return true
		}
	}
	return followed.str("type") == "object" || followed.str("type") == "array"
}

// describesBytes tells whether a schema is about bytes.
func (d *Document) describesBytes(schema *node) bool {
	if schema == nil {
		return false
	}
	followed, fault := d.follow(schema)
	return fault == nil && (followed.str("format") == "binary" || followed.str("type") == "file" ||
		followed.get("contentMediaType") != nil && followed.get("contentEncoding") == nil)
}

// sameSchema tells whether two offers describe the same.
func (d *Document) sameSchema(a, b offer) bool {
	if a.schema == nil || b.schema == nil {
		return a.schema == b.schema
	}
	left, fault := d.follow(a.schema)
	if fault != nil {
		return false
	}
	right, fault := d.follow(b.schema)
	return fault == nil && same(left, right)
}
