package policies

import "toolgate/shared/policy"

// azure-openai-emit-token-metric is llm-emit-token-metric by its older name.
func init() {
	registered["azure-openai-emit-token-metric"] = func() policy.Statement { return &llmEmitTokenMetric{} }
}
