// Command lambda is the gateway as an AWS Lambda function behind a Function URL.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"toolgate/shared/access"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/host/lambda"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/sigv4"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/state/dynamodb"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(log); err != nil {
		log.Error("the gateway does not start", "error", err.Error())
		os.Exit(1)
	}
}

// openStore opens the table that TOOLGATE_STORE names, with the role of the
// function; nil where it names none.
func openStore() (state.Store, error) {
	address := os.Getenv("TOOLGATE_STORE")
	if address == "" {
		return nil, nil
	}
	return state.Open(context.Background(), address, dynamodb.Opener(dynamodb.Options{Config: aws.Config{
		Region: os.Getenv("AWS_REGION"), Credentials: role,
	}}))
}

// role has the credentials of the function's role.
var role = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "the role of the function",
	}, nil
})

func run(log *slog.Logger) error {
	path := cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot")
	s, err := snapshot.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	store, err := openStore()
	if err != nil {
		return err
	}
	var subscriptions policy.Subscriptions
	if store != nil {
		defer store.Close()
		subscriptions = access.New(access.Options{Store: store, Log: log})
	}
	g, err := gateway.New(s, gateway.Options{
		Secrets:  host.EnvSecrets,
		AnyHost:  true, // a Function URL is reached by its own name only
		Log:      log,
		Observe:  gateway.LogCalls(log),
		Services: services.New(services.Options{Log: log, Store: store}),

		Subscriptions: subscriptions,
		Streams:       store,
		SignIns:       store,
		Connections:   store,
		Files:         os.DirFS(filepath.Dir(path)),
		AWS:           sigv4.New(role, os.Getenv("AWS_REGION"), nil),
	})
	if err != nil {
		return err
	}
	defer g.Close()
	lambda.Serve(g)
	return nil
}
