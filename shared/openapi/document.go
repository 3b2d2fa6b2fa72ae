package openapi

import (
	"errors"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Document is an OpenAPI document with the files it refers to. It is not safe
// for concurrent use, since conversions are remembered in it.
type Document struct {
	// Title and Description are those of the API, fit for a model to read.
	Title, Description string
	// Version is that of the API, as info states it.
	Version string
	// Dialect is the version of OpenAPI: "2.0", "3.0", "3.1" or "3.2".
	Dialect string
	// Operations are in the order of the document.
	Operations []*Operation
	// Warnings are faults that do not keep the document from being used: names
	// that occur twice in one object, path items that cannot be read. Files read
	// later, for a $ref, add theirs.
	Warnings []*Error

	root       *node
	load       Loader
	files      []*file
	byLocation map[string]*file
	unreadable map[string]*Error
	hops       int

	// credentials are the parameters that security schemes name, as "in:name".
	credentials map[string]bool
	inputs      *normalizer
	outputs     *normalizer
	subtypes    map[*node][]*node
	permissive  map[permissiveKey]jsontext.Value
	usable      map[string]error // of the schemas of descriptions, by their text: nil for those that compile
}

// Parse reads the OpenAPI document at a location, an absolute URL or a path,
// from data, which is JSON or YAML. Other files are read through load as they
// are needed; load may be nil for a document in one file. Errors are *Error.
//
// What Parse refuses is not an OpenAPI document. Faults inside the document
// show in the verdicts of the operations they concern.
func Parse(location string, data []byte, load Loader) (*Document, error) {
	if !strings.Contains(location, "://") {
		location = path.Clean(filepath.ToSlash(location))
	}
	f, err := readFile(location, data)
	if err != nil {
		return nil, err
	}
	dialect, fault := dialectOf(f)
	if fault != nil {
		return nil, fault
	}
	d := &Document{
		Dialect: dialect, root: f.root, load: load,
		byLocation: make(map[string]*file),
		unreadable: make(map[string]*Error),
		permissive: make(map[permissiveKey]jsontext.Value),
		usable:     make(map[string]error),
	}
	d.addFile(f)
	info := f.root.get("info")
	d.Title = shorten(inOneLine(plainText(info.scalar("title"))), titleLimit)
	d.Description = plainText(info.scalar("description"))
	d.Version = info.scalar("version")
	d.inputs = newNormalizer(d, request)
	d.outputs = newNormalizer(d, response)
	if declared := f.root.get("jsonSchemaDialect"); declared != nil && !knownDialect(declared.text) {
		d.Warnings = append(d.Warnings, faultAt(declared, "", "the schema dialect %q is taken as JSON Schema 2020-12", declared.text))
	}
	d.collectCredentials()
	d.collectOperations()
	return d, nil
}

// dialectOf finds the version of OpenAPI that a file is written in.
func dialectOf(f *file) (string, *Error) {
	const fix = `begin with "openapi: 3.1.0", "openapi: 3.0.3" or "swagger: '2.0'"`
	if !f.root.is(objectNode) {
		return "", faultAt(f.root, fix, "not an OpenAPI document: its root is not an object")
	}
	field := f.root.get("openapi")
	if field == nil {
		field = f.root.get("swagger")
	}
	if field == nil {
		if f.root.get("asyncapi") != nil {
			return "", faultAt(f.root, "give the OpenAPI document of the API", "this is an AsyncAPI document")
		}
		return "", faultAt(f.root, fix, "not an OpenAPI document: it has no member openapi or swagger")
	}
	if field.kind != stringNode && field.kind != numberNode {
		return "", faultAt(field, fix, "the version of OpenAPI is not a string")
	}
	major, rest, _ := strings.Cut(strings.TrimSpace(field.text), ".")
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "-") // 3.1.0-rc1
	switch dialect := major + "." + minor; dialect {
	case "2.0", "3.0", "3.1", "3.2":
		return dialect, nil
	case "2.", "3.":
		return major + ".0", nil
	default:
		return "", faultAt(field, "convert it to OpenAPI 3.1", "OpenAPI %q is not among the versions 2.0, 3.0, 3.1 and 3.2", field.text)
	}
}

// since31 tells whether schemas are those of JSON Schema 2020-12.
func (d *Document) since31() bool { return d.Dialect >= "3.1" }

// collectCredentials notes the parameters that carry credentials: they are
// never arguments, since credentials come from the gateway's own configuration.
func (d *Document) collectCredentials() {
	d.credentials = make(map[string]bool)
	schemes := d.root.object("securityDefinitions")
	if d.Dialect != "2.0" {
		schemes = d.root.get("components").object("securitySchemes")
	}
	for _, m := range schemes {
		scheme, fault := d.follow(m.value)
		if fault != nil {
			d.Warnings = append(d.Warnings, fault)
			continue
		}
		if scheme.str("type") == "apiKey" {
			d.credentials[credentialKey(scheme.str("in"), scheme.str("name"))] = true
		}
	}
}

// credentialKey identifies a parameter; header names have no case.
func credentialKey(in, name string) string {
	if in == string(InHeader) {
		name = strings.ToLower(name)
	}
	return in + ":" + name
}

// asError is err as the *Error that it is.
func asError(err error) *Error {
	if fault, ok := errors.AsType[*Error](err); ok {
		return fault
	}
	return &Error{Message: err.Error()}
}
