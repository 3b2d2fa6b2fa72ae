package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"toolgate/shared/secret"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// secrets keeps the secrets of a folder: those of the environment, and those of
// vaults as the developer who is signed in on this machine.
func secrets(env func(string) (string, bool), log *slog.Logger) *secret.Keeper {
	region, _ := env("AWS_REGION")
	o := secret.AWSOptions{Region: region, Signer: environmentSigner(env)}
	return secret.New(secret.Options{Lookup: env, Log: log, Vaults: map[string]secret.Vault{
		secret.KeyVault:       secret.NewKeyVault(&developer{}, nil),
		secret.AWSSecrets:     secret.NewAWSSecrets(o),
		secret.ParameterStore: secret.NewParameterStore(o),
	}})
}

// developer gets tokens of who is signed in to Azure on this machine.
type developer struct {
	once       sync.Once
	credential *azidentity.DefaultAzureCredential
	err        error
}

// Token serves secret.Identity. A client id names an identity of a platform, and
// none that is here.
func (d *developer) Token(ctx context.Context, resource, _ string) (string, error) {
	d.once.Do(func() { d.credential, d.err = azidentity.NewDefaultAzureCredential(nil) })
	if d.err != nil {
		return "", fmt.Errorf("finding who is signed in to Azure: %w", d.err)
	}
	token, err := d.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
	if err != nil {
		return "", fmt.Errorf("getting a token of who is signed in to Azure: %w", err)
	}
	return token.Token, nil
}
