// Package dynamodb knows how rows are kept in a table of Amazon DynamoDB.
//
// A row is one item: pk (the partition key, a string) is the row's key, d its data
// (binary), v its version (a string, random for each write), e its expiry in
// milliseconds and x the same in seconds, rounded up, for the table's time to live.
// The table has the partition key pk and no sort key, and time to live on x; it is
// made with the infrastructure.
package dynamodb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/remote"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Options are what a store needs from its host.
type Options struct {
	// Config has the credentials, and the region of URLs that name none. Its HTTP
	// client, if it is nil, is one of the store's own. Nothing is tried again,
	// whatever its retryer.
	Config aws.Config
	// Timeout is how long one operation may take; 0 is 250 ms.
	Timeout time.Duration
}

// Store keeps rows in one table. It serves [state.Store].
type Store struct {
	operations
	table     *string
	transport *http.Transport // nil if the host gave a client
	deadline  *remote.Deadline
}

// operations are those of the client that a store uses. They are held one by one:
// a field for the client would make all its methods reachable by reflection, and the
// linker would put every operation that DynamoDB has into the executables.
type operations struct {
	getItem    operation[dynamodb.GetItemInput, dynamodb.GetItemOutput]
	putItem    operation[dynamodb.PutItemInput, dynamodb.PutItemOutput]
	deleteItem operation[dynamodb.DeleteItemInput, dynamodb.DeleteItemOutput]
}

type operation[In, Out any] func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

// The attributes of an item.
const (
	keyName     = "pk"
	dataName    = "d"
	versionName = "v"
	expiryName  = "e" // milliseconds; absent for never
	ttlName     = "x" // seconds; absent for never
)

// New returns the store in a table. It asks for no credentials and opens no
// connection. An empty region is that of the configuration, an empty endpoint the
// service's own.
func New(region, table, endpoint string, o Options) (*Store, error) {
	config := o.Config.Copy()
	if region != "" {
		config.Region = region
	}
	if config.Region == "" {
		return nil, fmt.Errorf("neither the URL nor the host says a region; write %s: %w", form, state.ErrURL)
	}
	if config.Credentials == nil {
		return nil, errors.New("the table needs credentials and the host gave none: give it a role that may use the table")
	}
	// Credentials are fetched once, and not given up with the operation that needs
	// them first.
	config.Credentials = aws.NewCredentialsCache(config.Credentials)
	s := &Store{table: &table, deadline: remote.NewDeadline(o.Timeout)}
	if config.HTTPClient == nil {
		s.transport = remote.Transport()
		config.HTTPClient = &http.Client{
			Transport: s.transport,
			// What is signed for one host is not for another.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	client := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
		o.Retryer = aws.NopRetryer{} // by default a busy store is asked three times
		o.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	s.operations = operations{client.GetItem, client.PutItem, client.DeleteItem}
	return s, nil
}

func primaryKey(key state.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{keyName: &types.AttributeValueMemberS{Value: key.String()}}
}

// Get serves [state.Store].
func (s *Store) Get(ctx context.Context, key state.Key) (state.Record, error) {
	err := state.CheckGet(ctx, key)
	var record state.Record
	if err == nil {
		record, err = s.get(ctx, key)
	}
	if err != nil {
		return state.Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	return record, nil
}

func (s *Store) get(ctx context.Context, key state.Key) (state.Record, error) {
	var out *dynamodb.GetItemOutput
	err := s.attempt(ctx, func(ctx context.Context) (err error) {
		out, err = s.getItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: primaryKey(key), ConsistentRead: new(true)})
		return err
	})
	if err != nil {
		return state.Record{}, err
	}
	if out.Item == nil {
		return state.Record{}, state.ErrNotFound
	}
	return decode(out.Item)
}

// Put serves [state.Store].
func (s *Store) Put(ctx context.Context, key state.Key, record state.Record) (string, error) {
	err := state.CheckPut(ctx, key, record)
	version := rand.Text()[:16] // 80 bits: two writes of a row never have the same
	if err == nil {
		err = s.put(ctx, key, record, version)
	}
	if err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	return version, nil
}

func (s *Store) put(ctx context.Context, key state.Key, record state.Record, version string) error {
	in := &dynamodb.PutItemInput{TableName: s.table, Item: encode(key, record, version)}
	switch record.Version {
	case state.AnyVersion:
	case state.MustNotExist:
		in.ConditionExpression = new("attribute_not_exists(" + keyName + ")")
	default:
		in.ConditionExpression = new(versionName + " = :v")
		in.ExpressionAttributeValues = versionValue(record.Version)
	}
	return s.attempt(ctx, func(ctx context.Context) error {
		_, err := s.putItem(ctx, in)
		return err
	})
}

func versionValue(version string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: version}}
}

// Delete serves [state.Store].
func (s *Store) Delete(ctx context.Context, key state.Key, version string) error {
	err := state.CheckDelete(ctx, key, version)
	if err == nil {
		err = s.remove(ctx, key, version)
	}
	if err != nil {
		return fmt.Errorf("deleting row %s: %w", key, err)
	}
	return nil
}

func (s *Store) remove(ctx context.Context, key state.Key, version string) error {
	in := &dynamodb.DeleteItemInput{TableName: s.table, Key: primaryKey(key)}
	if version != state.AnyVersion {
		in.ConditionExpression = new("attribute_not_exists(" + keyName + ") OR " + versionName + " = :v")
		in.ExpressionAttributeValues = versionValue(version)
	}
	return s.attempt(ctx, func(ctx context.Context) error {
		_, err := s.deleteItem(ctx, in)
		return err
	})
}

// Sweep serves [state.Store]. It does nothing: the service removes items some time
// after they expire.
func (s *Store) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }

// Close serves [state.Store].
func (s *Store) Close() error {
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	return nil
}

func encode(key state.Key, record state.Record, version string) map[string]types.AttributeValue {
	item := primaryKey(key)
	item[versionName] = &types.AttributeValueMemberS{Value: version}
	if len(record.Data) > 0 {
		item[dataName] = &types.AttributeValueMemberB{Value: record.Data}
	}
	if ms := state.ToMilli(record.Expires); ms != 0 {
		item[expiryName] = number(ms)
		item[ttlName] = number((ms + 999) / 1000)
	}
	return item
}

func number(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

var errForeign = errors.New("the item is none of this store: an attribute is missing or of another type")

func decode(item map[string]types.AttributeValue) (state.Record, error) {
	version, ok := item[versionName].(*types.AttributeValueMemberS)
	if !ok {
		return state.Record{}, errForeign
	}
	record := state.Record{Version: version.Value}
	if data, ok := item[dataName].(*types.AttributeValueMemberB); ok {
		record.Data = data.Value
	}
	if expiry, ok := item[expiryName].(*types.AttributeValueMemberN); ok {
		ms, err := strconv.ParseInt(expiry.Value, 10, 64)
		if err != nil {
			return state.Record{}, errForeign
		}
		record.Expires = state.FromMilli(ms)
	}
	return record, nil
}
