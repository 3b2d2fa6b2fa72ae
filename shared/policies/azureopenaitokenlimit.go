package policies

import "toolgate/shared/policy"

// azure-openai-token-limit is llm-token-limit by its older name, and shares its
// counters.
func init() {
	registered["azure-openai-token-limit"] = func() policy.Statement { return &llmTokenLimit{} }
}
