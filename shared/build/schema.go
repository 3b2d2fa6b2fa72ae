package build

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"unicode/utf8"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json/jsontext"
)

// schemas reads the JSON Schemas that policies name, and returns their ids.
func (b *builder) schemas() []string {
	var ids []string
	for _, f := range b.cfg.Schemas {
		b.known[f.ID] = true
		content, err := os.ReadFile(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // config has said so
		}
		schema := jsontext.Value(bytes.Clone(content))
		if err == nil {
			err = schema.Compact()
		}
		if err == nil {
			_, err = openapi.CompileSchema(schema)
		}
		if err != nil {
			b.schemaFault(f, content, err)
			continue
		}
		b.out.Schema(f.ID, schema)
		ids = append(ids, f.ID)
	}
	return ids
}

func (b *builder) schemaFault(f config.File, content []byte, err error) {
	at := fault.Position{File: b.display(f.Path)}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		before := content[:min(int(syntax.ByteOffset), len(content))]
		at.Line = 1 + bytes.Count(before, []byte("\n"))
		at.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		err = syntax.Err
	}
	b.fault(at, "correct it; schemas are JSON, and JSON Schema 2020-12 unless $schema says otherwise", "the schema %q cannot be used: %v", f.ID, err)
}
