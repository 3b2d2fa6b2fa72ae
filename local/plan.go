package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"toolgate/shared/plan"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The exit codes of plan, for pipelines. What is wrong with the command line is 1
// there, as every fault: 2 says something else.
const (
	errFault    exitError = 1
	errChanges  exitError = 2
	errBreaking exitError = 3
)

// planChanges says what would change if the folder took the place of what is deployed.
func planChanges(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	against := flags.String("against", "", "what is deployed: the `file` of a snapshot or a package, a folder of releases, or the URL of a gateway")
	releases := flags.String("releases", "", "the `folder` of releases that has what the gateway of a URL serves")
	asJSON := flags.Bool("json", false, "write the plan as JSON")
	args, err := c.parse(flags, 1, 1)
	if errors.Is(err, errUsage) || err == nil && *against == "" {
		if err == nil {
			fmt.Fprintln(c.stderr, "say against what: --against SNAPSHOT, PACKAGE, RELEASES or URL")
		}
		return errFault
	}
	if err != nil {
		return err
	}
	result, _, err := compile(ctx, args[0], c.env)
	if err != nil {
		return err
	}
	after, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return err
	}
	before, err := deployed(ctx, *against, *releases, after)
	if err != nil {
		return err
	}
	p, err := plan.Compare(before, after)
	if err != nil {
		return errors.Join(err, before.Close())
	}
	if *asJSON {
		err = json.MarshalWrite(c.stdout, p, jsontext.Multiline(true))
	} else {
		err = p.Print(c.stdout)
	}
	switch err = errors.Join(err, before.Close()); {
	case err != nil:
		return err
	case p.Breaking():
		return errBreaking
	case len(p.Changes) > 0:
		return errChanges
	}
	return nil
}

// deployed is the snapshot that is deployed: next itself where a gateway serves that
// already.
func deployed(ctx context.Context, against, folder string, next *snapshot.Snapshot) (*snapshot.Snapshot, error) {
	if strings.HasPrefix(against, "https://") || strings.HasPrefix(against, "http://") {
		hash, err := servedHash(ctx, against)
		if err != nil {
			return nil, err
		}
		if hash == next.Hash {
			return next, nil
		}
		if folder == "" {
			return nil, fmt.Errorf("%s serves another snapshot, %s, and gives it to nobody: name the folder of releases that has it by --releases", against, hash)
		}
		kept, err := readReleases(folder)
		if err != nil {
			return nil, err
		}
		r, err := kept.find(hash)
		if err != nil {
			return nil, fmt.Errorf("%s serves a snapshot that is not kept: %w", against, err)
		}
		return kept.open(r)
	}
	if entry, err := os.Stat(against); err == nil && entry.IsDir() {
		kept, err := readReleases(against)
		if err != nil {
			return nil, err
		}
		r, err := kept.find(kept.Current)
		if err != nil {
			return nil, err
		}
		return kept.open(r)
	}
	return snapshot.OpenPackage(against)
}

// servedHash asks a gateway for the hash of the snapshot that it serves.
func servedHash(ctx context.Context, base string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	address := strings.TrimSuffix(base, "/") + "/healthz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("asking %s for its snapshot: %w", base, err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return "", fmt.Errorf("asking a gateway for its snapshot: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var health struct {
		Snapshot string `json:"snapshot"`
	}
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, &health)
	}
	if err != nil || health.Snapshot == "" {
		return "", errors.Join(fmt.Errorf("%s answered %s without the hash of a snapshot: is it the URL of a gateway?", address, res.Status), err)
	}
	return health.Snapshot, nil
}

// absolute is a path for a program that runs somewhere else.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
