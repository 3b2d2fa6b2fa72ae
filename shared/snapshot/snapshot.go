// Package snapshot is the compiled form of a gateway: one file that build
// writes and every host loads. It holds tool lists already rendered and one
// record for each tool, so that a start reads little and parses nothing but the
// manifest.
//
// The file is a zip archive, stored without compression (the deployment package
// compresses it), and any zip tool shows what is inside:
//
//	manifest.json                     what the gateway is: servers, backends, limits
//	report.json                       the verdict on each operation
//	servers/{server}/list/{page}.json the array of tools of one page of tools/list
//	servers/{server}/tool/{tool}.json the record of one tool
package snapshot

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the version of the file's layout. A gateway refuses another one.
const Format = 1

// Manifest is what a gateway needs to know at start. Values that hold secrets
// hold references to them.
type Manifest struct {
	Format         int           `json:"format"`
	Name           string        `json:"name"`
	Title          string        `json:"title,omitzero"`
	Version        string        `json:"version"`
	PublicURL      string        `json:"publicUrl,omitzero"`
	AllowedHosts   []string      `json:"allowedHosts,omitzero"`
	AllowedOrigins []string      `json:"allowedOrigins,omitzero"`
	SealingKey     config.Text   `json:"sealingKey,omitzero"`
	Limits         config.Limits `json:"limits"`
	Servers        []Server      `json:"servers"`
}

// Server is one MCP endpoint. Exactly one of API, Upstream and Federate is set.
type Server struct {
	Name         string           `json:"name"`
	Title        string           `json:"title,omitzero"`
	Description  string           `json:"description,omitzero"`
	Instructions string           `json:"instructions,omitzero"`
	API          *API             `json:"api,omitzero"`
	Upstream     *config.Upstream `json:"upstream,omitzero"`
	Federate     []config.Member  `json:"federate,omitzero"`
}

// API is a REST API published as tools.
type API struct {
	// Backends are the destinations of the tools; a tool's record names one by
	// its index. There is more than one only where a document gives operations
	// servers of their own.
	Backends []config.Backend `json:"backends"`
	// Pages is the number of pages of tools/list, at least 1.
	Pages int `json:"pages"`
	// Tools is the number of tools.
	Tools int `json:"tools"`
}

// Snapshot is a loaded file. It is safe for concurrent use.
type Snapshot struct {
	Manifest
	// Hash identifies the content: the same configuration builds the same bytes.
	Hash   string
	reader io.ReaderAt
	files  map[string]*zip.File
	tools  map[string][]string // by server, in the order of the file
	close  io.Closer
}

// Open loads a file. Close it when its gateway has stopped.
func Open(path string) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the snapshot: %w (write it with `go run ./local build`)", err)
	}
	info, err := f.Stat()
	if err == nil {
		var s *Snapshot
		if s, err = Load(f, info.Size()); err == nil {
			s.close = f
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("loading %s: %w", path, err), f.Close())
}

// Load reads the manifest and the directory of a snapshot; the rest is read
// when it is asked for.
func Load(r io.ReaderAt, size int64) (*Snapshot, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	s := &Snapshot{reader: r, files: make(map[string]*zip.File, len(archive.File)), tools: map[string][]string{}, Hash: archive.Comment}
	for _, f := range archive.File {
		s.files[f.Name] = f
		if server, tool, ok := strings.Cut(strings.TrimPrefix(f.Name, "servers/"), "/tool/"); ok {
			s.tools[server] = append(s.tools[server], strings.TrimSuffix(tool, ".json"))
		}
	}
	manifest, err := s.read("manifest.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(manifest, &s.Manifest); err != nil {
		return nil, fmt.Errorf("reading the snapshot's manifest: %w", err)
	}
	if s.Format != Format {
		return nil, fmt.Errorf("the snapshot has format %d, this gateway reads %d: build it again", s.Format, Format)
	}
	return s, nil
}

// Close releases the file.
func (s *Snapshot) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close.Close()
}

// Tools returns the names of a server's tools, in the order of its list.
func (s *Snapshot) Tools(server string) []string { return s.tools[server] }

// Page returns the array of tools of one page, counted from 0.
func (s *Snapshot) Page(server string, page int) (jsontext.Value, error) {
	return s.read(pageName(server, page))
}

// Tool is the record of one tool.
type Tool struct {
	openapi.Tool `json:",inline"`
	// Backend indexes [API.Backends].
	Backend int `json:"backend,omitzero"`
}

// Tool reads the record of a tool.
func (s *Snapshot) Tool(server, tool string) (*Tool, error) {
	record, err := s.read(toolName(server, tool))
	if err != nil {
		return nil, err
	}
	t := new(Tool)
	if err := json.Unmarshal(record, t); err != nil {
		return nil, fmt.Errorf("reading tool %q of server %q from the snapshot: %w", tool, server, err)
	}
	return t, nil
}

// Report returns the verdicts of the build.
func (s *Snapshot) Report() (jsontext.Value, error) { return s.read("report.json") }

func (s *Snapshot) read(name string) ([]byte, error) {
	f := s.files[name]
	if f == nil {
		return nil, fmt.Errorf("the snapshot has no %s: build it again", name)
	}
	// Entries are stored as they are, so they are read in place: no
	// decompressor and no checksum stand between a start and its first answer.
	offset, err := f.DataOffset()
	if err == nil && f.Method != zip.Store {
		err = errors.New("it is compressed; a snapshot is not to be packed anew")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of the snapshot: %w", name, err)
	}
	content := make([]byte, f.UncompressedSize64)
	if _, err := s.reader.ReadAt(content, offset); err != nil {
		return nil, fmt.Errorf("reading %s of the snapshot: %w", name, err)
	}
	return content, nil
}

func pageName(server string, page int) string {
	return fmt.Sprintf("servers/%s/list/%d.json", server, page)
}

func toolName(server, tool string) string {
	return "servers/" + server + "/tool/" + tool + ".json"
}

// Writer writes a snapshot. The first error is kept and returned by Close.
type Writer struct {
	buf  bytes.Buffer
	zip  *zip.Writer
	hash []byte
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

// Close adds the manifest and the report and returns the bytes of the file.
func (w *Writer) Close(m Manifest, report any) ([]byte, error) {
	m.Format = Format
	w.marshal("report.json", report)
	w.marshal("manifest.json", m)
	sum := sha256.Sum256(w.hash)
	w.fail(w.zip.SetComment(hex.EncodeToString(sum[:16])))
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
	sum := sha256.Sum256(content)
	w.hash = append(append(w.hash, name...), sum[:]...)
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
