package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/build"
	"toolgate/shared/importer"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
)

// importing is what the flags of import say.
type importing struct {
	*call
	url, fromFile, save, vault string
}

// importFolder begins a folder from an OpenAPI document, or from what Azure has.
func importFolder(ctx context.Context, c *call) error {
	i := &importing{call: c}
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.StringVar(&i.url, "url", "", "openapi: the `URL` of the service, where the document does not say it")
	flags.StringVar(&i.fromFile, "from-file", "", "a `folder` of saved replies, or of an APIOps extract, in place of SOURCE")
	flags.StringVar(&i.save, "save", "", "a `folder` to which the replies of Azure are written, without secrets")
	flags.StringVar(&i.vault, "vault", "", "the `URL` of a key vault, to which named values of secrets refer (default environment variables)")
	args, err := c.parse(flags, 2, 3)
	if err != nil {
		return err
	}
	kinds := []string{"openapi"}
	for _, k := range importer.Kinds() {
		kinds = append(kinds, string(k))
	}
	switch {
	case !slices.Contains(kinds, args[0]):
		fmt.Fprintf(c.stderr, "import knows %s, not %q\n", strings.Join(kinds, ", "), args[0])
		return errUsage
	case (len(args) == 3) == (i.fromFile != ""):
		fmt.Fprintln(c.stderr, "write SOURCE and DIR, or --from-file FOLDER and DIR")
		return errUsage
	}
	dir := args[len(args)-1]
	if _, err := os.Stat(filepath.Join(dir, "gateway.yaml")); err == nil {
		return fmt.Errorf("%s exists already and is left as it is", filepath.Join(dir, "gateway.yaml"))
	}
	switch {
	case args[0] != "openapi":
		err = i.resource(ctx, importer.Kind(args[0]), args[1], dir)
	case i.fromFile != "":
		fmt.Fprintln(c.stderr, "a document is a SOURCE: --from-file is for what Azure has")
		return errUsage
	default:
		err = i.openAPI(ctx, args[1], dir)
	}
	if err != nil {
		return err
	}
	result, _, err := compile(ctx, dir, c.env)
	if err != nil {
		fmt.Fprintf(c.stderr, "%s is written, and does not build yet:\n", dir)
		return err
	}
	result.Report.Write(c.stdout, false)
	fmt.Fprintf(c.stdout, "next: go run ./local serve %s\n", dir)
	return nil
}

// openAPI writes a folder whose one server publishes every operation of a
// document.
func (i *importing) openAPI(ctx context.Context, source, dir string) error {
	doc, err := readDocument(ctx, source)
	if err != nil {
		return err
	}
	base, err := serviceURL(doc, i.url)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	content := folder(doc, reference(source, dir), base)
	if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), content, 0o644); err != nil {
		return fmt.Errorf("writing gateway.yaml: %w", err)
	}
	fmt.Fprintf(i.stdout, "wrote %s\n", filepath.Join(dir, "gateway.yaml"))
	return nil
}

func readDocument(ctx context.Context, source string) (*openapi.Document, error) {
	load := func(location string) ([]byte, error) {
		if strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://") {
			return build.HTTPFetch(ctx, location)
		}
		return os.ReadFile(location)
	}
	data, err := load(source)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return openapi.Parse(source, data, load)
}

// serviceURL is the address to send requests to: as given, or as the document
// says.
func serviceURL(doc *openapi.Document, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if len(doc.Operations) == 0 {
		return "", errors.New("the document has no operations")
	}
	base, err := doc.ServerURL(doc.Operations[0])
	if err == nil {
		if u, err := url.Parse(base); err == nil && u.Host != "" {
			return strings.TrimSuffix(base, "/"), nil
		}
	}
	return "", errors.New("the document does not say where the service is: add --url https://…")
}

// reference is the document as gateway.yaml names it: a URL as it is, a file
// relative to the folder.
func reference(source, dir string) string {
	if strings.Contains(source, "://") {
		return source
	}
	from, err1 := filepath.Abs(dir)
	to, err2 := filepath.Abs(source)
	if rel, err := filepath.Rel(from, to); err == nil && err1 == nil && err2 == nil {
		return filepath.ToSlash(rel)
	}
	return source
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// folder is the content of gateway.yaml. Strings are written as JSON, which is
// YAML.
func folder(doc *openapi.Document, reference, base string) []byte {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(doc.Title), "-"), "-")
	name = cmp.Or(strings.Trim(name[:min(len(name), 40)], "-"), "api")
	quote := func(s string) []byte { return mcp.AppendString(nil, s) }
	var out bytes.Buffer
	fmt.Fprintf(&out, "name: %s\n\nbackends:\n  %s: { url: %s }\n\n", name, name, quote(base))
	fmt.Fprintf(&out, "apis:\n  %s: { openapi: %s, backend: %s }\n\n", name, quote(reference), name)
	fmt.Fprintf(&out, "servers:\n  %s:                  # → /%s/mcp\n    title: %s\n    api: %s\n", name, name, quote(doc.Title), name)
	fmt.Fprint(&out, "    # All operations are published. Models choose better among few:\n")
	if len(doc.Operations) > 0 {
		fmt.Fprintf(&out, "    # tools: [ %s ]\n", quote(doc.Operations[0].Key()))
	}
	return out.Bytes()
}
