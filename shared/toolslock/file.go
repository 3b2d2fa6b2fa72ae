package toolslock

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FileName is the name of the file, which stands beside gateway.yaml.
const FileName = "tools.lock"

const (
	// version is that of the form of the file.
	version = 1
	// maxFile bounds the file, in bytes.
	maxFile = 64 << 20
)

// Error says what is wrong in a tools.lock, where, and how to mend it.
type Error struct {
	Line, Column int // from 1; the column in code points
	Message, Fix string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", FileName, e.Line, e.Column, e.Message, e.Fix)
}

// restore is how to mend what no one should write by hand.
const restore = "restore the file from version control, or remove it and run `go run ./local lock` to review the tools anew"

// file is the form of the file. It is JSON, which reads in one way only, with one
// value a line and the lines of descriptions apart, so that changes show in a
// diff of lines.
type file struct {
	Version int                         `json:"version"`
	Servers map[string]map[string]entry `json:"servers"`
}

type entry struct {
	Hash       string         `json:"hash"`
	Definition jsontext.Value `json:"definition"`
	// offset is where the entry begins, in bytes.
	offset int64
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom: it notes where
// the entry stands.
func (e *entry) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type fields struct {
		Hash       string         `json:"hash"`
		Definition jsontext.Value `json:"definition"`
	}
	var f fields
	offset := dec.InputOffset()
	err := json.UnmarshalDecode(dec, &f)
	*e = entry{f.Hash, f.Definition, offset}
	return err
}

// Read reads a tools.lock. It refuses one whose hashes are not those of what it
// shows, since nobody could have reviewed what they stand for. What is wrong in
// the text is an *[Error].
func Read(r io.Reader) (Lock, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", FileName, err)
	}
	if len(content) > maxFile {
		return nil, &Error{1, 1, fmt.Sprintf("the file is larger than %d MiB", maxFile>>20), restore}
	}
	var f file
	if err := json.Unmarshal(content, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, syntaxError(content, err)
	}
	if f.Version != version {
		return nil, &Error{1, 1, fmt.Sprintf("the file is of version %d, and this one reads %d", f.Version, version), restore}
	}
	lock := make(Lock, len(f.Servers))
	for _, server := range slices.Sorted(maps.Keys(f.Servers)) {
		lock[server] = make(Tools, len(f.Servers[server]))
		for _, name := range slices.Sorted(maps.Keys(f.Servers[server])) {
			e := f.Servers[server][name]
			tool, err := e.tool()
			if err != nil {
				return nil, errorAt(content, e.offset, fmt.Sprintf("tool %q of server %q: %v", name, server, err))
			}
			lock[server][name] = tool
		}
	}
	return lock, nil
}

// tool checks an entry.
func (e *entry) tool() (Tool, error) {
	if e.Definition.Kind() != '{' {
		return Tool{}, errors.New("it has no definition")
	}
	m := members(e.Definition)
	if lines, ok := m["description"]; ok {
		var list []string
		if err := json.Unmarshal(lines, &list); err != nil || len(list) == 0 {
			return Tool{}, errors.New("its description is not a list of lines")
		}
		m["description"] = quote(strings.Join(list, "\n"))
	}
	tool, err := newTool(m)
	if err == nil && tool.Hash != e.Hash {
		err = errors.New("its hash is not that of its definition")
	}
	return tool, err
}

func syntaxError(content []byte, err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return errorAt(content, e.ByteOffset, fmt.Sprintf("the file is not the JSON that it was written as: %v", e.Err))
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return errorAt(content, e.ByteOffset, fmt.Sprintf("the file has another form than it was written in: %v", err))
	}
	return errorAt(content, 0, fmt.Sprintf("the file cannot be read: %v", err))
}

// errorAt is an error at an offset in bytes.
func errorAt(content []byte, offset int64, message string) *Error {
	before := content[:min(max(offset, 0), int64(len(content)))]
	return &Error{
		Line:   1 + bytes.Count(before, []byte("\n")),
		Column: 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]),
		// One line: the causes of the json package may have more.
		Message: strings.Join(strings.Fields(message), " "), Fix: restore,
	}
}

// Write writes the file. Equal locks make equal bytes. What would not be seen is
// written as an escape sequence.
func (l Lock) Write(w io.Writer) error {
	f := file{Version: version, Servers: make(map[string]map[string]entry, len(l))}
	for server, tools := range l {
		f.Servers[server] = make(map[string]entry, len(tools))
		for name, tool := range tools {
			definition, err := reviewable(tool.Content)
			if err != nil {
				return fmt.Errorf("writing tool %q of server %q: %w", name, server, err)
			}
			f.Servers[server][name] = entry{Hash: tool.Hash, Definition: definition}
		}
	}
	content, err := json.Marshal(f, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("writing %s: %w", FileName, err)
	}
	if _, err := w.Write(append(Visible(content), '\n')); err != nil {
		return fmt.Errorf("writing %s: %w", FileName, err)
	}
	return nil
}

// reviewable is a content with its description as a list of lines.
func reviewable(content jsontext.Value) (jsontext.Value, error) {
	m := members(content)
	description, ok := m["description"]
	if !ok {
		return content, nil
	}
	lines, err := json.Marshal(strings.Split(text(description), "\n"))
	if err != nil {
		return nil, err
	}
	m["description"] = lines
	return json.Marshal(m, json.Deterministic(true))
}

// Visible writes the characters of JSON, or of a text for a terminal, that a
// reader would not see, or that would act on the terminal, as JSON writes them by
// their number. Line feeds are left.
func Visible(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		switch {
		case r == '\n', r != '\t' && !unseen(r) && !isJoiner(r) && !isSelector(r) && !isTag(r):
			out = append(out, s[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		s = s[size:]
	}
	return out
}
