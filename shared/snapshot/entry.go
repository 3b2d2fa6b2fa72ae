package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"

	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Tools returns the names of a server's tools, in the order of its list.
func (s *Snapshot) Tools(server string) []string { return s.tools[server] }

// Page returns the array of tools of one page, counted from 0.
func (s *Snapshot) Page(server string, page int) (jsontext.Value, error) {
	return s.read(pageName(server, page))
}

// Definition returns a part of a page, from byte start up to end.
func (s *Snapshot) Definition(server string, page, start, end int) (jsontext.Value, error) {
	return s.readPart(pageName(server, page), int64(start), int64(end))
}

// SearchIndex returns the index of a server's tools, which is searched as it lies.
func (s *Snapshot) SearchIndex(server string) ([]byte, error) { return s.read(searchName(server)) }

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

// Operations reads the operations of an API with a path, in the order of its
// document. An API without one has no such entry, which is an error.
func (s *Snapshot) Operations(api string) ([]Operation, error) {
	record, err := s.read(operationsName(api))
	if err != nil {
		return nil, err
	}
	var list []Operation
	if err := json.Unmarshal(record, &list); err != nil {
		return nil, fmt.Errorf("reading the operations of API %q from the snapshot: %w", api, err)
	}
	return list, nil
}

// Description reads what the document of an API says of an operation. It is nil
// where no policy asks for it, or nothing is said.
func (s *Snapshot) Description(api, operation string) (*openapi.Description, error) {
	name := descriptionName(api, operation)
	if s.files[name] == nil {
		return nil, nil
	}
	record, err := s.read(name)
	if err != nil {
		return nil, err
	}
	d := new(openapi.Description)
	if err := json.Unmarshal(record, d); err != nil {
		return nil, fmt.Errorf("reading the description of operation %q of API %q from the snapshot: %w", operation, api, err)
	}
	return d, nil
}

// Policy reads a policy document by its number, from 1: the XML as its author
// wrote it, in UTF-8, with references to named values in it. The number 0 stands
// for no document and is an error here.
func (s *Snapshot) Policy(n int) ([]byte, error) { return s.read(policyName(n)) }

// Fragment reads a policy fragment, in the form of [Snapshot.Policy].
func (s *Snapshot) Fragment(id string) ([]byte, error) { return s.read(fragmentName(id)) }

// Schema reads a JSON Schema.
func (s *Snapshot) Schema(id string) (jsontext.Value, error) { return s.read(schemaName(id)) }

func pageName(server string, page int) string {
	return fmt.Sprintf("servers/%s/list/%d.json", server, page)
}

func toolName(server, tool string) string {
	return "servers/" + server + "/tool/" + tool + ".json"
}

func searchName(server string) string { return "servers/" + server + "/search.index" }

func operationsName(api string) string { return "apis/" + api + ".json" }

func descriptionName(api, operation string) string {
	return "apis/" + api + "/operations/" + fileName(operation) + ".json"
}

// maxFileName leaves room for an ending within the 255 bytes of file systems.
const maxFileName = 200

// fileName writes an id so that it is the name of a file on any system: an id
// may be "GET /orders". A long one ends in a hash.
func fileName(id string) string {
	name := url.QueryEscape(id)
	if len(name) <= maxFileName {
		return name
	}
	sum := sha256.Sum256([]byte(id))
	return name[:maxFileName-2*len(sum)-1] + "-" + hex.EncodeToString(sum[:])
}

func policyName(n int) string { return fmt.Sprintf("policies/%d.xml", n) }

func fragmentName(id string) string { return "fragments/" + id + ".xml" }

func schemaName(id string) string { return "schemas/" + id + ".json" }
