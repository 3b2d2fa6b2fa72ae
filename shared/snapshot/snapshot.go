// Package snapshot is the compiled form of a gateway: one file that build
// writes and every host loads. It holds tool lists already rendered and one
// record for each tool, so that a start reads little and parses nothing but the
// manifest.
//
// The file is a zip archive, stored without compression (the deployment package
// compresses it), and any zip tool shows what is inside:
//
//	manifest.json                     what the gateway is: servers, APIs, backends, limits
//	report.json                       the verdict on each operation
//	servers/{server}/list/{page}.json the array of tools of one page of tools/list
//	servers/{server}/tool/{tool}.json the record of one tool
//	servers/{server}/search.index     the index of tools that are found by a search
//	apis/{api}.json                   the operations of an API that HTTP clients reach
//	apis/{api}/operations/{id}.json   what the OpenAPI document says of an operation, where a policy asks
//	policies/{n}.xml                  policy documents as they were written, from 1
//	fragments/{id}.xml                policy fragments as they were written
//	schemas/{id}.json                 JSON Schemas that policies name
//	shadow.snapshot                   the candidate that is run beside this configuration
package snapshot

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Snapshot is a loaded file. It is safe for concurrent use.
type Snapshot struct {
	Manifest
	// Hash identifies the content, as [Snapshot.Verify] counts it: the same
	// configuration builds the same bytes.
	Hash   string
	reader io.ReaderAt
	files  map[string]*zip.File
	names  []string            // of the entries, in the order of the file
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
		s.names = append(s.names, f.Name)
		name, ofServer := strings.CutPrefix(f.Name, "servers/")
		if server, tool, ok := strings.Cut(name, "/tool/"); ofServer && ok {
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

// candidateName is the entry with the candidate.
const candidateName = "shadow.snapshot"

// Candidate loads the candidate that the snapshot has. It is good until the snapshot
// is closed, and need not be closed.
func (s *Snapshot) Candidate() (*Snapshot, error) {
	content, err := s.read(candidateName)
	if err != nil {
		return nil, err
	}
	made, err := Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("loading the candidate: %w", err)
	}
	return made, nil
}

// Close releases the file.
func (s *Snapshot) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close.Close()
}

// Report returns the verdicts of the build.
func (s *Snapshot) Report() (jsontext.Value, error) { return s.read("report.json") }

func (s *Snapshot) read(name string) ([]byte, error) { return s.readPart(name, 0, -1) }

// readPart reads the bytes of an entry from start up to end; a negative end is that of
// the entry.
func (s *Snapshot) readPart(name string, start, end int64) ([]byte, error) {
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
	size := int64(f.UncompressedSize64) //nolint:gosec // of a file
	if end < 0 {
		end = size
	}
	if start < 0 || start > end || end > size {
		return nil, fmt.Errorf("%s of the snapshot has no bytes %d to %d: build it again", name, start, end)
	}
	content := make([]byte, end-start)
	if _, err := s.reader.ReadAt(content, offset+start); err != nil {
		return nil, fmt.Errorf("reading %s of the snapshot: %w", name, err)
	}
	return content, nil
}
