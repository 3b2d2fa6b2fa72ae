package build

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/toolslock"

	"github.com/go-json-experiment/json/jsontext"
)

// readLock reads tools.lock; nil where there is none, or it has a fault.
func (b *builder) readLock() toolslock.Lock {
	path := b.cfg.ToolsLock
	if path == "" {
		return nil
	}
	at := fault.Position{File: b.display(path)}
	content, err := os.ReadFile(path)
	if err != nil {
		b.fault(at, "make it a readable file", "the file cannot be read: %v", err)
		return nil
	}
	lock, err := toolslock.Read(bytes.NewReader(content))
	if e, ok := errors.AsType[*toolslock.Error](err); ok {
		at.Line, at.Column = e.Line, e.Column
		b.fault(at, e.Fix, "%s", e.Message)
		return nil
	}
	if err != nil {
		b.fault(at, "restore the file", "%v", err)
		return nil
	}
	for server := range lock {
		if !slices.ContainsFunc(b.cfg.Servers, func(s config.Server) bool { return s.Name == server && s.Upstream != nil }) {
			b.faults.Warn(at, "the file has tools of a server \""+server+"\", and there is no upstream of this name", "`go run ./local lock DIR --all` leaves it out")
		}
	}
	return lock
}

// locked are the hashes of the reviewed tools of an upstream; nil where none were
// reviewed.
func (b *builder) locked(s *config.Server) map[string]string {
	tools, ok := b.lock[s.Name]
	if ok {
		return tools.Hashes()
	}
	const ask = "`go run ./local lock DIR` asks the server for its tools and writes the file"
	switch l := s.Upstream.Lock; {
	case b.cfg.ToolsLock != "" && b.lock == nil: // the file has a fault
	case l != nil:
		b.fault(l.At, ask, "server %q has to be in %s, and is not", s.Name, toolslock.FileName)
	case b.lock != nil:
		b.faults.Warn(s.At, fmt.Sprintf("server %q is not in %s, so whatever its tools say passes", s.Name, toolslock.FileName), ask)
	}
	return nil
}

// clean takes out of a tool's definition what a model reads and a person does not
// see. Where that is a part of what a call says it stays, and the report has it:
// the document is the user's own.
func (c *conversion) clean(o *openapi.Operation, definition jsontext.Value) jsontext.Value {
	at := fault.Position{File: c.display(o.File), Line: o.Line, Column: o.Column}
	cleaned, changes, err := toolslock.Clean(definition, toolslock.Limits{})
	if err != nil {
		c.faults.Warn(at, "operation "+o.Key()+": in its tool "+err.Error(), "remove them")
		return definition
	}
	for _, change := range changes {
		c.faults.Warn(at, "operation "+o.Key()+": in its tool "+change.String(), "remove them")
	}
	return cleaned
}
