// Command lambda is the gateway as an AWS Lambda function behind a Function URL.
package main

import (
	"cmp"
	"log/slog"
	"os"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/host/lambda"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(log); err != nil {
		log.Error("the gateway does not start", "error", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	s, err := snapshot.Open(cmp.Or(os.Getenv("TOOLGATE_SNAPSHOT"), "gateway.snapshot"))
	if err != nil {
		return err
	}
	defer s.Close()
	g, err := gateway.New(s, gateway.Options{
		Secrets:  host.EnvSecrets,
		AnyHost:  true, // a Function URL is reached by its own name only
		Log:      log,
		Observe:  gateway.LogCalls(log),
		Services: services.New(services.Options{Log: log}),
	})
	if err != nil {
		return err
	}
	defer g.Close()
	lambda.Serve(g)
	return nil
}
