package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
	"toolgate/shared/state/dynamodb"
	"toolgate/shared/state/embedded"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// storeVariable is the environment variable that names the store, here as on the
// platforms.
const storeVariable = "TOOLGATE_STORE"

// storeFile is the file of a folder that is served without naming a store.
const storeFile = "state.db"

// storeURL is the URL of the store: what the flag says, or else the environment;
// empty for none.
func storeURL(flag string, env func(string) (string, bool)) string {
	if flag != "" {
		return flag
	}
	named, _ := env(storeVariable)
	return named
}

// folderStore is the URL of the store of a folder.
func folderStore(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, storeFile))
	if err != nil {
		return "", fmt.Errorf("finding the store of %s: %w", dir, err)
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive of Windows
	}
	return (&url.URL{Scheme: "file", Path: path}).String(), nil
}

// patience is the time limit of an operation of a person's, which may have to sign
// in first.
const patience = 20 * time.Second

// commandStore opens the store of a URL, or else that of a folder, for a command.
func commandStore(ctx context.Context, rawURL, dir string, env func(string) (string, bool)) (state.Store, error) {
	if rawURL == "" {
		var err error
		if rawURL, err = folderStore(dir); err != nil {
			return nil, err
		}
	}
	if rawURL == "memory:" {
		return nil, errors.New("what is in memory ends with this command: name another store")
	}
	return openStore(ctx, rawURL, env, patience)
}

// openStore opens a store, one of a cloud as the developer who is signed in on this
// machine. The time limit is that of one operation; 0 is the store's own.
func openStore(ctx context.Context, rawURL string, env func(string) (string, bool), limit time.Duration) (state.Store, error) {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("finding who is signed in to Azure: %w", err)
	}
	tables := aztables.Options{Credential: credential, Timeout: limit}
	region, _ := env("AWS_REGION")
	return state.Open(ctx, rawURL,
		embedded.Opener(), state.MemoryOpener(), aztables.Opener(tables), aztables.AzuriteOpener(tables),
		dynamodb.Opener(dynamodb.Options{Timeout: limit, Config: aws.Config{Region: region, Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return environmentCredentials(env) },
		)}}),
	)
}

// environmentCredentials are those that AWS tools take from the environment.
func environmentCredentials(env func(string) (string, bool)) (aws.Credentials, error) {
	id, _ := env("AWS_ACCESS_KEY_ID")
	secret, _ := env("AWS_SECRET_ACCESS_KEY")
	token, _ := env("AWS_SESSION_TOKEN")
	if id == "" || secret == "" {
		return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: aws configure export-credentials --format env prints them")
	}
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token, Source: "environment"}, nil
}
