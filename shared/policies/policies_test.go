package policies

import (
	"flag"
	"testing"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
)

var update = flag.Bool("update", false, "write the transcripts into testdata")

// Every policy has a test of its name in testdata, whose transcript is wanted.
func TestPolicies(t *testing.T) {
	policytest.Run(t, "testdata/*.txtar", policytest.Options{
		Policies: Registry(),
		Services: func(func() time.Time) *policy.Services { return &policy.Services{} },
	}, *update)
}
