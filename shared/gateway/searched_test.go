package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/search"

	"github.com/go-json-experiment/json/jsontext"
)

// listing answers tools/list with names, a page each, and counts.
type listing struct {
	names []string
	asked int
	err   error
}

func (l *listing) Serve(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
	if l.err != nil {
		return l.err
	}
	l.asked++
	n := 0
	if req.Cursor.Present() {
		_, _ = fmt.Sscan(req.Text(req.Cursor), &n)
	}
	if len(l.names) == 0 {
		return reply.Result(jsontext.Value(`{"tools":[]}`))
	}
	next := ""
	if n+1 < len(l.names) {
		next = fmt.Sprintf(`,"nextCursor":"%d"`, n+1)
	}
	return reply.Result(fmt.Appendf(nil, `{"tools":[{"name":%q,"inputSchema":{"type":"object"}}]%s}`, l.names[n], next))
}

// What a caller was told is kept for them alone, until it is old; where the server does
// not answer then it is good for longer.
func TestSearchedList(t *testing.T) {
	server := &listing{names: []string{"find_order", search.CallTool, "close_order"}}
	now := time.Unix(0, 0)
	list := newSearchedList("x", server, time.Minute, &Gateway{log: discard})
	list.now = func() time.Time { return now }
	req := &mcp.Request{Header: http.Header{}, Version: mcp.V20251125}
	of := func(digest byte) (names []string) {
		t.Helper()
		ctx := context.WithValue(t.Context(), identityKey{}, &identity{digest: [32]byte{digest}})
		tools, err := list.of(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, hit := range tools.index().Search("orders", 10, nil) {
			definition, err := tools.definition(hit.Name)
			if err != nil || member(definition, "name") != hit.Name {
				t.Errorf("%s: got the definition %s, %v", hit.Name, definition, err)
			}
			names = append(names, hit.Name)
		}
		if definition, err := tools.definition(search.CallTool); definition != nil || err != nil {
			t.Errorf("got %s, %v, want no tool with a name that is taken", definition, err)
		}
		slices.Sort(names)
		return names
	}
	both, one := []string{"close_order", "find_order"}, []string{"read_order"}
	if got := of(1); !slices.Equal(got, both) || server.asked != 3 {
		t.Errorf("got %v after %d questions, want %v after 3", got, server.asked, both)
	}
	server.names = one
	if got := of(2); !slices.Equal(got, one) {
		t.Errorf("another caller: got %v, want %v", got, one)
	}
	if got := of(1); !slices.Equal(got, both) {
		t.Errorf("the first caller again: got %v, want %v", got, both)
	}
	now = now.Add(time.Minute)
	server.err = errors.New("away")
	if got := of(1); !slices.Equal(got, both) {
		t.Errorf("the server is away: got %v, want %v", got, both)
	}
	server.err = nil
	if got := of(1); !slices.Equal(got, one) {
		t.Errorf("after a minute: got %v, want %v", got, one)
	}
	if list.known[list.caller(context.WithValue(t.Context(), identityKey{}, &identity{digest: [32]byte{1}}), req)].indexedTools !=
		list.known[list.caller(context.WithValue(t.Context(), identityKey{}, &identity{digest: [32]byte{2}}), req)].indexedTools {
		t.Error("callers who were told the same have two indexes")
	}
	server.err = errors.New("away")
	ctx := context.WithValue(t.Context(), identityKey{}, &identity{digest: [32]byte{3}})
	if _, err := list.of(ctx, req); err == nil {
		t.Error("got no error for a caller of whom nothing is known")
	}
}

// No more callers are remembered than there is room for.
func TestSearchedListBound(t *testing.T) {
	list := newSearchedList("x", &listing{names: []string{"a"}}, time.Minute, &Gateway{log: discard})
	list.now = time.Now
	for i := range maxListedCallers + 10 {
		ctx := context.WithValue(t.Context(), identityKey{}, &identity{digest: [32]byte{byte(i), byte(i >> 8)}})
		if _, err := list.of(ctx, &mcp.Request{Header: http.Header{}, Version: mcp.V20251125}); err != nil {
			t.Fatal(err)
		}
	}
	if len(list.known) != maxListedCallers {
		t.Errorf("got %d, want %d", len(list.known), maxListedCallers)
	}
}
