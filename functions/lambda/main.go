// Command lambda is the gateway as an AWS Lambda function behind a Function URL.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"toolgate/shared/access"
	"toolgate/shared/audit"
	"toolgate/shared/federation"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/host/lambda"
	"toolgate/shared/policy"
	"toolgate/shared/secret"
	"toolgate/shared/services"
	"toolgate/shared/sigv4"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/state/dynamodb"
	"toolgate/shared/telemetry"

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

// entraIdentity gets tokens of Microsoft Entra for the role of the function, as the
// application that AZURE_CLIENT_ID names: by a token of AWS STS, or by the one in
// AZURE_FEDERATED_TOKEN_FILE. It is nil where AZURE_TENANT_ID names no tenant.
func entraIdentity(signer federation.Signer) (policy.Identity, error) {
	tenant := os.Getenv("AZURE_TENANT_ID")
	if tenant == "" {
		return nil, nil
	}
	var source federation.Source = federation.NewSTS(signer, os.Getenv("AWS_REGION"), nil)
	if file := os.Getenv("AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		source = federation.File{Read: func() ([]byte, error) { return os.ReadFile(file) }}
	}
	return federation.New(federation.Options{
		Authority: os.Getenv("AZURE_AUTHORITY_HOST"), Tenant: tenant, ClientID: os.Getenv("AZURE_CLIENT_ID"), Source: source,
	})
}

// vaults are those that the function reaches. A nil identity reaches none of Azure.
func vaults(signer secret.Signer, identity policy.Identity) map[string]secret.Vault {
	aws := secret.AWSOptions{Signer: signer, Region: os.Getenv("AWS_REGION")}
	made := map[string]secret.Vault{secret.AWSSecrets: secret.NewAWSSecrets(aws), secret.ParameterStore: secret.NewParameterStore(aws)}
	if identity != nil {
		made[secret.KeyVault] = secret.NewKeyVault(identity, nil)
	}
	return made
}

func run(log *slog.Logger) error {
	buffered, err := lambda.ReadInvokeMode(os.Getenv("TOOLGATE_INVOKE_MODE"))
	if err != nil {
		return fmt.Errorf("reading TOOLGATE_INVOKE_MODE: %w", err)
	}
	path := cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot")
	s, err := snapshot.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	log.Info("the gateway starts", "name", s.Name, "version", s.Version, "snapshot", s.Hash)
	store, err := openStore()
	if err != nil {
		return err
	}
	signer := sigv4.New(role, os.Getenv("AWS_REGION"), nil)
	identity, err := entraIdentity(signer)
	if err != nil {
		return err
	}
	secrets := secret.New(secret.Options{Lookup: os.LookupEnv, Log: log, Vaults: vaults(signer, identity)})
	recorder, err := gateway.OpenTelemetry(s, gateway.TelemetryOptions{
		Environment: os.LookupEnv, Secrets: secrets.Resolve, Identity: identity, Resource: lambda.Resource(os.Getenv), Log: log,
		Interval: -1, // the process is frozen between calls
	})
	if err != nil {
		return err
	}
	store = gateway.ObserveStore(store, recorder)
	var subscriptions policy.Subscriptions
	if store != nil {
		defer store.Close()
		subscriptions = access.New(access.Options{Store: store, Log: log})
	}
	trail, err := gateway.OpenAudit(s, gateway.AuditOptions{Store: store, Secrets: secrets.Resolve, Log: log})
	if err != nil {
		return err
	}
	g, err := gateway.NewRenewing(context.Background(), s, gateway.Options{
		Telemetry: recorder,
		Audit:     trail,

		AnyHost:  true, // a Function URL is reached by its own name only
		Log:      log,
		Observe:  gateway.LogCalls(log),
		Services: services.New(services.Options{Log: log, Identity: identity, Store: store}),

		Subscriptions: subscriptions,
		Streams:       store,
		SignIns:       store,
		Traces:        store,
		Approvals:     store,
		Shadow:        &gateway.ShadowOptions{Services: services.New(services.Options{Log: log}), AfterResponse: true},
		Connections:   store,
		ShareTokens:   store != nil,
		Files:         os.DirFS(filepath.Dir(path)),
		AWS:           signer,
	}, secrets)
	if err != nil {
		return err
	}
	defer g.Close()
	o := lambda.Options{
		RuntimeAPI: os.Getenv("AWS_LAMBDA_RUNTIME_API"), Buffered: buffered, Log: log,
		Ending: func() { _ = g.Close() }, // writes what was spent; there is nobody to tell
	}
	if recorder != nil || trail != nil || s.Shadow != nil {
		o.AfterResponse = func(ctx context.Context) {
			flush(ctx, recorder, trail)
			g.EvaluateShadow(ctx) // in what time is left; the rest waits for the next call
		}
	}
	lambda.Serve(host.WithoutSignIn(g), o)
	return nil
}

// flush exports telemetry and writes the audit side by side, before the process is
// frozen. Either may be nil; what cannot be written is logged by itself.
func flush(ctx context.Context, recorder *telemetry.Recorder, trail *audit.Trail) {
	var both sync.WaitGroup
	if recorder != nil {
		both.Go(func() { _ = recorder.Flush(ctx) })
	}
	if trail != nil {
		both.Go(func() { _ = trail.Flush(ctx) })
	}
	both.Wait()
}
