// Command azure is the gateway as a custom handler of Azure Functions.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"toolgate/shared/access"
	"toolgate/shared/auth"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/policy"
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
	path := cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot")
	s, err := snapshot.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	identity := managedIdentity(log)
	store, err := openStore(ctx, identity)
	if err != nil {
		return err
	}
	var subscriptions policy.Subscriptions
	if store != nil {
		defer store.Close()
		subscriptions = access.New(access.Options{Store: store, Log: log})
	}
	g, err := gateway.New(s, gateway.Options{
		Secrets:       host.EnvSecrets,
		AnyHost:       true, // the Functions host replaces Host and routes by the public one
		Log:           log,
		Observe:       gateway.LogCalls(log),
		Services:      services.New(services.Options{Log: log, Identity: identity, Store: store}),
		Subscriptions: subscriptions,
		Streams:       store,
		SignIns:       store,
		Connections:   store,
		Files:         os.DirFS(filepath.Dir(path)),
		ClientAddress: host.AzureClientAddress,
	})
	if err != nil {
		return err
	}
	defer g.Close()
	defer context.AfterFunc(ctx, g.EndStreams)()
	return host.Azure(ctx, host.AzureTimer("sweep", sweepOf(store, log), g))
}

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

// managedIdentity gets tokens of the identity that the function app has: the
// assigned one that AZURE_CLIENT_ID names, where a policy names none.
func managedIdentity(log *slog.Logger) policy.Identity {
	return ownIdentity{auth.NewManagedIdentity(auth.ManagedIdentityOptions{
		Endpoint: os.Getenv("IDENTITY_ENDPOINT"), Header: os.Getenv("IDENTITY_HEADER"), Log: log,
	})}
}

type ownIdentity struct{ *auth.ManagedIdentity }

// Token serves policy.Identity.
func (i ownIdentity) Token(ctx context.Context, resource, clientID string) (string, error) {
	return i.ManagedIdentity.Token(ctx, resource, cmp.Or(clientID, os.Getenv("AZURE_CLIENT_ID")))
}
