package snapshot

import (
	"archive/zip"
	"bytes"
	"fmt"
	"time"

	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Writer writes a snapshot. The first error is kept and returned by Close.
type Writer struct {
	buf  bytes.Buffer
	zip  *zip.Writer
	hash contentHash
	err  error
}

// NewWriter begins a snapshot in memory.
func NewWriter() *Writer {
	w := &Writer{}
	w.zip = zip.NewWriter(&w.buf)
	return w
}

// Page adds one page of tools/list.
func (w *Writer) Page(server string, page int, tools jsontext.Value) {
	w.add(pageName(server, page), tools)
}

// Tool adds the record of a tool.
func (w *Writer) Tool(server string, t Tool) { w.marshal(toolName(server, t.Name), t) }

// SearchIndex adds the index of a server's tools.
func (w *Writer) SearchIndex(server string, index []byte) { w.add(searchName(server), index) }

// Operations adds the operations of an API.
func (w *Writer) Operations(api string, operations []Operation) {
	w.marshal(operationsName(api), operations)
}

// Description adds what the document of an API says of an operation.
func (w *Writer) Description(api, operation string, d *openapi.Description) {
	w.marshal(descriptionName(api, operation), d)
}

// Policy adds a policy document by its number, from 1.
func (w *Writer) Policy(n int, document []byte) { w.add(policyName(n), document) }

// Fragment adds a policy fragment.
func (w *Writer) Fragment(id string, document []byte) { w.add(fragmentName(id), document) }

// Candidate adds the snapshot of a candidate.
func (w *Writer) Candidate(content []byte) { w.add(candidateName, content) }

// Schema adds a JSON Schema.
func (w *Writer) Schema(id string, schema jsontext.Value) { w.add(schemaName(id), schema) }

// Close adds the manifest and the report and returns the bytes of the file.
func (w *Writer) Close(m Manifest, report any) ([]byte, error) {
	m.Format = Format
	w.marshal("report.json", report)
	w.marshal("manifest.json", m)
	w.fail(w.zip.SetComment(w.hash.String()))
	w.fail(w.zip.Close())
	return w.buf.Bytes(), w.err
}

func (w *Writer) marshal(name string, v any) {
	content, err := json.Marshal(v, json.Deterministic(true))
	w.fail(err)
	w.add(name, content)
}

// modified is the time of every entry, so that equal content gives equal bytes.
var modified = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (w *Writer) add(name string, content []byte) {
	w.hash.add(name, content)
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: modified})
	w.fail(err)
	if err == nil {
		_, err = f.Write(content)
		w.fail(err)
	}
}

func (w *Writer) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("writing the snapshot: %w", err)
	}
}
