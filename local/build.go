package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/snapshot"
	"toolgate/shared/toolslock"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// compile loads and builds a folder. The files are those to watch for changes,
// also when there are faults.
func compile(ctx context.Context, dir string, env func(string) (string, bool)) (result *build.Result, files []string, err error) {
	return compileBeside(ctx, dir, "", env)
}

// compileBeside is compile with a candidate beside the folder, in place of the one that
// it names; an empty one changes nothing.
func compileBeside(ctx context.Context, dir, candidate string, env func(string) (string, bool)) (result *build.Result, files []string, err error) {
	cfg, faults := config.Load(dir, env)
	if cfg == nil {
		return nil, []string{filepath.Join(dir, "gateway.yaml")}, faults
	}
	if candidate != "" {
		if candidate, err = filepath.Abs(candidate); err != nil {
			return nil, cfg.Files, fmt.Errorf("finding the candidate: %w", err)
		}
		cfg.Shadow = &config.Shadow{Folder: candidate, Sample: 1}
		faults = append(faults, cfg.LoadCandidate(env)...)
	}
	// What can be read of a faulty configuration is built all the same, so that
	// the faults of the documents show with its own.
	result, err = build.Build(ctx, cfg, build.HTTPFetch)
	if more, ok := errors.AsType[fault.Faults](err); ok || len(faults) > 0 {
		return nil, cfg.Files, append(faults, more...).Sorted()
	}
	if err != nil {
		return nil, cfg.Files, err
	}
	return result, append(append(cfg.Files, filepath.Join(dir, toolslock.FileName)), result.Files...), nil
}

func validate(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("validate", flag.ContinueOnError)
	all := flags.Bool("all", false, "list every operation, not only those with a loss")
	args, err := c.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	result, _, err := compile(ctx, args[0], c.env)
	if err != nil {
		return err
	}
	result.Report.Write(c.stdout, *all)
	fmt.Fprintln(c.stdout, "no faults")
	return nil
}

func buildSnapshot(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	out := flags.String("o", "gateway.snapshot", "the `file` to write")
	report := flags.String("report", "", "a `file` for the verdict on every operation, as JSON")
	all := flags.Bool("all", false, "list every operation, not only those with a loss")
	args, err := c.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	result, _, err := compile(ctx, args[0], c.env)
	if err != nil {
		return err
	}
	result.Report.Write(c.stdout, *all)
	if *report != "" {
		content, err := json.Marshal(result.Report, jsontext.Multiline(true))
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		if err := os.WriteFile(*report, append(content, '\n'), 0o644); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	if err := os.WriteFile(*out, result.Snapshot, 0o644); err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	snap, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "wrote %s (%d KiB, hash %s)\n", *out, (len(result.Snapshot)+1023)/1024, snap.Hash)
	return nil
}
