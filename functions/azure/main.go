// Command azure is the gateway as a custom handler of Azure Functions.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"toolgate/shared/auth"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
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
	s, err := snapshot.Open(cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot"))
	if err != nil {
		return err
	}
	defer s.Close()
	g, err := gateway.New(s, gateway.Options{
		Secrets:       host.EnvSecrets,
		AnyHost:       true, // the Functions host replaces Host and routes by the public one
		Log:           log,
		Observe:       gateway.LogCalls(log),
		Services:      services.New(services.Options{Log: log, Identity: managedIdentity(log)}),
		ClientAddress: host.AzureClientAddress,
	})
	if err != nil {
		return err
	}
	defer g.Close()
	return host.Azure(ctx, g)
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
