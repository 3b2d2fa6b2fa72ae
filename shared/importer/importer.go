// Package importer makes the folder of a gateway from what Azure says of a Logic
// App, a Function App or an API Management service. It opens no connection and
// writes no file: a [Source] answers in place of Azure Resource Manager, and what
// comes out is a [Folder] in memory. No secret is in it: where one is needed
// there is a named value that says where the secret is.
package importer

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Kind is what is imported.
type Kind string

// The kinds of resources.
const (
	LogicApps      Kind = "logicapp"    // Microsoft.Logic/workflows, or Microsoft.Web/sites
	AzureFunctions Kind = "functionapp" // Microsoft.Web/sites
	APIManagement  Kind = "apim"        // Microsoft.ApiManagement/service
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{LogicApps, AzureFunctions, APIManagement} }

// Options say how to import.
type Options struct {
	// Vault is the URL of a key vault, such as https://contoso.vault.azure.net: the
	// named values of secrets refer to it. Empty: they refer to environment variables.
	Vault string
	// ResourceType is that of the resource, such as Microsoft.Web/sites; empty where
	// the source does not look at versions. Logic Apps have two.
	ResourceType string
}

// Folder is the folder of a gateway.
type Folder struct {
	// Files are their contents by their paths, with slashes, below the folder.
	Files map[string][]byte
	// Remarks are what has no counterpart here, what was changed on the way, and
	// what is left to do.
	Remarks []Remark
}

// Remark is something to know of one place of what was imported.
type Remark struct {
	Place string // such as `api "orders"`
	Text  string
}

// RemarksFile is the file of a folder that has the remarks.
const RemarksFile = "import.txt"

// Import makes the folder of what a source has. Errors of a source that lacks
// something are a [*MissingError] or a [*ReplyError].
func Import(ctx context.Context, kind Kind, source Source, o Options) (*Folder, error) {
	d := newDraft(strings.TrimRight(o.Vault, "/"))
	r := &reader{source: source, draft: d, resourceType: o.ResourceType}
	var err error
	switch kind {
	case LogicApps:
		err = r.logicApp(ctx)
	case AzureFunctions:
		err = r.functionApp(ctx)
	case APIManagement:
		var s *service
		if s, err = r.service(ctx); err == nil {
			err = d.service(s)
		}
	default:
		err = fmt.Errorf("there is no import of %q", kind)
	}
	if err != nil {
		return nil, err
	}
	return d.folder(), nil
}

// Write writes the remarks, a line each, those of one place together.
func Write(w io.Writer, remarks []Remark) error {
	for _, r := range remarks {
		if _, err := fmt.Fprintf(w, "%s: %s\n", r.Place, r.Text); err != nil {
			return fmt.Errorf("writing the remarks: %w", err)
		}
	}
	return nil
}

// folder is what was drafted.
func (d *draft) folder() *Folder {
	slices.SortStableFunc(d.remarks, func(a, b Remark) int { return cmp.Compare(a.Place, b.Place) })
	d.remarks = slices.Compact(d.remarks)
	d.files["gateway.yaml"] = d.yaml()
	if len(d.remarks) > 0 {
		var text strings.Builder
		_ = Write(&text, d.remarks) // a Builder takes everything
		d.files[RemarksFile] = []byte(text.String())
	}
	return &Folder{Files: d.files, Remarks: d.remarks}
}
