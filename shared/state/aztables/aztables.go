// Package aztables knows how rows are kept in Azure Tables: in a storage account,
// in Cosmos DB for Table, or in Azurite.
//
// A row is one entity. Its partition key is the row's key, so that rows spread
// over partitions and none waits for another; its row key is 0. The property D
// has the data, X the expiry. The version is the entity's ETag, of which nothing
// is read. No transactions: their answers carry neither ETags nor, from the SDK, a
// usable status.
package aztables

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/remote"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// Options are what a store needs from its host.
type Options struct {
	// Credential gets tokens for the tables; those of azidentity serve, and
	// [IdentityCredential]. A token is fetched when the first operation needs one.
	// Azurite needs none.
	Credential azcore.TokenCredential
	// Timeout is how long one operation may take; 0 is 250 ms.
	Timeout time.Duration
	// Transport carries the requests; nil is one of the store's own.
	Transport http.RoundTripper
}

// Store keeps rows in one table. It serves [state.Store].
//
// The table is made when a write finds that there is none, which needs the right
// to make tables and may take longer than an operation; better it is there.
type Store struct {
	client    *aztables.Client
	transport http.RoundTripper
	deadline  *remote.Deadline
}

// New returns the store in a table of a storage account or of Cosmos DB for Table.
// It asks for no token and opens no connection.
func New(tableURL string, o Options) (*Store, error) {
	if o.Credential == nil {
		return nil, errors.New("the table needs a token and the host gave no credential: give it a managed identity, or sign in")
	}
	s, options := prepare(o)
	client, err := aztables.NewClient(tableURL, &detached{source: o.Credential}, options)
	if err != nil {
		return nil, fmt.Errorf("using the table: %w", err)
	}
	s.client = client
	return s, nil
}

// The account that every Azurite has. Both are public.
const (
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// NewAzurite returns the store in a table of an Azurite that listens at an address
// (host:port).
func NewAzurite(address, table string, o Options) (*Store, error) {
	key, err := aztables.NewSharedKeyCredential(azuriteAccount, azuriteKey)
	if err != nil {
		return nil, fmt.Errorf("using the table: %w", err)
	}
	s, options := prepare(o)
	s.client, err = aztables.NewClientWithSharedKey("http://"+address+"/"+azuriteAccount+"/"+table, key, options)
	if err != nil {
		return nil, fmt.Errorf("using the table: %w", err)
	}
	return s, nil
}

func prepare(o Options) (*Store, *aztables.ClientOptions) {
	s := &Store{transport: o.Transport, deadline: remote.NewDeadline(o.Timeout)}
	if s.transport == nil {
		s.transport = remote.Transport()
	}
	options := &aztables.ClientOptions{}
	options.Retry.MaxRetries = -1 // by default a busy store is asked four times, in eight seconds
	options.Telemetry.Disabled = true
	options.Transport = &http.Client{
		Transport: s.transport,
		// What is signed for one host is not for another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	options.PerCallPolicies = []policy.Policy{noEcho{}}
	return s, options
}

// noEcho asks for the answer to an insertion without the entity, for which the SDK
// has no option.
type noEcho struct{}

// Do serves policy.Policy.
func (noEcho) Do(r *policy.Request) (*http.Response, error) {
	if r.Raw().Method == http.MethodPost {
		r.Raw().Header.Set("Prefer", "return-no-content")
	}
	return r.Next()
}

// tableName is what the service takes for the name of a table.
var tableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,62}$`)

// Get serves [state.Store].
func (s *Store) Get(ctx context.Context, key state.Key) (state.Record, error) {
	if err := state.CheckGet(ctx, key); err != nil {
		return state.Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	none := aztables.MetadataFormatNone
	var response aztables.GetEntityResponse
	err := s.attempt(ctx, func(ctx context.Context) (err error) {
		response, err = s.client.GetEntity(ctx, key.String(), rowKey, &aztables.GetEntityOptions{Format: &none})
		return err
	})
	if statusOf(err) == http.StatusNotFound { // the row, or the table
		err = state.ErrNotFound
	}
	if err != nil {
		return state.Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	record, err := decode(response.Value, string(response.ETag))
	if err != nil {
		return state.Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	return record, nil
}

// Put serves [state.Store].
func (s *Store) Put(ctx context.Context, key state.Key, record state.Record) (string, error) {
	err := state.CheckPut(ctx, key, record)
	if err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	body, err := encode(key, record)
	if err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	version, err := s.put(ctx, body, record.Version)
	if statusOf(err) == http.StatusNotFound {
		// Without a table nothing was written, so there is nothing unknown in
		// writing again.
		if err = s.makeTable(ctx); err == nil {
			version, err = s.put(ctx, body, record.Version)
		}
	}
	if err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	return version, nil
}

// put writes once. Status 404 means that there is no table.
func (s *Store) put(ctx context.Context, body []byte, version string) (string, error) {
	var etag azcore.ETag
	err := s.attempt(ctx, func(ctx context.Context) error {
		switch version {
		case state.MustNotExist:
			response, err := s.client.AddEntity(ctx, body, nil)
			etag = response.ETag
			return err
		case state.AnyVersion:
			response, err := s.client.UpsertEntity(ctx, body, &aztables.UpsertEntityOptions{UpdateMode: aztables.UpdateModeReplace})
			etag = response.ETag
			return err
		default:
			match := azcore.ETag(version)
			response, err := s.client.UpdateEntity(ctx, body, &aztables.UpdateEntityOptions{IfMatch: &match, UpdateMode: aztables.UpdateModeReplace})
			etag = response.ETag
			return err
		}
	})
	switch statusOf(err) {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return "", state.ErrConflict
	case http.StatusNotFound:
		if version != state.MustNotExist && version != state.AnyVersion {
			return "", state.ErrConflict // no row, or no table and so no row
		}
	}
	if err == nil && etag == "" {
		return "", fmt.Errorf("%w: it has written and says no version", state.ErrBusy)
	}
	return string(etag), err
}

// Delete serves [state.Store].
func (s *Store) Delete(ctx context.Context, key state.Key, version string) error {
	err := state.CheckDelete(ctx, key, version)
	if err == nil {
		_, err = s.remove(ctx, key.String(), rowKey, version)
	}
	if err != nil {
		return fmt.Errorf("deleting row %s: %w", key, err)
	}
	return nil
}

// remove deletes an entity and reports whether it was there.
func (s *Store) remove(ctx context.Context, partition, row, version string) (bool, error) {
	match := azcore.ETag(version)
	err := s.attempt(ctx, func(ctx context.Context) error {
		_, err := s.client.DeleteEntity(ctx, partition, row, &aztables.DeleteEntityOptions{IfMatch: &match})
		return err
	})
	switch statusOf(err) {
	case http.StatusNotFound:
		return false, nil
	case http.StatusPreconditionFailed:
		return false, state.ErrConflict
	}
	return err == nil, err
}

// Close serves [state.Store].
func (s *Store) Close() error {
	if t, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return nil
}
