// Package policies has what each policy does: one file for each, and one test
// of the same name in testdata. How policies are written is what package policy
// knows.
package policies

import (
	"maps"

	"toolgate/shared/policy"
)

// registered has every policy by its name. Each file adds its own.
var registered = policy.Registry{}

// Registry returns the policies that the gateway runs.
func Registry() policy.Registry { return maps.Clone(registered) }
