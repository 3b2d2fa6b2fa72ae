package hosts

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"toolgate/tests/peer"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Store makes a table in a server that stands for the platform's own store, and
// returns its URL as TOOLGATE_STORE has it. On no platform there is none.
func Store(t testing.TB, platform string) string {
	t.Helper()
	name := "t" + rand.Text()
	switch platform {
	case Azure:
		return "azurite://" + peer.Azurite(t) + "/" + name
	case Lambda:
		endpoint := "http://" + peer.Dynalite(t)
		newTable(t, endpoint, name)
		return "dynamodb://eu-west-1/" + name + "?endpoint=" + endpoint
	}
	return ""
}

// newTable makes a table of DynamoDB, as the infrastructure does.
func newTable(t testing.TB, endpoint, name string) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "any"}, nil
		}),
	})
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("pk"), KeyType: types.KeyTypeHash}},
	})
	if err == nil {
		err = dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
		}).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second)
	}
	if err != nil {
		t.Fatalf("making a table: %v", err)
	}
}
