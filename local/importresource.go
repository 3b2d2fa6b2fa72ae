package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"toolgate/shared/importer"
)

// providers are the types of the resources that are imported.
var providers = map[importer.Kind][]string{
	importer.LogicApps:      {"Microsoft.Logic/workflows", "Microsoft.Web/sites"},
	importer.AzureFunctions: {"Microsoft.Web/sites"},
	importer.APIManagement:  {"Microsoft.ApiManagement/service"},
}

// resource writes the folder of a resource of Azure: of a live one, or of what was
// saved of one.
func (i *importing) resource(ctx context.Context, kind importer.Kind, id, dir string) (err error) {
	source, err := i.source(kind, id)
	if err != nil {
		return err
	}
	if recording, ok := source.(*importer.Recording); ok && i.save != "" {
		defer func() { // what was read is saved as well where it cannot be imported
			err = errors.Join(err, writeFiles(i.save, recording.Files, 0o600))
		}()
	}
	made, err := importer.Import(ctx, kind, source, importer.Options{Vault: i.vault, ResourceType: resourceType(id, providers[kind])})
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	if err := writeFiles(dir, made.Files, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(i.stdout, "wrote %d files to %s\n", len(made.Files), dir)
	if len(made.Remarks) == 0 {
		return nil
	}
	fmt.Fprintf(i.stdout, "%d remarks, which are in %s too:\n", len(made.Remarks), filepath.Join(dir, importer.RemarksFile))
	for n := range made.Remarks {
		made.Remarks[n].Place, made.Remarks[n].Text = "  "+printable(made.Remarks[n].Place), printable(made.Remarks[n].Text)
	}
	return importer.Write(i.stdout, made.Remarks)
}

// source is where the import reads from.
func (i *importing) source(kind importer.Kind, id string) (importer.Source, error) {
	if i.fromFile == "" {
		if resourceType(id, providers[kind]) == "" {
			return nil, fmt.Errorf("%q is no resource id: write /subscriptions/…/resourceGroups/…/providers/%s/NAME, or --from-file FOLDER", id, providers[kind][0])
		}
		live, err := newResourceManager(id)
		if err != nil || i.save == "" {
			return live, err
		}
		return importer.Recorded(live), nil
	}
	if i.save != "" {
		return nil, errors.New("--save keeps the replies of Azure, and --from-file asks it nothing: leave one out")
	}
	found, err := os.Stat(i.fromFile)
	if err != nil {
		return nil, fmt.Errorf("opening the saved replies: %w", err)
	}
	if !found.IsDir() {
		return nil, fmt.Errorf("%s is no folder: --from-file takes the folder of saved replies, or of an APIOps extract", i.fromFile)
	}
	return importer.Saved(os.DirFS(i.fromFile)), nil
}

// resourceType is the one of the types that an id is of; empty for none.
func resourceType(id string, types []string) string {
	folded := strings.ToLower(id)
	if !strings.HasPrefix(folded, "/subscriptions/") || strings.ContainsAny(id, "?#\\ ") || strings.Contains(id, "..") {
		return ""
	}
	for _, t := range types {
		_, name, found := strings.Cut(folded, "/providers/"+strings.ToLower(t)+"/")
		if found && name != "" && !strings.Contains(strings.Trim(name, "/"), "/") {
			return t
		}
	}
	return ""
}

// writeFiles writes files to a folder. None that exists is written over.
func writeFiles(dir string, files map[string][]byte, mode os.FileMode) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		local := filepath.FromSlash(name)
		if !filepath.IsLocal(local) {
			return fmt.Errorf("writing %q: it is outside of the folder", name)
		}
		path := filepath.Join(dir, local)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folder: %w", err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return fmt.Errorf("writing a file: %w", err)
		}
		_, err = f.Write(files[name])
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}
