package openapi

import (
	"slices"
	"strings"
)

// operationHeaders are those of a response that say where to ask for an operation
// that goes on, in lower case.
var operationHeaders = []string{"location", "operation-location", "azure-asyncoperation"}

// LongRunning reports whether the document says that an operation goes on after its
// first answer: by x-ms-long-running-operation, or by a response 202 with one of the
// headers that say where to ask.
func (d *Document) LongRunning(o *Operation) bool {
	if o.node.flag("x-ms-long-running-operation") {
		return true
	}
	for _, m := range o.node.object("responses") {
		if m.name != "202" {
			continue
		}
		response, fault := d.follow(m.value)
		if fault != nil {
			return false
		}
		for _, h := range response.object("headers") {
			if slices.Contains(operationHeaders, strings.ToLower(h.name)) {
				return true
			}
		}
	}
	return false
}
