package cost

import (
	_ "embed"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
)

// Operations are what one call asks of a store in one situation.
type Operations struct {
	// Uses are the policies, or what else asks the store, that the row is of.
	Uses   []string `json:"uses"`
	How    string   `json:"how"` // the situation
	Reads  float64  `json:"reads"`
	Writes float64  `json:"writes"`
	// ReadUnits and WriteUnits are what DynamoDB bills: more than operations where
	// rows are large.
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

// operationsFile is the table of shared/services/README.md, where tests/costs writes
// what it counts. A test holds the one against the other.
//
//go:embed operations.json
var operationsFile []byte

// Counted are all rows.
var Counted = sync.OnceValue(func() []Operations {
	var rows []Operations
	if err := json.Unmarshal(operationsFile, &rows); err != nil {
		return nil // the test of the file would have failed
	}
	return rows
})

// Uses are the names that rows have, in order.
func Uses() []string {
	var names []string
	for _, o := range Counted() {
		names = append(names, o.Uses...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
