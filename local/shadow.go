package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"toolgate/shared/shadow"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// shadowed reports what a candidate decided otherwise.
func shadowed(_ context.Context, c *call) error {
	flags := flag.NewFlagSet("shadow", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "write the report as JSON")
	args, err := c.parse(flags, 2, maxLogs)
	if err != nil {
		return err
	}
	if args[0] != "report" {
		return c.unknown(args[0], "report")
	}
	var files []io.Reader
	for _, name := range args[1:] {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		files = append(files, file, strings.NewReader("\n"))
	}
	report, err := shadow.Read(io.MultiReader(files...))
	if err != nil {
		return err
	}
	if *asJSON {
		return json.MarshalWrite(c.stdout, report, jsontext.Multiline(true))
	}
	return report.Table(c.stdout)
}

// maxLogs bounds the arguments of shadow report.
const maxLogs = 1000

// openDifferences opens the file for what a candidate decides otherwise, if one is
// named.
func (s *server) openDifferences(path string) (closeFile func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("writing the differences: %w", err)
	}
	s.differences = slog.New(slog.NewJSONHandler(file, nil))
	return func() {
		if err := file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			s.log.Error("the differences are not all written", "error", err)
		}
	}, nil
}
