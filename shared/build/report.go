package build

import (
	"fmt"
	"io"
	"strings"

	"toolgate/shared/fault"
)

// Report is the verdict on every operation of every API server.
type Report struct {
	Servers []ServerReport `json:"servers"`
	// Warnings are what is doubtful in policy documents.
	Warnings fault.Faults `json:"warnings,omitzero"`
	// Profiles are what clients are given in place of the tools of API servers.
	Profiles []ProfileReport `json:"profiles,omitzero"`
	// Notes are what the gateway needs when it runs.
	Notes []string `json:"notes,omitzero"`
}

// ServerReport covers one server.
type ServerReport struct {
	Server     string    `json:"server"`
	API        string    `json:"api"`
	Document   string    `json:"document"`
	Operations []Verdict `json:"operations"`
	// Warnings are parts of the document that could not be read as operations.
	Warnings []string `json:"warnings,omitzero"`
}

// Verdict says what became of one operation.
type Verdict struct {
	Operation string `json:"operation"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Line      int    `json:"line,omitzero"`
	Tool      string `json:"tool,omitzero"`
	// Kind is "exact", "lossy", "refused" or "not selected".
	Kind      string   `json:"verdict"`
	Reasons   []string `json:"reasons,omitzero"`
	Published bool     `json:"published"`
}

func (c *conversion) report() ServerReport {
	r := ServerReport{Server: c.server.Name, API: c.api.Name, Document: c.display(c.api.OpenAPI), Operations: c.verdicts}
	for _, w := range c.doc.Warnings {
		r.Warnings = append(r.Warnings, w.Error())
	}
	return r
}

// Count returns the number of operations with the verdict, and how many of them
// are published.
func (r *ServerReport) Count(kind string) (all, published int) {
	for _, v := range r.Operations {
		if v.Kind == kind {
			all++
			if v.Published {
				published++
			}
		}
	}
	return all, published
}

// manyTools is the number of tools from which on clients cope badly: most send
// all definitions to the model with every prompt.
const manyTools = 100

// Write prints the report: a line a server, the operations that are not
// exact with their reasons, and the warnings; all operations when all is set.
func (r *Report) Write(w io.Writer, all bool) {
	for i := range r.Servers {
		r.Servers[i].write(w, all)
	}
	for i := range r.Profiles {
		r.Profiles[i].write(w, all)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(w, warning)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, note)
	}
}

func (s *ServerReport) write(w io.Writer, all bool) {
	exact, _ := s.Count("exact")
	lossy, published := s.Count("lossy")
	refused, _ := s.Count("refused")
	unselected, _ := s.Count("not selected")
	parts := []string{fmt.Sprintf("%d exact", exact)}
	if lossy > 0 {
		parts = append(parts, fmt.Sprintf("%d lossy (%d published)", lossy, published))
	}
	if refused > 0 {
		parts = append(parts, fmt.Sprintf("%d refused", refused))
	}
	if unselected > 0 {
		parts = append(parts, fmt.Sprintf("%d not selected", unselected))
	}
	fmt.Fprintf(w, "%s: of %d operations in %s, %s\n", s.Server, len(s.Operations), s.Document, strings.Join(parts, ", "))
	if n := exact + published; n > manyTools {
		fmt.Fprintf(w, "  %d tools on one server: models choose better among fewer than %d; select with `tools`\n", n, manyTools)
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	for i := range s.Operations {
		if v := &s.Operations[i]; all || v.Kind == "lossy" || v.Kind == "refused" {
			v.write(w)
		}
	}
}

func (v *Verdict) write(w io.Writer) {
	fmt.Fprintf(w, "  %-12s %s", v.Kind, v.Operation)
	if v.Tool != "" && v.Tool != v.Operation {
		fmt.Fprintf(w, " → %s", v.Tool)
	}
	if len(v.Reasons) > 0 {
		fmt.Fprintf(w, ": %s", strings.Join(v.Reasons, "; "))
	}
	fmt.Fprintln(w)
}
