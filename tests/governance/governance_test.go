// Package governance_test shows what a gateway does with policies, from its
// front door: the tests in testdata are gateways with the requests of clients,
// scripted backends and the transcript that is wanted.
package governance_test

import (
	"context"
	"flag"
	"testing"

	"toolgate/shared/gatewaytest"
	"toolgate/shared/policy/policytest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the transcripts into testdata")

func TestGovernance(t *testing.T) {
	policytest.RunFiles(t, "testdata/*.txtar", *update, func(ctx context.Context, a *txtar.Archive) (string, error) {
		return gatewaytest.Transcript(ctx, a, nil)
	})
}
