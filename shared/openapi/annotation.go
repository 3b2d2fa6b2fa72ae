package openapi

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// Annotations are the hints of a tool about its behaviour; nil is not stated.
type Annotations struct {
	ReadOnly, Destructive, Idempotent, OpenWorld *bool
}

// over fills what a leaves open from b.
func (a Annotations) over(b Annotations) Annotations {
	a.ReadOnly = cmp.Or(a.ReadOnly, b.ReadOnly)
	a.Destructive = cmp.Or(a.Destructive, b.Destructive)
	a.Idempotent = cmp.Or(a.Idempotent, b.Idempotent)
	a.OpenWorld = cmp.Or(a.OpenWorld, b.OpenWorld)
	return a
}

// safeMethods change nothing (RFC 9110 section 9.2.1 and the registry it
// founded).
var safeMethods = []string{"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"}

// annotate gives the annotations of an operation: what the configuration says,
// else x-mcp, else the method. A tool that only reads is neither destructive
// nor unsafe to repeat, which clients do not all conclude by themselves.
func annotate(o *Operation, configured Annotations) Annotations {
	a := configured.over(o.extension.annotations)
	yes, no := true, false
	byMethod := Annotations{ReadOnly: &no, Destructive: &yes, Idempotent: &no}
	switch {
	case slices.Contains(safeMethods, o.Method):
		byMethod = Annotations{ReadOnly: &yes, Destructive: &no, Idempotent: &yes}
	case o.Method == http.MethodPut || o.Method == http.MethodDelete:
		byMethod.Idempotent = &yes
	}
	if a.ReadOnly != nil && *a.ReadOnly {
		byMethod.Destructive, byMethod.Idempotent = &no, &yes
	}
	if a.ReadOnly != nil && !*a.ReadOnly && *byMethod.ReadOnly {
		byMethod.Destructive, byMethod.Idempotent = &yes, &no
	}
	return a.over(byMethod)
}

// append writes the annotations as MCP's ToolAnnotations.
func (a Annotations) append(dst []byte) []byte {
	dst = append(dst, '{')
	separate := false
	for _, hint := range []struct {
		name  string
		value *bool
	}{
		{"readOnlyHint", a.ReadOnly}, {"destructiveHint", a.Destructive},
		{"idempotentHint", a.Idempotent}, {"openWorldHint", a.OpenWorld},
	} {
		if hint.value == nil {
			continue
		}
		if separate {
			dst = append(dst, ',')
		}
		separate = true
		dst = append(appendString(dst, hint.name), ':')
		dst = strconv.AppendBool(dst, *hint.value)
	}
	return append(dst, '}')
}
