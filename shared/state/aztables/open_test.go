package aztables_test

import (
	"errors"
	"strings"
	"testing"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
)

// openers are those of a host with an identity.
func openers() []state.Opener {
	o := aztables.Options{Credential: aztables.IdentityCredential(identity(nil))}
	return []state.Opener{aztables.Opener(o), aztables.AzuriteOpener(o)}
}

func TestOpeners(t *testing.T) {
	for _, rawURL := range []string{
		"https://contoso.table.core.windows.net/counters",
		"https://contoso.table.core.windows.net:443/counters",
		"https://contoso.table.core.usgovcloudapi.net/Counters2",
		"https://contoso.table.cosmos.azure.com/counters",
		"azurite://127.0.0.1:10002/counters",
		"azurite://[::1]:10002/counters",
	} {
		s, err := state.Open(t.Context(), rawURL, openers()...)
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", rawURL, err)
		}
	}
}

func TestOpenerFaults(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"https://contoso.blob.core.windows.net/counters", "not that of a table service"},
		{"https://contoso.com/counters", "not that of a table service"},
		{"https:///counters", "not that of a table service"},
		{"https:counters", "not that of a table service"},
		{"https://contoso.table.core.windows.net", "the name of a table"},
		{"https://contoso.table.core.windows.net/", "the name of a table"},
		{"https://contoso.table.core.windows.net/a/b", "the name of a table"},
		{"https://contoso.table.core.windows.net/ab", "the name of a table"},
		{"https://contoso.table.core.windows.net/2counters", "the name of a table"},
		{"https://contoso.table.core.windows.net/my-counters", "the name of a table"},
		{"https://contoso.table.core.windows.net/" + strings.Repeat("a", 64), "the name of a table"},
		{"https://contoso.table.core.windows.net/counters?sv=2019-02-02&sig=c2VjcmV0", "nothing else"},
		{"azurite://127.0.0.1/counters", "a host and a port"},
		{"azurite://:10002/counters", "a host and a port"},
		{"azurite:counters", "the name of a table"},
	} {
		s, err := state.Open(t.Context(), c.url, openers()...)
		if s != nil || !errors.Is(err, state.ErrURL) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v and error %v, want an error with %q", c.url, s, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: error %q shows a secret", c.url, err)
		}
	}
}

func TestOpenWithoutCredential(t *testing.T) {
	s, err := state.Open(t.Context(), "https://contoso.table.core.windows.net/counters", aztables.Opener(aztables.Options{}))
	if s != nil || err == nil || !strings.Contains(err.Error(), "managed identity") {
		t.Errorf("got %v and error %v, want an error that says what to give", s, err)
	}
}
