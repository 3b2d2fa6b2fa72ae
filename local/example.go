package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"toolgate/local/examples/notes"
	"toolgate/local/examples/petstore"
	"toolgate/shared/host"
)

// startExample starts the backends of the example and points the folder's named
// values at them.
func (s *server) startExample(ctx context.Context) error {
	s.dir = exampleDir
	if err := hasExample("serve"); err != nil {
		return err
	}
	pets, err := startBackend(ctx, petstore.New())
	if err != nil {
		return err
	}
	book, err := startBackend(ctx, notes.Handler())
	if err != nil {
		return err
	}
	urls := map[string]string{"PETSTORE_URL": "http://" + pets, "NOTES_URL": "http://" + book + "/mcp"}
	outer := s.env
	s.env = func(name string) (string, bool) {
		if url, ok := urls[name]; ok {
			return url, true
		}
		return outer(name)
	}
	return nil
}

// hasExample tells a command that was given no folder when the example is not
// there.
func hasExample(command string) error {
	if _, err := os.Stat(filepath.Join(exampleDir, "gateway.yaml")); err != nil {
		return fmt.Errorf("the example is not here (%w): run this in the root of the repository, or name a folder: go run ./local %s DIR", err, command)
	}
	return nil
}

// startBackend serves h on a free port of loopback until ctx ends, and returns
// the address.
func startBackend(ctx context.Context, h http.Handler) (string, error) {
	address := make(chan string, 1)
	failed := make(chan error, 1)
	go func() {
		failed <- host.Listen(ctx, "127.0.0.1:0", h, func(a net.Addr) { address <- a.String() })
	}()
	select {
	case a := <-address:
		return a, nil
	case err := <-failed:
		return "", fmt.Errorf("starting a backend of the example: %w", err)
	}
}
