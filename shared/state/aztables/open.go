package aztables

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"toolgate/shared/state"
)

const (
	form        = "https://ACCOUNT.table.core.windows.net/TABLE or https://ACCOUNT.table.cosmos.azure.com/TABLE"
	azuriteForm = "azurite://127.0.0.1:10002/TABLE"
)

// Opener opens https: URLs of tables in storage accounts and in Cosmos DB, of any
// Azure cloud.
func Opener(o Options) state.Opener {
	return state.Opener{Scheme: "https", Form: form, Open: func(_ context.Context, u *url.URL) (state.Store, error) {
		account, rest, _ := strings.Cut(u.Hostname(), ".")
		if account == "" || !strings.HasPrefix(rest, "table.") {
			return nil, fmt.Errorf("the host is not that of a table service; write %s: %w", form, state.ErrURL)
		}
		table, err := tableOf(u, form)
		if err != nil {
			return nil, err
		}
		s, err := New("https://"+u.Host+"/"+table, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}

// AzuriteOpener opens azurite: URLs, with the key that every Azurite has.
func AzuriteOpener(o Options) state.Opener {
	return state.Opener{Scheme: "azurite", Form: azuriteForm, Open: func(_ context.Context, u *url.URL) (state.Store, error) {
		table, err := tableOf(u, azuriteForm)
		if err != nil {
			return nil, err
		}
		if u.Hostname() == "" || u.Port() == "" {
			return nil, fmt.Errorf("it needs a host and a port; write %s: %w", azuriteForm, state.ErrURL)
		}
		s, err := NewAzurite(u.Host, table, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}

// tableOf is the name of the table in a URL.
func tableOf(u *url.URL, form string) (string, error) {
	table := strings.TrimPrefix(u.Path, "/")
	if u.Opaque != "" || u.RawQuery != "" || !tableName.MatchString(table) {
		return "", fmt.Errorf("after the host it has the name of a table, of 3 to 63 letters and digits, a letter first, and nothing else; write %s: %w", form, state.ErrURL)
	}
	return table, nil
}
