// Command azure is the gateway as a custom handler of Azure Functions.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"toolgate/shared/access"
	"toolgate/shared/auth"
	"toolgate/shared/federation"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/policy"
	"toolgate/shared/secret"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
	"toolgate/shared/sweep"
)

func main() {
	// The Functions host records stderr as errors, so the log goes to stdout.
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, log); err != nil {
		stop()
		log.Error("the gateway does not start", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	wall, err := host.AzureWall(os.Getenv)
	if err != nil {
		return err
	}
	signedIn, err := host.AzureSignedIn(os.Getenv)
	if err != nil {
		return err
	}
	path := cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot")
	s, err := snapshot.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	log.Info("the gateway starts", "name", s.Name, "version", s.Version, "snapshot", s.Hash)
	identity, err := hostIdentity(log)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, identity)
	if err != nil {
		return err
	}
	secrets := secret.New(secret.Options{
		Lookup: os.LookupEnv, Log: log, Vaults: map[string]secret.Vault{secret.KeyVault: secret.NewKeyVault(identity, nil)},
	})
	recorder, err := gateway.OpenTelemetry(s, gateway.TelemetryOptions{
		Environment: os.LookupEnv, Secrets: secrets.Resolve, Identity: identity, Resource: host.AzureResource(os.Getenv), Log: log,
	})
	if err != nil {
		return err
	}
	defer recorder.CloseWithin(lastExport)
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
	defer trail.CloseWithin(lastExport)
	g, err := gateway.NewRenewing(ctx, s, gateway.Options{
		Telemetry:     recorder,
		Audit:         trail,
		AnyHost:       true, // the Functions host replaces Host and routes by the public one
		Log:           log,
		Observe:       gateway.LogCalls(log),
		Services:      services.New(services.Options{Log: log, Identity: identity, Store: store}),
		Subscriptions: subscriptions,
		Streams:       store,
		SignIns:       store,
		Traces:        store,
		Approvals:     store,
		Shadow:        &gateway.ShadowOptions{Services: services.New(services.Options{Log: log})},
		Connections:   store,
		ShareTokens:   store != nil,
		Files:         os.DirFS(filepath.Dir(path)),

		AddressHeaders:    host.AzureAddressHeaders(),
		CertificateHeader: host.AzureCertificateHeader,
	}, secrets)
	if err != nil {
		return err
	}
	defer g.Close()
	defer context.AfterFunc(ctx, g.EndStreams)()
	serve := http.Handler(g)
	if !signedIn {
		serve = host.WithoutSignIn(serve)
	}
	return host.Azure(ctx, host.AzureTimer("sweep", sweepOf(store, log), wall.Before(serve)))
}

// lastExport bounds the last export of telemetry, and the last write of the audit. The Functions host gives a process
// that it ends no time; the others wait for it to end.
const lastExport = 2 * time.Second

// sweepOf is what functions/sweep does: it removes the rows of the store that have
// expired.
func sweepOf(store state.Store, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if store == nil {
			return nil
		}
		err := sweep.Once(ctx, sweep.Options{Store: store, Log: log})
		if err != nil {
			log.Error("sweep", "error", err.Error())
		}
		return err
	}
}

// openStore opens the table that TOOLGATE_STORE names, with the managed identity;
// nil where it names none.
func openStore(ctx context.Context, identity policy.Identity) (state.Store, error) {
	address := os.Getenv("TOOLGATE_STORE")
	if address == "" {
		return nil, nil
	}
	tables := aztables.Options{Credential: aztables.IdentityCredential(identity)}
	return state.Open(ctx, address, aztables.Opener(tables), aztables.AzuriteOpener(tables))
}

// hostIdentity gets tokens of the identity that the function app has, the assigned
// one that AZURE_CLIENT_ID names, where a policy names none. In a cluster that has
// workload identity in its place, it is that one.
func hostIdentity(log *slog.Logger) (policy.Identity, error) {
	endpoint, file := os.Getenv("IDENTITY_ENDPOINT"), os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	if endpoint == "" && file != "" {
		return federation.New(federation.Options{
			Authority: os.Getenv("AZURE_AUTHORITY_HOST"), Tenant: os.Getenv("AZURE_TENANT_ID"), ClientID: os.Getenv("AZURE_CLIENT_ID"),
			Source: federation.File{Read: func() ([]byte, error) { return os.ReadFile(file) }},
		})
	}
	return ownIdentity{auth.NewManagedIdentity(auth.ManagedIdentityOptions{
		Endpoint: endpoint, Header: os.Getenv("IDENTITY_HEADER"), Log: log,
	})}, nil
}

type ownIdentity struct{ *auth.ManagedIdentity }

// Token serves policy.Identity.
func (i ownIdentity) Token(ctx context.Context, resource, clientID string) (string, error) {
	return i.ManagedIdentity.Token(ctx, resource, cmp.Or(clientID, os.Getenv("AZURE_CLIENT_ID")))
}
