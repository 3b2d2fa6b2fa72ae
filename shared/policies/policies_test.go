package policies

import (
	"flag"
	"testing"
	"time"

	"toolgate/shared/cache"
	"toolgate/shared/memory"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
)

var update = flag.Bool("update", false, "write the transcripts into testdata")

// Every policy has a test of its name in testdata, whose transcript is wanted.
func TestPolicies(t *testing.T) {
	policytest.Run(t, "testdata/*.txtar", policytest.Options{
		Policies: Registry(),
		Services: func(now func() time.Time) *policy.Services {
			s := &policy.Services{}
			withMemory(s, now)
			withIdentities(s, now)
			withSchemas(s)
			return s
		},
	}, *update)
}

// withMemory has the state of one instance for the policies that count or cache.
func withMemory(s *policy.Services, now func() time.Time) {
	m := memory.New(memory.Options{Now: now})
	s.Limiter, s.Quotas, s.Concurrency, s.Reserves = m, m, m, m
	s.Cache = cache.New(cache.Options{Now: now})
}
