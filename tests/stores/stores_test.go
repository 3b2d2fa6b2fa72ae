// Package stores_test holds the stores of the clouds to the contract of package
// state, in front of servers that speak their protocols, and finds out what they do
// when the service is busy, slow, or loses its answer.
package stores_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
	"toolgate/shared/state/dynamodb"
	"toolgate/shared/state/statetest"
	"toolgate/tests/peer"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestMain(m *testing.M) { peer.Main(m) }

// patience is the time limit of operations where the service is to be waited for:
// this machine may be busy with other tests.
const patience = 20 * time.Second

// service is one kind of store and a server for it.
type service struct {
	name    string
	address func(testing.TB) string // of the server
	// newTable returns the name of a table that is empty, or not there where the
	// store makes it.
	newTable func(testing.TB) string
	// open opens a store, over a proxy perhaps.
	open func(t testing.TB, address, table string, timeout time.Duration) state.Store
	// sweptByService: rows are removed by the service.
	sweptByService bool
}

var services = []service{
	{
		name:     "aztables",
		address:  peer.Azurite,
		newTable: func(testing.TB) string { return "t" + rand.Text() },
		open: func(t testing.TB, address, table string, timeout time.Duration) state.Store {
			return open(t, "azurite://"+address+"/"+table, aztables.AzuriteOpener(aztables.Options{Timeout: timeout}))
		},
	},
	{
		name:     "dynamodb",
		address:  peer.Dynalite,
		newTable: newDynamoTable,
		open: func(t testing.TB, address, table string, timeout time.Duration) state.Store {
			return open(t, "dynamodb://eu-west-1/"+table+"?endpoint="+url.QueryEscape("http://"+address),
				dynamodb.Opener(dynamodb.Options{Config: awsConfig, Timeout: timeout}))
		},
		sweptByService: true,
	},
}

func open(t testing.TB, rawURL string, o state.Opener) state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), rawURL, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var awsConfig = aws.Config{
	Region: "eu-west-1",
	Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "any"}, nil
	}),
}

// newDynamoTable makes a table as the infrastructure does.
func newDynamoTable(t testing.TB) string {
	t.Helper()
	name := "t" + rand.Text()
	client := sdk.NewFromConfig(awsConfig, func(o *sdk.Options) { o.BaseEndpoint = new("http://" + peer.Dynalite(t)) })
	_, err := client.CreateTable(t.Context(), &sdk.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("pk"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatalf("making a table: %v", err)
	}
	err = sdk.NewTableExistsWaiter(client, func(o *sdk.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	}).
		Wait(t.Context(), &sdk.DescribeTableInput{TableName: &name}, patience)
	if err != nil {
		t.Fatalf("waiting for a table: %v", err)
	}
	return name
}

func TestContract(t *testing.T) {
	for _, s := range services {
		t.Run(s.name, func(t *testing.T) {
			address := s.address(t)
			statetest.Suite{
				Open:           func(t *testing.T) state.Store { return s.open(t, address, s.newTable(t), patience) },
				SweptByService: s.sweptByService,
			}.Run(t)
		})
	}
}
