package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// releasing is what the commands release and rollback have in common.
type releasing struct {
	folder string
	to     string
	url    string
	wait   time.Duration
	most   int
}

func (r *releasing) flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&r.folder, "in", "releases", "the `folder` of releases, which the deployment keeps")
	flags.StringVar(&r.to, "to", "", "`where` to deploy: azure:GROUP/APP by the Azure CLI, or lambda:FUNCTION by the AWS CLI; without it the file to deploy is printed")
	flags.StringVar(&r.url, "url", "", "the `URL` of the gateway, which is asked until it serves the snapshot")
	flags.DurationVar(&r.wait, "wait", 5*time.Minute, "for how long it is asked")
	flags.IntVar(&r.most, "keep", 10, "how many packages to keep, 2 at least")
	return flags
}

// release keeps a package, and deploys it.
func release(ctx context.Context, c *call) error {
	var r releasing
	args, err := c.parse(r.flags("release"), 1, 1)
	if err != nil {
		return err
	}
	list, err := readReleases(r.folder)
	if err != nil {
		return err
	}
	k, err := list.keep(args[0])
	if err != nil {
		return err
	}
	return r.deploy(ctx, c, list, k)
}

// rollback deploys a package that was kept.
func rollback(ctx context.Context, c *call) error {
	var r releasing
	args, err := c.parse(r.flags("rollback"), 0, 1)
	if err != nil {
		return err
	}
	list, err := readReleases(r.folder)
	if err != nil {
		return err
	}
	hash := ""
	if len(args) == 1 {
		hash = args[0]
	} else {
		current, err := list.find(list.Current)
		if err != nil {
			return err
		}
		if hash = current.Before; hash == "" {
			return fmt.Errorf("%s keeps nothing that was deployed before %.12s: name a hash", r.folder, current.Snapshot)
		}
	}
	k, err := list.find(hash)
	if err != nil {
		return err
	}
	if _, err := list.read(k); err != nil { // nothing is deployed that is not what was kept
		return err
	}
	return r.deploy(ctx, c, list, k)
}

// deploy deploys a release and waits until the gateway serves it. The list has it as
// the current one as soon as the platform has taken it.
func (r *releasing) deploy(ctx context.Context, c *call, list *releases, k *kept) error {
	path := filepath.Join(list.folder, k.Package)
	command, err := r.command(absolute(path))
	if err != nil {
		return err
	}
	if command != nil {
		fmt.Fprintf(c.stdout, "%s\n", strings.Join(command, " "))
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = c.stdout, c.stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("deploying %s by %s: %w", path, command[0], err)
		}
	}
	list.switchTo(k)
	if err := list.write(r.most); err != nil {
		return err
	}
	if command == nil {
		fmt.Fprintf(c.stdout, "snapshot %s\ndeploy %s\n", k.Snapshot, path)
	} else {
		fmt.Fprintf(c.stdout, "deployed the snapshot %s\n", k.Snapshot)
	}
	if r.url == "" {
		return nil
	}
	return r.served(ctx, c, k.Snapshot)
}

// command is the command line that deploys a package; nil where none is asked for.
func (r *releasing) command(path string) ([]string, error) {
	platform, name, _ := strings.Cut(r.to, ":")
	group, app, isApp := strings.Cut(name, "/")
	switch {
	case r.to == "":
		return nil, nil
	case platform == "azure" && isApp && group != "" && app != "":
		return []string{"az", "functionapp", "deployment", "source", "config-zip", "--resource-group", group, "--name", app, "--src", path}, nil
	case platform == "lambda" && name != "":
		return []string{"aws", "lambda", "update-function-code", "--function-name", name, "--zip-file", "fileb://" + path}, nil
	}
	return nil, fmt.Errorf("%q is nowhere to deploy to: write azure:GROUP/APP or lambda:FUNCTION", r.to)
}

// served asks the gateway until it serves a snapshot. Instances are replaced one by
// one, so it has to say so several times running.
func (r *releasing) served(ctx context.Context, c *call, hash string) error {
	const times, pause = 3, time.Second
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	seen, last := 0, errors.New("it was not asked")
	for ctx.Err() == nil {
		got, err := servedHash(ctx, r.url)
		switch {
		case err != nil:
			seen, last = 0, err
		case got != hash:
			seen, last = 0, fmt.Errorf("it serves %s", got)
		default:
			if seen++; seen == times {
				fmt.Fprintf(c.stdout, "%s serves it\n", r.url)
				return nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%s does not serve the snapshot %.12s after %s: %w", r.url, hash, r.wait, cmp.Or(last, ctx.Err()))
}
