package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"toolgate/shared/mcp"
	"toolgate/shared/projection"
	"toolgate/shared/seal"

	"github.com/go-json-experiment/json/jsontext"
)

// withoutCursor is a call as the server behind gets it, and the argument that asks for
// a page; nil for the first page, and for tools without pages.
func (s *fitting) withoutCursor(req *mcp.Request) (*mcp.Request, jsontext.Value, error) {
	f := s.tools[req.Text(req.Name)]
	args := req.Bytes(req.Arguments)
	if f == nil || !f.shape.Paged || args.Kind() != '{' {
		return req, nil, nil
	}
	left, cursor := []byte{'{'}, jsontext.Value(nil)
	err := mcp.EachMember(args, func(m mcp.Member) error {
		if m.Name == projection.CursorArgument {
			cursor = slices.Clone(args[m.Value.Start:m.Value.End])
			return nil
		}
		if len(left) > 1 {
			left = append(left, ',')
		}
		left = append(left, args[m.Whole.Start:m.Whole.End]...)
		return nil
	})
	if err != nil {
		return nil, nil, mcp.Errorf(mcp.CodeInvalidParams, "arguments cannot be read")
	}
	if cursor == nil {
		return req, nil, nil
	}
	plain := *req
	raw := mcp.Splice(req.Raw, mcp.Edit{Span: req.Arguments, Text: append(left, '}')})
	if plain.Message, err = mcp.Scan(raw, s.depth); err != nil {
		return nil, nil, err
	}
	if kind := cursor.Kind(); kind == 'n' || kind == '"' && len(cursor) == len(`""`) { // some models give all arguments
		cursor = nil
	}
	return &plain, cursor, nil
}

// cursorContext is what a cursor is sealed for: the caller, the tool with what is
// selected, and the arguments. They are compared as numbers and texts, not as bytes.
func (s *fitting) cursorContext(ctx context.Context, f *fitted, req *mcp.Request) ([]byte, error) {
	args := slices.Clone(req.Bytes(req.Arguments))
	if args == nil {
		args = jsontext.Value("{}")
	}
	if err := args.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, err
	}
	var caller [32]byte
	if who, ok := ctx.Value(applicantKey{}).(*applicant); ok {
		caller = who.call
	}
	var sum [sha256.Size]byte
	named := newFields("page")
	named.add(string(caller[:]), s.name, req.Text(req.Name), f.text, string(args))
	named.sum(&sum)
	return sum[:], nil
}

// sealCursor makes the cursor of the page that begins at an item.
func (s *fitting) sealCursor(from int, context []byte) string {
	return s.gateway.pages.Seal(binary.AppendUvarint(nil, uint64(max(0, from))), context)
}

// openCursor is the item that a page begins at; 0 without a cursor.
func (s *fitting) openCursor(cursor jsontext.Value, context []byte) (int, error) {
	if cursor == nil {
		return 0, nil
	}
	if cursor.Kind() != '"' {
		return 0, seal.ErrNotOurs
	}
	plain, err := s.gateway.pages.Open(text(cursor), context)
	if err != nil {
		return 0, err
	}
	const most = 1 << 31
	from, n := binary.Uvarint(plain)
	if n <= 0 || from > most {
		return 0, seal.ErrNotOurs
	}
	return int(from), nil
}
