package state_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"toolgate/shared/state"
)

// openers are those of a program that has one store of its own.
func openers() []state.Opener {
	return []state.Opener{
		state.MemoryOpener(),
		{Scheme: "shelf", Form: "shelf://ROOM/SHELF", Open: func(_ context.Context, u *url.URL) (state.Store, error) {
			if u.Host == "" {
				return nil, errors.New("which room?")
			}
			return &state.Memory{}, nil
		}},
	}
}

func TestOpen(t *testing.T) {
	for _, rawURL := range []string{"memory:", "MEMORY:", "shelf://kitchen/top"} {
		s, err := state.Open(t.Context(), rawURL, openers()...)
		if err != nil || s == nil {
			t.Errorf("%s: got %v and error %v, want a store", rawURL, s, err)
			continue
		}
		s.Close()
	}
}

func TestOpenFaults(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"", "write one of memory:, shelf://ROOM/SHELF"},
		{"memory", "it is not a URL"},
		{"/var/state.db", "it is not a URL"},
		{"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net", "it is not a URL"},
		{"memory://here", "neither a name nor settings"},
		{"memory:?size=1", "neither a name nor settings"},
		{"memory:here", "neither a name nor settings"},
		{"redis://c2VjcmV0@here/0", "store redis: this program has no such store; write one of memory:, shelf://ROOM/SHELF"},
		{"shelf://c2VjcmV0:c2VjcmV0@kitchen/top", "no user, password or fragment"},
		{"shelf://kitchen/top#c2VjcmV0", "no user, password or fragment"},
		{"shelf:///top", "opening the store shelf: which room?"},
		{"shelf://%zz c2VjcmV0", "it is not a URL"},
	} {
		s, err := state.Open(t.Context(), c.url, openers()...)
		if s != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v and error %v, want an error with %q", c.url, s, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: error %q shows a secret", c.url, err)
		}
		if !errors.Is(err, state.ErrURL) && c.url != "shelf:///top" {
			t.Errorf("%s: got %v, want %v", c.url, err, state.ErrURL)
		}
	}
}
