// Package openapi knows OpenAPI documents: it turns their operations into MCP
// tools, the arguments of a call into the request of the operation, and the
// response into the result of the tool. It performs no I/O.
//
// The package has two halves that meet in [Tool]. The first runs at build:
// [Parse] reads a document of any version, [Document.Tool] converts one
// operation. The second runs for every call and needs nothing but the Tool:
// [Binding.Bind] and [Binding.AppendResult].
package openapi

import "github.com/go-json-experiment/json/jsontext"

// Tool is one operation as an MCP tool. It is made at build, stored as JSON in
// the snapshot, and read-only afterwards; any number of calls may use it at
// once.
type Tool struct {
	// Name is the tool's name, matching ^[A-Za-z0-9_-]{1,64}$.
	Name string `json:"name"`
	// Definition is the Tool object as tools/list shows it: name, title,
	// description, inputSchema, outputSchema, annotations. It lives in the
	// rendered list, not in the tool's own record.
	Definition jsontext.Value `json:"-"`
	// InputSchema is the JSON Schema (2020-12) of the arguments, always an
	// object at the root. Calls are checked against it before they are bound.
	InputSchema jsontext.Value `json:"inputSchema"`
	// OutputSchema is set only in [OutputExact] mode, where results are checked.
	OutputSchema jsontext.Value `json:"outputSchema,omitzero"`
	// Binding says how arguments become a request and a response a result.
	Binding Binding `json:"binding"`
}

// Binding is the compiled form of an operation: where each argument goes.
type Binding struct {
	// Operation is the operationId, or "METHOD /path" where the document has
	// none. For messages and logs.
	Operation string `json:"operation"`
	// Method is the HTTP method in capitals.
	Method string `json:"method"`
	// Path is the path template as in the document, for example
	// "/pets/{petId}"; it starts with a slash.
	Path string `json:"path"`
	// Params are the parameters in the order of the document.
	Params []Param `json:"params,omitzero"`
	// Body is nil for an operation without a request body.
	Body *Body `json:"body,omitzero"`
	// Accept is the Accept header to send, JSON first; never empty.
	Accept string `json:"accept"`
	// Structured says what structuredContent the result carries.
	Structured Structured `json:"structured,omitzero"`
}

// In is the location of a parameter.
type In string

const (
	InPath   In = "path"
	InQuery  In = "query"
	InHeader In = "header"
	InCookie In = "cookie"
	// InQueryString is OpenAPI 3.2's parameter that is the whole query string.
	InQueryString In = "querystring"
)

// Param is one parameter of an operation other than its body.
type Param struct {
	// Arg is the top-level argument that holds the value; empty when Value is
	// fixed.
	Arg string `json:"arg,omitzero"`
	// Name is the parameter's name on the wire.
	Name string `json:"name"`
	In   In     `json:"in"`
	// Style is the serialization style (OpenAPI 3.x "style"), always set:
	// form, simple, label, matrix, spaceDelimited, pipeDelimited or deepObject;
	// and tabDelimited for the "tsv" of OpenAPI 2.0.
	Style string `json:"style,omitzero"`
	// Explode and AllowReserved are the members of the same name.
	Explode       bool `json:"explode,omitzero"`
	AllowReserved bool `json:"allowReserved,omitzero"`
	// Content is the media type of a parameter described by "content" instead
	// of "schema"; the value is then serialized in that media type.
	Content string `json:"content,omitzero"`
	// Required parameters are an error when absent.
	Required bool `json:"required,omitzero"`
	// Value is the JSON value sent when the argument is absent: a hidden
	// parameter's fixed value (Arg is empty), or a default set by the
	// configuration. Defaults that only the document states are left to the
	// backend.
	Value jsontext.Value `json:"value,omitzero"`
}

// BodyKind says how a request body is serialized.
type BodyKind string

const (
	BodyJSON      BodyKind = "json"      // application/json, */*+json
	BodyForm      BodyKind = "form"      // application/x-www-form-urlencoded
	BodyMultipart BodyKind = "multipart" // multipart/form-data and others
	BodyText      BodyKind = "text"      // text/*, XML: the argument is the text
	BodyBinary    BodyKind = "binary"    // anything else: the argument is base64
)

// Body says how the request body is put together: either from one argument
// (Arg) or from one argument for each property (Properties).
type Body struct {
	Kind BodyKind `json:"kind"`
	// ContentType is the Content-Type to send; for multipart the boundary is
	// added.
	ContentType string `json:"contentType"`
	Required    bool   `json:"required,omitzero"`
	// Arg is the argument that is the whole body; empty when the body is an
	// object whose properties are arguments of their own.
	Arg string `json:"arg,omitzero"`
	// Properties are the arguments that make up the body, in document order.
	Properties []BodyProperty `json:"properties,omitzero"`
	// Rest is true when arguments that no parameter or property claims become
	// properties of the body, because its schema allows additional properties.
	Rest bool `json:"rest,omitzero"`
}

// BodyProperty is one property of a body.
type BodyProperty struct {
	Arg  string `json:"arg,omitzero"` // empty when Value is fixed
	Name string `json:"name"`         // the property's name in the body
	// Value is sent when the argument is absent, as in [Param].
	Value jsontext.Value `json:"value,omitzero"`
	// Required properties of a required body are an error when absent.
	Required bool `json:"required,omitzero"`
	// The following serve form and multipart bodies (OpenAPI "encoding").
	ContentType   string `json:"contentType,omitzero"`
	Style         string `json:"style,omitzero"`
	Explode       bool   `json:"explode,omitzero"`
	AllowReserved bool   `json:"allowReserved,omitzero"`
	// Binary properties of a multipart body are given as base64 and sent as
	// bytes; FileName is the filename of the part, empty for none.
	Binary   bool   `json:"binary,omitzero"`
	FileName string `json:"fileName,omitzero"`
}

// Structured says what structuredContent a JSON response becomes. A tool that
// publishes an outputSchema must return structuredContent with every
// successful result (MCP 2025-06-18, tools, structured content).
type Structured string

const (
	// StructuredNone: no outputSchema; the result is content alone.
	StructuredNone Structured = ""
	// StructuredObject: the response is a JSON object and is given as it is.
	// A response that is not an object is wrapped as in StructuredWrapped, which
	// a permissive schema allows as well.
	StructuredObject Structured = "object"
	// StructuredWrapped: the response is given as {"result": response}, since
	// clients before 2026-07-28 need an object.
	StructuredWrapped Structured = "wrapped"
)

// OutputMode chooses the outputSchema of a tool.
type OutputMode string

const (
	// OutputPermissive describes the response without constraining it, so that
	// a backend that drifts from its document still conforms: names,
	// descriptions and structure, no types below the root, nothing required.
	OutputPermissive OutputMode = "permissive"
	// OutputExact publishes the document's schema and checks each response.
	OutputExact OutputMode = "exact"
	// OutputNone publishes no outputSchema.
	OutputNone OutputMode = "none"
)
