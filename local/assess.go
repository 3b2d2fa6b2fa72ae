package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"toolgate/shared/policy"
	"toolgate/shared/services"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// assess tells what toolgate knows of the policy documents below a folder, an
// APIOps extract for example.
func assess(_ context.Context, c *call) error {
	flags := flag.NewFlagSet("assess", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "write the report as JSON")
	args, err := c.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	names, err := policyFiles(args[0])
	if err != nil {
		return err
	}
	var unread error
	report := policy.Assess(contents(args[0], names, &unread), policy.AssessOptions{Compiler: policy.CSharp{}})
	if unread != nil {
		return unread
	}
	if *asJSON {
		return json.MarshalWrite(c.stdout, report, jsontext.Multiline(true))
	}
	if err := report.WriteText(c.stdout); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(report.Total.Policies)) {
		if note := services.Notes[name]; note != "" {
			fmt.Fprintf(c.stdout, "%s %s\n", name, note)
		}
	}
	return nil
}

// policyFiles lists the files below a folder that may be policy documents.
func policyFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && strings.EqualFold(filepath.Ext(path), ".xml") {
			names = append(names, path)
		}
		return nil
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s holds no .xml files: name the folder that has the policy documents", dir)
	}
	return names, err
}

// contents reads the files one after the other; the first that cannot be read
// ends it.
func contents(dir string, names []string, failed *error) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				*failed = err
				return
			}
			if short, err := filepath.Rel(dir, name); err == nil {
				name = filepath.ToSlash(short)
			}
			if !yield(name, content) {
				return
			}
		}
	}
}
